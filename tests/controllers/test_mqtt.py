"""The MQTT driver against a real mosquitto with users and an access list."""

import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from controllers.driver import (
    CardRead,
    FeedbackCommand,
    InputState,
    LinkState,
    LockAction,
    LockCommand,
    Outcome,
    Result,
    Signal,
    TextRead,
)
from controllers.errors import LinkLost
from controllers.mqtt import MqttDriver
from tests.controllers.broker import Broker, Door, door
from tests.controllers.line import Ear, outcome, pulse, running

CARD = 0x0CA0A73


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    running_broker = Broker(tmp_path)
    yield running_broker
    running_broker.stop()


@pytest.fixture
def ear() -> Ear:
    return Ear()


@pytest.fixture
def driver(broker: Broker, ear: Ear) -> Iterator[MqttDriver]:
    made = MqttDriver("broker", "127.0.0.1", broker.port, "menjin", "m-secret", None, ["gate", "other"], ear)
    with running(made):
        yield made


@pytest.fixture
def gate(broker: Broker, driver: MqttDriver, ear: Ear) -> Iterator[Door]:
    with door(broker, "gate") as made:
        made.online()
        ear.wait(LinkState, lambda event: event.device == "gate" and event.up)
        yield made


def up(ear: Ear) -> LinkState:
    return ear.wait(LinkState, lambda event: event.up)


def test_a_read_comes_once_with_its_bits(gate: Door, ear: Ear) -> None:
    gate.read(1)
    read = ear.wait(CardRead)
    assert (read.reader, read.bits, read.bit_count, read.seen.stale) == ("gate", CARD, 26, False)
    gate.read(1)
    gate.read(2, bits="1")
    assert ear.wait(CardRead).bits == 1
    assert not ear.all(CardRead)


def test_a_text_comes_once_and_a_bad_one_never(gate: Door, ear: Ear) -> None:
    sound = {"reader": "gate", "text": "京A12345", "n": 1, "boot": "b1"}
    for bad in ({"text": "a\x00b"}, {"text": ""}, {"text": "x" * 513}, {"reader": "other"}, {"age_ms": -1}):
        gate.raw(gate.topic("text"), json.dumps(sound | bad).encode())
    for good in ({}, {}, {"text": "MJ1:ABC", "n": 2, "age_ms": 2500}):
        gate.raw(gate.topic("text"), json.dumps(sound | good).encode())
    heard = [ear.wait(TextRead), ear.wait(TextRead)]
    assert [(each.reader, each.text, each.seen.stale) for each in heard] == [
        ("gate", "京A12345", False), ("gate", "MJ1:ABC", True)
    ]  # fmt: skip
    assert not ear.all(TextRead)


def test_a_read_that_waited_in_the_device_is_stale(gate: Door, ear: Ear) -> None:
    gate.read(1, age_ms=2500)
    assert ear.wait(CardRead).seen.stale
    gate.read(7, boot="an earlier life")
    assert ear.wait(CardRead).seen.stale


def test_reads_that_waited_in_the_broker_are_stale_and_a_retained_one_is_nothing(broker: Broker, ear: Ear) -> None:
    def made() -> MqttDriver:
        return MqttDriver("broker", "127.0.0.1", broker.port, "menjin", "m-secret", None, ["gate"], ear)

    with door(broker, "gate") as gate:
        gate.online()
        with running(made()):
            up(ear)
        gate.read(1)
        gate.say("read", retain=True, reader="gate", bits="7", count=26, n=9, boot="b1")
        with running(made()):
            up(ear)
            time.sleep(0.3)
            gate.read(10)
            first = ear.wait(CardRead)
            assert (first.bits, first.seen.stale) == (CARD, True)
            rest = [ear.wait(CardRead)]
            while not (rest[-1].bits == CARD and not rest[-1].seen.stale):
                rest.append(ear.wait(CardRead))
            assert all(read.seen.stale for read in rest[:-1])


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b"[]",
        b'{"reader":"gate"}',
        b'{"reader":"gate","bits":"zz","count":26,"n":1,"boot":"b1"}',
        b'{"reader":"gate","bits":"ffffffff","count":26,"n":1,"boot":"b1"}',
        b'{"reader":"gate","bits":"00","count":0,"n":1,"boot":"b1"}',
        b'{"reader":"gate","bits":"00","count":100000,"n":1,"boot":"b1"}',
        b'{"reader":"other","bits":"0ca0a73","count":26,"n":1,"boot":"b1"}',
        b'{"reader":"gate","bits":"0ca0a73","count":26,"n":"1","boot":"b1"}',
        b'{"reader":"gate","bits":"0ca0a73","count":26,"n":1,"boot":"b1","age_ms":-1}',
        b" " * 5000,
    ],
)
def test_a_malformed_message_is_dropped_and_the_next_one_heard(gate: Door, ear: Ear, payload: bytes) -> None:
    gate.raw(gate.topic("read"), payload)
    gate.read(2)
    assert ear.wait(CardRead).bits == CARD
    assert not ear.all(CardRead)


def test_inputs_are_told_whole_and_in_order(gate: Door, ear: Ear) -> None:
    gate.say("inputs", active=[True, False], boot="b1", n=2)
    assert ear.wait(InputState).active == (True, False)
    gate.say("inputs", active=[False, False], boot="b1", n=1)
    gate.say("inputs", active=[False, True], boot="b1", n=3)
    assert ear.wait(InputState).active == (False, True)


def test_a_pulse_is_done_once_the_device_says_so(gate: Door, driver: MqttDriver, ear: Ear) -> None:
    command = pulse("gate")
    driver.submit(command)
    order = gate.expect("lock")
    assert (order["id"], order["action"], order["output"], order["pulse_ms"]) == ("c1", "pulse", 0, 3000)
    assert 0 < order["expires_at"] - order["issued_at"] <= 2
    gate.say("done", id="c1", result="done")
    assert outcome(ear, command).result is Result.DONE
    gate.say("done", id="c1", result="done")
    time.sleep(0.1)
    assert not ear.all(Outcome)


@pytest.mark.parametrize(("said", "result"), [("refused", Result.REFUSED), ("expired", Result.EXPIRED)])
def test_what_the_device_refuses_is_told(gate: Door, driver: MqttDriver, ear: Ear, said: str, result: Result) -> None:
    driver.submit(LockCommand("c2", "gate", 0, LockAction.SECURE, time.monotonic() + 2))
    assert "pulse_ms" not in gate.expect("lock")
    gate.say("done", id="c2", result=said, detail="no power")
    ended = ear.wait(Outcome)
    assert (ended.result, ended.detail) == (result, "no power")


def test_a_silent_device_leaves_the_command_unknown_at_its_deadline(gate: Door, driver: MqttDriver, ear: Ear) -> None:
    command = pulse("gate", within_s=0.4)
    driver.submit(command)
    ended = outcome(ear, command)
    assert ended.result is Result.UNKNOWN
    assert 0 <= ended.seen.mono_s - command.deadline_mono_s < 5


def test_an_off_line_device_gets_nothing_now_or_later(gate: Door, driver: MqttDriver, ear: Ear, broker: Broker) -> None:
    gate.vanish()
    ear.wait(LinkState, lambda event: not event.up and event.device == "gate", timeout=12)
    command = pulse("gate", within_s=10)
    driver.submit(command)
    assert outcome(ear, command).result is Result.EXPIRED
    with door(broker, "gate") as back:
        back.online("b2")
        assert up(ear).seen.epoch == 2
        with pytest.raises(TimeoutError):
            back.expect("lock", 0.5)


def test_a_command_left_in_the_broker_dies_there(driver: MqttDriver, ear: Ear, broker: Broker) -> None:
    with door(broker, "gate") as gate:
        gate.online()
        up(ear)
        gate.raw(gate.topic("state"), b'{"online":true,"boot":"b1"}', retain=True)
    # The device said that it was there, then left without its will: the broker keeps the command for a second.
    command = pulse("gate", within_s=1)
    driver.submit(command)
    assert outcome(ear, command).result is not Result.DONE
    time.sleep(1.2)
    with door(broker, "gate") as back, pytest.raises(TimeoutError):
        back.expect("lock", 0.5)


def test_another_device_can_neither_speak_nor_answer_for_this_one(
    gate: Door, driver: MqttDriver, ear: Ear, broker: Broker
) -> None:
    with door(broker, "gate", user="other") as thief:
        thief.read(50)
        command = pulse("gate", within_s=0.5)
        driver.submit(command)
        thief.say("done", id="c1", result="done")
        thief.raw("menjin/1/d/other/up/done", b'{"id":"c1","result":"done"}')
        assert outcome(ear, command).result is Result.UNKNOWN
        assert not thief.heard
    assert not ear.all(CardRead)


def test_a_signal_reaches_the_device(gate: Door, driver: MqttDriver, ear: Ear) -> None:
    command = FeedbackCommand("f1", "gate", Signal.DENIED, time.monotonic() + 1)
    driver.submit(command)
    assert gate.expect("signal")["signal"] == "denied"
    assert outcome(ear, command).result is Result.DONE


def test_a_dead_broker_is_a_lost_link_and_its_return_a_new_one(
    gate: Door, driver: MqttDriver, ear: Ear, broker: Broker
) -> None:
    command = pulse("gate", within_s=5)
    driver.submit(command)
    gate.expect("lock")
    broker.stop()
    assert outcome(ear, command).result is Result.UNKNOWN
    assert not ear.wait(LinkState, lambda event: not event.up and event.device == "gate").up
    late = pulse("gate", "c2")
    driver.submit(late)
    assert outcome(ear, late).result is Result.EXPIRED
    broker.start()
    with door(broker, "other") as other:
        other.online()
        ear.wait(LinkState, lambda event: event.up and event.device == "other")
        other.read(1)
        assert ear.wait(CardRead).reader == "other"


def test_an_unknown_device_is_refused(driver: MqttDriver, ear: Ear, gate: Door) -> None:
    command = pulse("nobody")
    driver.submit(command)
    assert outcome(ear, command).result is Result.REFUSED


def test_a_wrong_password_and_a_broker_that_is_not_there_are_a_lost_link(broker: Broker, ear: Ear) -> None:
    wrong = MqttDriver("b", "127.0.0.1", broker.port, "menjin", "wrong", None, ["gate"], ear)
    with pytest.raises(LinkLost, match="refused"):
        wrong.run(threading.Event())
    nobody = MqttDriver("b", "127.0.0.1", 1, "menjin", "m-secret", None, ["gate"], ear)
    with pytest.raises(LinkLost, match="answer"):
        nobody.run(threading.Event())


def test_a_user_who_may_not_write_is_told(broker: Broker, ear: Ear, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("controllers.mqtt.FENCE_S", 0.5)
    blind = MqttDriver("b", "127.0.0.1", broker.port, "blind", "b-secret", None, ["gate"], ear)
    with pytest.raises(LinkLost, match="ACL"):
        blind.run(threading.Event())
