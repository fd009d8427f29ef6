"""The `menjin` command, as a person and as a script use it."""

import importlib
import json
import os
import re
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog
from typer.main import get_command
from typer.testing import CliRunner

from mgmt_api.cli import doctor
from mgmt_api.cli.command import app, main

EXAMPLE = Path(__file__).parents[2] / "config/site.example.yaml"
PROCESSES = {"run", "gateway", "recorder", "api"}  # they serve until told to stop
NOBODY = 65534
GIVEN_BY_TYPER = {"help", "install_completion", "show_completion"}
COMMANDS = ("run", "gateway", "recorder", "api", "demo", "check-config", "doctor", "journal", "recordings", "version")


@pytest.fixture
def runner() -> Iterator[CliRunner]:
    yield CliRunner()
    structlog.reset_defaults()  # a command that configured logs did it for the runner's own stderr


@pytest.fixture
def site(tmp_path: Path) -> Path:
    return Path(shutil.copy(EXAMPLE, tmp_path / "site.yaml"))


def test_help_lists_every_command(runner: CliRunner) -> None:
    text = runner.invoke(app, ["--help"]).output
    assert not [name for name in COMMANDS if name not in text]


def test_version_is_an_object_for_a_script(runner: CliRunner) -> None:
    assert json.loads(runner.invoke(app, ["version", "--json"]).output)["menjin"]


def test_a_good_site_file_passes(runner: CliRunner, site: Path) -> None:
    assert runner.invoke(app, ["check-config", str(site)]).exit_code == 0


def line_of(site: Path, word: str) -> int:
    """The first line with this word, counted from 1."""
    return next(number for number, line in enumerate(site.read_text().splitlines(), 1) if word in line)


def test_a_bad_site_file_ends_with_78_and_its_place(runner: CliRunner, site: Path) -> None:
    site.write_text(site.read_text().replace("baud: 115200", "bawd: 115200"))
    done = runner.invoke(app, ["check-config", str(site)])
    assert done.exit_code == 78
    assert f"{site}:{line_of(site, 'bawd')}:5: buses.0.bawd: unknown key; did you mean 'baud'?" in done.output
    as_json = json.loads(runner.invoke(app, ["check-config", str(site), "--json"]).output)
    assert as_json["faults"][0]["line"] == line_of(site, "bawd")


@pytest.mark.parametrize(
    ("formats", "why"), [("[H10301, WG99]", "unknown card format 'WG99'"), ("[H10306, BQT34]", "have the same length")]
)
def test_card_formats_are_checked(runner: CliRunner, site: Path, formats: str, why: str) -> None:
    site.write_text(site.read_text().replace("[H10301, H10306]", formats))
    done = runner.invoke(app, ["check-config", str(site)])
    assert done.exit_code == 78
    assert why in done.output
    assert f"{site}:{line_of(site, formats)}:9: buses.0.readers.0.formats" in done.output


def test_a_process_refuses_a_bad_site_file_before_it_starts(runner: CliRunner, tmp_path: Path) -> None:
    done = runner.invoke(app, ["gateway", "--config", str(tmp_path / "none.yaml")])
    assert done.exit_code == 78
    assert "No such file" in done.output


def test_init_writes_a_site_whose_secrets_the_doctor_accepts(runner: CliRunner, tmp_path: Path) -> None:
    folder = tmp_path / "menjin"
    assert runner.invoke(app, ["init", str(folder)]).exit_code == 0
    assert runner.invoke(app, ["check-config", str(folder / "site.yaml")]).exit_code == 0
    found = json.loads(runner.invoke(app, ["doctor", "--config", str(folder / "site.yaml"), "--json"]).output)
    by_name = {each["what"]: each for each in found["findings"]}
    assert by_name["site key"]["ok"]
    assert by_name["reader keys"]["ok"]
    assert not by_name["port of bus-1"]["ok"]


def test_init_never_writes_over_a_site(runner: CliRunner, site: Path) -> None:
    before = site.read_bytes()
    assert runner.invoke(app, ["init", str(site.parent)]).exit_code == 1
    assert site.read_bytes() == before


@pytest.mark.parametrize("place", ["/dev/null", "/proc/menjin", "site.yaml/menjin"])
def test_init_says_where_no_folder_can_be_made(runner: CliRunner, site: Path, place: str) -> None:
    done = runner.invoke(app, ["init", str(site.parent / place)])
    assert done.exit_code == 2
    assert place in done.output


def test_init_tells_a_script_what_it_wrote(runner: CliRunner, tmp_path: Path) -> None:
    told = json.loads(runner.invoke(app, ["init", str(tmp_path / "menjin"), "--json"]).output)
    assert Path(told["site"]).is_file()
    assert Path(told["secrets"]).is_dir()


@pytest.mark.parametrize("command", ["check-config", "doctor"])
def test_a_site_file_is_found_by_the_variable_too(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: str
) -> None:
    monkeypatch.setenv("MENJIN_CONFIG", str(tmp_path / "named.yaml"))
    assert "named.yaml:1:1: cannot be read" in runner.invoke(app, [command]).output


def test_the_doctor_looks_at_the_site_in_its_usual_place_once_it_is_there(
    runner: CliRunner, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual = tmp_path / "menjin" / "site.yaml"
    monkeypatch.setattr(doctor, "DEFAULT_CONFIG", usual)
    asked = ["doctor", "--config", str(usual)]
    assert "✓ site file: none at" in runner.invoke(app, asked).output
    usual.parent.mkdir()
    usual.write_text("no: site\n")
    assert "✗ site file" in runner.invoke(app, asked).output


@pytest.mark.parametrize(
    "command", [["journal", "verify", "--path"], ["recordings", "check", "--dir"], ["clip", "verify"]]
)
def test_evidence_that_is_not_there_is_said_plainly(runner: CliRunner, tmp_path: Path, command: list[str]) -> None:
    done = runner.invoke(app, [*command, str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "there " in done.output


def test_bytes_that_are_no_text_are_refused_whatever_the_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["menjin", "where-can", "--resident", "\udcff"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "UTF-8" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["a: " + "[" * 3000, "a: " + "9" * 5000, "a: !!int x", "a: !!float x"])
def test_a_file_that_no_yaml_reader_gets_through_is_a_bad_file(runner: CliRunner, tmp_path: Path, text: str) -> None:
    (tmp_path / "odd.yaml").write_text(text)
    assert runner.invoke(app, ["check-config", str(tmp_path / "odd.yaml")]).exit_code == 78
    assert runner.invoke(app, ["simulate", str(tmp_path / "odd.yaml")]).exit_code == 2


@pytest.mark.parametrize("name", ["", "x" * 65, "a\nb"])
@pytest.mark.parametrize("order", ["rotate-key", "quality", "capture"])
def test_a_name_that_no_device_can_have_is_refused_before_anybody_is_asked(
    runner: CliRunner, order: str, name: str
) -> None:
    assert runner.invoke(app, ["device", order, name]).exit_code == 2


def test_a_folder_of_another_user_is_said_plainly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    monkeypatch.setattr(sys, "argv", ["menjin", "clip", "verify", str(closed / "clip.zip")])
    me = os.geteuid()
    if me == 0:  # root may open everything
        importlib.import_module("camera.clip")
        os.seteuid(NOBODY)
    try:
        with pytest.raises(SystemExit) as ended:
            main()
    finally:
        os.seteuid(me)
    assert ended.value.code == 1
    assert "clip.zip" in capsys.readouterr().err


def test_every_command_and_each_of_its_options_has_a_help_in_both_languages() -> None:
    words = {name: command.help for name, command in commands().items()}
    words |= {
        f"{name} {each.opts[0]}": getattr(each, "help", None)
        for name, command in commands().items()
        for each in command.params
        if each.name not in GIVEN_BY_TYPER
    }
    assert len(words) > 100
    assert not [name for name, said in words.items() if not in_both_languages(said or "")]


def test_every_command_that_ends_by_itself_answers_a_script() -> None:
    answers = {name for name, command in commands().items() for each in command.params if "--json" in each.opts}
    assert commands().keys() - answers == PROCESSES


def commands() -> dict[str, Any]:
    """Every command by its full name; typer's own classes are untyped."""
    top: dict[str, Any] = dict(get_command(app).commands)  # type: ignore[attr-defined]
    found: dict[str, Any] = {}
    for name, each in top.items():
        under = getattr(each, "commands", None)
        found |= {f"{name} {below}": command for below, command in under.items()} if under else {name: each}
    return found


def in_both_languages(text: str) -> bool:
    return bool(re.search(r"[一-鿿]", text)) and bool(re.search(r"[A-Za-z]{2}", text))
