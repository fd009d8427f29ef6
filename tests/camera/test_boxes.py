"""Boxes: real files from ffmpeg, torn, altered and cut anywhere."""

import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from camera.boxes import Layout, Malformed, layout
from camera.command import FRAGMENTED
from camera.groups import codec_mime, end_us, groups
from camera.playlist import playlist
from camera.segment import Segment, pack_gops, unpack_gops
from camera.splitter import Part, Splitter
from camera.tag import tag_file, tagged

one_file = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


@pytest.fixture(scope="module")
def film(archived: Path) -> bytes:
    return sorted(archived.glob("gate/*/*/*.mp4"))[1].read_bytes()


def test_a_file_agrees_with_ffprobe(archived: Path) -> None:
    path = sorted(archived.glob("gate/*/*/*.mp4"))[1]
    entries = "stream=codec_name,profile,width,height,nb_read_packets:format=duration"
    argv = ["ffprobe", "-v", "error", "-count_packets", "-show_entries", entries, "-of", "default=nk=0:nw=1", str(path)]
    said = subprocess.run(argv, capture_output=True, check=True, text=True).stdout.split()
    probe = dict(line.split("=", 1) for line in said if "=" in line)
    shape = layout(memoryview(path.read_bytes()))
    assert shape.init is not None
    assert shape.fault is None
    assert (shape.init.width, shape.init.height) == (int(probe["width"]), int(probe["height"]))
    assert sum(each.samples for each in shape.fragments) == int(probe["nb_read_packets"])
    assert abs(end_us(shape.init, shape.fragments) / 1e6 - float(probe["duration"])) < 0.001
    assert codec_mime(shape.init).startswith('video/mp4; codecs="avc1.42')


def test_groups_start_at_key_frames_and_cover_all_fragments(film: bytes) -> None:
    shape = layout(memoryview(film))
    assert shape.init is not None
    found = groups(shape.init, shape.fragments, memoryview(film))
    assert len(found) == sum(each.key for each in shape.fragments)
    ends = [each.offset + each.size for each in found]
    for each in shape.fragments:
        within = [
            a.offset <= each.offset and each.offset + each.size <= end for a, end in zip(found, ends, strict=True)
        ]
        assert within.count(True) == 1
    assert ends[-1] == shape.fragments[-1].offset + shape.fragments[-1].size
    assert unpack_gops(pack_gops(found)) == found


def test_each_fragment_tells_the_senders_wall_time_in_step_with_its_own(film: bytes) -> None:
    shape = layout(memoryview(film))
    assert shape.init is not None
    zeros = [(each.wall_us or 0) - each.start * 1_000_000 // shape.init.timescale for each in shape.fragments]
    assert max(zeros) - min(zeros) < 400_000, "our own clock stands in until the camera tells its time"
    assert abs(zeros[-1] / 1e6 - time.time()) < 3600


@pytest.fixture(scope="module")
def hevc(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The same H.265 under both names, as ffmpeg writes them."""
    folder = tmp_path_factory.mktemp("hevc")
    source, written = folder / "source.hevc", {name: folder / f"{name}.mp4" for name in ("hev1", "hvc1")}
    argv = ["ffmpeg", "-v", "error", "-f", "lavfi", "-i", "testsrc2=size=160x96:rate=12:duration=1", "-c:v", "libx265"]
    subprocess.run([*argv, "-x265-params", "log-level=error:pools=1:bframes=0", str(source)], check=True)
    for name, path in written.items():
        argv = ["ffmpeg", "-v", "error", "-r", "12", "-i", str(source), "-c", "copy", "-tag:v", name]
        subprocess.run([*argv, "-movflags", f"+frag_keyframe{FRAGMENTED}", str(path)], check=True)
    return written


def test_h265_gets_the_name_that_browsers_ask_for_as_ffmpeg_itself_would_have_written_it(
    hevc: dict[str, Path], tmp_path: Path
) -> None:
    path = Path(shutil.copy(hevc["hev1"], tmp_path))
    init = layout(memoryview(path.read_bytes())).init
    assert init is not None
    found = tag_file(path, init)
    assert path.read_bytes() == hevc["hvc1"].read_bytes() != hevc["hev1"].read_bytes()
    assert found == layout(memoryview(path.read_bytes())).init
    assert tag_file(path, found) == found


def test_a_beginning_of_h264_stays_as_it_is(film: bytes) -> None:
    init = layout(memoryview(film)).init
    assert init is not None
    assert tagged(film[: init.size]) == film[: init.size]


@given(st.data())
def test_altered_beginnings_of_h265_are_tagged_or_refused(hevc: dict[str, Path], data: st.DataObject) -> None:
    init = layout(memoryview(hevc["hev1"].read_bytes())).init
    assert init is not None
    altered = bytearray(hevc["hev1"].read_bytes()[: init.size])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, init.size - 1), st.integers(0, 255)), max_size=4)):
        altered[at] = value
    try:
        assert len(tagged(bytes(altered))) == init.size
    except Malformed:
        return


@one_file
@given(st.data())
def test_a_torn_file_keeps_exactly_its_whole_fragments(film: bytes, data: st.DataObject) -> None:
    size = data.draw(st.integers(0, len(film)))
    whole, torn = layout(memoryview(film)), layout(memoryview(film[:size]))
    assert torn.fault is None
    assert torn.whole_bytes <= size
    assert torn.fragments == tuple(each for each in whole.fragments if each.offset + each.size <= size)


@one_file
@given(st.data())
def test_altered_bytes_never_raise_and_never_reach_beyond_the_file(film: bytes, data: st.DataObject) -> None:
    altered = bytearray(film[:9000])
    for at, value in data.draw(st.lists(st.tuples(st.integers(0, 8999), st.integers(0, 255)), max_size=6)):
        altered[at] = value
    assert_sane(layout(memoryview(altered)), len(altered))


@given(st.binary(max_size=400))
def test_garbage_is_no_film(data: bytes) -> None:
    assert_sane(layout(memoryview(data)), len(data))


def assert_sane(shape: Layout, size: int) -> None:
    assert shape.whole_bytes <= size
    assert all(each.offset + each.size <= size for each in shape.fragments)


@one_file
@given(st.lists(st.integers(1, 4000), min_size=1, max_size=50))
def test_a_stream_splits_the_same_however_it_arrives(film: bytes, sizes: list[int]) -> None:
    splitter, parts, at = Splitter(), list[Part](), 0
    for n in range(len(film)):
        step = sizes[n % len(sizes)]
        parts += splitter.feed(film[at : at + step])
        at += step
        if at >= len(film):
            break
    shape = layout(memoryview(film))
    for part, each in zip(parts[1:], shape.fragments, strict=True):
        assert part.data.endswith(film[each.offset : each.offset + each.size])
    assert b"".join(part.data for part in parts) == film[: shape.fragments[-1].offset + shape.fragments[-1].size]


def test_an_endless_part_is_refused() -> None:
    splitter = Splitter(limit_bytes=1000)
    with pytest.raises(Malformed, match="larger than 1000"):
        list(splitter.feed(b"\x7f\xff\xff\xffmdat" + bytes(2000)))


def test_a_playlist_has_a_map_and_a_discontinuity_a_file_and_an_entry_a_group(film: bytes) -> None:
    shape = layout(memoryview(film))
    assert shape.init is not None
    gops = groups(shape.init, shape.fragments)
    start = 1_795_449_600_000_000
    films = [
        Segment(f"run-00000{n}", "gate", start + n * 3_000_000, start + (n + 1) * 3_000_000, 1, "", 795, "", 1, 1, gops)
        for n in range(2)
    ]
    text = playlist(films, start, start + 6_000_000)
    assert text.count("#EXT-X-MAP") == 2
    assert text.count("#EXT-X-DISCONTINUITY") == 1
    assert text.count("#EXTINF") == 2 * len(gops)
    assert "#EXT-X-PROGRAM-DATE-TIME:2026-11-23T16:00:00.000Z" in text
    later = playlist(films, start + 4_000_000, start + 4_100_000)
    assert later.count("#EXTINF") == 1
