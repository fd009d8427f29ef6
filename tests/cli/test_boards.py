"""`menjin boards` tells how the boards' own lists stand."""

import json
import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from gateway.board_turns import REPORT
from mgmt_api.cli.command import app

EXAMPLE = Path(__file__).parents[2] / "config/site.example.yaml"
COUNTS = {"unchanged": 3, "updated": 1, "added": 2, "deleted": 0, "failed": 1, "missing": 4}


@pytest.fixture
def config(tmp_path: Path) -> Path:
    path = Path(shutil.copy(EXAMPLE, tmp_path / "site.yaml"))
    text = path.read_text(encoding="utf-8").replace("board_lists: false", "board_lists: true")
    path.write_text(text.replace("/var/lib/menjin", str(tmp_path / "data")), encoding="utf-8")
    return path


def run(config: Path, *words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["boards", "--config", str(config), *words])
    assert done.exit_code == code, done.output
    return done.output


def test_the_last_turn_is_shown_board_by_board(config: Path) -> None:
    report = {"board-1": {"at": 1_800_000_000.0, **COUNTS, "errors": ["put_card: TimeoutError"]}}
    folder = config.parent / "data" / "gateway"
    folder.mkdir(parents=True)
    (folder / REPORT).write_text(json.dumps(report))
    assert json.loads(run(config, "--json")) == report
    said = run(config)
    assert "2 added / 新增" in said
    assert "4 number not known / 卡号未知" in said
    assert "put_card: TimeoutError" in said
    assert "deleted" not in said, "nothing was"


def test_what_is_missing_is_said(config: Path) -> None:
    assert "is the gateway running" in run(config, code=1)
    config.write_text(config.read_text(encoding="utf-8").replace("board_lists: true", "board_lists: false"))
    assert "site.board_lists" in run(config, code=78)
