"""The virtual site on disk: a run directory with site.yaml, secrets, the broker's files and central's truth.

Everything stands under one directory, so that several sites run side by side and nothing is left elsewhere:
    site.yaml  secrets/  broker/  run/ (serial lines)  data/ (Menjin's state)  recordings/  logs/  central.json
"""

import json
import os
import secrets
import socket
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from ruamel.yaml import YAML

from config.drawing import Drawing, Mask, MonitoringZone
from config.load import load_settings
from config.settings import Settings
from simulators.broker import write_broker
from simulators.estate import Estate

READERS = {"reader-main": 0, "reader-b1": 1}  # name: bus address
SCANNERS = ("scanner-main", "scanner-b1")
PLATE_CAMERA = "plates-garage"
FIRE_ZONE = "building-1-fire"
MQTT_DOOR = "garage-door"
CAMERAS = {"gate-camera": "gate", "garage-camera": "garage"}  # name: path on the camera server
CAMERA_USER = "menjin"
BROKER_USERS = ("menjin", MQTT_DOOR, "watcher")  # watcher: a technician's laptop, may only listen
SEGMENT_S = 4  # short files, so that a check need not wait for a minute


@dataclass(frozen=True, slots=True)
class Ports:
    """Free TCP ports of this machine."""

    api: int
    recorder: int
    broker: int
    camera: int
    camera_control: int


@dataclass(frozen=True)
class Site:
    """A written site."""

    directory: Path
    estate: Estate
    ports: Ports

    @property
    def config(self) -> Path:
        """The site file that Menjin gets."""
        return self.directory / "site.yaml"

    @property
    def settings(self) -> Settings:
        """The site file, as Menjin reads it."""
        return load_settings(self.config)

    @property
    def zone(self) -> ZoneInfo:
        """The clock on the estate's wall."""
        return ZoneInfo(self.settings.site.timezone)

    @property
    def api_url(self) -> str:
        """Where the console answers."""
        return f"http://127.0.0.1:{self.ports.api}"

    def secret(self, name: str) -> Path:
        """A secret file."""
        return self.directory / "secrets" / name

    def line(self, name: str) -> Path:
        """A serial line."""
        return self.directory / "run" / name


def write_site(directory: Path, estate: Estate, api_port: int | None = None) -> Site:
    """Write a fresh site with fresh secrets and free ports."""
    for name in ("secrets", "run", "logs", "data"):
        (directory / name).mkdir(parents=True, exist_ok=True)
    site = Site(directory, estate, free_ports(api_port))
    _write_secrets(site)
    _write_broker(site)
    write_yaml(site.config, wiring(site))
    _draw(site)
    truth = {"site_id": estate.site_id, "ports": asdict(site.ports), "operations": list(estate.operations())}
    (directory / "central.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")
    return site


def free_ports(api_port: int | None = None) -> Ports:
    """Ports that nobody listens on now."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(5)]
    numbers = [listener.getsockname()[1] for listener in listeners]
    for listener in listeners:
        listener.close()
    return Ports(api_port or numbers[0], *numbers[1:])


def write_yaml(path: Path, value: dict[str, Any]) -> None:
    """Write a site file."""
    with path.open("w", encoding="utf-8") as file:
        yaml = YAML()
        yaml.representer.ignore_aliases = lambda _: True
        yaml.dump(value, file)


def wiring(site: Site) -> dict[str, Any]:
    """What the electrician wired, as the site file says it."""
    return {
        "site": {"id": site.estate.site_id, "name": {"zh": "云栖花园", "en": "Yunqi Garden"}},
        "data_dir": "data",
        "secrets": {"site_key_file": "secrets/site.key", "reader_keys_file": "secrets/readers.json"},
        "gateway": {"id": "gateway-1", "api": {"url": site.api_url, "token_file": "secrets/gateway.token"}},
        **_processes(site),
        **_field(site),
        **_doors(),
        "cameras": [_camera(site, name, path) for name, path in CAMERAS.items()],
    }


def _processes(site: Site) -> dict[str, Any]:
    recorder = {"port": site.ports.recorder, "token_file": "secrets/recorder.token"}
    links = [{"url": f"http://127.0.0.1:{site.ports.recorder}", "token_file": "secrets/recorder.token"}]
    api = {
        "port": site.ports.api,
        "gateways": [{"name": "gateway-1", "token_file": "secrets/gateway.token"}],
        "central": [{"name": "central", "token_file": "secrets/central.token"}],
        "recorders": links,
        "issuer_key_file": "secrets/issuer.pem",
    }
    return {"recorder": {"dir": "recordings", **recorder, "segment_s": SEGMENT_S, "min_free_bytes": 0}, "api": api}


def _field(site: Site) -> dict[str, Any]:
    formats = ["H10301", "H10306"]
    readers = [{"name": name, "address": address, "formats": formats} for name, address in READERS.items()]
    broker = {"port": site.ports.broker, "username": "menjin", "password_file": "secrets/mqtt-menjin"}
    return {
        "buses": [{"name": "bus-1", "port": str(site.line("bus-1")), "baud": 115200, "readers": readers}],
        "scanners": [
            *({"name": name, "port": str(site.line(name))} for name in SCANNERS),
            {"name": PLATE_CAMERA, "port": str(site.line(PLATE_CAMERA)), "texts": "plates"},
        ],
        "broker": {**broker, "devices": [{"name": MQTT_DOOR, "formats": formats}]},
    }


def _doors() -> dict[str, Any]:
    return {
        "doors": [
            _door("main-gate", 1, "大门", "Main gate", "reader-main"),
            _with_way_out(_door("building-1", 2, "1号楼大堂", "Building 1 lobby", "reader-b1")),
            _door("garage", 3, "车库入口", "Garage entrance", MQTT_DOOR),
        ],
        "fire_zones": [{"name": FIRE_ZONE, "loop": {"device": "reader-b1", "input": 2}}],
        "access_points": [
            _point("main-gate", ["reader-main", "scanner-main"], "outside", "estate"),
            _point("building-1", ["reader-b1", "scanner-b1"], "estate", "building-1"),
            _point("garage", [MQTT_DOOR, PLATE_CAMERA], "outside", "garage"),
        ],
    }


def _door(name: str, number: int, zh: str, en: str, device: str) -> dict[str, Any]:
    wires = {"lock": {"device": device, "output": 0}, "contact": {"device": device, "input": 0}}
    return {"name": name, "number": number, "label": {"zh": zh, "en": en}, **wires, "strike_s": 2}


def _with_way_out(door: dict[str, Any]) -> dict[str, Any]:
    """A button inside, which asks the door process; so the lock opens without power, and fire releases it."""
    device = door["lock"]["device"]
    out = {"way_out": "software_button", "rex": {"device": device, "input": 1, "pulse_s": 2}, "fire_zone": FIRE_ZONE}
    return door | {"lock": door["lock"] | {"without_power": "open"}} | out


def _point(door: str, readers: list[str], zone_from: str, zone_to: str) -> dict[str, Any]:
    return {"name": f"{door}-in", "door": door, "readers": readers, "zone_from": zone_from, "zone_to": zone_to}


def _camera(site: Site, name: str, path: str) -> dict[str, Any]:
    is_gate = path == "gate"
    label = {"zh": "大门摄像机", "en": "Gate camera"} if is_gate else {"zh": "车库摄像机", "en": "Garage camera"}
    url = f"rtsp://127.0.0.1:{site.ports.camera}/{path}"
    doors = ["main-gate", "building-1"] if is_gate else ["garage"]
    login = {"username": CAMERA_USER, "password_file": "secrets/camera"}
    kept = {"retention": {"max_bytes": 2 << 30}, "analytics": {"stream": "main"}}
    return {"name": name, "label": label, "url": url, **login, "doors": doors, **kept}


def _draw(site: Site) -> None:
    """What the office drew on the gate camera's picture: who walks along the lane has passed the gate."""
    lane = MonitoringZone(name="门内 lane", polygon=_strip(0, 0.28, 1, 0.52), door="main-gate")
    window = Mask(name="邻居的窗 neighbour", polygon=_strip(0.8, 0, 1, 0.14))
    folder = site.directory / "recordings" / "drawings"
    folder.mkdir(parents=True)
    drawing = Drawing(revision=1, zones=(lane,), masks=(window,))
    (folder / "gate-camera.json").write_text(drawing.model_dump_json(), encoding="utf-8")


def _strip(left: float, top: float, right: float, bottom: float) -> tuple[tuple[float, float], ...]:
    return (left, top), (right, top), (right, bottom), (left, bottom)


def _write_secrets(site: Site) -> None:
    def put(name: str, text: str) -> None:
        descriptor = os.open(site.secret(name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)

    for name in ("gateway.token", "central.token", "recorder.token", "camera", *(f"mqtt-{u}" for u in BROKER_USERS)):
        put(name, secrets.token_urlsafe(24))
    put("site.key", secrets.token_hex(32))
    put("readers.json", json.dumps({name: secrets.token_hex(16) for name in READERS}))
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    put("issuer.pem", ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode())


def _write_broker(site: Site) -> None:
    passwords = {user: site.secret(f"mqtt-{user}").read_text() for user in BROKER_USERS}
    write_broker(site.directory / "broker", site.ports.broker, passwords)
