"""From what a reader sent to what the decision understands. Nothing here trusts its input."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from controllers.driver import CardRead, IdCardRead, TextRead, UnsupportedRead
from controllers.errors import ControllerError
from controllers.wiegand import decode, find
from gateway.access import mj1
from gateway.access.decision import Card, DenyReason, Live, Pass, Presented, Unreadable
from gateway.access.identifier import card_value, identifier_key, pin_key, plate_value
from gateway.access.model import CredentialType
from gateway.access.table import PermissionTable
from gateway.codes import verifies
from gateway.keypad import PinEntry
from gateway.site import Reader

STATIC = re.compile(r"[!-~]{8,200}")  # the text of a static code

Read = CardRead | TextRead | IdCardRead | PinEntry | UnsupportedRead


@dataclass(frozen=True, slots=True)
class Presentation:
    """What was presented, with what may be written down of it."""

    presented: Presented
    type: str
    raw: str  # bits of a card that nobody has; of a code its handle or pass id, never the text; of all else nothing


class Identifier:
    """Reads under this site key, with the formats of these readers. Raises `BadSetup` for an unknown format.

    With `static_codes` a text that is no MJ1 code is looked up too.
    """

    def __init__(self, site_key: bytes, readers: Sequence[Reader], *, static_codes: bool = False) -> None:
        self._site_key, self._static_codes = site_key, static_codes
        self._readers = {reader.name: reader for reader in readers}
        self._plates = {reader.name for reader in readers if reader.plates}
        self._formats: Mapping[str, dict[int, str]] = {
            reader.name: {find(name).count: name for name in reader.formats} for reader in readers
        }

    def of(self, read: Read, table: PermissionTable) -> Presentation:
        """What a read presents."""
        match read:
            case CardRead():
                return self.card(read, table)
            case TextRead():
                return self.plate(read) if read.reader in self._plates else self.text(read, table)
            case IdCardRead():
                return Presentation(Card(read.key), CredentialType.IDCARD, "")
            case PinEntry():
                return Presentation(Card(self.pin_key(read)), CredentialType.PIN, "")
            case UnsupportedRead():
                return Presentation(Unreadable(DenyReason.UNKNOWN_FORMAT), "", read.what[:40])

    def with_pin(self, shown: Presentation, entry: PinEntry) -> Presentation:
        """A card or code together with the PIN that was entered after it."""
        match shown.presented:
            case Card() as card:
                pin = pin_key(self._site_key, card.key, entry.digits)
                return replace(shown, presented=replace(card, pin=pin))
            case Live() as live:
                pin = pin_key(self._site_key, live.key, entry.digits)
                return replace(shown, presented=replace(live, pin=pin))
        return shown

    def pin_key(self, entry: PinEntry) -> bytes:
        """The key that the permission table knows a PIN by."""
        return identifier_key(self._site_key, CredentialType.PIN, "PIN", entry.digits)

    def card(self, read: CardRead, table: PermissionTable) -> Presentation:
        """A card by its bits; the format is the reader's own for this length.

        Whoever reads the bits can copy the card: they are told of one that nobody has, since somebody may register it.
        """
        presented = self._card(read)
        known = isinstance(presented, Card) and table.knows(presented.key)
        raw = "" if known else f"{read.bit_count}:{read.bits:0{(read.bit_count + 3) // 4}x}"
        return Presentation(presented, CredentialType.CARD, raw)

    def text(self, read: TextRead, table: PermissionTable) -> Presentation:
        """A scanned code; its signature is checked with the key that the table has for it."""
        try:
            code = mj1.parse(read.text)
        except mj1.Malformed:
            return self._no_code(read.text)
        if isinstance(code, mj1.VisitorPass):
            issuer = table.issuer(code.kid)
            ok = issuer is not None and verifies(issuer.public_key, code.signed, code.signature)
            return Presentation(Pass(code, ok), CredentialType.PASS, code.pass_id.hex())
        key = identifier_key(self._site_key, CredentialType.LIVE, "MJ1", code.handle.hex())
        credential = table.find(key)
        own = mj1.key_of(credential.public_key, code.kid) if credential else b""
        ok = verifies(own, code.signed, code.signature)
        return Presentation(Live(key, code, ok), CredentialType.LIVE, code.handle.hex())

    def plate(self, read: TextRead) -> Presentation:
        """A vehicle by its number plate."""
        plate = plate_value(read.text)
        if plate is None:
            return Presentation(Unreadable(DenyReason.MALFORMED), CredentialType.PLATE, f"text:{len(read.text)}")
        return Presentation(
            Card(identifier_key(self._site_key, CredentialType.PLATE, "GA36", plate)), CredentialType.PLATE, ""
        )

    def _no_code(self, text: str) -> Presentation:
        """A static code, at a site that has them. Whatever claims to be MJ1 is malformed."""
        raw = f"text:{len(text)}"
        plausible = STATIC.fullmatch(text) and not text.startswith(mj1.PREFIX)
        if not (self._static_codes and plausible):
            return Presentation(Unreadable(DenyReason.MALFORMED), "", raw)
        key = identifier_key(self._site_key, CredentialType.STATIC, "TEXT", text)
        return Presentation(Card(key), CredentialType.STATIC, raw)

    def _card(self, read: CardRead) -> Presented:
        format_ = self._formats.get(read.reader, {}).get(read.bit_count)
        if format_ is None:
            return Unreadable(DenyReason.UNKNOWN_FORMAT)
        try:
            number = decode(format_, read.bits, read.bit_count)
        except ControllerError:
            return Unreadable(DenyReason.UNKNOWN_FORMAT)
        if not number.parity_ok or not (number.facility or number.card):  # zero: any ID card at a plain type-B reader
            return Unreadable(DenyReason.MALFORMED)
        value = card_value(number.facility, number.card)
        key = identifier_key(self._site_key, CredentialType.CARD, number.format, value)
        return Card(key, self._readers[read.reader].assurance if read.checked else 0)
