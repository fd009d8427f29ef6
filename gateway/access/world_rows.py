"""The rows of a world's dict: one maker a kind, in the order in which they are made."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from gateway.access.model import (
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Mark,
    Passback,
    Row,
    Schedule,
    SpecialDay,
    SpecialDays,
    Window,
    Zone,
    ZoneRules,
)
from gateway.access.schedule import split
from gateway.access.world_words import check, known

Body = Mapping[str, Any]
TIMES = ("valid_from", "valid_to", "refreshed_at")
WHOLE_DAY = ("00:00", "24:00")


class Context(NamedTuple):
    """What the makers ask of the world around them."""

    holders: Mapping[str, Any]  # residents by id
    unix: Callable[[object], int]
    key_of: Callable[[str], bytes]


def tuples(fields: Body) -> dict[str, Any]:
    """The fields with every list as a tuple."""
    return {name: _tuple(value) for name, value in fields.items()}


def _tuple(value: Any) -> Any:
    return tuple(_tuple(each) for each in value) if isinstance(value, list) else value


def minute(text: str) -> int:
    """The minute of the day of "08:30", up to "24:00"."""
    hours, minutes = map(int, text.split(":"))
    if not 0 <= minutes < 60:
        raise ValueError(f"not a time of day: {text}")
    return hours * 60 + minutes


def windows(entries: Any) -> tuple[Window, ...]:
    """The windows of [{days: [1, 2], from: "08:00", to: "18:00"}]; without days each day, without times the whole."""
    found: list[Window] = []
    for each in entries:
        known(each, ("days", "from", "to"))
        start, end = minute(each.get("from", WHOLE_DAY[0])), minute(each.get("to", WHOLE_DAY[1]))
        for day in each.get("days", range(1, 8)):
            found += split(day, start, end)
    return tuple(found)


def _zone(name: str, body: Body, _: Context) -> Row:
    fields = dict(body)
    rules = fields.pop("rules", None)
    if rules is not None:
        check(rules, "rules")
        rules = ZoneRules(**{**rules, "passback": Passback(rules.get("passback", "off"))})
    return Zone(name, **fields, rules=rules)


def _schedule(name: str, body: Any, _: Context) -> Row:
    if isinstance(body, dict):
        known(body, ("windows", "special"))
        return Schedule(name, windows(body["windows"]), tuple(body.get("special", ())))
    return Schedule(name, windows([{}] if body == "always" else body))


def _special_days(name: str, body: Body, _: Context) -> Row:
    known(body, ("days", "priority"))
    return SpecialDays(name, tuple(_special_day(**each) for each in body["days"]), body.get("priority", 0))


def _special_day(date: str, windows: Any = (), follows: int | None = None) -> SpecialDay:
    for each in windows:
        known(each, ("from", "to"))
    return SpecialDay(date, tuple((minute(each["from"]), minute(each["to"])) for each in windows), follows)


def _profile(name: str, body: Body, _: Context) -> Row:
    fields = dict(body)
    policies = tuple(AccessPolicy(**each) for each in fields.pop("policies", ()))
    return AccessProfile(name, fields.pop("number"), policies, **fields)


def _resident(name: str, body: Body, context: Context) -> None:
    HolderClass(body.get("class", "resident"))  # a resident is no row: his credentials are
    known(body, ("class",))


def _credential(name: str, body: Body, context: Context) -> Row:
    fields = dict(body)
    holder = fields.pop("resident")
    times: dict[str, Any] = {word: context.unix(fields.pop(word)) for word in TIMES if fields.get(word) is not None}
    return Credential(
        id=name,
        key=context.key_of(name),
        type=CredentialType(fields.pop("type", "card")),
        holder=holder,
        holder_class=HolderClass((context.holders[holder] or {}).get("class", "resident")),
        state=CredentialState(fields.pop("state", "enabled")),
        profiles=tuple(fields.pop("profiles", ())),
        pin=context.key_of(pin_of(name, fields.pop("pin"))) if "pin" in fields else b"",
        duress_pin=context.key_of(pin_of(name, fields.pop("duress_pin"))) if "duress_pin" in fields else b"",
        marks=sum(Mark[word.upper()] for word in fields.pop("marks", ())),
        **times,
        **fields,
    )


def pin_of(credential: str, pin: object) -> str:
    """What stands for a credential's PIN in a world."""
    return f"pin {pin} of {credential}"


def _issuer(name: str, body: Body, _: Context) -> Row:
    known(body, ())
    return IssuerKey(int(name), bytes(33))


def _denied(name: str, body: Any, context: Context) -> Row:
    known(body, ("until",))
    return DeniedPass(context.key_of(name)[:8], context.unix(body.get("until", 0)))


KINDS: dict[str, Callable[[str, Any, Context], Row | None]] = {
    "zones": _zone,
    "special_days": _special_days,
    "schedules": _schedule,
    "profiles": _profile,
    "residents": _resident,
    "credentials": _credential,
    "issuers": _issuer,
    "denied": _denied,
}
