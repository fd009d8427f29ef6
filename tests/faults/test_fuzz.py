"""The fuzzers in short: each target for seconds, from an empty corpus. `make faults` runs each for ten minutes."""

import subprocess
import sys
from pathlib import Path

import pytest

# Not imported from the fuzzer: that would put its counters into every codec of this process.
CODECS = ("frames", "messages", "sessions", "panel", "cards", "captures")
WIRES = ("frames", "asked", "boards", "brokers", "printed")
SHORT_S, LONG_S = 3, 600
ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("target", WIRES)
def test_no_bytes_break_a_wires_driver(target: str, tmp_path: Path, long: bool) -> None:
    fuzz("fuzz_wires", target, tmp_path, long)


@pytest.mark.parametrize("target", CODECS)
def test_no_bytes_break_a_codec(target: str, tmp_path: Path, long: bool) -> None:
    fuzz("fuzz_codecs", target, tmp_path, long)


def fuzz(fuzzer: str, target: str, tmp_path: Path, long: bool) -> None:
    seconds = LONG_S if long else SHORT_S
    options = [f"-max_total_time={seconds}", "-rss_limit_mb=1024", "-timeout=10", "-max_len=1500", "-verbosity=0"]
    ended = subprocess.run(
        [sys.executable, "-m", f"tests.faults.{fuzzer}", target, *options, f"-artifact_prefix={tmp_path}/"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=seconds + 60,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr[-3000:]
    assert not list(tmp_path.iterdir())
