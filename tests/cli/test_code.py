import json
from pathlib import Path
from typing import Any

import cv2
import pytest
import zxingcpp
from typer.testing import CliRunner

from gateway.access import base45, mj1
from mgmt_api.cli.command import app

HANDLE = "0102030405060708"


def run(*arguments: str, exits: int = 0) -> str:
    told = CliRunner().invoke(app, ["code", *arguments])
    assert told.exit_code == exits, told.output
    return told.output


def answer(*arguments: str, exits: int = 0) -> dict[str, Any]:
    return dict(json.loads(run(*arguments, "--json", exits=exits)))


@pytest.fixture(name="key")
def _key(tmp_path: Path) -> Path:
    run("key", str(tmp_path / "key.pem"))
    return tmp_path / "key.pem"


def issued(key: Path, *more: str) -> dict[str, Any]:
    return answer("issue", "--key", str(key), "--site", "7", *more)


def live(key: Path, *more: str) -> dict[str, Any]:
    return issued(key, "--handle", HANDLE, "--from", "2026-03-04T12:00+0800", *more)


def verified(made: dict[str, Any], at: str, *more: str, exits: int = 0) -> dict[str, Any]:
    where = ("--site", "7") if "--site" not in more else ()
    return answer("verify", made["text"], "--public-key", made["public_key"], "--at", at, *where, *more, exits=exits)


def test_a_new_key_is_its_owner_s_alone_and_is_never_overwritten(key: Path) -> None:
    assert key.stat().st_mode & 0o077 == 0
    before = key.read_bytes()
    run("key", str(key), exits=1)
    assert key.read_bytes() == before


def test_a_live_code_says_what_was_put_in_and_is_taken_for_its_seconds(key: Path) -> None:
    made = live(key, "--door", "3", "--duress", "--kid", "2")
    told = {"type": "live", "kid": 2, "handle": HANDLE, "site": 7, "iat": "2026-03-04T04:00:00Z", "door": 3}
    assert told.items() <= made.items()
    assert (made["duress"], made["qr"]) == (True, "6-M")
    assert verified(made, "2026-03-04T12:00:30+0800", "--door", "3")["ok"] is True
    for at, more, reason in (
        ("2026-03-04T12:00:31+0800", ("--door", "3"), "CodeExpired"),
        ("2026-03-04T11:59:44+0800", ("--door", "3"), "CodeFromFuture"),
        ("2026-03-04T12:00+0800", ("--door", "4"), "WrongDoor"),
        ("2026-03-04T12:00+0800", ("--door", "3", "--site", "8"), "WrongSite"),
    ):
        assert verified(made, at, *more, exits=1)["reason"] == reason


def test_a_pass_is_taken_from_its_first_minute_to_its_end(key: Path) -> None:
    window = ("--from", "2026-03-04T12:00+0800", "--to", "2026-03-04T18:00+0800")
    made = issued(key, "--profile", "3", "--uses", "2", *window)
    told = {"type": "pass", "profile": 3, "max_uses": 2, "valid_from": "2026-03-04T04:00:00Z", "qr": "6-M"}
    assert told.items() <= made.items()
    assert verified(made, "2026-03-04T17:59:59+0800")["ok"] is True
    assert verified(made, "2026-03-04T18:00+0800", exits=1)["reason"] == "CodeExpired"


def test_a_code_of_another_key_or_with_a_changed_byte_is_refused(key: Path, tmp_path: Path) -> None:
    made, other = live(key), run("key", str(tmp_path / "other.pem")).strip()
    assert verified(made | {"public_key": other}, "2026-03-04T12:00+0800", exits=1)["reason"] == "BadSignature"
    changed = bytearray(base45.decode(made["text"].removeprefix(mj1.PREFIX)))
    changed[18] ^= mj1.DURESS
    text = mj1.PREFIX + base45.encode(bytes(changed))
    assert verified(made | {"text": text}, "2026-03-04T12:00+0800", exits=1)["reason"] == "BadSignature"


def test_a_picture_gives_back_the_code(key: Path, tmp_path: Path) -> None:
    made = live(key, "--out", str(tmp_path / "code.png"))
    [found] = zxingcpp.read_barcodes(cv2.imread(str(tmp_path / "code.png")))
    assert found.text == made["text"]
    run("show", made["text"], "--out", str(tmp_path / "code.svg"))
    assert "<svg" in (tmp_path / "code.svg").read_text()


def test_a_code_is_shown_on_the_terminal(key: Path) -> None:
    told = run("show", live(key)["text"], "--qr")
    assert "2026-03-04T04:00:00Z" in told
    assert "▀" in told or "█" in told


def test_what_is_no_code_or_no_key_is_named(key: Path, tmp_path: Path) -> None:
    assert "prefix" in CliRunner().invoke(app, ["code", "show", "HELLO"]).stderr
    run("issue", "--key", str(tmp_path / "none.pem"), "--site", "7", "--profile", "1", exits=1)
    run("issue", "--key", str(key), "--site", "7", exits=2)
    run("issue", "--key", str(key), "--site", "7", "--handle", "01", exits=2)
    run("verify", live(key)["text"], "--public-key", "00", "--site", "7", exits=2)


@pytest.mark.parametrize("ending", ["pdf", "xyz"])
def test_a_picture_is_a_png_or_an_svg_and_nothing_else_is_written(key: Path, tmp_path: Path, ending: str) -> None:
    picture = tmp_path / f"code.{ending}"
    assert ".png" in run("show", live(key)["text"], "--out", str(picture), exits=2)
    assert not picture.exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ("--profile 3 --from 2026-03-05 --to 2026-03-04", "--to"),
        ("--profile 3 --from 2026-03-05 --to 2026-03-05", "--to"),
        ("--profile 3 --from 0001-01-01", "1971"),
        ("--profile 3 --to 9999-01-01", "1971"),
        ("--profile 3 --duress --door 7", "--door, --duress"),
        (f"--handle {HANDLE} --to 2026-03-04 --uses 3", "--uses, --to"),
        ("--handle 00", "16"),
        ("--handle 01020304050607zz", "16"),
        ("--site 0 --profile 3", "--site"),
    ],
)
def test_a_code_that_no_door_could_take_as_it_was_meant_is_not_signed(key: Path, arguments: str, says: str) -> None:
    assert says in run("issue", "--key", str(key), "--site", "7", *arguments.split(), exits=2)


def test_the_verdict_on_a_code_is_said_in_words(key: Path) -> None:
    made = live(key)
    asked = ("verify", made["text"], "--public-key", made["public_key"], "--site", "7")
    assert "✓ Granted  有效。 It is good." in run(*asked, "--at", "2026-03-04T12:00+0800")
    assert "✗ CodeExpired  此码已过期，请刷新。" in run(*asked, "--at", "2026-03-04T12:01+0800", exits=1)
