"""Both catalogues say the same things, and have words for all that the house can tell."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from camera.alarms import AlarmKind
from camera.states import State
from controllers.driver import Result
from gateway.access.door import DoorAlarm, DoorMode
from gateway.access.event import EventKind
from gateway.access.model import CredentialType
from gateway.access.reasons import DenyReason
from mgmt_api.event_words import KINDS
from mgmt_api.problems import PROBLEMS

SOURCES = Path(__file__).parents[2] / "mgmt_api" / "console" / "src"
LANGUAGES = ("zh-CN", "en-US")
HAN = re.compile(r"[\u4e00-\u9fff]")
IN_BOTH = {"bar.toEnglish", "bar.toChinese"}  # each is written in the language that it leads to
# What a person at the console can meet; the others answer machines.
SHOWN_PROBLEMS = {
    "bad-credentials", "unauthenticated", "forbidden", "foreign-origin", "password-change-required", "not-found",
    "weak-password", "throttled", "recorder-unreachable", "busy", "internal", "gateway-offline", "no-answer",
    "no-history", "no-decision", "no-reader", "too-late", "no-footage",
}  # fmt: skip


def catalogue(language: str) -> dict[str, Any]:
    text = (SOURCES / "text" / f"{language}.json").read_text("utf-8")
    return dict(json.loads(text))


def leaves(node: dict[str, Any], path: str = "") -> Iterator[tuple[str, str]]:
    for key, value in node.items():
        if isinstance(value, dict):
            yield from leaves(value, f"{path}{key}.")
        else:
            yield path + key, value


def test_both_catalogues_have_the_same_keys_in_the_same_order() -> None:
    chinese, english = (list(dict(leaves(catalogue(language)))) for language in LANGUAGES)
    assert chinese == english


def test_both_catalogues_fill_the_same_places() -> None:
    chinese, english = (dict(leaves(catalogue(language))) for language in LANGUAGES)
    places = re.compile(r"{{(\w+)}}")
    assert {key: set(places.findall(text)) for key, text in chinese.items()} == {
        key: set(places.findall(text)) for key, text in english.items()
    }


def test_chinese_is_chinese_and_english_is_not() -> None:
    assert not [key for key, text in leaves(catalogue("en-US")) if key not in IN_BOTH and HAN.search(text)]
    words = [(key, text) for key, text in leaves(catalogue("zh-CN")) if key not in IN_BOTH]
    assert not [key for key, text in words if not HAN.search(text) and not text.startswith("{{")]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("group", "words"),
    [
        ("kind", set(EventKind)),
        ("note", set(EventKind)),
        ("reason", set(DenyReason)),
        ("doorMode", set(DoorMode)),
        ("doorAlarm", set(DoorAlarm)),
        ("command", {"queued", "sent", *Result}),
        ("step", {*Result, "Taken", "NotTaken", "DoorClosed"}),
        ("who", set(CredentialType)),
        ("gapReason", set(State) - {State.RECORDING}),
        ("problem", SHOWN_PROBLEMS),
    ],
)
def test_every_word_of_the_house_has_a_text(language: str, group: str, words: set[str]) -> None:
    texts = catalogue(language)[group]
    assert not [str(word) for word in sorted(words) if not texts.get(str(word))]


def test_the_problems_shown_are_problems_of_the_api() -> None:
    assert set(PROBLEMS) >= SHOWN_PROBLEMS


def test_every_text_that_the_sources_name_exists() -> None:
    known = dict(leaves(catalogue("zh-CN")))
    named = {
        key
        for path in SOURCES.rglob("*.ts*")
        for key in re.findall(r"""\bt\(\s*"([\w.-]+)\"""", path.read_text("utf-8"))
    }
    assert named
    assert not sorted(key for key in named if key not in known and f"{key}_other" not in known)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_alarm_of_a_camera_has_its_word(language: str) -> None:
    assert set(catalogue(language)["cameraAlarm"]) == set(AlarmKind)


def test_an_export_calls_events_what_the_console_calls_them() -> None:
    for language, texts in zip(LANGUAGES, zip(*KINDS.values(), strict=True), strict=True):
        known = catalogue(language)["kind"]
        assert {kind: known[kind] for kind in EventKind} == dict(zip(KINDS, texts, strict=True))
