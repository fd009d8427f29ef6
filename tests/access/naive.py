"""The rules once more, slow and obvious, over lists of rows: what `decide` must agree with."""

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

from gateway.access.grounds import LiveUsed, Used
from gateway.access.mj1 import SOFTWARE_KEY
from gateway.access.model import (
    AccessPoint,
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Mark,
    Row,
    Schedule,
    SpecialDay,
    SpecialDays,
    Zone,
    ZoneRules,
)
from gateway.access.presence import Moved, Waits
from gateway.access.presented import Card, Live, Pass
from tests.access.worlds import SITE, World


def answer(world: World, tz: tzinfo) -> str | set[str]:
    """A reason, or the names of the policies of which each grants."""
    shown, now = world.presented, world.at.timestamp()
    code = None if isinstance(shown, Card) else shown.code
    if code and code.site != SITE:
        return "WrongSite"
    if isinstance(shown, Pass):
        nobody = Credential("", b"", CredentialType.PASS, "", HolderClass.VISITOR, CredentialState.ENABLED, ())
        fault = pass_fault(world, shown, now, tz)
        return fault or rights_answer(world, tz, [_numbered(world.rows, shown.code.profile)], nobody)
    found = [row for row in world.rows if isinstance(row, Credential) and row.key == shown.key]
    if not found:
        return "CredentialNotFound"
    if isinstance(shown, Live) and not shown.signature_ok:
        return "BadSignature"
    fault = credential_fault(world, found[0], now) or pin_fault(shown, found[0]) or assurance_fault(world, tz)
    if isinstance(shown, Live):
        fault = fault or live_fault(world, shown, now)
    if not fault and found[0].max_uses != 0 and world.memory.used.get(found[0].key, 0) >= found[0].max_uses:
        return "UsedUp"
    return fault or rights_answer(world, tz, list(found[0].profiles), found[0])


def pass_fault(world: World, shown: Pass, now: float, tz: tzinfo) -> str:
    code = shown.code
    if not any(isinstance(row, IssuerKey) and row.kid == code.kid for row in world.rows):
        return "UnknownIssuer"
    if not shown.signature_ok:
        return "BadSignature"
    if any(isinstance(row, DeniedPass) and row.pass_id == code.pass_id for row in world.rows):
        return "PassDenied"
    if least(world, tz) > 1:
        return "AssuranceTooLow"
    if now < code.nbf - 60:
        return "CodeFromFuture"
    if now >= code.exp:
        return "CodeExpired"
    if world.memory.used.get(code.pass_id, 0) >= code.max_uses:
        return "UsedUp"
    return ""


def credential_fault(world: World, row: Credential, now: float) -> str:
    leases = world.limits.leases
    lease = {
        "resident": leases.resident_s,
        "staff": leases.staff_s,
        "visitor": leases.visitor_s,
        "emergency": leases.emergency_s,
    }[row.holder_class.value]
    if row.type.value == "static" and isinstance(world.presented, Card) and not world.limits.static_codes:
        return "StaticCodeOff"
    if row.state.value != "enabled":
        return "CredentialNotEnabled"
    if row.valid_from is not None and now < row.valid_from:
        return "CredentialNotActive"
    if row.valid_to is not None and not now < row.valid_to:
        return "CredentialExpired"
    if row.marks & Mark.PINNED:
        return ""
    if row.refreshed_at and lease is not None and not now < row.refreshed_at + lease:
        return "LeaseExpired"
    return ""


def pin_fault(shown: Card | Live, row: Credential) -> str:
    if not shown.pin or shown.pin == row.pin or shown.pin == row.duress_pin:
        return ""
    return "InvalidPIN"


def least(world: World, tz: tzinfo) -> int:
    local = world.at.astimezone(tz)
    known = {"@always", *(row.id for row in world.rows if isinstance(row, Schedule))}
    now = [level for name, level in world.point.assurance_by if name in known and is_open(world.rows, name, local)]
    now += [
        level for name, level in world.point.assurance_by if name not in known and level > world.point.min_assurance
    ]
    return max(now) if now else world.point.min_assurance


def assurance_fault(world: World, tz: tzinfo) -> str:
    shown = world.presented
    level = shown.assurance if isinstance(shown, Card) else 2
    if isinstance(shown, Live) and shown.code.flags & SOFTWARE_KEY:
        level = 1
    if not isinstance(shown, Pass) and shown.pin:
        level = 3
    return "AssuranceTooLow" if level < least(world, tz) else ""


def live_fault(world: World, shown: Live, now: float) -> str:
    code = shown.code
    if code.door != 0 and code.door != world.point.door_number:
        return "WrongDoor"
    if code.iat - now > 15:
        return "CodeFromFuture"
    if now - code.iat > 30:
        return "CodeExpired"
    if code.handle in world.memory.iats and code.iat <= world.memory.iats[code.handle]:
        return "Replayed"
    return ""


def rights_answer(world: World, tz: tzinfo, profiles: list[str], who: Credential) -> str | set[str]:
    rows, point = world.rows, world.point
    covering = [
        (row.id, policy.schedule)
        for row in rows
        if isinstance(row, AccessProfile) and row.id in profiles
        for policy in row.policies
        if covers(rows, policy, point)
    ]
    if not covering:
        return "Unauthorized"
    visiting = {row.id for row in rows if isinstance(row, AccessProfile) and row.visiting}
    invited = any(profile in visiting for profile, _ in covering)
    if isinstance(world.presented, Pass) and not invited and not open_to_visitors(rows, point):
        return "NotPublic"
    now_open = {f"{profile}/{name}" for profile, name in covering if is_open(rows, name, world.at.astimezone(tz))}
    if not now_open:
        return "NotPermittedAtThisTime"
    responders = {row.id for row in rows if isinstance(row, AccessProfile) and row.responder}
    responds = any(name.split("/")[0] in responders for name in now_open)
    return door_fault(world, responds) or zones_fault(world, who) or now_open


def door_fault(world: World, responds: bool) -> str:
    if world.mode in ("Blocked", "DoubleLocked"):
        return "DoorBlocked"
    if world.mode == "LockedDown" and not responds and not outwards(world.rows, world.point):
        return "DoorBlocked"
    if world.interlocked and not outwards(world.rows, world.point):
        return "Interlocked"
    return ""


def outwards(rows: list[Row], point: AccessPoint) -> bool:
    return point.zone_from != point.zone_to and point.zone_to in ancestry(rows, point.zone_from)


def name_of(world: World, who: Credential) -> str:
    shown = world.presented
    if isinstance(shown, Pass):
        return "pass:" + shown.code.pass_id.hex()
    return who.holder if who.holder else "credential:" + who.id


def entered_zones(world: World) -> list[tuple[str, ZoneRules]]:
    before, after = ancestry(world.rows, world.point.zone_from), ancestry(world.rows, world.point.zone_to)
    zones = [row for row in world.rows if isinstance(row, Zone) and row.id in after and row.id not in before]
    return [(row.id, row.rules) for row in zones if row.rules]


def last(world: World, holds: Callable[[Moved], bool]) -> float | None:
    found = [change.at for change in world.seen if isinstance(change, Moved) and holds(change)]
    return found[-1] if found else None


def inside(world: World, zone: str) -> dict[str, float]:
    people: dict[str, float] = {}
    for change in world.seen:
        if isinstance(change, Moved) and zone in change.leaving:
            people.pop(change.person, None)
        if isinstance(change, Moved) and zone in change.entering:
            people[change.person] = change.at
    return people


def first_person(world: World) -> Waits | None:
    here = [change for change in world.seen if change.point == world.point.name]
    return here[-1] if here and isinstance(here[-1], Waits) else None


def zones_fault(world: World, who: Credential) -> str:
    now, name, zones = world.at.timestamp(), name_of(world, who), entered_zones(world)
    brought = last(world, lambda move: move.point == world.point.name and bool(move.marks & Mark.ESCORT))
    needs_escort = who.holder_class.value == "visitor" or who.marks & Mark.ESCORTED
    for _, rules in zones:
        recent = brought is not None and brought <= now < brought + rules.hold_s
        if rules.escort and needs_escort and not recent and not first_has(world, name, rules, Mark.ESCORT):
            return "EscortNeeded"
    for zone, rules in zones:
        led = last(world, lambda move, zone=zone: zone in move.entering and bool(move.marks & Mark.LEAD))
        came = led is not None and led <= now < led + rules.first_in_s
        came = came or first_has(world, name, rules, Mark.LEAD)
        if rules.first_in_s and not who.marks & Mark.LEAD and not came:
            return "FirstPersonMissing"
    if any(rules.passback.value == "hard" and again(world, who, zone, rules) for zone, rules in zones):
        return "PassbackViolation"
    for zone, rules in zones:
        people, other = set(inside(world, zone)), first_person(world)
        if needs_two(world, zone, rules) and other is not None and together(world, other, name, rules):
            people.add(other.person)
        if rules.limit is not None and len(people) >= rules.limit and name not in inside(world, zone):
            return "OccupancyReached"
    first = first_person(world)
    for zone, rules in zones:
        both = first is not None and together(world, first, name, rules)
        led = first is not None and bool((first.marks | who.marks) & Mark.LEAD)
        if needs_two(world, zone, rules) and not (both and (led or not rules.supervised)):
            return "SecondPersonNeeded"
    return ""


def needs_two(world: World, zone: str, rules: ZoneRules) -> bool:
    return rules.persons == 2 or len(inside(world, zone)) + 1 < rules.least


def together(world: World, first: Waits, name: str, rules: ZoneRules) -> bool:
    """Whether somebody waits here, for this person too."""
    return first.person != name and first.at <= world.at.timestamp() < first.at + rules.hold_s


def first_has(world: World, name: str, rules: ZoneRules, mark: Mark) -> bool:
    first = first_person(world)
    return first is not None and together(world, first, name, rules) and bool(first.marks & mark)


def takes_long(world: World, who: Credential) -> bool:
    """Whether he needs longer at the door, or the one who goes in with him."""
    first, name = first_person(world), name_of(world, who)
    pairs = [rules for zone, rules in entered_zones(world) if needs_two(world, zone, rules)]
    slow = first is not None and any(together(world, first, name, rules) for rules in pairs)
    return bool(who.marks & Mark.EXTENDED) or (slow and first is not None and bool(first.marks & Mark.EXTENDED))


def again(world: World, who: Credential, zone: str, rules: ZoneRules) -> bool:
    since = inside(world, zone).get(name_of(world, who))
    if since is None or who.marks & Mark.EXEMPT:
        return False
    return rules.passback_s == 0 or world.at.timestamp() < since + rules.passback_s


def noted(world: World, who: Credential) -> set[str]:
    """What a grant is noted for: a soft violation, or too few who stay behind."""
    notes = set()
    if any(rules.passback.value == "soft" and again(world, who, zone, rules) for zone, rules in entered_zones(world)):
        notes.add("PassbackViolation")
    before, after = ancestry(world.rows, world.point.zone_from), ancestry(world.rows, world.point.zone_to)
    for row in world.rows:
        if isinstance(row, Zone) and row.rules and row.id in before and row.id not in after:
            left = set(inside(world, row.id)) - {name_of(world, who)}
            if left and len(left) < row.rules.least:
                notes.add("OccupancyLow")
    return notes


def duress(world: World, who: Credential) -> bool:
    shown = world.presented
    if isinstance(shown, Pass) or not any(isinstance(row, Credential) and row.key == shown.key for row in world.rows):
        return False
    coded = isinstance(shown, Live) and shown.signature_ok and shown.code.flags % 2 == 1
    return coded or bool(who.marks & Mark.DURESS) or (shown.pin != b"" and shown.pin == who.duress_pin)


def age(world: World, who: Credential | None) -> tuple[str, int | None] | None:
    """How fresh a credential is: stale from half of its lease on."""
    if who is None:
        return None
    if who.refreshed_at == 0:
        return "fresh", None
    since = world.at.timestamp() - who.refreshed_at
    lease = None if who.marks & Mark.PINNED else getattr(world.limits.leases, who.holder_class.value + "_s")
    word = "fresh" if lease is None or since < lease / 2 else "stale" if since < lease else "expired"
    return word, int(since)


def spent(world: World, who: Credential) -> set[LiveUsed | Used]:
    """What a grant uses up, and who is the first of two."""
    shown, uses, found = world.presented, world.memory.used, set[LiveUsed | Used]()
    if isinstance(shown, Live):
        found.add(LiveUsed(shown.code.handle, shown.code.iat))
    if isinstance(shown, Pass):
        found.add(Used(shown.code.pass_id, uses.get(shown.code.pass_id, 0) + 1, shown.code.exp))
    elif who.max_uses:
        found.add(Used(who.key, uses.get(who.key, 0) + 1, 1 << 62 if who.valid_to is None else who.valid_to))
    return found


def moved(world: World) -> set[tuple[tuple[str, ...], tuple[str, ...]]]:
    """The bounds of zones with rules that whoever passes crosses, the innermost first."""
    before, after = ancestry(world.rows, world.point.zone_from), ancestry(world.rows, world.point.zone_to)
    ruled = {row.id for row in world.rows if isinstance(row, Zone) and row.rules}
    into = tuple(zone for zone in after if zone in ruled and zone not in before)
    out = tuple(zone for zone in before if zone in ruled and zone not in after)
    return {(into, out)} if into or out else set()


def covers(rows: list[Row], policy: AccessPolicy, point: AccessPoint) -> bool:
    if policy.access_point is not None:
        return policy.access_point == point.name
    named = point.zone_from, point.zone_to
    zones = [zone for zone in named if zone == policy.zone or (policy.within and policy.zone in ancestry(rows, zone))]
    return any(zone == point.zone_to or (zone == point.zone_from and leaving(rows, point)) for zone in zones)


def ancestry(rows: list[Row], zone: str) -> list[str]:
    """The zone and all that it lies in."""
    chain = [zone]
    while (parent := _parent(rows, chain[-1])) is not None and parent not in chain:
        chain.append(parent)
    return chain


def open_to_visitors(rows: list[Row], point: AccessPoint) -> bool:
    if any(isinstance(row, Zone) and row.id == point.zone_to and row.public for row in rows):
        return True
    return leaving(rows, point)


def leaving(rows: list[Row], point: AccessPoint) -> bool:
    if point.zone_from == point.zone_to:
        return False
    outwards = point.zone_to in ancestry(rows, point.zone_from)
    outermost = _parent(rows, point.zone_to) is None
    return outwards or (outermost and point.zone_from not in ancestry(rows, point.zone_to))


def is_open(rows: list[Row], name: str, local: datetime) -> bool:
    """An opening that begins today, or one that began yesterday and runs on."""
    if name == "@always":
        return True
    minute, yesterday = local.hour * 60 + local.minute, local - timedelta(days=1)
    return begins_today(rows, name, local, minute) or ran_on(rows, name, yesterday, minute)


def begins_today(rows: list[Row], name: str, local: datetime, minute: int) -> bool:
    special = special_day(rows, name, local)
    if special is not None and special.follows is None:
        return any(start <= minute and (minute < end or end < start) for start, end in special.windows)
    weekday = special.follows if special is not None and special.follows is not None else local.isoweekday()
    return weekly(rows, name, weekday, minute) and not came_over(rows, name, weekday, minute)


def ran_on(rows: list[Row], name: str, yesterday: datetime, minute: int) -> bool:
    special = special_day(rows, name, yesterday)
    if special is not None and special.follows is None:
        return any(end < start and minute < end for start, end in special.windows)
    weekday = special.follows if special is not None and special.follows is not None else yesterday.isoweekday()
    return came_over(rows, name, weekday % 7 + 1, minute)


def weekly(rows: list[Row], name: str, weekday: int, minute: int) -> bool:
    return any(
        window.weekday == weekday and window.start <= minute < window.end
        for row in rows
        if isinstance(row, Schedule) and row.id == name
        for window in row.windows
    )


def came_over(rows: list[Row], name: str, weekday: int, minute: int) -> bool:
    """Whether this minute of the week lies in an opening of less than a day that began on the day before."""
    first = last = minute
    while first >= 0 and weekly(rows, name, weekday, first):
        first -= 1
    while last < 1440 and weekly(rows, name, weekday, last):
        last += 1
    if first >= 0:
        return False
    before = (weekday - 2) % 7 + 1
    start = 1440
    while start > 0 and weekly(rows, name, before, start - 1):
        start -= 1
    return start < 1440 and last + 1440 - start < 1440


def special_day(rows: list[Row], name: str, local: datetime) -> SpecialDay | None:
    """The special day that decides: of the highest priority, the first that the schedule names."""
    heeded = [each for row in rows if isinstance(row, Schedule) and row.id == name for each in row.special]
    found = [
        (-row.priority, heeded.index(row.id), day)
        for row in rows
        if isinstance(row, SpecialDays) and row.id in heeded
        for day in row.days
        if day.date == local.date().isoformat()
    ]
    return min(found, key=lambda each: each[:2])[2] if found else None


def _parent(rows: list[Row], zone: str) -> str | None:
    return next((row.parent for row in rows if isinstance(row, Zone) and row.id == zone), None)


def _numbered(rows: list[Row], number: int) -> str:
    return next((row.id for row in rows if isinstance(row, AccessProfile) and row.number == number), "")
