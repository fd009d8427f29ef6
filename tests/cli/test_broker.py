"""`menjin broker acl`: a real mosquitto with these rights lets each device do its own work, and nobody else's."""

import json
import shutil
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from config.load import load_settings
from config.secret import write_secret
from config.settings import Settings
from controllers.driver import DeviceEvent, LinkState, LockAction, LockCommand
from gateway.drivers import drivers_of, home_assistant
from mgmt_api.cli.broker import rights_of
from mgmt_api.cli.command import app
from tests.controllers.acl_broker import AclBroker, Device

EXAMPLE = Path(__file__).parents[2] / "config/site.example.yaml"


def settings_for(folder: Path, port: int, tls: bool) -> Settings:
    """The example's MQTT part alone, at this broker."""
    text = EXAMPLE.read_text(encoding="utf-8").replace("  port: 1883", f"  port: {port}")
    (folder / "site.yaml").write_text(text, encoding="utf-8")
    whole = load_settings(folder / "site.yaml")
    assert whole.broker
    assert whole.broker.home_assistant
    files = {"ca_file": folder / "ca.pem", "cert_file": folder / "menjin.pem", "key_file": folder / "menjin.key"}
    broker = whole.broker.model_copy(update=files if tls else dict.fromkeys(files))
    for name, path in (
        ("menjin", whole.broker.password_file),
        ("menjin-ha", whole.broker.home_assistant.password_file),
    ):
        assert path
        write_secret(path, f"{name}-secret")
    none: dict[str, object] = dict.fromkeys(
        ("buses", "scanners", "serial_readers", "polled_buses", "vguang_readers", "idcard_readers", "cameras"), ()
    )
    return whole.model_copy(update={"broker": broker, "uhppote": None, **none})


def eventually(what: Callable[[], object]) -> None:
    end = time.monotonic() + 10
    while not what():
        assert time.monotonic() < end
        time.sleep(0.02)


@pytest.mark.parametrize("tls", [False, True])
def test_all_mqtt_links_of_the_example_work_with_the_rights_written_for_it(tmp_path: Path, tls: bool) -> None:
    shutil.copy(EXAMPLE, tmp_path / "site.yaml")
    example = load_settings(tmp_path / "site.yaml").broker
    assert example
    broker = AclBroker(tmp_path, list(rights_of(example)), tls)
    settings = settings_for(tmp_path, broker.port, tls)
    told: list[DeviceEvent] = []
    stop = threading.Event()
    shown = home_assistant(settings, lambda _: None, told.append)
    assert shown
    links = drivers_of(settings, bytes(32), told.append) + ([] if tls else [shown[1]])
    threads = [threading.Thread(target=driver.run, args=(stop,)) for driver in links]
    for thread in threads:
        thread.start()
    club = Device(broker, "clubhouse", ["menjin/1/d/clubhouse/down/#"], tls)
    pool = Device(broker, "pool", ["d/2300000001/access_device/v2/cmd/2300000001/+"], tls)
    try:
        club.say("menjin/1/d/clubhouse/up/state", {"online": True, "boot": "b1"}, retain=True)
        heart = {"serialNo": "1", "uuid": "2300000001", "time": int(time.time()), "data": {}}
        pool.say("d/2300000001/access_device/v2/event/heartbeat", heart)
        up = {"clubhouse", "pool"}
        eventually(lambda: {each.device for each in told if isinstance(each, LinkState) and each.up} == up)
        pool.say("menjin/1/d/clubhouse/up/state", {"online": False}, retain=True)  # not its own: dropped by the broker
        terminals = next(driver for driver in links if driver.name == "dejaos")
        terminals.submit(LockCommand("c1", "pool", 0, LockAction.PULSE, time.monotonic() + 3, 3000))
        assert pool.expect("control")["data"] == {"command": 1}
        assert not [each for each in told if isinstance(each, LinkState) and each.device == "clubhouse" and not each.up]
        if not tls:
            viewer = Device(broker, "homeassistant", ["homeassistant/#", "menjin/ha/#"])
            assert viewer.expect("lock/menjin-clubhouse/config")["command_topic"] == "menjin/ha/clubhouse/set"
            viewer.leave()
    finally:
        stop.set()
        club.leave()
        pool.leave()
        for thread in threads:
            thread.join(5)
        broker.kill()
    assert not any(thread.is_alive() for thread in threads)


def test_the_command_prints_the_file_or_says_what_is_missing(tmp_path: Path) -> None:
    site = Path(shutil.copy(EXAMPLE, tmp_path / "site.yaml"))
    runner = CliRunner()
    assert "user pool\n" in runner.invoke(app, ["broker", "acl", "-c", str(site)]).output
    told = json.loads(runner.invoke(app, ["broker", "acl", "-c", str(site), "--json"]).output)
    assert told["users"] == ["clubhouse", "homeassistant", "menjin", "menjin-ha", "pool", "shed"]
    site.write_text(site.read_text().replace("  username: menjin\n", '  username: ""\n', 1))
    done = runner.invoke(app, ["broker", "acl", "-c", str(site)])
    assert (done.exit_code, "username is empty" in done.output) == (78, True)
