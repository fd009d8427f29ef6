"""Doors in Home Assistant, and the broker's rights, on a real mosquitto with and without certificates."""

import json
import time
from pathlib import Path
from typing import Any

import pytest

from controllers.driver import Outcome
from controllers.errors import BadSetup, LinkLost
from controllers.mqtt_acl import (
    Rights,
    dejaos_terminal,
    esprfid_board,
    gateway,
    home_assistant,
    home_assistant_bridge,
    own_device,
    render,
)
from controllers.mqtt_dialect import BrokerLogin, Message, MqttSessionDriver, Publish
from controllers.mqtt_homeassistant import DoorView, HomeAssistantSession, ShownDoor, will
from controllers.session import Moment
from tests.controllers.acl_broker import AclBroker, Device
from tests.controllers.witness import Running, Witness, lock, running

DOORS = [ShownDoor("main", "大门", commands=True), ShownDoor("store", "Store")]
NOW = Moment(1, 2, 1)


def told(session: HomeAssistantSession) -> dict[str, Publish]:
    sent = [*session.start(NOW), *session.tick(NOW)]
    return {action.topic: action for action in sent if isinstance(action, Publish)}


def body(published: Publish) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(published.payload)
    return made


def test_a_door_is_read_only_unless_it_allows_commands() -> None:
    session = HomeAssistantSession(DOORS, lambda _: None)
    sent = told(session)
    lock_config = body(sent["homeassistant/lock/menjin-main/config"])
    assert lock_config["command_topic"] == "menjin/ha/main/set"
    assert lock_config["retain"] is False
    assert sent["homeassistant/lock/menjin-store/config"].payload == b"", "what was shown before is taken back"
    assert "command_topic" not in json.dumps([body(each) for topic, each in sent.items() if "store" in topic and each.payload])  # fmt: skip  # noqa: E501 - one question
    assert session.topics() == ["menjin/ha/main/set"]


def test_states_are_retained_and_told_when_they_change() -> None:
    session = HomeAssistantSession(DOORS, lambda _: None)
    session.show(DoorView("main", True, False))
    session.show(DoorView("unknown", True, False))
    sent = told(session)
    assert [sent[f"menjin/ha/main/{kind}"].payload for kind in ("lock", "leaf", "alarm")] == [b"LOCKED", b"OFF", b"OFF"]
    assert all(action.retain for action in sent.values())
    session.show(DoorView("main", True, False))
    assert not list(session.tick(NOW))
    session.show(DoorView("main", None, None, True))
    assert {action.payload for action in session.tick(NOW) if isinstance(action, Publish)} == {b"None", b"ON"}


@pytest.mark.parametrize(
    ("topic", "payload", "retained", "asked"),
    [
        ("menjin/ha/main/set", b"UNLOCK", False, ["main"]),
        ("menjin/ha/main/set", b"UNLOCK", True, []),
        ("menjin/ha/main/set", b"LOCK", False, []),
        ("menjin/ha/main/set", b"\xff", False, []),
        ("menjin/ha/store/set", b"UNLOCK", False, []),
        ("menjin/ha/nobody/set", b"UNLOCK", False, []),
        ("elsewhere", b"UNLOCK", False, []),
    ],
)
def test_only_a_fresh_unlock_of_an_allowed_door_is_passed_on(
    topic: str, payload: bytes, retained: bool, asked: list[str]
) -> None:
    got: list[str] = []
    session = HomeAssistantSession(DOORS, got.append)
    list(session.received(Message(topic, payload, retained), NOW))
    assert got == asked


def rights(commands: bool) -> list[Rights]:
    return [home_assistant("ha", "menjin/ha", commands=commands), home_assistant_bridge("menjin", "menjin/ha")]


@pytest.mark.parametrize("commands", [True, False])
@pytest.mark.parametrize("tls", [True, False])
def test_home_assistant_sees_doors_and_opens_as_its_rights_say(tmp_path: Path, commands: bool, tls: bool) -> None:
    broker = AclBroker(tmp_path, rights(commands), tls)
    got: list[str] = []
    session = HomeAssistantSession(DOORS, got.append)
    session.show(DoorView("main", True, False))
    login = BrokerLogin("127.0.0.1", broker.port, "menjin", "menjin-secret")
    if tls:
        files = [broker.directory / name for name in ("ca.pem", "menjin.pem", "menjin.key")]
        login = BrokerLogin("127.0.0.1", broker.port, "", "", *files)
    made = MqttSessionDriver("ha", login, session, Witness(), will=will())
    with running(made):
        home = Device(broker, "ha", ["menjin/ha/#", "homeassistant/#"], tls)
        assert home.expect("menjin-main/config")["unique_id"] == "menjin-main-lock"
        assert home.expect("main/lock")["text"] == "LOCKED"
        assert home.expect("ha/state")["text"] == "online"
        home.say("menjin/ha/main/set", "UNLOCK")
        home.say("menjin/ha/main/lock", "UNLOCKED")
        deadline = time.monotonic() + (3 if commands else 0.5)
        while not got and time.monotonic() < deadline:
            time.sleep(0.02)
        assert got == (["main"] if commands else [])
    home.expect("ha/state", after=len(home.got) - 1)
    assert [body["text"] for topic, body, _ in home.got if topic.endswith("ha/state")] == ["online", "offline"]
    assert "UNLOCKED" not in [body.get("text") for _, body, _ in home.got]
    home.leave()
    broker.kill()


def test_a_broker_that_refuses_us_is_a_lost_link(tmp_path: Path) -> None:
    broker = AclBroker(tmp_path, rights(False))
    login = BrokerLogin("127.0.0.1", broker.port, "menjin", "wrong")
    witness = Witness()
    made = MqttSessionDriver("ha", login, HomeAssistantSession(DOORS, lambda _: None), witness)
    thread = Running(made)
    thread.thread.join(8)
    assert isinstance(thread.end(), LinkLost)
    made.submit(lock("main"))
    assert len(witness.all(Outcome)) == 1
    assert "wrong" not in repr(login)
    broker.kill()


def test_files_that_are_no_certificates_are_bad_setup(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("nonsense")
    login = BrokerLogin("127.0.0.1", 1, ca_file=tmp_path / "ca.pem")
    thread = Running(MqttSessionDriver("ha", login, HomeAssistantSession(DOORS, lambda _: None), Witness()))
    thread.thread.join(8)
    assert isinstance(thread.end(), BadSetup)


def test_the_rights_file_names_each_user_once() -> None:
    devices = [
        own_device("gate"),
        dejaos_terminal("t1", "abc", "d/abc/access_device/v2"),
        esprfid_board("e1", "rfid/e1"),
    ]
    text = render([*devices, gateway("menjin", devices), home_assistant_bridge("menjin", "menjin/ha")])
    assert text.count("user menjin\n") == 1
    assert "user gate\ntopic write menjin/1/d/gate/up/#\ntopic read menjin/1/d/gate/down/#\n" in text
    assert "readwrite" not in text


@pytest.mark.parametrize("user", ["", "a b", "a\ntopic readwrite #", "x" * 65, "a/b"])
def test_a_name_that_could_break_a_line_is_refused(user: str) -> None:
    with pytest.raises(BadSetup):
        render([Rights(user, ("a",))])


@pytest.mark.parametrize("topic", ["#", "a/+/b", "a b", "", "a//b"])
def test_a_topic_with_a_wildcard_is_refused(topic: str) -> None:
    with pytest.raises(BadSetup):
        esprfid_board("e1", topic)
