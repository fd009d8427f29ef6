"""Clips and exports: exact, signed, and what a forger changes is found."""

import itertools
import json
import random
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from camera.boxes import layout
from camera.clip import MANIFEST, SIGNATURE, public_keys, verify
from camera.database import Database
from camera.encode import Change, Unencodable, change_command, encoded
from camera.export import Export, Wanted, signing_key
from camera.footage import Footage
from camera.groups import codec_mime
from camera.remux import Begin, Piece, clip
from camera.segment import US, Segment
from camera.timeline import Timeline
from simulators.browser import CHROMIUM
from tests.camera.site import clocks, eventually, packets

EVENTS = [{"occurred_at": "2026-11-23T08:00:00.000Z", "door": "main</script>", "kind": "Granted"}]


@pytest.fixture
def footage(archive: Path) -> Footage:
    return Footage(archive, Timeline(Database(archive / "index.db")), {})


@pytest.fixture
def span(archive: Path) -> tuple[int, int]:
    """One second after the first picture to one second before the last."""
    found = Timeline(Database(archive / "index.db")).recorded("gate", 0, 1 << 62)
    return found[0].start_us + US, found[-1].end_us - US


def joined(footage: Footage, from_us: int, to_us: int) -> tuple[bytes, int]:
    parts = list(clip(footage, footage.segments("gate", from_us, to_us), from_us, to_us))
    assert isinstance(parts[0], Begin)
    assert all(isinstance(each, Piece) for each in parts[1:])
    return b"".join(each.init if isinstance(each, Begin) else each.data for each in parts), parts[0].start_us


def test_a_clip_has_every_picture_of_its_time_and_no_seam(
    footage: Footage, span: tuple[int, int], tmp_path: Path
) -> None:
    data, start_us = joined(footage, *span)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    shown = clocks(path)
    files = footage.segments("gate", *span)
    recorded = [at for each in files for at in clocks(footage.path(each.id, "gate"))]
    begin = recorded.index(shown[0])
    assert shown == recorded[begin : begin + len(shown)]
    assert start_us <= span[0] < start_us + 1.2 * US
    times = [float(each["pts_time"]) for each in packets(path)]
    assert times[0] == 0
    longest_s = max(b - a for a, b in itertools.pairwise(shown)) / 1000  # of a busy camera
    assert max(b - a for a, b in itertools.pairwise(times)) < longest_s + 0.05
    assert abs(times[-1] - (span[1] - start_us) / US) < 0.7
    whole = [ms for each in sorted((footage._root).glob("gate/*/*/*.mp4")) for ms in clocks(each)]
    assert shown == [ms for ms in whole if shown[0] <= ms <= shown[-1]]


def test_a_clip_of_half_a_second_begins_at_its_key_frame(
    footage: Footage, span: tuple[int, int], tmp_path: Path
) -> None:
    data, _ = joined(footage, span[0] + US, span[0] + US + US // 2)
    (tmp_path / "clip.mp4").write_bytes(data)
    found = packets(tmp_path / "clip.mp4")
    assert found[0]["flags"].startswith("K")
    assert 5 <= len(found) <= 26


@pytest.fixture
def export(footage: Footage, archive: Path, span: tuple[int, int], tmp_path: Path) -> Path:
    wanted = Wanted({"gate": {"zh": "大门", "en": "Gate"}}, *span, "guard-1", "theft", EVENTS)
    path = tmp_path / "export.zip"
    with path.open("wb") as file:
        Export(footage, signing_key(archive / "signing.key")).write(file, wanted, {}, span[1])
    return path


def test_masks_are_black_in_what_is_taken(
    footage: Footage, archive: Path, span: tuple[int, int], tmp_path: Path
) -> None:
    hide = {"gate": "drawbox=x=0:y=0:w=iw/2:h=ih/2:color=black:t=fill"}
    wanted = Wanted({"gate": {}}, *span, "guard-1", "theft", hide=hide)
    path = tmp_path / "export.zip"
    with path.open("wb") as file:
        Export(footage, signing_key(archive / "signing.key")).write(file, wanted, {}, span[1])
    assert verify(path) == []
    with zipfile.ZipFile(path) as archived:
        (camera,) = json.loads(archived.read(MANIFEST))["cameras"]
        film = archived.read("gate-1.mp4")
    assert camera["masked"] is True
    init = layout(memoryview(film)).init
    assert init is not None
    assert camera["parts"][0]["mime"] == codec_mime(init), "what it is now, not what was recorded"
    copy, _ = joined(footage, *span)
    assert clocks(film) == clocks(copy)  # below the mask all is as it was
    (tmp_path / "film.mp4").write_bytes(film)
    (tmp_path / "copy.mp4").write_bytes(copy)
    times, copied = ([float(each["pts_time"]) for each in packets(tmp_path / f"{n}.mp4")] for n in ("film", "copy"))
    assert times == pytest.approx(copied, abs=0.002), "no later than the pictures that were recorded"
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-vf", "crop=iw/2:ih/2:0:0", "-f", "rawvideo", "-pix_fmt", "gray"]
    assert max(subprocess.run([*argv, "pipe:1"], input=film, capture_output=True, check=True).stdout) < 24


def test_a_long_watermark_is_seen_to_its_end_and_what_cannot_be_shown_is_a_space(
    footage: Footage, span: tuple[int, int]
) -> None:
    film, _ = joined(footage, *span)
    segment = footage.segments("gate", *span)[0]
    long = "物业管理处 guard-1 theft of a bicycle 2026-11-27 08:00 " * 2

    def picture(mark: str) -> bytes:
        marked = encoded(change_command(segment, Change(watermark=mark)), [film])
        argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-frames:v", "1", "-f", "rawvideo", "-pix_fmt", "gray"]
        return subprocess.run([*argv, "pipe:1"], input=marked, capture_output=True, check=True).stdout

    assert picture(f"{long} 17") != picture(f"{long} 71")
    assert picture(f"17\0{long[0]}\n") == picture(f"17 {long[0]} ")


def test_an_encoder_that_fails_says_so(footage: Footage, archive: Path, span: tuple[int, int], tmp_path: Path) -> None:
    wanted = Wanted({"gate": {}}, *span, "guard-1", "theft", hide={"gate": "nofilter"})
    with (tmp_path / "x.zip").open("wb") as file, pytest.raises(Unencodable, match="nofilter"):
        Export(footage, signing_key(archive / "signing.key")).write(file, wanted, {}, span[1])


def test_an_export_verifies_and_says_what_it_is(export: Path, archive: Path) -> None:
    key = Export(None, signing_key(archive / "signing.key")).public_key  # type: ignore[arg-type] # the key alone is asked
    assert verify(export) == []
    assert verify(export, key) == []
    assert public_keys(export) == [key]
    assert (archive / "signing.key").stat().st_mode & 0o777 == 0o600
    with zipfile.ZipFile(export) as archived:
        manifest = json.loads(archived.read(MANIFEST))
        assert json.loads(archived.read("events.json")) == EVENTS
        assert b"main</script>" not in archived.read("index.html")
    (camera,) = manifest["cameras"]
    assert (manifest["by"], manifest["reason"], camera["label"]["zh"]) == ("guard-1", "theft", "大门")
    assert 0 <= camera["parts"][0]["lead_ms"] < 1200
    assert all(len(each["sha256"]) == 64 for each in camera["sources"])


def rewritten(path: Path, change: Callable[[str, bytes], bytes | None], more: dict[str, bytes] | None = None) -> Path:
    with zipfile.ZipFile(path) as archived:
        files = {name: archived.read(name) for name in archived.namelist()}
    target = path.with_name("forged.zip")
    with zipfile.ZipFile(target, "w") as forged:
        for name, data in files.items():
            if (changed := change(name, data)) is not None:
                forged.writestr(name, changed)
        for name, data in (more or {}).items():
            forged.writestr(name, data)
    return target


@pytest.mark.parametrize("file", ["gate-1.mp4", "events.json", "index.html", MANIFEST, SIGNATURE])
def test_a_changed_or_missing_file_is_named(export: Path, file: str) -> None:
    flipped = rewritten(export, lambda name, data: data[:-9] + b"x" + data[-8:] if name == file else data)
    assert any(fault.file in (file, MANIFEST) for fault in verify(flipped))
    gone = rewritten(export, lambda name, data: None if name == file else data)
    assert [fault.file for fault in verify(gone)] == [file]


def test_a_file_that_was_added_and_a_signature_of_another_key_are_named(export: Path, tmp_path: Path) -> None:
    assert [str(each) for each in verify(rewritten(export, lambda _, data: data, {"new.mp4": b"x"}))] == [
        "new.mp4: is not in the manifest"
    ]
    assert "another key" in str(verify(export, "00" * 32)[0])


def test_no_flipped_bit_of_the_zip_passes_or_raises(export: Path, tmp_path: Path) -> None:
    chance, data = random.Random(5), export.read_bytes()
    path, whole = tmp_path / "hurt.zip", _contents(export)
    for _ in range(60):
        hurt = bytearray(data)
        at = chance.choice((chance.randrange(len(hurt)), len(hurt) - 1 - chance.randrange(900)))
        hurt[at] ^= 1 << chance.randrange(8)
        path.write_bytes(hurt)
        assert verify(path) or _contents(path) == whole, at


def _contents(path: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(path) as archived:
        return {name: archived.read(name) for name in archived.namelist()}


def test_the_viewer_plays_from_a_folder_without_a_network(export: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(export) as archived:
        archived.extractall(tmp_path / "out")
    said: list[str] = []
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(locale="zh-CN")
        page.on("console", lambda message: said.append(message.text))
        page.goto((tmp_path / "out" / "index.html").as_uri())
        page.click("#play")
        eventually(lambda: page.evaluate("document.querySelector('video').currentTime") > 1.5)
        assert page.inner_text("h1") == "录像导出"
        assert "main</script>" in page.inner_text("#events")
        page.click("#language")
        assert page.inner_text("h1") == "Exported footage"
        browser.close()
    assert said == []


def test_the_viewer_says_in_a_gap_that_nothing_is_recorded(archive: Path, tmp_path: Path) -> None:
    timeline = Timeline(Database(archive / "index.db"))
    one, _, three = timeline.segments("gate", 0, 1 << 62)[:3]

    class Lossy(Footage):
        def segments(self, camera: str, from_us: int, to_us: int) -> list[Segment]:
            return [one, three]

    wanted = Wanted({"gate": {}}, one.start_us, three.end_us, "guard-1", "theft")
    with (tmp_path / "gap.zip").open("wb") as file:
        Export(Lossy(archive, timeline, {}), signing_key(archive / "signing.key")).write(file, wanted, {}, 0)
    with zipfile.ZipFile(tmp_path / "gap.zip") as archived:
        archived.extractall(tmp_path / "out")
    with sync_playwright() as engine:
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(locale="zh-CN")
        page.goto((tmp_path / "out" / "index.html").as_uri())
        seen = []
        for at_us in (one.end_us - US // 2, (one.end_us + three.start_us) // 2, three.start_us + US // 2):
            page.evaluate("s => { $('seek').value = s; $('seek').oninput() }", (at_us - one.start_us) / US)
            seen.append((page.is_visible("video"), page.is_visible(".none")))
        assert page.evaluate("document.querySelector('.none').textContent") == "此刻没有录像"
        page.click("#language")
        assert page.evaluate("document.querySelector('.none').textContent") == "Not recorded"
        browser.close()
    assert seen == [(True, False), (False, True), (True, False)]


@pytest.mark.parametrize("data", [b"", b"no zip", b"PK\x05\x06" + bytes(18)])
def test_what_is_no_export_is_a_fault(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.zip").write_bytes(data)
    assert verify(tmp_path / "x.zip")
    assert verify(tmp_path / "absent.zip")


def test_the_signing_key_is_made_once(tmp_path: Path) -> None:
    keys = {Export(None, signing_key(tmp_path / "signing.key")).public_key for _ in range(2)}  # type: ignore[arg-type] # as above
    assert len(keys) == 1
    (tmp_path / "signing.key").write_text("no key")
    with pytest.raises(ValueError, match="PEM"):
        signing_key(tmp_path / "signing.key")


def test_a_clip_over_a_lost_file_keeps_wall_time(footage: Footage, archive: Path, span: tuple[int, int]) -> None:
    segments = footage.segments("gate", *span)
    assert len(segments) > 2
    pieces = [each for each in clip(footage, [segments[0], segments[2]], *span) if isinstance(each, Piece)]
    ends = [each.end_us for each in pieces]
    assert max(b - a for a, b in itertools.pairwise(ends)) > 1.5 * US
    shutil.rmtree(archive / "gate")
    with pytest.raises(FileNotFoundError):
        list(clip(footage, segments, *span))


def test_where_the_clock_was_set_back_a_new_part_begins_and_each_is_as_long_as_it_says(
    footage: Footage, archive: Path
) -> None:
    first, second = Timeline(Database(archive / "index.db")).segments("gate", 0, 1 << 62)[1:3]
    back_us = first.start_us + US // 10 - second.start_us
    again = replace(second, start_us=second.start_us + back_us, end_us=second.end_us + back_us)
    until_us = max(first.end_us, again.end_us)
    parts = list(clip(footage, [first, again], first.start_us, until_us))
    begins = [n for n, each in enumerate(parts) if isinstance(each, Begin)]
    assert len(begins) == 2
    for n, each in zip(begins, (first, again), strict=True):
        begin, last = parts[n], parts[begins[1] - 1 if n == 0 else -1]
        assert isinstance(begin, Begin)
        assert isinstance(last, Piece)
        assert (begin.start_us, last.end_us) == (each.start_us, each.end_us)
