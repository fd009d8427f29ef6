"""`menjin doctor` at real wires: libosdp readers, a broker, boards, and what is not there."""

import json
import socket
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.secret import new_key, write_secret
from config.settings import Bus
from gateway.running import mark
from mgmt_api.cli.command import app
from mgmt_api.cli.doctor_osdp import bus_findings
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.controllers.acl_broker import free_port
from tests.controllers.line import KEY, peripherals

SITE = """
site: {{id: 1, name: {{zh: 小区, en: Estate}}}}
data_dir: data
secrets: {{site_key_file: site.key, reader_keys_file: keys.json}}
serial_readers: [{{name: shop, port: /nowhere, framing: hex_cr}}]
broker: {{port: {broker}, devices: [{{name: club}}]}}
uhppote:
  boards:
    - {{name: good, serial: 405419896, address: "127.0.0.1:{board}"}}
"""


def bus(port: str, *addresses: int) -> Bus:
    readers = [{"name": f"r{each}", "address": each} for each in addresses]
    return Bus.model_validate({"name": "bus-1", "port": port, "baud": 115200, "readers": readers})


def test_wired_readers_answer_and_a_wrong_address_is_told_with_whoever_is_there() -> None:
    with peripherals({"address": 3, "scbk": KEY.hex()}, {"address": 9, "scbk": KEY.hex()}) as (_peer, port):
        findings = {each.what: each for each in bus_findings(bus(port, 3, 4))}
    assert findings["reader r3"].ok
    assert "115200 baud" in findings["reader r3"].say
    assert not findings["reader r4"].ok
    assert "no answer at address 4" in findings["reader r4"].say
    assert "address 9" in findings["line bus-1"].say


def test_a_line_without_a_port_is_one_finding() -> None:
    [finding] = bus_findings(bus("/nowhere", 1))
    assert (finding.what, finding.ok) == ("line bus-1", False)


@pytest.mark.parametrize("running", [False, True])
def test_the_doctor_names_what_is_wrong_and_leaves_a_running_gateways_ports_alone(
    tmp_path: Path, running: bool
) -> None:
    board = Board(405419896, "127.0.0.1", 0, Diary())
    site = tmp_path / "site.yaml"
    site.write_text(SITE.format(broker=free_port(), board=board.port), encoding="utf-8")
    write_secret(tmp_path / "site.key", new_key())
    held = mark(tmp_path / "data" / "gateway") if running else None
    done = CliRunner().invoke(app, ["doctor", "-c", str(site), "--json"])
    found = {each["what"]: each for each in json.loads(done.output)["findings"]}
    assert done.exit_code == 1
    assert found["board good"]["ok"]
    assert "does not answer" in found["broker"]["say"]
    assert found["port of shop"]["ok"] is running
    assert ("gateway" in found) is running
    if held:
        held.close()


def test_a_scan_of_no_port_is_said_plainly() -> None:
    done = CliRunner().invoke(app, ["doctor", "--scan", "/nowhere", "--json"])
    [found] = [each for each in json.loads(done.output)["findings"] if each["what"] == "/nowhere"]
    assert not found["ok"]


def test_a_camera_with_an_ipv6_address_or_without_a_port_is_asked(tmp_path: Path) -> None:
    with socket.socket(socket.AF_INET6) as listener:
        listener.bind(("::1", 0))
        listener.listen()
        cameras = [
            {"name": "six", "label": {"zh": "门", "en": "Door"}, "url": f"rtsp://[::1]:{listener.getsockname()[1]}/a"},
            {"name": "bare", "label": {"zh": "门", "en": "Door"}, "url": "rtsp://[::1]/a?b=http://c"},
        ]
        site = tmp_path / "site.yaml"
        head = SITE.format(broker=free_port(), board=free_port())
        site.write_text(f"{head}\ncameras: {json.dumps(cameras)}\n", encoding="utf-8")
        told = json.loads(CliRunner().invoke(app, ["doctor", "-c", str(site), "--json"]).stdout)
    found = {each["what"]: each for each in told["findings"]}
    assert found["camera six"]["ok"]
    assert found["camera bare"]["say"].startswith("[::1]:554 ")
