"""`menjin device monitor`, with a reader on a real terminal line, and beside a running gateway's journal."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.secret import new_key, write_secret
from controllers.driver import CardRead, DeviceRecord, IdCardRead, InputState, KeyRead, LinkState, Seen, TextRead
from gateway.access.event import AccessEvent, EventKind
from gateway.journal import Journal
from gateway.running import is_running, mark
from mgmt_api.cli.monitor_board import Board, masked, news_of

SITE = """
site: {{id: 1, name: {{zh: 小区, en: Estate}}}}
data_dir: data
secrets: {{site_key_file: site.key, reader_keys_file: keys.json}}
serial_readers: [{{name: shop-1, port: {port}, framing: dec10_crlf, keypad: true}}]
"""
NOW = Seen(1.0, 1_700_000_000.0, 1)


@pytest.fixture
def line(tmp_path: Path) -> Iterator[int]:
    ours, theirs = os.openpty()
    (tmp_path / "site.yaml").write_text(SITE.format(port=os.ttyname(theirs)), encoding="utf-8")
    write_secret(tmp_path / "site.key", new_key())
    yield ours
    os.close(ours)
    os.close(theirs)


def watch(folder: Path, *words: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "mgmt_api.cli", "device", "monitor", "-c", str(folder / "site.yaml"), *words]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize(("words", "shown"), [([], "34 bits 20*****e9"), (["--raw"], "34 bits 20003c4e9")])
def test_a_read_on_the_line_is_shown_masked_unless_asked_otherwise(
    tmp_path: Path, line: int, words: list[str], shown: str
) -> None:
    process = watch(tmp_path, "--json", "--seconds", "3", *words)
    assert process.stdout
    assert json.loads(process.stdout.readline())["up"] is True  # the port is open
    os.write(line, b"0000123508\r\n")
    news = json.loads(process.stdout.readline())
    assert (news["device"], news["what"]) == ("shop-1", "card")
    assert news["shown"] == f"{shown} (unchecked)"
    os.write(line, b"7")
    assert json.loads(process.stdout.readline())["shown"] == "*"
    assert process.wait(20) == 0
    process.communicate()


def test_beside_a_gateway_its_journal_is_followed_and_no_port_is_opened(tmp_path: Path, line: int) -> None:
    folder = tmp_path / "data" / "gateway"
    with mark(folder) or pytest.fail("nobody else holds it"):
        assert is_running(folder)
        assert mark(folder) is None
        journal = Journal(folder / "journal.db", time.time, reserve_bytes=1 << 16)
        journal.start()
        process = watch(tmp_path, "--json", "--seconds", "6")
        end, raw = time.monotonic() + 20, "26:0ca0a73"
        while process.poll() is None and time.monotonic() < end:
            event = AccessEvent(EventKind.DENIED, time.time(), reader="shop-1", reason="CredentialNotFound", raw=raw)
            journal.append(event).result(5)
            time.sleep(0.2)
        out, _ = process.communicate()
        journal.close()
    news = [json.loads(each) for each in out.splitlines()]
    assert news[0]["what"] == "Denied"
    assert news[0]["shown"] == "26 bits 0c***73 CredentialNotFound"
    assert not is_running(folder)


def test_secrets_stay_hidden_whatever_is_asked() -> None:
    assert news_of(KeyRead("k", "2468#", NOW), raw=True).shown == "*****"  # type: ignore[union-attr] # it says something
    assert "ab" not in str(news_of(IdCardRead("k", b"ab" * 8, NOW), raw=True))
    assert masked("1234", False) == "****"
    assert masked("MJ1:ABCDEFGH", False) == "MJ********GH"


def test_a_devices_words_cannot_move_the_cursor() -> None:
    news = news_of(DeviceRecord("d", "d", "1", True, "ok\x1b[2J[red]", NOW))
    assert news
    assert "\x1b" not in news.line()
    board = Board({})
    board.take(news)
    assert board.rows["d"].last == {"record": "granted by the device: ok?[2J[red]"}


def test_the_board_keeps_states_counts_and_the_last_words() -> None:
    board = Board({"r1": "osdp"})
    for event in (
        LinkState("r1", True, True, "online", NOW),
        CardRead("r1", 0x0CA0A73, 26, NOW),
        TextRead("r1", "hello world", NOW),
        InputState("r1", (True, False), NOW),
    ):
        news = news_of(event)
        assert news
        board.take(news)
    row = board.rows["r1"]
    assert (row.up, row.state, row.reads) == (True, "up secure: online", 2)
    assert row.last["inputs"] == "●○"
    assert board.table().row_count == 1
