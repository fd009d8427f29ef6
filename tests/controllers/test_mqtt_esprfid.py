"""esp-rfid boards: the firmware's own messages, and a real broker."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.driver import (
    CardRead,
    DeviceEvent,
    DeviceRecord,
    InputState,
    LinkState,
    LocalState,
    LockAction,
    Outcome,
    Result,
)
from controllers.errors import BadSetup
from controllers.mqtt_acl import esprfid_board, gateway
from controllers.mqtt_dialect import Action, BrokerLogin, Message, MqttSessionDriver, Publish
from controllers.mqtt_esprfid import EspBoard, EspRfidSession
from controllers.session import Moment
from controllers.wiegand import decode
from tests.controllers.acl_broker import AclBroker, Device
from tests.controllers.witness import Witness, lock, running, signal

DOC: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "mqtt_payloads.json").read_text())[
    "esprfid"
]
BOARD = EspBoard("gate", "rfid/gate", "esp-gate")


def at(mono_s: float) -> Moment:
    return Moment(mono_s, 1_800_000_000 + mono_s, 1)


class Line:
    """A session, and what it did."""

    def __init__(self, *boards: EspBoard) -> None:
        self.session = EspRfidSession(boards or (BOARD,))
        self.events: list[DeviceEvent] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.take(self.session.start(at(0)))

    def take(self, actions: Iterator[Action]) -> None:
        for action in actions:
            if isinstance(action, Publish):
                assert not action.retain
                assert action.expiry_s is not None
                self.sent.append((action.topic, json.loads(action.payload)))
            else:
                self.events.append(action)

    def hear(self, body: dict[str, Any], mono_s: float = 1.0, topic: str = "rfid/gate/send", retained: bool = False) -> None:  # fmt: skip  # noqa: E501 - one line shows the whole call
        self.take(self.session.received(Message(topic, json.dumps(body).encode(), retained), at(mono_s)))

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def test_an_unknown_card_is_for_the_host_and_a_known_one_is_history() -> None:
    line = Line()
    line.hear(DOC["access_unknown"])
    line.hear(DOC["access_known"])
    (read,), (record,) = line.all(CardRead), line.all(DeviceRecord)
    number = decode("H10301", read.bits, read.bit_count)
    assert (number.facility, number.card) == divmod(8102359, 65536)
    assert (record.granted, record.reason, record.bits) == (True, "Always", read.bits)
    assert "username" not in repr(record)


def test_opening_needs_the_boards_address_and_is_done_when_it_says_so() -> None:
    line = Line()
    early = lock("gate")
    line.take(line.session.command(early, at(0.5)))
    line.hear(DOC["boot"])
    command = lock("gate")
    line.take(line.session.command(command, at(1.5)))
    assert line.sent == [("rfid/gate/cmd", DOC["opendoor"])]
    line.hear(DOC["opened"], 2)
    ends = {each.command_id: each.result for each in line.all(Outcome)}
    assert ends == {early.command_id: Result.EXPIRED, command.command_id: Result.DONE}


def test_an_opening_without_an_answer_is_unknown_and_its_late_answer_ends_nothing_else() -> None:
    line = Line()
    line.hear(DOC["heartbeat"])
    first, second = lock("gate"), lock("gate")
    line.take(line.session.command(first, at(1)))
    limit = first.deadline_mono_s
    line.take(line.session.tick(at(limit)))
    line.take(line.session.command(second, at(limit + 0.1)))
    line.hear(DOC["opened"], limit + 0.2)
    ends = [(each.command_id, each.result) for each in line.all(Outcome)]
    assert ends == [(first.command_id, Result.UNKNOWN), (second.command_id, Result.EXPIRED)]


def test_doors_and_tampering_are_levels() -> None:
    line = Line()
    for kind in ("door_open", "door_closed", "tampered"):
        line.hear(DOC[kind])
    assert [event.active for event in line.all(InputState)] == [(True,), (False,)]
    assert [event.tamper for event in line.all(LocalState)] == [True]


@pytest.mark.parametrize(("uid", "bits"), [("a1b2c3d4", 0xA1B2C3D4), ("04a1b2c3d4e5f6", 0x04A1B2C3D4E5F6)])
def test_a_hex_uid_of_full_length_is_a_card(uid: str, bits: int) -> None:
    line = Line(EspBoard("gate", "rfid/gate", "esp-gate", "rfid"))
    line.hear(DOC["access_unknown"] | {"uid": uid})
    assert [(read.bits, read.bit_count) for read in line.all(CardRead)] == [(bits, len(uid) * 4)]


@pytest.mark.parametrize(("reader", "uid"), [("rfid", "a1b2c3d"), ("rfid", "a"), ("rfid", "00000000"), ("wiegand", "0"), ("wiegand", "a1b2"), ("wiegand", "99999999999")])  # fmt: skip  # noqa: E501 - a table
def test_a_uid_that_may_be_several_cards_is_never_a_read(reader: Any, uid: str) -> None:
    line = Line(EspBoard("gate", "rfid/gate", "esp-gate", reader))
    line.hear(DOC["access_unknown"] | {"uid": uid})
    assert not line.all(CardRead)
    assert [(record.granted, record.bit_count) for record in line.all(DeviceRecord)] == [(False, 0)]


def test_messages_of_others_and_retained_ones_are_dropped() -> None:
    line = Line()
    line.hear(DOC["access_unknown"] | {"hostname": "other"})
    line.hear(DOC["access_unknown"], topic="rfid/other/send")
    line.hear(DOC["access_unknown"], retained=True)
    assert not line.all(CardRead) + line.all(DeviceRecord)
    assert line.session.dropped == 3


def test_a_pinned_address_is_not_learned_anew() -> None:
    line = Line(EspBoard("gate", "rfid/gate", "esp-gate", address="192.168.1.20"))
    line.hear(DOC["boot"] | {"ip": "10.0.0.66"})
    line.take(line.session.command(lock("gate"), at(1)))
    assert line.sent[-1][1]["doorip"] == "192.168.1.20"


def test_what_boards_cannot_do_is_refused() -> None:
    line = Line()
    line.hear(DOC["boot"])
    for command in (lock("gate", LockAction.RELEASE), lock("gate", output=4), signal("gate")):
        line.take(line.session.command(command, at(1)))
    assert [event.result for event in line.all(Outcome)] == [Result.REFUSED] * 3


def test_a_silent_board_is_off_line() -> None:
    line = Line()
    line.hear(DOC["boot"])
    line.take(line.session.tick(at(402)))
    assert [event.up for event in line.all(LinkState)] == [False, True, False]


def test_two_boards_that_cannot_be_told_apart_are_refused() -> None:
    with pytest.raises(BadSetup):
        EspRfidSession([BOARD, EspBoard("twin", "rfid/gate", "esp-gate")])


NAMES = st.sampled_from([*list(DOC["access_unknown"]), "cmd", "src", "desc", "ip"])
VALUES = st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text())


@given(st.binary(max_size=200) | st.dictionaries(NAMES, VALUES).map(lambda some: json.dumps(some | {"hostname": "esp-gate"}).encode()))  # fmt: skip  # noqa: E501 - a strategy
def test_no_payload_raises(payload: bytes) -> None:
    line = Line()
    line.take(line.session.received(Message("rfid/gate/send", payload, False), at(1)))


def test_a_card_opens_a_door_through_the_broker(tmp_path: Path) -> None:
    rights = [esprfid_board("gate", "rfid/gate"), esprfid_board("other", "rfid/other")]
    broker = AclBroker(tmp_path, [*rights, gateway("menjin", rights)])
    login = BrokerLogin("127.0.0.1", broker.port, "menjin", "menjin-secret")
    witness = Witness()
    made = MqttSessionDriver("esprfid", login, EspRfidSession([BOARD]), witness)
    board, thief = Device(broker, "gate", ["rfid/gate/cmd"]), Device(broker, "other", ["rfid/#"])
    with running(made):
        witness.expect(LinkState)
        thief.say("rfid/gate/send", DOC["boot"] | {"ip": "10.0.0.66"}, qos=0)
        board.say("rfid/gate/send", DOC["boot"], qos=0)
        witness.expect(LinkState, lambda state: state.up)
        board.say("rfid/gate/send", DOC["access_unknown"], qos=0)
        witness.expect(CardRead)
        command = lock("gate")
        made.submit(command)
        assert board.expect("rfid/gate/cmd") == DOC["opendoor"]
        board.say("rfid/gate/send", DOC["opened"], qos=0)
        assert witness.outcome(command).result is Result.DONE
    assert not thief.got
    board.leave()
    thief.leave()
    broker.kill()
