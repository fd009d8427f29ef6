"""Each file in worlds/ is a test: all that it expects holds. A bug report can be such a file."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from gateway.access import world, world_rows
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
        ({"events": [{"at": 5}, {"at": 4}]}, "event 2"),
        ({"events": [{"at": "noon"}]}, "event 1"),
        ({"events": [{"present": {"point": "gate-in"}}]}, "card, live"),
        ({"events": [{"door": "gate", "contact": "ajar"}]}, "ajar"),
        ({"events": 5}, "events"),
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


def test_the_page_documents_every_word_of_a_world() -> None:
    missing = [word for word in {*world.WORDS, *world_rows.KINDS} if f"`{word}`" not in PAGE]
    assert not missing
