"""People and what they present, as central sends them."""

from typing import Annotated, Literal

from msgspec import Meta

from gateway.access.identifier import plate_value
from gateway.access.model import CredentialState, HolderClass
from mgmt_api.office.formats import canonical
from mgmt_api.office.wire_base import PLAIN, Body, FormatName, Handle, Id, Moment, Phone, Pin, PublicKey, Short, Text

MarkWord = Literal["extended", "lead", "escort", "escorted", "exempt", "duress", "pinned"]  # gateway.access.model.Mark


class ResidentBody(Body, frozen=True, kw_only=True):
    """PUT /residents/{id}. `homes` are the units that he lives in, or that a visitor visits."""

    name: Text
    phone: Phone | None = None
    unit: Short | None = None
    holder_class: HolderClass = HolderClass.RESIDENT
    id_number: Annotated[str, Meta(max_length=18)] | None = None
    homes: Annotated[tuple[Id, ...], Meta(max_length=20)] = ()


class CredentialBody(Body, tag_field="type", frozen=True, kw_only=True):
    """What every credential has. `pin` goes with it as a second factor; `duress_pin` opens too, and calls for help."""

    resident: Id
    profiles: Annotated[list[Id], Meta(max_length=64)]
    state: CredentialState = CredentialState.ENABLED
    valid_from: Moment | None = None
    valid_to: Moment | None = None
    max_uses: Annotated[int, Meta(ge=1, le=65535)] | None = None
    marks: Annotated[tuple[MarkWord, ...], Meta(max_length=8)] = ()

    def __post_init__(self) -> None:
        """The validity must not be empty; `valid_to` is exclusive."""
        if self.valid_from and self.valid_to and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must be after valid_from")


class WithPin(CredentialBody, frozen=True, kw_only=True):
    """A credential that a PIN may go with."""

    pin: Pin | None = None
    duress_pin: Pin | None = None

    def __post_init__(self) -> None:
        """A cry for help must differ from the everyday PIN, or it would never be heard."""
        CredentialBody.__post_init__(self)
        if self.duress_pin is not None and (self.pin is None or self.pin == self.duress_pin):
            raise ValueError("duress_pin needs a pin, and another one")


class CardBody(WithPin, tag="card", frozen=True, kw_only=True):
    """A card by its printed or read number."""

    format: FormatName
    card: Annotated[int, Meta(ge=0)]  # up to 64 bits: WG66
    facility: Annotated[int, Meta(ge=0, le=(1 << 34) - 1)] = 0

    def __post_init__(self) -> None:
        """The format must be one that readers can be set to."""
        WithPin.__post_init__(self)
        if canonical(self.format) is None:
            raise ValueError(f"unknown card format {self.format!r}")
        if self.card >= 1 << 64:
            raise ValueError("no format has more than 64 bits for the card number")


Kid = Annotated[int, Meta(ge=0, le=15)]  # which of a phone's keys


class NextKey(Body, frozen=True, kw_only=True):
    """The key that a phone will sign with next."""

    public_key: PublicKey
    kid: Kid


class LiveBody(WithPin, tag="live", frozen=True, kw_only=True):
    """A phone that signs live codes. While it changes its key, `next` is good beside the other: then send it alone."""

    handle: Handle
    public_key: PublicKey
    kid: Kid = 0
    next: NextKey | None = None

    def __post_init__(self) -> None:
        """Doors tell two keys by their numbers."""
        WithPin.__post_init__(self)
        if self.next is not None and self.next.kid == self.kid:
            raise ValueError("next needs a kid of its own")


class IdCardBody(WithPin, tag="idcard", frozen=True, kw_only=True):
    """A resident ID card (身份证), read by its chip. Only the keyed hash and the last four characters are kept."""

    id_number: Annotated[str, Meta(min_length=18, max_length=18)]


class PinBody(CredentialBody, tag="pin", frozen=True, kw_only=True):
    """A PIN typed at a keypad. Alone it names its holder, so that no two may be the same; nothing of it is shown."""

    pin: Pin


class PlateBody(CredentialBody, tag="plate", frozen=True, kw_only=True):
    """A vehicle by its number plate (GA 36), as a camera or a long-range reader gives it."""

    plate: Annotated[str, Meta(min_length=4, max_length=16, pattern=PLAIN)]

    def __post_init__(self) -> None:
        """Letters, digits and the characters of provinces alone."""
        CredentialBody.__post_init__(self)
        if plate_value(self.plate) is None:
            raise ValueError("not a number plate")


class StaticBody(CredentialBody, tag="static", frozen=True, kw_only=True):
    """A fixed text in a QR code: anybody may copy it, so it opens only where assurance 0 does."""

    text: Annotated[str, Meta(min_length=8, max_length=200, pattern=r"^[\x21-\x7e]*$(?!\n)")]


AnyCredential = CardBody | LiveBody | IdCardBody | PinBody | PlateBody | StaticBody
