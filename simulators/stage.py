"""Everything on its feet: the virtual site's devices, Menjin's three processes, and the way to each of them."""

import socket
import sys
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from simulators import broker
from simulators.control import DeviceError, Remote
from simulators.diary import Entry
from simulators.guard import Guard
from simulators.processes import Crew, StartFailed
from simulators.site import CAMERA_USER, CAMERAS, MQTT_DOOR, PLATE_CAMERA, READERS, SCANNERS, Site

HERE = Path(__file__).parent
MENJIN = ("api", "gateway", "recorder")
SYSTEM_PYTHON = "/usr/bin/python3"  # the camera needs Debian's gi, which no package registry has


class Stage:
    """A running site. Use `start`, then the remotes; always `stop`."""

    def __init__(self, site: Site, say: Callable[[str], None]) -> None:
        self.site = site
        self.crew = Crew(site.directory / "logs")
        self.notes: dict[str, Any] = {}  # what one leg leaves for another
        self._say = say
        self._remotes: dict[str, Remote] = {}
        self._at_door: defaultdict[str, threading.Lock] = defaultdict(threading.Lock)

    def start(self) -> None:
        """Devices first, as on a real site; then Menjin; then central. Raises `StartFailed`."""
        self._say("starting the virtual site's devices")
        self._together(self._broker, self._cameras, self._readers, self._scanners)
        self._say("starting Menjin: api, gateway, recorder")
        self._together(*(partial(self.start_menjin, name) for name in MENJIN), self._garage, self._central)

    def stop(self) -> None:
        """End everything."""
        self.crew.stop_all()

    def start_menjin(self, name: str) -> None:
        """Start one of Menjin's processes by its command line, and wait until it serves."""
        argv = [sys.executable, "-m", "mgmt_api.cli", name, "--config", str(self.site.config)]
        log = self.crew.log(name)
        said = log.stat().st_size if log.exists() else 0
        self.crew.launch(name, argv, lambda: _says_ready(log, said))

    def stop_menjin(self, name: str) -> int:
        """Stop one of Menjin's processes; its exit code."""
        return self.crew.stop(name)

    @property
    def readers(self) -> Remote:
        """The OSDP readers."""
        return self._remotes["readers"]

    @property
    def scanners(self) -> Remote:
        """The QR scanners, and the camera that reads number plates."""
        return self._remotes["scanners"]

    @property
    def garage(self) -> Remote:
        """The MQTT door."""
        return self._remotes["garage"]

    @property
    def central(self) -> Remote:
        """The central system."""
        return self._remotes["central"]

    @property
    def browser(self) -> Remote:
        """The guard's browser. Raises `DeviceError` when it is not open."""
        if "browser" not in self._remotes:
            raise DeviceError("the guard's browser is not open")
        return self._remotes["browser"]

    def tell_camera(self, words: str) -> None:
        """Let something happen before a camera, as the top of rtsp_camera.py says. Raises `DeviceError`."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as link:
            link.settimeout(2)
            link.sendto(words.encode(), ("127.0.0.1", self.site.ports.camera_control))
            try:
                answer = link.recv(16)
            except OSError as error:
                raise DeviceError(f"the camera did not answer: {error}") from error
        if answer != b"ok":
            raise DeviceError(f"the camera does not know {words!r}")

    def start_browser(self) -> None:
        """Open a guard's browser, before `browser` is asked for."""
        self._device("browser", "--url", self.site.api_url, "--pictures", str(self.site.directory / "logs"))

    def stop_browser(self) -> None:
        """Close it: a live picture costs a quarter of a core."""
        if self._remotes.pop("browser", None):
            self.crew.stop("browser")

    def guard(self) -> Guard:
        """A guard's session over HTTP."""
        return Guard(self.site.api_url)

    def alone_at(self, door: str) -> threading.Lock:
        """Hold this while watching a door, so that legs that run side by side do not read each other's lights."""
        return self._at_door[door]

    def noted(self, name: str) -> Any:
        """What an earlier leg left. Raises `DeviceError` when it failed before it could."""
        if name not in self.notes:
            raise DeviceError(f"an earlier leg failed before it left the {name.replace('_', ' ')}")
        return self.notes[name]

    def events(self, since: int, wait_s: float = 0) -> list[Entry]:
        """What central was sent, as entries {"n", "event"}."""
        return list(self.central.call("events", since=since, wait_s=wait_s)["entries"])

    def last_event(self) -> int:
        """The number of the newest event at central."""
        return int(self.central.call("events", since=1 << 60)["last"])

    @property
    def first_password(self) -> str:
        """The one-time password of the first administrator."""
        return (self.site.directory / "data" / "api" / "first-password").read_text(encoding="utf-8").strip()

    def _together(self, *starts: Callable[[], None]) -> None:
        with ThreadPoolExecutor(len(starts)) as pool:
            running = [pool.submit(start) for start in starts]
            try:
                for done in running:
                    done.result()
            except BaseException:
                self.crew.stop_all()  # whoever is still starting gives up at once
                raise

    def _device(self, name: str, *arguments: str, module: str = "") -> None:
        child = self.crew.start(name, [sys.executable, "-m", f"simulators.{module or name}", *arguments])
        self._remotes[name] = Remote(int(child.ready["control"]))

    def _readers(self) -> None:
        placed = [part for name, address in READERS.items() for part in ("--reader", f"{name}={address}")]
        wires = ("--line", str(self.site.line("bus-1")), "--keys", str(self.site.secret("readers.json")))
        self._device("readers", *wires, *placed, module="osdp_readers")

    def _scanners(self) -> None:
        placed = [
            part for name in (*SCANNERS, PLATE_CAMERA) for part in ("--scanner", f"{name}={self.site.line(name)}")
        ]
        self._device("scanners", *placed, module="qr_scanner")

    def _garage(self) -> None:
        login = ("--port", str(self.site.ports.broker), "--password-file", str(self.site.secret(f"mqtt-{MQTT_DOOR}")))
        self._device("garage", "--device", MQTT_DOOR, *login, module="mqtt_door")

    def _central(self) -> None:
        token, truth = self.site.secret("central.token"), self.site.directory / "central.json"
        self._device("central", "--url", self.site.api_url, "--token-file", str(token), "--truth", str(truth))

    def _broker(self) -> None:
        port = self.site.ports.broker
        self.crew.launch("broker", broker.argv(self.site.directory / "broker"), lambda: broker.answers(port))

    def _cameras(self) -> None:
        ports = ("--port", str(self.site.ports.camera), "--control", str(self.site.ports.camera_control))
        login = (f"--user={CAMERA_USER}", f"--password={self.site.secret('camera').read_text()}")
        paths = [f"/{path}" for path in CAMERAS.values()]
        try:
            self.crew.start("cameras", [SYSTEM_PYTHON, str(HERE / "rtsp_camera.py"), *ports, *login, *paths])
        except FileNotFoundError as error:
            raise StartFailed(f"{SYSTEM_PYTHON} is missing; the virtual cameras need it: run `make setup`") from error


def _says_ready(log: Path, said: int) -> bool:
    with log.open("rb") as file:
        file.seek(said)
        return b'"ready"' in file.read()
