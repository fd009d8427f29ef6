"""The `menjin` command, as a person and as a script use it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.main import get_command
from typer.testing import CliRunner

from mgmt_api.cli.command import app

EXAMPLE = Path(__file__).parents[2] / "config/site.example.yaml"
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


@pytest.mark.parametrize(
    "command", [["journal", "verify", "--path"], ["recordings", "check", "--dir"], ["clip", "verify"]]
)
def test_evidence_that_is_not_there_is_said_plainly(runner: CliRunner, tmp_path: Path, command: list[str]) -> None:
    done = runner.invoke(app, [*command, str(tmp_path / "none")])
    assert done.exit_code == 1
    assert "there " in done.output


def test_every_command_under_a_group_has_a_help_in_both_languages() -> None:
    groups = [each for each in get_command(app).commands.values() if hasattr(each, "commands")]  # type: ignore[attr-defined] # typer's group is untyped
    silent = [
        f"{group.name} {name}"
        for group in groups
        for name, command in group.commands.items()
        if not re.search(r"[一-鿿]", command.help or "") or not re.search(r"[A-Za-z]{3}", command.help or "")
    ]
    assert len(groups) >= 5
    assert not silent
