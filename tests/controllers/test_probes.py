"""What `menjin doctor` asks of ports, brokers and boards, with real ones."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers import mqtt_probe, ports, uhppote_probe
from controllers.mqtt_acl import own_device
from controllers.mqtt_dialect import BrokerLogin
from controllers.serial_port import open_port
from controllers.uhppote_link import UhppoteBoard
from simulators.diary import Diary
from simulators.uhppote_board import Board
from tests.controllers.acl_broker import AclBroker, free_port


@pytest.fixture
def line() -> Iterator[str]:
    ours, theirs = os.openpty()
    yield os.ttyname(theirs)
    os.close(ours)
    os.close(theirs)


def test_a_port_that_opens_has_no_fault_until_somebody_holds_it(line: str) -> None:
    assert ports.fault(line) == ""
    with open_port(line, 9600):
        assert "held by another program" in ports.fault(line)


def test_what_is_no_port_is_said_plainly(tmp_path: Path) -> None:
    assert "is not there" in ports.fault(str(tmp_path / "none"))
    (tmp_path / "file").touch()
    assert "is no serial port" in ports.fault(str(tmp_path / "file"))
    assert ports.fault("/dev/null")


def test_the_machines_ports_are_listed_without_trouble(tmp_path: Path) -> None:
    assert all(each.path.startswith("/dev/") for each in ports.ports(tmp_path))


@pytest.mark.parametrize("tls", [False, True])
def test_a_broker_lets_in_whom_it_knows_and_says_no_to_others(tmp_path: Path, tls: bool) -> None:
    broker = AclBroker(tmp_path, [own_device("club")], tls)
    files = [tmp_path / name for name in ("ca.pem", "club.pem", "club.key")] if tls else [None] * 3
    try:
        assert mqtt_probe.fault(BrokerLogin("127.0.0.1", broker.port, "club", "club-secret", *files)) == ""
        wrong = mqtt_probe.fault(BrokerLogin("127.0.0.1", broker.port, "club", "wrong", *files[:1]))
        assert (
            ("TLS" in wrong or "closed" in wrong or "does not answer" in wrong) if tls else "refuses the user" in wrong
        )
        assert "wrong" not in wrong.split(":", 1)[1]
    finally:
        broker.kill()


def test_no_broker_and_a_broker_that_wants_tls_are_told_apart(tmp_path: Path) -> None:
    assert "does not answer" in mqtt_probe.fault(BrokerLogin("127.0.0.1", free_port()))
    broker = AclBroker(tmp_path, [own_device("club")], tls=True)
    try:
        assert "wants TLS" in mqtt_probe.fault(BrokerLogin("127.0.0.1", broker.port, "club", "club-secret"))
    finally:
        broker.kill()


def test_a_board_that_answers_is_good_and_a_dead_one_is_named() -> None:
    peer = Board(405419896, "127.0.0.1", 0, Diary())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        wired = [
            UhppoteBoard("good", peer.serial, f"127.0.0.1:{peer.port}"),
            UhppoteBoard("dead", 303986753, f"127.0.0.1:{silent.getsockname()[1]}"),
        ]
        faults = uhppote_probe.faults(wired, timeout_s=0.5)
    assert faults["good"] == ""
    assert "303986753 does not answer" in faults["dead"]


def test_boards_on_the_network_call_back() -> None:
    peer = Board(405419896, "127.0.0.1", 0, Diary())
    found = uhppote_probe.found(0.5, f"127.0.0.1:{peer.port}")
    assert [each.serial for each in found] == [405419896]
