"""The recorder's pure parts: addresses, waiting times, words, byte ranges, the anchor of time."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from camera.anchor import SLEW, Anchor
from camera.media import RangeNotSatisfiable, byte_range
from camera.patience import Patience
from camera.source import BadSource, parse_source
from camera.states import WORDS, State, diagnose


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "exec:rm", "pipe:0", "concat:a|b", "http://camera/", "rtmp://camera/x", "rtsp://",
        "camera", "rtsp:///path", "rtsp://camera:port/", "rtsp://camera:99999/", "rtsp://a b/", "rtsp://a/\nfile 'x'",
        "",
    ],
)  # fmt: skip
def test_only_rtsp_addresses_are_opened(url: str) -> None:
    with pytest.raises(BadSource):
        parse_source("gate", url)


@given(st.text(min_size=1), st.text(min_size=1))
def test_credentials_are_written_once_and_cannot_leave_their_line(user: str, password: str) -> None:
    try:
        source = parse_source("gate", "rtsp://camera:8554/a?b=c", user, password)
    except UnicodeEncodeError:  # a lone surrogate is no text
        return
    script = source.script().decode()
    assert script.count("\n") == 6
    assert script.count("'") == 2
    assert source.shown == "rtsp://camera:8554/a?b=c"
    assert source.address not in source.scrub(f"cannot open {source.address}: refused")


def test_credentials_in_an_address_are_used_and_not_shown() -> None:
    source = parse_source("gate", "rtsps://me:p%40ss@[fe80::1]:322/x'y")
    assert source.address == "rtsps://me:p%40ss@[fe80::1]:322/x'y"
    assert source.shown == "rtsps://[fe80::1]:322/x'y"
    assert b"x'\\''y'" in source.script()
    assert "p%40ss" not in source.scrub("p%40ss p@ss")
    assert "p@ss" not in repr(source) + source.scrub("p%40ss p@ss")


@pytest.mark.parametrize(
    ("tail", "shown"),
    [
        ("user=admin&password=S3cret&channel=1", "user=***&password=***&channel=1"),
        ("user=admin_password=S3_cret_channel=1_stream=0.sdp", "user=***_password=***_channel=1_stream=0.sdp"),
        ("live?User=admin&PWD=S3%20cret", "live?User=***&PWD=***"),
        ("bypass=1/compass=2", "bypass=1/compass=2"),
        ("pass=", "pass="),
    ],
)
def test_a_login_in_the_path_or_the_query_is_used_and_not_shown(tail: str, shown: str) -> None:
    source = parse_source("gate", f"rtsp://camera/{tail}")
    assert source.address == f"rtsp://camera/{tail}"
    assert source.shown == f"rtsp://camera/{shown}"
    said = source.scrub("cannot open S3cret, S3_cret, S3 cret or S3%20cret")
    if "S3" in tail:
        assert "***" in said
    assert source.shown.count("***") == tail.count("admin") + tail.count("S3")


def test_every_state_has_words_in_both_languages() -> None:
    assert set(WORDS) == set(State)
    assert all(zh and en and zh != en for zh, en in WORDS.values())


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("method DESCRIBE failed: 401 Unauthorized", State.UNAUTHORISED),
        ("method DESCRIBE failed: 404 Not Found", State.NOT_FOUND),
        ("Connection to tcp://x failed: Connection refused", State.REFUSED),
        ("av_interleaved_write_frame(): No space left on device\nConnection timed out", State.DISK_FULL),
        ("Failed to open segment '/a/b.mp4': Read-only file system", State.NO_STORAGE),
        ("av_interleaved_write_frame(): Input/output error", State.NO_STORAGE),
        ("rtsp://x: Input/output error", State.ENDED),
        ("", State.ENDED),
    ],
)
def test_what_ffmpeg_says_becomes_a_state(said: str, state: State) -> None:
    assert diagnose(said) is state


@given(st.integers(1, 10_000), st.sampled_from(State), st.floats(0, 1, exclude_max=True))
def test_a_retry_waits_at_most_half_a_minute_or_near_a_minute_for_a_refused_password(
    failures: int, fault: State, chance: float
) -> None:
    wait_s = Patience().retry_s(failures, fault, lambda: chance)
    if fault in (State.UNAUTHORISED, State.NOT_FOUND):
        assert 45 <= wait_s <= 60
    else:
        assert 0 <= wait_s <= 30


def test_the_first_retry_is_at_once_and_the_others_double_from_half_a_second() -> None:
    waits = [Patience().retry_s(n, State.REFUSED, lambda: 1.0) for n in range(1, 10)]
    assert waits == [0, 0.5, 1, 2, 4, 8, 16, 30, 30]


@given(st.lists(st.floats(0, 5), min_size=1, max_size=50))
def test_the_anchor_is_never_before_the_truth_and_never_later_than_the_best_arrival(delays: list[float]) -> None:
    true_us, anchor = 1_795_449_600_000_000, Anchor()
    for n, delay_s in enumerate(delays, 1):
        anchor.observe(true_us + n * 1_000_000 + int(delay_s * 1e6), n * 1_000_000)
        assert anchor.at_us is not None
        assert 0 <= anchor.at_us - true_us <= min(delays[:n]) * 1e6 + n * SLEW * 1e6 + 1


def test_the_anchor_follows_a_slow_clock_and_shrugs_at_a_late_arrival() -> None:
    anchor, slow, rng = Anchor(), 100e-6, random.Random(1)
    for n in range(1, 10_000):
        arrived_s = n * (1 + slow) + rng.random() * 0.05 + (3 if n == 5_000 else 0)
        anchor.observe(int(arrived_s * 1e6), n * 1_000_000)
    assert anchor.at_us is not None
    assert abs(anchor.at_us - 10_000 * slow * 1e6) < 60_000


@pytest.mark.parametrize(
    ("header", "found"),
    [
        (None, None), ("bytes=0-9", (0, 10)), ("bytes=90-", (90, 100)), ("bytes=-5", (95, 100)),
        ("bytes=95-200", (95, 100)), ("bytes=-", None), ("items=0-1", None), ("bytes=0-1,4-5", None),
        ("bytes=9-3", None), ("BYTES=0-9", (0, 10)), ("bytes=0-" + "9" * 5000, None), ("bytes=0-" + "9" * 18, (0, 100)),
    ],
)  # fmt: skip
def test_a_byte_range_is_read_as_the_standard_says(header: str | None, found: tuple[int, int] | None) -> None:
    assert byte_range(header, 100) == found


@pytest.mark.parametrize("header", ["bytes=100-", "bytes=-0"])
def test_a_range_outside_the_file_is_refused(header: str) -> None:
    with pytest.raises(RangeNotSatisfiable):
        byte_range(header, 100)
