"""The rules of zones and of the door's mode: each says True when it refuses; its docstring says what."""

from gateway.access.case import Case, person
from gateway.access.door_words import MODES, DoorMode
from gateway.access.model import HolderClass, Mark, Passback, ZoneRules
from gateway.access.presence import Waits
from gateway.access.presented import Card, Live, Pass
from gateway.access.rights import is_outwards


def entering(case: Case) -> tuple[tuple[str, ZoneRules], ...]:
    """The zones with rules that the access point leads into."""
    return case.crossing.entering if case.crossing else ()


def door_blocked(case: Case, shown: Card | Live | Pass) -> bool:
    """A door whose mode admits nobody; a lockdown lets responders pass, and everybody on a way out."""
    mode = case.scene.mode
    if mode is None or MODES[mode].admits:
        return False
    return not (mode is DoorMode.LOCKED_DOWN and (case.responds or is_outwards(case.point, case.table.zones)))


def interlocked(case: Case, shown: Card | Live | Pass) -> bool:
    """While another door of its interlock is not shut; on a way out nobody waits."""
    return case.scene.interlocked and not is_outwards(case.point, case.table.zones)


def without_escort(case: Case, shown: Card | Live | Pass) -> bool:
    """visitors, and who else needs an escort, where the zone asks for one and none passed just before."""
    who = case.credential
    if not (isinstance(shown, Pass) or who.holder_class is HolderClass.VISITOR or who.marks & Mark.ESCORTED):
        return False
    brought = case.scene.presence.escorted(case.point.name)
    return any(
        rules.escort and not (_within(case, brought, rules.hold_s) or _first_is(case, shown, rules, Mark.ESCORT))
        for _, rules in entering(case)
    )


def before_the_first(case: Case, shown: Card | Live | Pass) -> bool:
    """A zone into which no LEAD came within its first_in_s, unless he is one."""
    if case.credential.marks & Mark.LEAD:
        return False
    led = case.scene.presence.led
    return any(
        rules.first_in_s
        and not (_within(case, led(zone), rules.first_in_s) or _first_is(case, shown, rules, Mark.LEAD))
        for zone, rules in entering(case)
    )


def passed_back_hard(case: Case, shown: Card | Live | Pass) -> bool:
    """Who is known to be inside already, under hard anti-passback."""
    return passed_back(case, shown, Passback.HARD)


def passed_back(case: Case, shown: Card | Live | Pass, rule: Passback) -> bool:
    """Whether somebody enters a zone with this rule in which he is already, as far as anybody knows."""
    if case.credential.marks & Mark.EXEMPT:
        return False
    who = person(case.credential, shown)
    return any(rules.passback is rule and _inside(case, who, zone, rules.passback_s) for zone, rules in entering(case))


def full(case: Case, shown: Card | Live | Pass) -> bool:
    """A zone that holds as many persons as it may, unless he is one of them."""
    entered, who = case.scene.presence.entered, person(case.credential, shown)
    return any(
        rules.limit is not None and _expected(case, shown, zone, rules) >= rules.limit and entered(who, zone) is None
        for zone, rules in entering(case)
    )


def _expected(case: Case, shown: Card | Live | Pass, zone: str, rules: ZoneRules) -> int:
    """How many are inside, with the one who waits to go in together with this person."""
    presence = case.scene.presence
    first = first_of_two(case, shown, rules) if wants_two(case, zone, rules) else None
    return (presence.inside(zone) or 0) + (first is not None and presence.entered(first.person, zone) is None)


def alone(case: Case, shown: Card | Live | Pass) -> bool:
    """The first of two persons, where the zone asks for two, or would hold too few (supervised: one a LEAD)."""
    return any(wants_two(case, *ruled) and not _seconded(case, shown, ruled[1]) for ruled in entering(case))


def wants_two(case: Case, zone: str, rules: ZoneRules) -> bool:
    """Whether a zone is entered by two persons: always, or since one would be fewer than it may hold."""
    return rules.persons > 1 or (rules.least > 0 and (case.scene.presence.inside(zone) or 0) + 1 < rules.least)


def leaves_too_few(case: Case, shown: Card | Live | Pass) -> bool:
    """Whether fewer than a zone may hold stay behind, but somebody: noted, for nobody is kept inside."""
    return any(
        0 < _left(case, shown, zone) < rules.least
        for zone in (case.crossing.leaving if case.crossing else ())
        if (rules := case.table.zones[zone].rules)
    )


def _left(case: Case, shown: Card | Live | Pass, zone: str) -> int:
    presence = case.scene.presence
    known = presence.entered(person(case.credential, shown), zone) is not None
    return (presence.inside(zone) or 0) - known


def first_of_two(case: Case, shown: Card | Live | Pass, rules: ZoneRules) -> Waits | None:
    """Who showed himself here just before, and waits for a second person."""
    first = case.scene.presence.waiting(case.point.name)
    if first is None or not _within(case, first.at, rules.hold_s) or first.person == person(case.credential, shown):
        return None
    return first


def _first_is(case: Case, shown: Card | Live | Pass, rules: ZoneRules, mark: Mark) -> bool:
    first = first_of_two(case, shown, rules)
    return first is not None and bool(first.marks & mark)


def _seconded(case: Case, shown: Card | Live | Pass, rules: ZoneRules) -> bool:
    first = first_of_two(case, shown, rules)
    return first is not None and (not rules.supervised or bool((first.marks | case.credential.marks) & Mark.LEAD))


def _inside(case: Case, who: str, zone: str, forget_s: int) -> bool:
    since = case.scene.presence.entered(who, zone)
    return since is not None and (not forget_s or case.now < since + forget_s)


def _within(case: Case, since: float | None, seconds: int) -> bool:
    return since is not None and 0 <= case.now - since < seconds
