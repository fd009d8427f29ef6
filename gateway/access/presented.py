"""What a reader can present, and how far each kind is to be trusted (its assurance level)."""

from dataclasses import dataclass

from gateway.access.mj1 import SOFTWARE_KEY, LiveCode, VisitorPass
from gateway.access.reasons import DenyReason


@dataclass(slots=True)  # made for every read: a frozen one takes three times as long
class Card:
    """A card, PIN or static code, by its keyed hash. Assurance: 0 over Wiegand or plain, 1 over a secure channel.

    `pin`: identifier.pin_key() of a PIN that was entered with it; empty if none was.
    """

    key: bytes
    assurance: int = 0
    pin: bytes = b""


@dataclass(frozen=True, slots=True)
class Live:
    """A live code. `signature_ok`: it verifies under the public key of the credential with this key."""

    key: bytes
    code: LiveCode
    signature_ok: bool
    pin: bytes = b""

    @property
    def assurance(self) -> int:
        """2, or 1 if the phone holds its key without secure hardware."""
        return 1 if self.code.flags & SOFTWARE_KEY else 2


@dataclass(frozen=True, slots=True)
class Pass:
    """A visitor pass. `signature_ok`: it verifies under the key of its issuer."""

    code: VisitorPass
    signature_ok: bool
    assurance: int = 1


@dataclass(frozen=True, slots=True)
class Unreadable:
    """What was presented gave no identifier: `Malformed`, `UnknownFormat`, `InvalidPIN`..."""

    reason: DenyReason
    assurance: int = 0


TWO_FACTORS = 3  # the assurance of a card or code together with its PIN

Presented = Card | Live | Pass | Unreadable
