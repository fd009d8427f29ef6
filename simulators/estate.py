"""The estate from a seed: who lives where and may go where. The truth that the central system pushes.

Three buildings of two units, some two hundred residents, cleaners by day and by night. All names, numbers and keys
are made up from the seed, so that the same seed is the same estate.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from simulators.wiegand import ENCODERS, Bits

BUILDINGS, UNITS, FLOORS, FLATS = (1, 2, 3), (1, 2), range(1, 12), (1, 2, 3)
LIVE_EVERY = 5  # each fifth resident uses the phone
CAR_EVERY = 9  # each ninth has a car
SURNAMES = "王李张刘陈杨黄赵周吴徐孙马胡朱郭何罗高林"
GIVEN = (
    "伟",
    "芳",
    "娜",
    "敏",
    "静",
    "丽",
    "强",
    "磊",
    "军",
    "洋",
    "秀英",
    "建国",
    "志强",
    "海燕",
    "晓东",
    "雨桐",
    "子涵",
)
WEEK = range(1, 8)


@dataclass(frozen=True, slots=True)
class Resident:
    """A person of the register; `building` is 0 for staff, whose `unit` is empty."""

    id: str
    name: str
    phone: str
    unit: str
    building: int
    holder_class: str = "resident"


@dataclass(frozen=True, slots=True)
class Card:
    """A card, as printed and as it goes over the wire. `profiles` is where it opens, by whatever right."""

    id: str
    resident: str
    format: str
    facility: int
    card: int
    profiles: tuple[str, ...]
    valid_to: str | None = None
    more: dict[str, Any] = field(default_factory=dict, hash=False)  # what few cards have: PINs, marks

    @property
    def bits(self) -> Bits:
        """What a reader sends."""
        return ENCODERS[self.format](self.facility, self.card)

    def body(self) -> dict[str, Any]:
        """As central tells the management plane."""
        number = {"format": self.format, "facility": self.facility, "card": self.card}
        until = {"valid_to": self.valid_to} if self.valid_to else {}
        return {
            "resident": self.resident,
            "type": "card",
            **number,
            "profiles": _given(self.profiles),
            **until,
            **self.more,
        }


@dataclass(frozen=True)
class Phone:
    """A phone's key pair, made in the phone; only the public half leaves it."""

    id: str
    resident: str
    handle: str  # 16 hex digits
    secret: int = field(repr=False)  # the P-256 scalar
    profiles: tuple[str, ...] = ()

    @cached_property
    def key(self) -> ec.EllipticCurvePrivateKey:
        """The private key."""
        return ec.derive_private_key(self.secret, ec.SECP256R1())

    def body(self) -> dict[str, Any]:
        """As central tells the management plane."""
        form = (serialization.Encoding.X962, serialization.PublicFormat.CompressedPoint)
        public = self.key.public_key().public_bytes(*form).hex()
        key = {"handle": self.handle, "public_key": public}
        return {"resident": self.resident, "type": "live", **key, "profiles": _given(self.profiles)}


@dataclass(frozen=True, slots=True)
class Car:
    """A vehicle, by its number plate as it is written."""

    id: str
    resident: str
    plate: str

    def body(self) -> dict[str, Any]:
        """As central tells the management plane: the way to the garage is its holder's way home."""
        return {"resident": self.resident, "type": "plate", "plate": self.plate, "profiles": []}


@dataclass(frozen=True)
class Estate:
    """The whole register."""

    site_id: int
    residents: tuple[Resident, ...]
    cards: tuple[Card, ...]
    phones: tuple[Phone, ...]
    cars: tuple[Car, ...]

    def cards_of(self, profile: str, format_: str | None = None) -> list[Card]:
        """Valid cards of a profile."""
        return [
            card
            for card in self.cards
            if card.profiles == (profile,) and card.valid_to is None and format_ in (None, card.format)
        ]

    def card(self, id_: str) -> Card:
        """A card by its id."""
        return next(card for card in self.cards if card.id == id_)

    def phones_of(self, profile: str) -> list[Phone]:
        """Phones of a profile."""
        return [phone for phone in self.phones if phone.profiles == (profile,)]

    def operations(self) -> Iterator[dict[str, Any]]:
        """Everything as central's `put` operations, in an order that never refers ahead."""
        ground = {"zones": ZONES, "units": UNIT_BODIES, "special_days": SPECIAL_DAYS, "schedules": SCHEDULES}
        for kind, objects in (ground | {"profiles": PROFILES}).items():
            for id_, body in objects.items():
                yield {"op": "put", "kind": kind, "id": id_, "body": body}
        for each in self.residents:
            unit = {"unit": each.unit, "homes": [each.unit]} if each.unit in UNIT_BODIES else {}
            body = {"name": each.name, "phone": each.phone, **unit, "holder_class": each.holder_class}
            yield {"op": "put", "kind": "residents", "id": each.id, "body": body}
        credentials: list[Card | Phone | Car] = [*self.cards, *self.phones, *self.cars]
        for credential in credentials:
            yield {"op": "put", "kind": "credentials", "id": credential.id, "body": credential.body()}


def _given(profiles: tuple[str, ...]) -> list[str]:
    """The profiles that central gives: a resident's way home follows from his unit, and needs none."""
    return [profile for profile in profiles if not profile.startswith("building-")]


def _zone(zh: str, en: str, parent: str | None, public: bool = False, **more: Any) -> dict[str, Any]:
    return {"name": {"zh": zh, "en": en}, "parent": parent, "public": public, **more}


def _daily(zh: str, en: str, start: str, end: str, *special: str) -> dict[str, Any]:
    windows = [{"weekday": day, "start": start, "end": end} for day in WEEK]
    return {"name": {"zh": zh, "en": en}, "windows": windows, "special": list(special)}


def _profile(number: int, schedule: str, *zones: str) -> dict[str, Any]:
    return {"number": number, "policies": [{"schedule": schedule, "zone": zone} for zone in zones]}


def _flats() -> list[tuple[int, str]]:
    """(building, unit) of each flat."""
    return [(b, f"{b}-{u}-{floor}{flat:02}") for b in BUILDINGS for u in UNITS for floor in FLOORS for flat in FLATS]


ZONES = {
    "outside": _zone("园区外", "Outside", None),
    "estate": _zone("园区", "Estate grounds", None, public=True),
    "clubhouse": _zone("会所", "Clubhouse", "estate", public=True),
    "pool": _zone("泳池", "Pool", "estate", use="amenity", standing=True, rules={"limit": 30}),
    "garage": _zone("地下车库", "Garage", "estate", use="common"),
    **{f"building-{n}": _zone(f"{n}号楼", f"Building {n}", "estate") for n in BUILDINGS},
}
UNIT_BODIES = {unit: {"zone": f"building-{building}", "state": "occupied"} for building, unit in _flats()}
SPECIAL_DAYS = {  # the plane fills in the holidays and make-up workdays
    "china": {"name": {"zh": "法定节假日", "en": "Public holidays"}, "priority": 10, "days": [], "seed": "china"}
}
SCHEDULES = {
    "always": _daily("全天", "Always", "00:00", "24:00"),
    "daytime": _daily("白班", "Day shift", "08:00", "18:00", "china"),
    "night": _daily("夜班", "Night shift", "18:00", "08:00"),  # across midnight; closed whenever daytime is open
}
PROFILES = {
    **{f"building-{n}": _profile(10 + n, "always", "estate", "garage", f"building-{n}") for n in BUILDINGS},
    "visitor": _profile(20, "always", "estate", "clubhouse"),
    "cleaner-day": _profile(30, "daytime", "estate", *(f"building-{n}" for n in BUILDINGS)),
    "guard": {
        "number": 40,
        "policies": [{"schedule": "always", "zone": "estate", "within": True}],
        "responder": True,
    },
    "cleaner-night": _profile(31, "night", "estate", *(f"building-{n}" for n in BUILDINGS)),
}


def build(seed: int = 2026, site_id: int = 4097) -> Estate:
    """The estate of a seed."""
    dice = random.Random(seed)
    residents = [*_residents(dice), *_staff(dice)]
    numbers = dice.sample(range(1, 60_000), len(residents) + 1)
    cards = [
        _card(person, number, index) for index, (person, number) in enumerate(zip(residents, numbers, strict=False))
    ]
    moved_out = Resident("r-moved-out", "钱晓东", "19900009999", "1-1-1203", 1)
    expired = ("building-1",), "2025-01-01T00:00:00+08:00"
    cards.append(Card("c-moved-out", moved_out.id, "H10301", 18, numbers[-1], *expired))
    phones = [_phone(dice, person) for person in residents[::LIVE_EVERY] if person.building]
    cars = [_car(dice, person) for person in residents[::CAR_EVERY] if person.building]
    return Estate(site_id, (*residents, moved_out), tuple(cards), tuple(phones), tuple(cars))


def _residents(dice: random.Random) -> Iterator[Resident]:
    for index, (building, unit) in enumerate(_flats()):
        phone = f"199{dice.randrange(10**8):08}"
        yield Resident(f"r-{index:04}", _name(dice), phone, unit, building)


def _staff(dice: random.Random) -> Iterator[Resident]:
    for duty in ("cleaner-day", "cleaner-night", "guard"):
        yield Resident(f"s-{duty}", _name(dice), f"198{dice.randrange(10**8):08}", "", 0, "staff")


def _name(dice: random.Random) -> str:
    return dice.choice(SURNAMES) + dice.choice(GIVEN)


def _card(person: Resident, number: int, index: int) -> Card:
    profile = f"building-{person.building}" if person.building else person.id.removeprefix("s-")
    format_, facility = ("H10301", 18) if index % 2 == 0 else ("H10306", 4660)
    more = {"pin": "246810", "duress_pin": "246811", "marks": ["lead", "escort"]} if profile == "guard" else {}
    return Card(f"c-{person.id[2:]}", person.id, format_, facility, number, (profile,), more=more)


def _phone(dice: random.Random, person: Resident) -> Phone:
    handle = f"{dice.getrandbits(64):016x}"
    secret = dice.getrandbits(255) + 1
    return Phone(f"p-{person.id[2:]}", person.id, handle, secret, (f"building-{person.building}",))


def _car(dice: random.Random, person: Resident) -> Car:
    plate = f"浙A·{dice.choice('ABCDEFGH')}{dice.randrange(10_000):04}"
    return Car(f"v-{person.id[2:]}", person.id, plate)
