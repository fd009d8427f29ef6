"""The real peers of these tests: the RTSP camera simulator and the recorder, as processes; the clock in the picture."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil
import segno

from config.settings import Camera, Label, Recorder, Secrets, Settings, Site

ROOT = Path(__file__).parents[2]
SIMULATOR = ROOT / "simulators" / "rtsp_camera.py"
WIDTH, HEIGHT, CLOCK_BITS = 640, 360, 37
TOKEN = "recorder-token"
T = TypeVar("T")


def free_port(kind: socket.SocketKind = socket.SOCK_STREAM) -> int:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def eventually(look: Callable[[], T], timeout_s: float = 60, poll_s: float = 0.1) -> T:
    deadline = time.monotonic() + timeout_s
    while not (found := look()):
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(poll_s)
    return found


class CameraSite:
    """The simulator with its mounts."""

    def __init__(
        self, *mounts: str, user: str = "", password: str = "", codec: str = "h264", sound: str = "none"
    ) -> None:
        self.port, self.control = free_port(), free_port(socket.SOCK_DGRAM)
        login = [f"--user={user}", f"--password={password}"] if user else []
        argv = ["/usr/bin/python3", str(SIMULATOR), "--port", str(self.port), "--control", str(self.control)]
        self._argv = [*argv, *login, "--codec", codec, "--sound", sound, *mounts]
        self.start()

    def start(self) -> None:
        self.process = subprocess.Popen(self._argv, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "ready\n"

    def url(self, mount: str) -> str:
        return f"rtsp://127.0.0.1:{self.port}{mount}"

    def tell(self, words: str) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(5)
            link.sendto(words.encode(), ("127.0.0.1", self.control))
            assert link.recv(16) == b"ok"

    def recode(self, codec: str) -> None:
        """Come back on the same port with another coding."""
        self._argv[self._argv.index("--codec") + 1] = codec
        self.start()

    def show(self, mount: str, picture: Path | None) -> None:
        """Hold a PGM picture in front of the camera, or take it away."""
        self.tell(f"show {mount} {picture or ''}")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout:
            self.process.stdout.close()


class RecorderProcess:
    """The recorder, started as the roof starts it."""

    def __init__(self, folder: Path, cameras: Sequence[Camera], segment_s: int = 2, **recorder: Any) -> None:
        self.dir = folder / "recordings"
        (folder / "token").touch(0o600)
        (folder / "token").write_text(TOKEN)
        self.port = free_port()
        self.log_path = folder / "log"
        self.settings = Settings(
            site=Site(id=1, name=Label(zh="测试", en="Test")),
            data_dir=folder,
            secrets=Secrets(site_key_file=folder / "site", reader_keys_file=folder / "readers"),
            recorder=Recorder(
                dir=self.dir, port=self.port, token_file=folder / "token", segment_s=segment_s, **recorder
            ),
            cameras=tuple(cameras),
        )
        self.http = httpx2.Client(
            base_url=f"http://127.0.0.1:{self.port}", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10
        )
        self.start()

    def start(self) -> None:
        code = (
            "import sys; from config.settings import Settings; from camera.__main__ import run;"
            "sys.exit(run(Settings.model_validate_json(sys.argv[1])))"
        )
        already = self.log_path.stat().st_size if self.log_path.exists() else 0
        argv = [sys.executable, "-c", code, self.settings.model_dump_json()]
        with self.log_path.open("a") as log:
            self.process = subprocess.Popen(argv, cwd=ROOT, stderr=log)
        eventually(lambda: '"ready"' in self.log_path.read_text()[already:] or self.process.poll() is not None)
        assert self.process.poll() is None, self.log_path.read_text()[already:]

    def end(self, number: signal.Signals = signal.SIGTERM) -> int:
        self.process.send_signal(number)
        try:
            return self.process.wait(5)
        finally:
            self.process.kill()

    def crash(self) -> None:
        self.process.kill()
        self.process.wait()

    def close(self) -> None:
        if self.process.poll() is None:
            self.end()
        self.http.close()

    def get(self, path: str, **query: Any) -> Any:
        answer = self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def export(self, target: Path, **body: Any) -> Path:
        """Take an export, wait until it is made, and save it."""
        answer = self.http.post("/clips", json=body)
        assert answer.status_code == 202, answer.text
        taken = eventually(lambda: (found := self.get(f"/clips/{answer.json()['id']}"))["stage"] != "working" and found)
        assert taken["stage"] == "ready", taken
        file = self.http.get(f"/clips/{taken['id']}/file")
        assert (file.status_code, file.headers["content-type"]) == (200, "application/zip")
        assert file.headers["x-manifest-sha256"] == taken["manifest"]
        assert len(file.content) == taken["bytes"]
        target.write_bytes(file.content)
        return target

    def state(self, camera: str) -> str:
        return next(str(each["state"]) for each in self.get("/cameras") if each["name"] == camera)

    def timeline(self, camera: str) -> Any:
        return self.get(f"/cameras/{camera}/timeline", **{"from": "2020-01-01T00:00:00Z", "to": "2099-01-01T00:00:00Z"})

    def recorded(self, camera: str, files: int = 1) -> bool:
        return len(list(self.dir.glob(f"{camera}/*/*/*.mp4"))) >= files

    def ffmpegs(self) -> list[int]:
        """The recording children."""
        children = psutil.Process(self.process.pid).children()
        return [child.pid for child in children if "-segment_time" in words(child)]


def wired(name: str, url: str, **more: Any) -> Camera:
    return Camera(name=name, label=Label(zh="摄像机", en="Camera"), url=url, **more)


def clocks(video: bytes | Path) -> list[int]:
    """Decode a video; the burnt-in clock of each frame in Unix ms. Fails when a frame's parity is wrong."""
    argv = ["ffmpeg", "-v", "error", "-i", str(video) if isinstance(video, Path) else "pipe:0"]
    argv += ["-f", "rawvideo", "-pix_fmt", "gray", "-vsync", "passthrough", "pipe:1"]
    given = None if isinstance(video, Path) else video
    raw = subprocess.run(argv, input=given, capture_output=True, check=True).stdout
    size = WIDTH * HEIGHT
    assert len(raw) % size == 0
    return [clock(raw[at : at + size]) for at in range(0, len(raw), size)]


def clock(luma: bytes) -> int:
    row = luma[WIDTH * (HEIGHT - 16) : WIDTH * (HEIGHT - 15)]
    levels = [sum(row[x + 4 : x + 12]) / 8 for x in range(0, WIDTH, 16)]
    bits = [level > (levels[0] + levels[1]) / 2 for level in levels[2:]]
    assert levels[0] - levels[1] > 100
    assert sum(bits) % 2 == 0, "wrong parity"
    value = int("".join("01"[bit] for bit in bits[:-1]), 2)
    now, modulus = int(time.time() * 1000), 1 << CLOCK_BITS
    return value + round((now - value) / modulus) * modulus


def code_picture(path: Path, text: str, scale: int = 5) -> Path:
    """Write a QR code (level M, quiet zone 4) as PGM; `scale` is pixels a module."""
    rows = [bytes(16 if dark else 255 for dark in row) for row in segno.make_qr(text, error="m").matrix_iter(scale)]
    path.write_bytes(f"P5\n{len(rows[0])} {len(rows)}\n255\n".encode() + b"".join(rows))
    return path


def packets(path: Path, stream: str = "v:0") -> list[dict[str, Any]]:
    argv = ["ffprobe", "-v", "error", "-show_packets", "-select_streams", stream, "-of", "json", str(path)]
    found: list[dict[str, Any]] = json.loads(subprocess.run(argv, capture_output=True, check=True).stdout)["packets"]
    return found


def words(process: psutil.Process) -> list[str]:
    """A process's arguments; none once it has ended."""
    with suppress(psutil.Error):
        return process.cmdline()
    return []


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)


def alive(pid: int) -> bool:
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
