import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import serial

from simulators.control import Remote
from simulators.processes import Crew, StartFailed

GRANDCHILD = """
import subprocess, time
print("{}", flush=True)
subprocess.Popen(["sleep", "60"], start_new_session=True)
time.sleep(60)
"""


def test_a_failed_start_says_why_in_one_line(crew: Crew) -> None:
    with pytest.raises(StartFailed, match="no such disk"):
        crew.start("broken", [sys.executable, "-c", "import sys; sys.exit('no such disk')"])


def test_ending_a_process_ends_what_it_started_elsewhere(crew: Crew) -> None:
    child = crew.start("parent", [sys.executable, "-c", GRANDCHILD])
    deadline = time.monotonic() + 5
    while not (family := psutil.Process(child.process.pid).children(recursive=True)) and time.monotonic() < deadline:
        time.sleep(0.02)
    crew.stop("parent")
    assert family
    assert not any(member.is_running() and member.status() != psutil.STATUS_ZOMBIE for member in family)


def test_nothing_starts_once_the_crew_is_ending(crew: Crew) -> None:
    crew.stop_all()
    with pytest.raises(StartFailed, match="ending"):
        crew.start("late", [sys.executable, "-c", ""])


def test_a_scanner_writes_one_line_a_code(crew: Crew, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "simulators.qr_scanner", "--scanner", f"gate={tmp_path / 'gate'}"]
    scanner = Remote(crew.start("scanner", argv).ready["control"])
    with serial.Serial(str(tmp_path / "gate"), 9600, timeout=2) as port:
        scanner.call("show", scanner="gate", text="MJ1:ABC")
        assert port.readline() == b"MJ1:ABC\r\n"


def test_a_missing_tool_is_one_plain_line(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "simulators.demo", "--check"],
        env={**os.environ, "PATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 1
    assert not json.loads(done.stdout)["ok"]
    assert len(done.stderr.strip().splitlines()) == 1
    assert "apt-get install" in done.stderr


def test_a_port_in_use_is_one_plain_line() -> None:
    import socket

    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = subprocess.run(
            [sys.executable, "-m", "simulators.demo"],
            env={**os.environ, "MENJIN_DEMO_PORT": port},
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.strip().startswith(f"port {port} is in use")


def test_sigterm_ends_a_device_with_code_0(crew: Crew, tmp_path: Path) -> None:
    argv = [sys.executable, "-m", "simulators.qr_scanner", "--scanner", f"gate={tmp_path / 'gate'}"]
    child = crew.start("scanner", argv)
    os.kill(child.process.pid, signal.SIGTERM)
    assert child.process.wait(5) == 0
    assert not (tmp_path / "gate").exists()
