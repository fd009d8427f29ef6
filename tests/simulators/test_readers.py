"""The virtual readers, driven by libosdp's own control panel over the pseudo-terminal."""

import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import osdp
import pytest
import serial

from simulators.control import DeviceError, Remote
from simulators.processes import Crew
from simulators.wiegand import h10301, h10306

KEYS = {"one": bytes(range(5, 21)), "two": bytes(range(40, 56))}
SECURE = [osdp.LibFlag.EnforceSecure]


class Port(osdp.Channel):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self.id = 1
        self._port = serial.Serial(str(path), 115200, timeout=0)

    def read(self, max_bytes: int) -> bytes:
        return self._port.read(max_bytes)

    def write(self, buf: bytes) -> int:
        return self._port.write(buf) or 0

    def flush(self) -> None:
        self._port.reset_input_buffer()

    def close(self) -> None:
        self._port.close()


class Panel:
    def __init__(self, path: Path, keys: dict[str, bytes]) -> None:
        self.port = Port(path)
        self.events: list[tuple[int, dict[str, Any]]] = []
        infos = [osdp.PDInfo(at, self.port, scbk=key, flags=SECURE) for at, key in enumerate(keys.values())]
        self.panel = osdp.ControlPanel(infos, log_level=osdp.LogLevel.Critical)
        self.panel.ctx.set_event_callback(lambda index, event: self.events.append((index, event)))

    def until(self, is_so: Callable[[], bool], wait_s: float = 20) -> bool:
        deadline = time.monotonic() + wait_s
        while not is_so() and time.monotonic() < deadline:
            self.panel.ctx.refresh()
            time.sleep(0.005)
        return is_so()

    def cards(self) -> list[tuple[int, int, bytes]]:
        return [(index, event["length"], event["data"]) for index, event in self.events if event["event"] == 1]

    def contacts(self) -> list[tuple[int, bytes]]:
        return [(index, event["report"]) for index, event in self.events if event["event"] == 4]


@pytest.fixture
def readers(crew: Crew, tmp_path: Path) -> Remote:
    keys = tmp_path / "keys.json"
    keys.write_text(json.dumps({name: key.hex() for name, key in KEYS.items()}))
    wires = ["--line", str(tmp_path / "bus"), "--keys", str(keys), "--reader", "one=0", "--reader", "two=1"]
    return Remote(crew.start("readers", [sys.executable, "-m", "simulators.osdp_readers", *wires]).ready["control"])


@pytest.fixture
def panel(readers: Remote, tmp_path: Path) -> Any:
    panel = Panel(tmp_path / "bus", KEYS)
    assert panel.until(lambda: panel.panel.ctx.sc_status() == 0b11)
    yield panel
    panel.port.close()


def present(readers: Remote, reader: str, bits: tuple[int, int], walk: bool = False) -> None:
    readers.call("present", reader=reader, bits=f"{bits[0]:x}", count=bits[1], walk=walk)


def test_two_readers_on_one_line_send_raw_bits_over_the_secure_channel(readers: Remote, panel: Panel) -> None:
    present(readers, "one", h10301(123, 4567))
    present(readers, "two", h10306(0, 1))
    assert panel.until(lambda: len(panel.cards()) == 2)
    assert (0, 26, bytes.fromhex("BD88EB80")) in panel.cards()
    assert {index for index, _, _ in panel.cards()} == {0, 1}


def test_a_timed_output_releases_the_strike_and_the_door_opens_for_who_waits(readers: Remote, panel: Panel) -> None:
    present(readers, "two", h10301(1, 1), walk=True)
    command = {"command": osdp.Command.Output, "output_no": 0, "control_code": 5, "timer_count": 8}
    panel.panel.ctx.submit_command(1, command)
    assert panel.until(lambda: (1, b"\x01\x00\x01") in panel.contacts())
    panel.until(lambda: not readers.call("state")["readers"]["two"]["released"])
    moves = [entry for entry in readers.diary(0) if entry["what"] in ("output", "contact")]
    steps = [(entry["what"], entry.get("on", entry.get("open"))) for entry in moves]
    assert steps == [("output", True), ("contact", True), ("contact", False), ("output", False)]


def test_a_button_and_a_fire_loop_are_inputs_beside_the_contact(readers: Remote, panel: Panel) -> None:
    readers.call("button", reader="one", pressed=True)
    assert panel.until(lambda: (0, b"\x00\x01\x01") in panel.contacts())
    readers.call("fire_loop", reader="one", whole=False)
    assert panel.until(lambda: (0, b"\x00\x01\x00") in panel.contacts())


def test_a_door_stays_shut_when_its_strike_was_never_released(readers: Remote, panel: Panel) -> None:
    present(readers, "one", h10301(1, 1), walk=True)
    panel.until(lambda: False, 0.6)
    assert not [entry for entry in readers.diary(0) if entry["what"] == "contact"]


def test_a_card_at_a_reader_without_its_panel_is_forgotten(readers: Remote) -> None:
    present(readers, "one", h10301(1, 1))
    assert readers.diary(0, wait_s=1)[-1]["what"] == "lost_read"


def test_a_cut_cable_silences_one_reader_and_not_its_neighbour(readers: Remote, panel: Panel) -> None:
    readers.call("cut", reader="one")
    present(readers, "two", h10301(2, 2))
    assert panel.until(lambda: bool(panel.cards()))
    assert {index for index, _, _ in panel.cards()} == {1}


def test_a_panel_with_the_wrong_key_gets_nothing(readers: Remote, tmp_path: Path) -> None:
    panel = Panel(tmp_path / "bus", {"one": bytes(16)})
    assert not panel.until(lambda: bool(panel.panel.ctx.sc_status()), 1)
    assert not readers.call("state")["readers"]["one"]["secure"]
    panel.port.close()


def test_an_unknown_request_is_answered_with_words(readers: Remote) -> None:
    with pytest.raises(DeviceError, match="explode"):
        readers.call("explode")
