"""Who may import whom: an import that climbs fails here (README, "The house")."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
OURS = ("gateway", "controllers", "camera", "mgmt_api", "config", "simulators", "tests")

# The first rule whose folder (or file) holds a source decides what of ours it may import.
FLOORS: dict[str, tuple[str, ...]] = {
    "gateway/access": ("gateway.access",),
    "gateway/__main__.py": ("gateway", "controllers", "config"),
    "gateway/drivers.py": ("gateway", "controllers", "config"),  # the root's table of drivers
    "gateway/wiring.py": ("gateway", "config"),  # and of doors
    "gateway": ("gateway", "controllers"),
    "controllers": ("controllers",),
    "camera/__main__.py": ("camera", "config"),
    "camera/drawing.py": ("camera", "config"),  # a shape that three rooms share
    "camera/wired.py": ("camera", "config"),  # the root's table of cameras
    "camera": ("camera",),
    "config": ("config",),
    "mgmt_api/cli": OURS[:-1],
    "mgmt_api": ("mgmt_api", "gateway.access", "config"),
    "simulators": ("simulators", "config"),
}
# Outside libraries enter by one door each.
DOORS: dict[str, tuple[str, ...]] = {
    "serial": ("controllers/",),
    "paho": ("controllers/mqtt", "simulators/"),
    "boto3": ("camera/s3.py",),
    "botocore": ("camera/s3.py",),
    "cv2": ("camera/",),
    "pyzbar": ("camera/",),
    "zxingcpp": ("camera/",),
    "ffmpeg": ("camera/",),
    "onvif": ("camera/onvif",),
    "ipycam": ("simulators/",),
    "fastapi": ("mgmt_api/", "camera/app"),
    "sqlalchemy": ("mgmt_api/",),
    "osdp": ("simulators/",),
    "uhppoted": ("controllers/uhppote",),
}
# The pure core reads no clock, touches no file and writes no log.
IMPURE = {"asyncio", "io", "logging", "os", "pathlib", "random", "secrets", "socket", "sqlite3", "subprocess",
          "threading", "time"}  # fmt: skip


def sources() -> Iterator[Path]:
    for folder in OURS[:-1]:
        yield from (ROOT / folder).rglob("*.py")


def imports(source: str) -> set[str]:
    """The modules that a source names, relative ones left out (they stay in their folder)."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.update(f"{node.module}.{alias.name}" for alias in node.names)
    return found


def climbs(path: str, source: str) -> list[str]:
    """What is wrong with a file's imports, as sentences."""
    allowed = next(floor for rule, floor in FLOORS.items() if path == rule or path.startswith(rule + "/"))
    return [fault for name in sorted(imports(source)) if (fault := _fault(path, name, allowed))]


def _fault(path: str, name: str, allowed: tuple[str, ...]) -> str:
    top = name.split(".")[0]
    if top in OURS:
        inside = any(name == each or name.startswith(each + ".") for each in allowed)
        return "" if inside else f"{path} may not import {name}"
    if path.startswith("gateway/access/") and (top not in sys.stdlib_module_names or top in IMPURE):
        return f"{path} is pure and may not import {name}"
    doors = DOORS.get(top)
    return f"{path} is no door for {name}" if doors and not path.startswith(doors) else ""


def test_each_import_stays_on_its_floor() -> None:
    faults = [
        fault
        for path in sources()
        if "node_modules" not in path.parts
        for fault in climbs(path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8"))
    ]
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("controllers/x.py", "import gateway.service"),
        ("gateway/service.py", "from mgmt_api.app import create_app"),
        ("gateway/access/x.py", "import time"),
        ("gateway/access/x.py", "import cryptography"),
        ("gateway/x.py", "import serial"),
        ("gateway/x.py", "from config.settings import Settings"),
        ("camera/x.py", "from config import settings"),
        ("mgmt_api/x.py", "from gateway.service import Service"),
        ("mgmt_api/x.py", "import simulators.site"),
    ],
)
def test_a_planted_climb_is_found(path: str, source: str) -> None:
    assert climbs(path, source)


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("gateway/service.py", "from gateway.access.decision import decide\nfrom controllers.driver import CardRead"),
        ("mgmt_api/cli/run.py", "import gateway.__main__\nimport simulators.demo"),
        ("camera/__main__.py", "from config.settings import Settings"),
    ],
)
def test_an_import_on_its_floor_passes(path: str, source: str) -> None:
    assert not climbs(path, source)
