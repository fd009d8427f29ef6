"""Each file in worlds/ is a test: all that it expects holds. A bug report can be such a file."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.access import world, world_rows, world_words
from gateway.access.simulation import faults, simulate
from gateway.access.world import BadWorld
from mgmt_api.cli.command import app
from mgmt_api.cli.simulate import load

FOLDER = Path(__file__).parent / "worlds"
FILES = sorted(FOLDER.glob("*.yaml"))
PAGE = (Path(world.__file__).parent / "WORLDS.md").read_text("utf-8")


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_all_that_a_world_expects_holds(path: Path) -> None:
    results = simulate(world.read(load(path)))
    assert not faults(results)
    assert any("ok" in result for result in results)


def small(**changes: Any) -> dict[str, Any]:
    return load(FOLDER / "held_door.yaml") | changes


def test_a_result_that_was_not_expected_is_a_fault() -> None:
    events = [{"at": 0, "present": {"card": "li-card", "point": "gate-in"}, "expect": "Denied"}]
    [result] = faults(simulate(world.read(small(events=events))))
    assert (result["decision"], result["expected"], result["ok"]) == ("Granted", "Denied", False)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"zoned": {}}, "zoned"),
        ({"time_zone": "Moon/Sea"}, "Moon"),
        ({"zones": {"estate": {"pubic": True}}}, "zones.estate"),
        ({"schedules": {"always": [{"from": "09:00", "til": "10:00"}]}}, "til"),
        ({"profiles": {"home": {"policies": []}}}, "profiles.home: 'number'"),
        ({"credentials": {"c": {"resident": "wang"}}}, "credentials.c: 'wang'"),
        ({"credentials": {"c": {"resident": "li", "state": "eaten"}}}, "eaten"),
        ({"doors": {"gate": {"strike": 3}}}, "doors.gate"),
        ({"points": {"p": {"door": "gone", "from": "a", "to": "b"}}}, "gone"),
        ({"zones": {"estate": {"parent": "gone"}}}, "zones.estate: parent: there are no zones called 'gone'"),
        ({"points": {"p": {"door": "gate", "from": "estate", "to": "gone"}}, "events": []}, "points.p: to: there are"),
        ({"profiles": {"p": {"number": 1, "policies": [{"zone": "estate", "schedule": "gone"}]}}}, "no schedules"),
        ({"credentials": {"c": {"resident": "li", "profiles": ["gone"]}}}, "there are no profiles called 'gone'"),
        ({"events": [{"at": 5}, {"at": 4}]}, "event 2"),
        ({"events": [{"at": "noon"}]}, "event 1"),
        ({"events": [{"present": {"point": "gate-in"}}]}, "card, live"),
        ({"events": [{"door": "gate", "contact": "ajar"}]}, "ajar"),
        ({"events": 5}, "events"),
        ({"events": [5]}, "event 1"),
        ({"events": [{"at": 1e300}]}, "event 1"),
        ({"events": [{"at": 5, "after": 5}]}, "event 1: after"),
        ({"events": [{"at": 5, "nonsense": 1}]}, "nonsense"),
        ({"events": [{"door": "gate", "contct": "open"}]}, "contct"),
        ({"events": [{"door": "gate", "fire": "cut", "contact": "open"}]}, "contact: stands beside fire"),
        ({"events": [{"door": "gate", "present": {"point": "gate-in", "card": "li-card"}}]}, "beside door"),
        ({"events": [{"door": "gate", "mode": "Blocked", "for_s": -5}]}, "for_s: -5"),
        ({"events": [{"door": "gate", "contact": "open", "for_s": 5}]}, "for_s"),
        ({"events": [{"door": "gate", "lockdown": "no"}]}, "lockdown: 'no'"),
        ({"events": [{"door": "gate", "lockdown": 1}]}, "lockdown: 1"),
        ({"events": [{"door": "gone"}]}, "'gone' is unknown"),
        ({"events": [{"pardon": "gone"}]}, "'gone' is unknown"),
        ({"events": [{"present": {"point": "gone", "card": "li-card"}}]}, "'gone' is unknown"),
        ({"events": [{"present": {"card": "li-card"}}]}, "point: is missing"),
        ({"events": [{"present": {"point": "gate-in", "card": "li-card", "assurrance": 3}}]}, "present.assurrance"),
        ({"events": [{"present": {"point": "gate-in", "card": "li-card", "assurance": 4}}]}, "present.assurance: 4"),
        ({"events": [{"present": {"point": "gate-in", "card": "li-card"}, "lock": "stuck"}]}, "stuck"),
        ({"events": [{"at": 0, "expect": {"decison": "Granted"}}]}, "expect.decison"),
        ({"events": [{"at": 0, "expect": 5}]}, "event 1: expect"),
        ({"doors": {"gate": {"strike_s": -1}}}, "doors.gate: strike_s: -1"),
        ({"zones": {"estate": {"rules": {"persons": 5}}}}, "zones.estate: rules.persons: 5"),
        ({"limits": {"leases": {"staff_s": -1}}}, "leases.staff_s: -1"),
        ({"passage": {"insde": {}}}, "passage: insde"),
        ({"special_days": {"d": {"days": [], "prioritty": 1}}}, "special_days.d: prioritty"),
        ({"schedules": {"always": [{"from": "09:75", "to": "10:00"}]}}, "09:75"),
        ({"time_zone": "Asia"}, "the world"),
        ({"residents": [1]}, "residents"),
    ],
)
def test_what_is_wrong_with_a_world_is_named(changes: dict[str, Any], said: str) -> None:
    with pytest.raises(BadWorld, match=said):
        simulate(world.read(small(**changes)))


def test_the_command_prints_each_decision_and_each_door() -> None:
    told = CliRunner().invoke(app, ["simulate", str(FOLDER / "held_door.yaml")])
    assert told.exit_code == 0
    assert "gate-in  Granted  home/always" in told.output
    assert "gate=Locked/DoorOpenTooLong" in told.output
    found = CliRunner().invoke(app, ["simulate", "--json", str(FOLDER / "held_door.yaml")])
    assert json.loads(found.output)["ok"] is True


def test_the_command_says_by_its_exit_that_something_was_not_as_expected(tmp_path: Path) -> None:
    path = tmp_path / "world.yaml"
    path.write_text("doors: {gate: }\nevents: [{at: 0, expect: {doors: {gate: {mode: Unlocked}}}}]\n")
    assert CliRunner().invoke(app, ["simulate", str(path)]).exit_code == 1
    path.write_text("- 1\n")
    assert CliRunner().invoke(app, ["simulate", str(path)]).exit_code == 2
    assert CliRunner().invoke(app, ["simulate", str(tmp_path / "none")]).exit_code == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("events:\n  - {at: 1}\n  - {at: 2, dor: gate}\n", ":3:13: event 2: dor"),
        ("events:\n  - {at: 1}\n  - {at: 0}\n", ":3:5: event 2: it happens before"),
        ("zones:\n  a:\n    rules: {persons: 5}\n", ":3:13: zones.a: rules.persons"),
        ("site: 1\ndors: {}\n", ":2:1: the world: dors"),
    ],
)
def test_the_command_says_by_line_and_column_what_is_wrong(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "world.yaml"
    path.write_text(text)
    told = CliRunner().invoke(app, ["simulate", str(path)])
    assert told.exit_code == 2
    assert f"{path}{said}" in told.output


def test_the_page_documents_every_word_of_a_world() -> None:
    missing = [word for word in {*world.WORDS, *world_rows.KINDS} if f"`{word}`" not in PAGE]
    words = {*world_words.EVENTS, *world_words.INPUTS, *world_words.SHOWN, *world_words.RESULT}
    for beside in (*world_words.EVENTS.values(), *world_words.INPUTS.values(), *world_words.SHOWN.values()):
        words |= {*beside}
    assert not missing
    assert not [word for word in words if not re.search(rf"\b{word}\b", PAGE)]
