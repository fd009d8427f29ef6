"""DejaOS terminals: the document's examples, its traps, and a real broker."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers import mqtt_dejaos as dejaos
from controllers.driver import (
    CardRead,
    DeviceEvent,
    DeviceRecord,
    InputState,
    KeyRead,
    LinkState,
    LocalState,
    LockAction,
    Outcome,
    Result,
    Signal,
    TextRead,
)
from controllers.errors import BadSetup, LinkLost, ProtocolViolation
from controllers.mqtt_acl import dejaos_terminal, gateway
from controllers.mqtt_dejaos import Terminal
from controllers.mqtt_dejaos_session import DejaosSession
from controllers.mqtt_dialect import Action, BrokerLogin, Message, MqttSessionDriver, Publish
from controllers.session import Moment
from tests.controllers.acl_broker import AclBroker, Device
from tests.controllers.witness import Witness, lock, running, signal

VECTORS: dict[str, Any] = json.loads((Path(__file__).parent.parent / "vectors" / "mqtt_payloads.json").read_text())
DOC = VECTORS["dejaos"]
UUID = "e4720000964b5c00"
TERMINAL = Terminal("gate", UUID)
BASE = f"d/{UUID}/access_device/v2"
NOW = 1_800_000_000.0


def at(mono_s: float) -> Moment:
    return Moment(mono_s, NOW + mono_s, 1)


class Line:
    """A session, and what it did."""

    def __init__(self) -> None:
        self.session = DejaosSession([TERMINAL])
        self.events: list[DeviceEvent] = []
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.take(self.session.start(at(0)))

    def take(self, actions: Iterator[Action]) -> None:
        for action in actions:
            if isinstance(action, Publish):
                assert not action.retain
                assert action.expiry_s is not None
                self.sent.append((action.topic.removeprefix(BASE + "/"), json.loads(action.payload)))
            else:
                self.events.append(action)

    def hear(
        self, kind: str, body: dict[str, Any], mono_s: float = 1.0, base: str = BASE, retained: bool = False
    ) -> None:
        place = "cmd" if kind.endswith("_reply") else "event"
        message = Message(f"{base}/{place}/{kind}", json.dumps(body).encode(), retained)
        self.take(self.session.received(message, at(mono_s)))

    def all(self, kind: type[Any]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


def ask(code: str, type_: str = "200", serial: str = "q1", mono_s: float = 1.0, waited_s: float = 0) -> dict[str, Any]:
    sent = int(NOW + mono_s)
    return {
        "serialNo": serial,
        "uuid": UUID,
        "time": sent,
        "data": {"type": type_, "code": code, "timeStamp": int(sent - waited_s)},
    }


def test_the_documents_question_is_a_text_and_its_answer_is_the_documents() -> None:
    line = Line()
    stamp = int(NOW + 1)
    data = DOC["access_online"]["data"] | {"timeStamp": stamp}
    line.hear("access_online", DOC["access_online"] | {"time": stamp, "data": data})
    assert [event.text for event in line.all(TextRead)] == ["s345463434gg"]
    line.sent.clear()
    line.take(line.session.command(lock("gate"), at(1.1)))
    ((topic, body),) = line.sent
    assert topic == f"event/{UUID}/access_online_reply"
    assert body | {"time": 0} == DOC["access_online_reply"]


def test_the_documents_messages_are_understood() -> None:
    line = Line()
    for kind in ("connect", "heartbeat", "alarm", "access"):
        line.hear(kind, DOC[kind])
    assert [event.up for event in line.all(LinkState)] == [True]
    assert [event.active for event in line.all(InputState)] == [(False, True)]
    (record,) = line.all(DeviceRecord)
    assert (record.granted, record.reason, record.occurred_s) == (True, "ALLOW", 1639475284.0)
    assert "张三" not in repr(line.events)


def test_a_remote_open_has_the_documents_form() -> None:
    line = Line()
    line.hear("heartbeat", DOC["heartbeat"])
    line.sent.clear()
    line.take(line.session.command(lock("gate"), at(1.1)))
    ((topic, body),) = line.sent
    assert topic == f"cmd/{UUID}/control"
    assert body.keys() == DOC["control"].keys()
    assert body["data"] == {"command": 1}
    assert 1 <= len(body["serialNo"]) <= 32


def test_wifi_keys_in_a_connect_message_go_nowhere() -> None:
    line = Line()
    line.hear("connect", DOC["connect"])
    assert "hunter2" not in repr(line.events) + repr(line.sent) + repr(vars(line.session))


@pytest.mark.parametrize(
    ("type_", "code", "kind"),
    [
        ("200", "9345EF18", CardRead),
        ("205", "0102030405060708", CardRead),
        ("400", "123456", KeyRead),
        (101, "A1", TextRead),
    ],
)
def test_each_kind_of_credential_has_its_event(type_: str, code: str, kind: type[Any]) -> None:
    line = Line()
    line.hear("access_online", ask(code, type_))
    assert len(line.all(kind)) == 1


@pytest.mark.parametrize(
    ("type_", "code"),
    [
        ("205", "0000000000000000"),
        ("200", "xyz"),
        ("200", ""),
        ("100", "a\nb"),
        ("100", "x" * 513),
        ("400", "12a"),
        ("300", ""),
    ],
)
def test_what_cannot_be_judged_is_denied_at_once(type_: str, code: str) -> None:
    line = Line()
    line.hear("access_online", ask(code, type_))
    assert not line.all(CardRead) + line.all(TextRead) + line.all(KeyRead)
    assert line.sent[-1][1]["code"] == dejaos.DENIED


def test_a_question_that_comes_twice_is_asked_once() -> None:
    line = Line()
    for _ in range(3):
        line.hear("access_online", ask("9345EF18"))
    assert len(line.all(CardRead)) == 1


def test_a_question_that_waited_is_stale_and_denied() -> None:
    line = Line()
    line.hear("heartbeat", ask("") | {"data": None})
    line.hear("access_online", ask("9345EF18", mono_s=2, waited_s=30), 2)
    line.hear("access_online", ask("9345EF18", serial="q2", mono_s=3), 60)
    assert [event.seen.stale for event in line.all(CardRead)] == [True, True]
    assert [body["code"] for _, body in line.sent if "message" in body] == [dejaos.DENIED] * 2


def test_a_wrong_clock_alone_makes_nothing_stale() -> None:
    line = Line()
    for number in range(3):
        line.hear("access_online", ask("9345EF18", serial=f"q{number}", mono_s=number - 86_400), number)
    assert [event.seen.stale for event in line.all(CardRead)] == [False] * 3


def test_an_answer_after_its_time_is_a_remote_open() -> None:
    line = Line()
    line.hear("access_online", ask("9345EF18"))
    line.take(line.session.command(lock("gate"), at(20)))
    assert line.sent[-1][0] == f"cmd/{UUID}/control"


def test_the_answer_is_done_when_the_terminal_says_so_and_unknown_else() -> None:
    for told, expected in ((True, Result.DONE), (False, Result.UNKNOWN)):
        line = Line()
        line.hear("access_online", ask("9345EF18"))
        command = lock("gate")
        line.take(line.session.command(command, at(1.1)))
        if told:
            entry = {"type": "200", "code": "9345EF18", "timeStamp": int(NOW + 1), "result": 0, "error": "ONLINE_ALLOW"}
            line.hear("access", {"serialNo": "r1", "uuid": UUID, "time": int(NOW + 1), "data": [entry]}, 1.5)
        line.take(line.session.tick(at(command.deadline_mono_s)))
        assert [each.result for each in line.all(Outcome)] == [expected]


def test_an_old_record_never_ends_a_new_command() -> None:
    line = Line()
    line.hear("access_online", ask("9345EF18"))
    line.take(line.session.command(lock("gate"), at(1.1)))
    entry = {"type": "200", "code": "9345EF18", "timeStamp": int(NOW - 500), "result": 0, "error": "ONLINE_ALLOW"}
    line.hear("access", {"serialNo": "r1", "uuid": UUID, "time": int(NOW + 1), "data": [entry]}, 1.5)
    assert not line.all(Outcome)


def test_a_denied_signal_answers_the_question_and_a_granted_one_never_opens() -> None:
    line = Line()
    line.hear("access_online", ask("9345EF18"))
    line.take(line.session.command(signal("gate", Signal.GRANTED), at(1.1)))
    assert not [body for topic, body in line.sent if topic.endswith("_online_reply")]
    line.take(line.session.command(signal("gate", Signal.DENIED), at(1.2)))
    assert [body["code"] for topic, body in line.sent if topic.endswith("_online_reply")] == [dejaos.DENIED]
    line.take(line.session.command(lock("gate"), at(1.3)))
    assert line.sent[-1][0].endswith("control"), "the question is answered; a later opening is another thing"


@pytest.mark.parametrize(
    ("code", "result"), [("000000", Result.DONE), ("100004", Result.UNKNOWN), ("200000", Result.REFUSED)]
)
def test_a_reply_ends_its_own_command(code: str, result: Result) -> None:
    line = Line()
    line.hear("heartbeat", DOC["heartbeat"])
    first, second = lock("gate"), lock("gate")
    line.take(line.session.command(first, at(1.1)))
    serial = line.sent[-1][1]["serialNo"]
    line.take(line.session.command(second, at(1.1)))
    for _ in range(2):
        line.hear("control_reply", {"serialNo": serial, "uuid": UUID, "code": code})
    assert [(each.command_id, each.result) for each in line.all(Outcome)] == [(first.command_id, result)]


def test_records_are_acknowledged_one_by_one_once_they_are_stored() -> None:
    line = Line()
    line.hear("access", DOC["access"])
    line.hear("access", DOC["access_multi_factor"])
    line.take(line.session.tick(at(2)))
    assert not [topic for topic, _ in line.sent if topic.endswith("access_reply")]
    first, second = line.all(DeviceRecord)
    second.stored()
    line.take(line.session.tick(at(3)))
    assert [body["serialNo"] for topic, body in line.sent if topic.endswith("access_reply")] == ["7hGgPlyURD"]
    for _ in range(3):  # the terminal repeats both: one is not stored yet, of the other the receipt got lost
        line.hear("access", DOC["access"], 4)
    line.hear("access", DOC["access_multi_factor"], 4)
    line.take(line.session.tick(at(5)))
    assert len(line.all(DeviceRecord)) == 2
    assert [body["serialNo"] for topic, body in line.sent if topic.endswith("access_reply")] == ["7hGgPlyURD"] * 2
    first.stored()
    line.take(line.session.tick(at(6)))
    assert line.sent[-1][1]["serialNo"] == "6w8keif5g6"


def test_a_message_of_another_device_or_a_retained_one_is_dropped() -> None:
    line = Line()
    line.hear("access_online", ask("9345EF18") | {"uuid": "other"})
    line.hear("access_online", ask("9345EF18"), base="d/other/access_device/v2")
    line.hear("access_online", ask("9345EF18"), base="access_device/v2")
    line.hear("access_online", ask("9345EF18"), retained=True)
    assert not line.events
    assert line.session.dropped == 4


def test_a_tamper_alarm_and_a_door_alarm_are_levels() -> None:
    line = Line()
    for type_, value in ((258, 1), (258, 0), (256, 0), (256, 1)):
        line.hear("alarm", DOC["alarm"] | {"data": {"type": type_, "value": value}})
    assert [event.tamper for event in line.all(LocalState)] == [True, False]
    assert [event.active for event in line.all(InputState)] == [(True, False), (False, False)]
    assert len([topic for topic, _ in line.sent if topic.endswith("alarm_reply")]) == 4


def test_a_terminal_that_left_or_fell_silent_is_off_line() -> None:
    line = Line()
    line.hear("heartbeat", DOC["heartbeat"])
    line.hear("offline", DOC["heartbeat"])
    line.take(line.session.command(lock("gate"), at(2)))
    line.hear("heartbeat", DOC["heartbeat"], 3)
    for second in range(4, 110, 5):
        line.take(line.session.tick(at(second)))
    assert [event.up for event in line.all(LinkState)] == [True, False, True, False]
    assert [event.result for event in line.all(Outcome)] == [Result.EXPIRED]
    assert any(topic.endswith("getConfig") for topic, _ in line.sent)


def test_what_terminals_cannot_do_is_refused() -> None:
    line = Line()
    line.hear("heartbeat", DOC["heartbeat"])
    for command in (
        lock("gate", LockAction.RELEASE),
        lock("gate", LockAction.SECURE),
        lock("gate", output=1),
        signal("gate"),
    ):
        line.take(line.session.command(command, at(1)))
    assert [event.result for event in line.all(Outcome)] == [Result.REFUSED] * 4


NAMES = st.sampled_from(["serialNo", "uuid", "time", "data", "type", "code", "timeStamp", "value", "result"])
VALUES = st.recursive(st.none() | st.integers() | st.text(), lambda some: st.lists(some) | st.dictionaries(NAMES, some))
PAYLOADS = st.binary(max_size=200) | VALUES.map(lambda some: json.dumps(some).encode())


@given(payload=PAYLOADS, kind=st.sampled_from(dejaos.EVENTS))
def test_no_payload_raises_or_reads_a_card(payload: bytes, kind: str) -> None:
    line = Line()
    line.take(line.session.received(Message(f"{BASE}/event/{kind}", payload, False), at(1)))
    assert not line.all(CardRead)


def test_what_is_remembered_is_bounded() -> None:
    line = Line()
    for each in range(3000):
        line.hear("access_online", ask("9345EF18", serial=f"s{each}"))
    assert len(line.session._seen) <= 1024
    with pytest.raises(ProtocolViolation):
        dejaos.envelope(json.dumps({"serialNo": "x" * 33, "uuid": UUID}).encode())


def test_two_terminals_with_one_number_are_refused() -> None:
    with pytest.raises(BadSetup):
        DejaosSession([TERMINAL, Terminal("twin", UUID)])


@pytest.mark.parametrize(
    ("prefix", "base"),
    [("prod", "prod/access_device/v2"), ("/prod/", "prod/access_device/v2"), ("", "access_device/v2")],
)
def test_prefixes_are_joined_as_the_document_says(prefix: str, base: str) -> None:
    assert Terminal("gate", UUID, prefix).base == base


# With a real broker

RIGHTS = [dejaos_terminal("gate", UUID, BASE), dejaos_terminal("other", "0badc0de", "d/0badc0de/access_device/v2")]


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[AclBroker]:
    made = AclBroker(tmp_path, [*RIGHTS, gateway("menjin", RIGHTS)])
    yield made
    made.kill()


def driver(broker: AclBroker, witness: Witness) -> MqttSessionDriver:
    login = BrokerLogin("127.0.0.1", broker.port, "menjin", "menjin-secret")
    return MqttSessionDriver("dejaos", login, DejaosSession([TERMINAL]), witness)


def terminal(broker: AclBroker) -> Device:
    return Device(broker, "gate", [f"{BASE}/cmd/{UUID}/+", f"{BASE}/event/{UUID}/+"])


def now_ask(serial: str) -> dict[str, Any]:
    now = int(time.time())
    return {
        "serialNo": serial,
        "uuid": UUID,
        "time": now,
        "data": {"type": "200", "code": "9345EF18", "timeStamp": now},
    }


def test_a_card_is_asked_and_answered_through_the_broker(broker: AclBroker) -> None:
    witness, device = Witness(), terminal(broker)
    made = driver(broker, witness)
    with running(made):
        device.expect("getConfig")
        device.say(f"{BASE}/event/access_online", now_ask("q1"))
        assert witness.expect(CardRead).bits == 0x9345EF18
        command = lock("gate")
        made.submit(command)
        assert device.expect("access_online_reply")["serialNo"] == "q1"
        remote = lock("gate")
        made.submit(remote)
        asked = device.expect("control")
        device.say(f"{BASE}/cmd/control_reply", {"serialNo": asked["serialNo"], "uuid": UUID, "code": "000000"})
        assert witness.outcome(remote).result is Result.DONE
        assert witness.outcome(command).result is Result.UNKNOWN
    device.leave()


def test_another_device_cannot_speak_or_hear_for_it(broker: AclBroker) -> None:
    witness, device = Witness(), terminal(broker)
    thief = Device(broker, "other", [f"{BASE}/#", "#"])
    made = driver(broker, witness)
    with running(made):
        device.expect("getConfig")
        device.say(f"{BASE}/event/heartbeat", now_ask("h1") | {"data": None})
        witness.expect(LinkState, lambda state: state.up)
        thief.say(f"{BASE}/event/access_online", now_ask("q1"))
        thief.say(f"{BASE}/cmd/{UUID}/control", now_ask("c1"))
        thief.say("d/0badc0de/access_device/v2/event/access_online", now_ask("q2"))
        made.submit(lock("gate"))
        assert device.expect("control")["data"] == {"command": 1}
        time.sleep(0.3)
    assert not witness.all(CardRead)
    assert not thief.got
    assert [topic for topic, body, _ in device.got if body.get("serialNo") == "c1"] == []
    device.leave()
    thief.leave()


def test_an_unlock_for_a_device_that_was_away_is_never_delivered(broker: AclBroker) -> None:
    witness, device = Witness(), terminal(broker)
    made = driver(broker, witness)
    with running(made):
        device.expect("getConfig")
        device.say(f"{BASE}/event/heartbeat", now_ask("h1") | {"data": None})
        witness.expect(LinkState, lambda state: state.up)
        device.leave()
        command = lock("gate", in_s=1)
        made.submit(command)
        assert witness.outcome(command).result is Result.UNKNOWN
        back = terminal(broker)
        time.sleep(0.5)
        assert not [topic for topic, _, _ in back.got if topic.endswith("control")]
    back.leave()


def test_a_killed_broker_is_a_lost_link_and_commands_end(broker: AclBroker) -> None:
    witness, device = Witness(), terminal(broker)
    made = driver(broker, witness)
    with running(made) as thread:
        device.expect("getConfig")
        device.say(f"{BASE}/event/heartbeat", now_ask("h1") | {"data": None})
        witness.expect(LinkState, lambda state: state.up)
        command = lock("gate", in_s=30)
        made.submit(command)
        device.expect("control")
        broker.kill()
        thread.thread.join(5)
        assert isinstance(thread.failure, LinkLost)
    assert witness.outcome(command).result is Result.UNKNOWN
    later = lock("gate")
    made.submit(later)
    assert witness.outcome(later).result is Result.EXPIRED
    device.client.loop_stop()
