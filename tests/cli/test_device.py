"""`menjin device ...` at a running gateway: libosdp's readers on a line, the whole door process, the real command."""

import contextlib
import getpass
import json
import random
import socket
import sqlite3
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result as Ran
from typer.testing import CliRunner

from config.secret import new_key, write_secret
from controllers.osdp_capture import read_capture
from controllers.vault import load_keys, load_next_keys
from gateway.control import short
from gateway.control_words import FILE_BYTES, LINE_BYTES, socket_path
from mgmt_api.cli.command import app
from tests.controllers.line import KEY, Peer, peripherals

SITE = """
site: {{id: 4097, name: {{zh: 小区, en: Estate}}}}
data_dir: data
secrets: {{site_key_file: site.key, reader_keys_file: keys.json}}
gateway: {{id: gateway-1, api: {{url: "http://127.0.0.1:9", token_file: token}}}}
buses:
  - {{name: bus-1, port: {port}, baud: 115200, readers: [{{name: r1, address: 1}}, {{name: blank, address: 2}}]}}
"""
NEW_KEY = "a1b2c3d4e5f60718293a4b5c6d7e8f90"


@dataclass
class Gateway:
    """A door process and its line."""

    folder: Path
    peer: Peer

    def device(self, *words: str) -> Ran:
        return CliRunner().invoke(app, ["device", *words, "-c", str(self.folder / "site.yaml")])

    def json(self, *words: str) -> dict[str, Any]:
        ran = self.device(*words, "--json")
        assert ran.output, ran.exception
        return dict(json.loads(ran.output))

    def known(self, name: str) -> dict[str, Any]:
        return next(each for each in self.json("list")["devices"] if each["name"] == name)

    def until(self, name: str, good: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        end = time.monotonic() + 60
        while not good(told := self.known(name)):
            assert time.monotonic() < end, told
            time.sleep(0.05)
        return told

    def work(self) -> list[dict[str, Any]]:
        """What the journal says of orders at devices."""
        path = self.folder / "data" / "gateway" / "journal.db"
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            records = [json.loads(text) for (text,) in db.execute("SELECT record FROM journal ORDER BY seq")]
        return [record for record in records if record["kind"] == "DeviceWork"]


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    folder = tmp_path_factory.mktemp("estate-with-a-very-long-name-" + "x" * 80)  # longer than a socket's address
    readers = ({"address": 1, "scbk": KEY.hex()}, {"address": 2, "scbk": None, "install": True, "plain": True})
    with peripherals(*readers) as (peer, port):
        (folder / "site.yaml").write_text(SITE.format(port=port), encoding="utf-8")
        for name, text in (("site.key", new_key()), ("token", "t" * 43)):
            write_secret(folder / name, text)
        (folder / "keys.json").touch(0o600)
        (folder / "keys.json").write_text(json.dumps({"r1": KEY.hex(), "blank": NEW_KEY}), encoding="utf-8")
        command = [sys.executable, "-m", "mgmt_api.cli", "gateway", "-c", str(folder / "site.yaml")]
        with (folder / "log").open("w") as log, subprocess.Popen(command, stdout=log, stderr=log) as process:
            try:
                made = Gateway(folder, peer)
                path = socket_path(folder / "data")
                while not path.exists():
                    assert process.poll() is None, (folder / "log").read_text()
                    time.sleep(0.05)
                made.until("r1", lambda told: told["online"] and told["identity"])
                yield made
            finally:
                process.terminate()
                assert process.wait(10) == 0
        assert not path.exists()


def test_every_device_is_listed_with_its_link_and_its_maker(gateway: Gateway) -> None:
    told = gateway.known("r1")
    assert (told["address"], told["baud"], told["secure"], told["line"]) == (1, 115200, True, "bus-1")
    assert told["counters"]["answered"] > 0
    assert told["functions"]
    shown = gateway.device("list").output
    assert "r1" in shown
    assert "blank" in shown


def test_a_key_is_changed_and_proved_and_the_journal_says_by_whom(gateway: Gateway) -> None:
    before = load_keys(gateway.folder / "keys.json")["r1"]
    assert gateway.json("rotate-key", "r1") == {"proved": True}
    assert load_keys(gateway.folder / "keys.json")["r1"] != before
    assert load_next_keys(gateway.folder / "keys.json") == {}
    begun, ended = [each for each in gateway.work() if each["reason"] == "rotate-key"]
    assert begun["operator"] == ended["operator"] == getpass.getuser()
    assert (begun["reader"], ended["detail"]) == ("r1", {"result": "done"})
    gateway.until("r1", lambda told: told["online"])


def test_a_blank_reader_is_installed_inside_a_window_alone(gateway: Gateway) -> None:
    assert not gateway.known("blank")["online"]
    assert gateway.json("install-window", "blank", "--minutes", "1") == {"minutes": 1.0}
    told = gateway.until("blank", lambda told: bool(told["online"]))
    assert told["install_window_s"] == 0  # its first key closed the window
    assert "window" not in gateway.device("list").output
    gateway.json("install-window", "blank", "--minutes", "2")
    assert 100 < gateway.known("blank")["install_window_s"] <= 120
    gateway.json("install-window", "blank", "--minutes", "0")
    assert gateway.known("blank")["install_window_s"] == 0


def test_a_file_a_text_and_what_a_reader_has_not(gateway: Gateway, tmp_path: Path) -> None:
    content = random.Random(3).randbytes(4000)
    (tmp_path / "new.bin").write_bytes(content)
    gateway.until("r1", lambda told: told["online"])
    assert gateway.json("send-file", "r1", str(tmp_path / "new.bin")) == {"size": 4000}
    assert bytes.fromhex(gateway.peer.expect("file")["file"]) == content
    assert gateway.device("text", "r1", "Closed today", "--seconds", "3").exit_code == 0
    assert gateway.peer.expect("command", "text")["temp_time"] == 3
    assert gateway.device("text", "r1", "谁").exit_code == 2
    begun = next(each for each in gateway.work() if each["reason"] == "text")
    assert "Closed" not in json.dumps(begun)


def test_a_line_is_tested_captured_and_searched(gateway: Gateway) -> None:
    gateway.until("r1", lambda told: told["online"])
    tested = {each["reader"]: each for each in gateway.json("quality", "bus-1", "--seconds", "1")["readers"]}
    assert tested["r1"]["sent"] > 20
    frames = list(read_capture(Path(gateway.json("capture", "bus-1", "--seconds", "1")["file"])))
    assert {frame.direction for frame in frames} == {"input", "output"}
    found = gateway.json("search", "bus-1", "--baud", "115200", "--yes")["found"]
    assert [each["address"] for each in found] == [1, 2]
    gateway.until("r1", lambda told: told["online"])


def test_an_order_that_cannot_be_is_refused_in_words(gateway: Gateway) -> None:
    assert gateway.json("rotate-key", "nobody")["error"] == "no_device"
    assert gateway.json("quality", "bus-9")["error"] == "no_device"
    assert gateway.json("comset", "r1", "--address", "1", "--baud", "1200", "--yes")["error"] == "refused"
    spoken = gateway.device("rotate-key", "nobody")
    assert spoken.exit_code == 1
    assert "没有此设备" in spoken.output
    assert gateway.device("comset", "r1", "--address", "5", "--baud", "9600").exit_code == 1  # nobody said yes


@pytest.mark.parametrize(
    ("said", "error"),
    [
        (b"\n", "bad_request"),
        (b"{}\n", "bad_request"),
        (b'{"do": "unlock"}\n', "bad_request"),
        (b'{"do": "text", "reader": "r1", "text": "x", "more": 1}\n', "bad_request"),
        (b'{"do": "send-file", "reader": "r1", "size": %d}\n' % (FILE_BYTES + 1), "bad_request"),
        (b"x" * (LINE_BYTES + 100) + b"\n", "bad_request"),
        (b"\xff\xfe\n", "bad_request"),
        (b'{"do": "list"', "bad_request"),
    ],
)
def test_whatever_is_said_at_the_socket_is_answered_and_the_doors_go_on(
    gateway: Gateway, said: bytes, error: str
) -> None:
    path = socket_path(gateway.folder / "data")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with short(path) as name, socket.socket(socket.AF_UNIX) as link:
        link.settimeout(10)
        link.connect(name)
        link.sendall(said)
        link.shutdown(socket.SHUT_WR)
        answered = json.loads(link.makefile("rb").readline())
    assert answered["error"] == error
    assert answered["say"]


def test_a_file_that_never_comes_whole_and_a_caller_who_leaves_change_nothing(gateway: Gateway) -> None:
    path = socket_path(gateway.folder / "data")
    with short(path) as name, socket.socket(socket.AF_UNIX) as link:
        link.connect(name)
        link.sendall(b'{"do": "send-file", "reader": "r1", "size": 1000}\n' + bytes(10))
    assert gateway.known("r1")["name"] == "r1"
    assert not [each for each in gateway.work() if each.get("detail", {}).get("size") == 1000]


def test_each_wired_reader_gets_a_key_once_and_the_others_keep_theirs(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE.format(port="/nowhere"), encoding="utf-8")
    command = ["device", "make-keys", "-c", str(tmp_path / "site.yaml"), "--json"]
    assert json.loads(CliRunner().invoke(app, command).output) == {"made": ["r1", "blank"]}
    first = load_keys(tmp_path / "keys.json")
    assert len(set(first.values())) == 2
    (tmp_path / "keys.json").write_text(json.dumps({"r1": first["r1"].hex()}), encoding="utf-8")
    assert json.loads(CliRunner().invoke(app, command).output) == {"made": ["blank"]}
    assert load_keys(tmp_path / "keys.json")["r1"] == first["r1"]
    assert stat.S_IMODE((tmp_path / "keys.json").stat().st_mode) == 0o600


def test_without_a_gateway_that_is_said_plainly(tmp_path: Path) -> None:
    (tmp_path / "site.yaml").write_text(SITE.format(port="/nowhere"), encoding="utf-8")
    command = ["device", "list", "-c", str(tmp_path / "site.yaml")]
    ran = CliRunner().invoke(app, command)
    assert ran.exit_code == 1
    assert "no gateway runs here" in ran.output
    assert "网关未运行" in ran.output
    assert json.loads(CliRunner().invoke(app, [*command, "--json"]).output)["error"] == "no_gateway"


def test_an_address_and_a_rate_are_set_and_the_site_file_is_to_follow(gateway: Gateway) -> None:
    gateway.until("r1", lambda told: told["online"])
    ran = gateway.device("comset", "r1", "--address", "1", "--baud", "115200", "--yes")
    assert ran.exit_code == 0, ran.output
    assert "set address: 1 and baud: 115200" in ran.output
    assert gateway.peer.expect("command", "comset")["address"] == 1
    assert [each["detail"].get("address") for each in gateway.work() if each["reason"] == "comset"][-1] == 1
