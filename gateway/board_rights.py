"""What a UHPPOTE board's own list may hold: who may pass its doors when the host is silent. Pure.

The list never grants more than the table would. What a board cannot check keeps a card off a door:

| the table asks | on the board |
| --- | --- |
| validity, a lease | whole days within it |
| a schedule, special days | a time profile of the coming seven days; the list is made anew each day |
| each access point of the door | a board has one right a door, both ways: the times that all of them share |
| an assurance above 0, two persons, a first person, an escort, any state but enabled | never |
| anti-passback, the number of persons in a zone | forgotten while the board decides |
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import cache

from controllers.uhppote_profiles import FIRST, LAST, NEVER, Segment, Week
from gateway.access.lease import Leases
from gateway.access.model import AccessPoint, Credential, CredentialState, CredentialType, HolderClass, Mark
from gateway.access.schedule import DAY_BYTES, DAY_MINUTES, Times
from gateway.access.table import PermissionTable

DAY_BITS = (1 << DAY_MINUTES) - 1
WEEK_DAYS = 7
Doors = Sequence[Sequence[str]]  # the access points of doors 1 to 4, by name


@dataclass(frozen=True, slots=True)
class Listed:
    """A card that may stand on a board: whole days, both included, and the times at each door."""

    start: date
    end: date
    weeks: tuple[Week, ...]


def listed(
    table: PermissionTable, doors: Doors, cards: Iterable[Credential], now: datetime, leases: Leases | None = None
) -> dict[bytes, Listed]:
    """The cards for one board, by key. `now` is aware; rights are those of the seven days from its local date."""
    here, leases = now.astimezone(table.tz), leases or Leases()

    @cache  # a few sets of profiles are shared by all cards
    def weeks(profiles: tuple[str, ...], escorted: bool) -> tuple[Week, ...]:
        return tuple(_week(_open(table, points, profiles, escorted, here.date())) for points in doors)

    found = {}
    for card in cards:
        days = _days(table, card, here, leases)
        if card.type is not CredentialType.CARD or card.state is not CredentialState.ENABLED or days is None:
            continue
        escorted = card.holder_class is HolderClass.VISITOR or bool(card.marks & Mark.ESCORTED)
        times = weeks(card.profiles, escorted)
        if any(week != NEVER for week in times):
            found[card.key] = Listed(*days, times)
    return found


def _days(table: PermissionTable, card: Credential, now: datetime, leases: Leases) -> tuple[date, date] | None:
    """The first and last whole day; None where there is none from today on. What has begun begins with its own day."""
    start, end = FIRST, LAST
    if card.valid_from is not None:
        begins = datetime.fromtimestamp(card.valid_from, table.tz)
        begun = begins <= now or begins.time() == time()
        start = max(FIRST, begins.date() if begun else begins.date() + timedelta(days=1))
    lease_s = leases.over(card) if card.refreshed_at else None
    ends = [card.valid_to, None if lease_s is None else card.refreshed_at + lease_s]
    for second in filter(None, ends):
        end = min(end, datetime.fromtimestamp(second, table.tz).date() - timedelta(days=1))  # exclusive
    return (start, end) if end >= max(start, now.date()) else None


def _open(table: PermissionTable, points: Sequence[str], profiles: tuple[str, ...], escorted: bool, today: date) -> int:
    """The minutes of the coming week in which all access points of a door are open to these profiles, as bits."""
    bits = (1 << WEEK_DAYS * DAY_MINUTES) - 1 if points else 0
    for name in points:
        if _is_beyond_a_board(table, table.points[name], escorted):
            return 0
        point = 0
        for right in table.rights(name, profiles):
            point |= _coming(right.times, today)
        bits &= point
    return bits


def _is_beyond_a_board(table: PermissionTable, point: AccessPoint, escorted: bool) -> bool:
    if point.min_assurance or any(level for _, level in point.assurance_by):
        return True
    crossing = table.crossing(point.name)
    rules = [rule for _, rule in crossing.entering] if crossing else []
    return any(rule.persons > 1 or rule.supervised or rule.first_in_s or (rule.escort and escorted) for rule in rules)


def _coming(times: Times, today: date) -> int:
    """A week's bits, its days replaced by the special ones of the coming seven."""
    bits = bytearray(times.week)
    for ahead in range(WEEK_DAYS):
        day = today + timedelta(days=ahead)
        if (special := times.special.get(day.toordinal())) is not None:
            bits[day.weekday() * DAY_BYTES : (day.weekday() + 1) * DAY_BYTES] = special
    return int.from_bytes(bits, "little")


def _week(bits: int) -> Week:
    return tuple(tuple(_segments(bits >> day * DAY_MINUTES & DAY_BITS)) for day in range(WEEK_DAYS))


def _segments(bits: int) -> Iterator[Segment]:
    """Runs of set bits."""
    at = 0
    while bits >> at:
        rest = bits >> at
        start = at + (rest & -rest).bit_length() - 1
        rest = ~(bits >> start)
        at = start + (rest & -rest).bit_length() - 1
        yield start, at


def moment(unix_s: float) -> datetime:
    """An aware time."""
    return datetime.fromtimestamp(unix_s, UTC)
