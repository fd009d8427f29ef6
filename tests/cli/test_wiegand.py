"""`menjin wiegand`, held against the cards that Proxmark3 packed."""

import json

import pytest
from typer.testing import CliRunner

from mgmt_api.cli.command import app
from tests.controllers.test_wiegand import ROWS


def run(*words: str, code: int = 0) -> str:
    done = CliRunner().invoke(app, ["wiegand", *words])
    assert done.exit_code == code, done.output
    return done.output


def test_every_vector_decodes_to_its_number() -> None:
    for row in ROWS:
        name, bits = row["format"], row["bits"]
        right = json.loads(run("decode", "--bits", bits, row["hex_right_aligned"], "--format", name, "--json"))
        left = json.loads(
            run("decode", "--bits", bits, row["hex_left_aligned_osdp_raw"], "--left", "--format", name, "--json")
        )
        assert left == right
        assert right["format"] == name
        assert [right[key] for key in ("bits", "facility", "card", "issue")] == [
            int(row[key]) for key in ("bits", "facility", "card", "issue")
        ]
        assert right["parity_ok"], row
        every = json.loads(run("decode", "--bits", bits, row["hex_right_aligned"], "--json"))
        assert right in every


def test_every_vector_encodes_to_its_bits() -> None:
    for row in ROWS:
        words = [f"--{key}={row[key]}" for key in ("format", "facility", "card", "issue")]
        made = json.loads(run("encode", *words, f"--oem={row['oem']}", "--json"))
        assert int(made["hex"], 16) == int(row["hex_right_aligned"], 16), row
        assert made["left"] == row["hex_left_aligned_osdp_raw"].lower()


def test_aliases_and_any_case_name_the_same_format() -> None:
    for name in ("WG26", "wg26", "h10301", "H10301"):
        found = json.loads(run("decode", "--bits", "26", "BD88EB80", "--left", "--format", name, "--json"))
        assert (found["format"], found["facility"], found["card"]) == ("H10301", 123, 4567)


def test_wrong_parity_is_told_and_not_hidden() -> None:
    good = json.loads(run("decode", "--bits", "26", "2f623ae", "--format", "H10301", "--json"))
    bad = json.loads(run("decode", "--bits", "26", "2f623af", "--format", "H10301", "--json"))
    assert (good["parity_ok"], bad["parity_ok"]) == (True, False)
    assert "wrong parity" in run("decode", "--bits", "26", "2f623af")


@pytest.mark.parametrize(
    ("words", "code", "why"),
    [
        (["decode", "--bits", "8", "fff"], 2, "more than 8 bits"),
        (["decode", "--bits", "26", "xyz"], 2, "not hex"),
        (["decode", "--bits", "26", "-0x1"], 2, ""),
        (["decode", "--bits", "64", "--left", "ff"], 2, "fewer than 64 bits"),
        (["decode", "--bits", "26", "1", "--format", "WG99"], 1, "unknown card format 'WG99'"),
        (["decode", "--bits", "26", "1", "--format", "WG34"], 1, "which has 34"),
        (["decode", "--bits", "5", "1"], 1, "no format has 5 bits"),
        (["encode", "--format", "WG26", "--card", "65536"], 1, "does not fit"),
        (["learn", "--bits", "26", "1", "--printed", "1"], 2, "two reads"),
        (["learn", "--bits", "26", "1", "2", "--printed", "1"], 1, "differ"),
        (["learn", "--bits", "26", "1", "1", "--printed", "??"], 1, "no printed form"),
    ],
)
def test_what_cannot_be_is_said_plainly(words: list[str], code: int, why: str) -> None:
    assert why in run(*words, code=code)


def test_formats_lists_each_once_with_its_aliases() -> None:
    rows = json.loads(run("formats", "--json"))
    names = [row["format"] for row in rows]
    assert len(names) == len(set(names)) >= 43
    assert {"WG26", "W26", "Wiegand26"} <= {alias for row in rows for alias in row["aliases"]}


def test_learn_finds_the_format_of_a_chinese_card_face() -> None:
    read = json.loads(run("encode", "--format", "H10301", "--facility", "229", "--card", "5391", "--json"))["hex"]
    found = json.loads(run("learn", "--bits", "26", read, read, "--printed", "0233116943 229,05391", "--json"))
    assert (found["candidates"][0]["format"], found["candidates"][0]["form"]) == ("H10301", "3+5")
