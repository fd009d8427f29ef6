"""However the demo ends, nobody is left behind."""

import fcntl
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = [pytest.mark.site, pytest.mark.timeout(240)]
CONSOLE_S = 120


def start(directory: Path) -> subprocess.Popen[bytes]:
    with (directory.parent / "said").open("wb") as said:
        return subprocess.Popen(
            [sys.executable, "-m", "mgmt_api.cli", "demo", "--dir", str(directory)],
            stderr=said,
            env={**os.environ, "MENJIN_DEMO_PORT": str(free_port())},
            start_new_session=True,
        )


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def left(directory: Path) -> list[list[str]]:
    found = (process.info["cmdline"] or [] for process in psutil.process_iter(["cmdline"]))
    return [cmdline for cmdline in found if any(str(directory) in word for word in cmdline)]


def wait_for(directory: Path, words: str) -> None:
    deadline = time.monotonic() + CONSOLE_S
    said = directory.parent / "said"
    while words not in said.read_text():
        assert time.monotonic() < deadline, said.read_text()
        time.sleep(0.1)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_running_demo_ends_whole(tmp_path: Path, number: signal.Signals) -> None:
    directory = tmp_path / "site"
    demo = start(directory)
    wait_for(directory, "Ctrl-C")
    assert len(left(directory)) > 8
    demo.send_signal(number)
    assert demo.wait(60) == 0
    assert left(directory) == []


def test_a_demo_that_is_still_starting_ends_whole(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    demo = start(directory)
    wait_for(directory, "starting Menjin")
    demo.send_signal(signal.SIGINT)
    assert demo.wait(60) == 0
    assert left(directory) == []


def test_a_directory_with_other_things_in_it_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "letter.txt").write_text("dear")
    assert start(directory).wait(20) == 1
    assert "not empty" in (tmp_path / "said").read_text()
    assert (directory / "letter.txt").read_text() == "dear"


def test_a_directory_in_which_a_demo_runs_is_left_alone(tmp_path: Path) -> None:
    directory = tmp_path / "site"
    directory.mkdir()
    (directory / "central.json").write_text("{}")
    taken = os.open(directory, os.O_RDONLY)
    fcntl.flock(taken, fcntl.LOCK_EX)
    assert start(directory).wait(20) == 1
    assert "another demo runs" in (tmp_path / "said").read_text()
    assert (directory / "central.json").read_text() == "{}"
    os.close(taken)
