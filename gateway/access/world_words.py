"""The words of a world: which may stand in an event, and what may be said with them."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from gateway.access.door import DoorMode
from gateway.access.reasons import DenyReason

Body = Mapping[str, Any]
FOREVER_S = 10**9

ALWAYS = ("at", "after", "expect")
EVENTS = {"present": ("lock",), "door": (), "pardon": ()}  # what an event is, and what may stand beside it
INPUTS = {  # of a door, one an event
    "contact": (), "mode": ("for_s",), "release_mode": (), "lockdown": (), "schedule": (), "fire": (),
    "fire_reset": (), "rex": (), "resumed": (),
}  # fmt: skip
CODE = ("site", "signature")
SHOWN = {  # to a reader
    "card": ("assurance", "pin"),
    "live": ("iat", "pin", "flags", "code_door", *CODE),
    "pass": ("profile", "nbf", "exp", "max_uses", "kid", *CODE),
    "unreadable": (),
}
RESULT = (
    "event", "at", "said", "doors", "point", "decision", "policy", "duress", "extended", "notes", "reason", "zh", "en",
    "freshness", "age_s",
)  # fmt: skip
PASSAGE = ("last_iat", "uses", "inside")

CHOICES: Mapping[str, Collection[object]] = {
    "contact": ("open", "shut", "unseen"),
    "mode": tuple(DoorMode),
    "fire": ("whole", "cut", "unseen"),
    "rex": ("pressed", "idle", "unseen"),
    "lock": ("done", "failed", "unknown"),
    "unreadable": tuple(DenyReason),
    "relock": ("time", "open", "close"),
} | dict.fromkeys(("release_mode", "fire_reset", "resumed"), (True,)) | dict.fromkeys(
    (
        "lockdown", "schedule", "signature", "static_codes", "public", "supervised", "escort", "fire_release",
        "first_in", "responder", "visiting",
    ),
    (True, False),
)  # fmt: skip
NUMBERS = {  # the least and the most
    "site": (0, 2**32 - 1),
    "number": (1, 65_535),
    "code_door": (0, 65_535),
    "kid": (0, 15),
    "assurance": (0, 3),
    "min_assurance": (0, 3),
    "max_uses": (0, 10**6),
    "priority": (0, 1000),
    "persons": (1, 2),
    "limit": (0, 10**6),
    "least": (0, 10**6),
    "hold_s": (1, 3600),
}


class BadWord(ValueError):
    """A word that may not stand where it does; `path` leads to it."""

    def __init__(self, why: str, *path: str) -> None:
        super().__init__(f"{'.'.join(path)}: {why}")
        self.why, self.path = why, path


def known(body: Iterable[object], words: Collection[str], *path: str) -> None:
    """Refuse any other word. Raises `BadWord`."""
    for word in body:
        if word not in words:
            raise BadWord("unknown here", *path, str(word))


def check(body: Body, *path: str) -> None:
    """Refuse values that cannot be. Raises `BadWord`."""
    for word, value in body.items():
        if word in CHOICES and not any(_same(value, each) for each in CHOICES[word]):
            raise BadWord(f"{value!r} is none of {', '.join(map(_said, CHOICES[word]))}", *path, word)
        least, most = NUMBERS.get(word, (0, FOREVER_S))
        if (word in NUMBERS or str(word).endswith("_s")) and value is not None and not _lies(value, least, most):
            raise BadWord(f"{value!r} is no number from {least} to {most}", *path, str(word))


def event(body: Body, places: Mapping[str, Collection[str]]) -> None:
    """Refuse what no event can be; `places` are the doors, points and zones (to pardon). Raises `BadWord`."""
    kind = _one(body, EVENTS)
    heard = _one(body, INPUTS) if kind == "door" else ""
    known(body, (*ALWAYS, kind, *EVENTS.get(kind, ()), heard, *INPUTS.get(heard, ())))
    check(body)
    if "at" in body and "after" in body:
        raise BadWord("stands beside at", "after")
    if kind == "present":
        _presented(body["present"], places)
    elif kind:
        _is_one(body[kind], places[kind], kind)
    if isinstance(body.get("expect"), Mapping):
        known(body["expect"], RESULT, "expect")


def _presented(body: Body, places: Mapping[str, Collection[str]]) -> None:
    shown = _one(body, SHOWN, "present")
    if not shown:
        raise BadWord(f"names one of {', '.join(SHOWN)}", "present")
    known(body, ("point", shown, *SHOWN[shown]), "present")
    check(body, "present")
    _is_one(body.get("point"), places["point"], "present", "point")


def _is_one(name: object, names: Collection[str], *path: str) -> None:
    if name not in names:
        raise BadWord("is missing" if name is None else f"{name!r} is unknown", *path)


def _one(body: Body, words: Collection[str], *path: str) -> str:
    """Which of these words stands there; none is empty."""
    found = [word for word in body if word in words]
    if len(found) > 1:
        raise BadWord(f"stands beside {found[0]}", *path, found[1])
    return found[0] if found else ""


def _lies(value: object, least: int, most: int) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _same(value: object, choice: object) -> bool:
    return value == choice and isinstance(value, bool) == isinstance(choice, bool)  # 1 is not true


def _said(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
