"""Vectors: tests/vectors/wiegand.csv, made by running Proxmark3's packers (commit 1c8c3b7, `wiegand_formats.c`)."""

import csv
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers import wiegand
from controllers.errors import BadSetup, ProtocolViolation

VECTORS = Path(__file__).parents[1] / "vectors" / "wiegand.csv"
# Proxmark3 gives HPP32 a 29-bit number in 19 bits and sends none of it: that row says nothing of a real card.
LISTED = """
H10301 ind26 ind27 indasc27 Tecom27 2804W ind29 ATSW30 ADT31 HCP32 HPP32 Kastle Kantech WIE32 D10202 H10306 N10002
Optus34 SMP34 BQT34 C1k35s C15001 S12906 Sie36 H10320 H10302 H10304 P10004 HGen37 MDI37 BQT38 ISCS PW39 P10001 Casi40
BC40 H800002 C1k48s Avig56 IR56 Verkada40 ACTPHID
"""
LINES = VECTORS.read_text(encoding="utf-8").splitlines()
ROWS = [row for row in csv.DictReader(LINES) if row["format"] != "HPP32"]


def numbers(row: dict[str, str]) -> tuple[int, int, int, int]:
    return int(row["facility"]), int(row["card"]), int(row["issue"]), int(row["oem"])


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['format']}-{row['card']}")
def test_a_published_card_reads_and_writes_as_published(row: dict[str, str]) -> None:
    bits, count = int(row["hex_right_aligned"], 16), int(row["bits"])
    card = wiegand.decode(row["format"], bits, count)
    assert (card.facility, card.card, card.issue, card.oem) == numbers(row)
    assert card.parity_ok
    assert wiegand.encode(row["format"], *numbers(row)) == (bits, count)
    raw = bytes.fromhex(row["hex_left_aligned_osdp_raw"])
    assert wiegand.from_left_aligned(raw, count) == bits
    assert wiegand.to_left_aligned(bits, count) == raw


def test_the_row_of_a_number_that_no_card_can_hold_says_only_the_facility() -> None:
    """12345678 needs 24 bits and HPP32 has 19: Proxmark3 writes none of it, and Menjin refuses to."""
    (row,) = [row for row in csv.DictReader(LINES) if row["format"] == "HPP32"]
    bits, count = int(row["hex_right_aligned"], 16), int(row["bits"])
    assert wiegand.decode("HPP32", bits, count).facility == int(row["facility"])
    assert wiegand.encode("HPP32", int(row["facility"]), 0) == (bits, count)
    with pytest.raises(BadSetup, match="does not fit"):
        wiegand.encode("HPP32", int(row["facility"]), int(row["card"]))


def test_all_formats_that_proxmark3_lists_are_here_but_a_contest_badge() -> None:
    """Its client's table; the 42 bits of DEFCON32 are the badge of one contest."""
    assert set(LISTED.split()) <= set(wiegand.FORMATS)


def test_a_decimal_card_number_stands_in_digits() -> None:
    """H10320 of the Proxmark forums: eight digits of four bits, then a check bit for each place in a digit."""
    bits, count = wiegand.encode("H10320", 0, 12345678)
    assert (bits >> 4, count) == (0x12345678, 36)
    assert wiegand.decode("H10320", bits, count).card == 12345678
    with pytest.raises(ProtocolViolation, match="above 9"):
        wiegand.decode("H10320", 0xA << 4, 36)
    assert "H10320" not in {card.format for card in wiegand.candidates(0xA << 4, 36)}


# The forms printed on cards sold in China: "229,05391" and "5533FFFF" (reader makers' manuals).
@pytest.mark.parametrize(
    ("name", "facility", "card", "data"), [("WG26", 229, 5391, 0xE5150F), ("WG34", 21811, 65535, 0x5533FFFF)]
)
def test_a_chinese_name_is_an_alias(name: str, facility: int, card: int, data: int) -> None:
    bits, count = wiegand.encode(name, facility, card)
    assert bits >> 1 & (1 << count - 2) - 1 == data
    assert wiegand.decode(name, bits, count).format == wiegand.FORMATS[name].name != name


def test_a_keypad_byte_is_a_key_and_its_complement() -> None:
    assert wiegand.encode("KEY8", 0, 5) == (0xA5, 8)
    assert not wiegand.decode("KEY8", 0x55, 8).parity_ok


@pytest.mark.parametrize("name", sorted(wiegand.FORMATS))
@given(data=st.data())
def test_every_format_gives_back_what_it_was_given(name: str, data: st.DataObject) -> None:
    values = [data.draw(st.integers(0, wiegand.FORMATS[name].largest(key))) for key in "FCIM"]
    card = wiegand.decode(name, *wiegand.encode(name, *values))
    assert [card.facility, card.card, card.issue, card.oem] == values
    assert card.parity_ok


@pytest.mark.parametrize("name", sorted(name for name, layout in wiegand.FORMATS.items() if layout.parity))
def test_a_flipped_check_bit_is_told(name: str) -> None:
    bits, count = wiegand.encode(name, 1, 1) if wiegand.FORMATS[name].fields["F"] else wiegand.encode(name, 0, 1)
    for check in wiegand.FORMATS[name].parity:
        assert not wiegand.decode(name, bits ^ 1 << check.bit, count).parity_ok


def test_bits_of_another_length_or_with_other_fixed_bits_are_refused() -> None:
    with pytest.raises(ProtocolViolation):
        wiegand.decode("H10301", 0, 34)
    with pytest.raises(ProtocolViolation):
        wiegand.decode("H10301", 1 << 26, 26)
    with pytest.raises(ProtocolViolation):
        wiegand.decode("Kastle", 0, 32)


def test_a_number_that_does_not_fit_is_refused() -> None:
    with pytest.raises(BadSetup):
        wiegand.encode("H10301", 256, 1)
    with pytest.raises(BadSetup):
        wiegand.encode("H10301", 1, -1)
    with pytest.raises(BadSetup):
        wiegand.encode("WG27", 1, 1)


def test_candidates_name_every_format_of_the_length_good_parity_first() -> None:
    found = wiegand.candidates(0x2F623AE, 26)
    assert {card.format for card in found} == {"H10301", "ind26"}
    assert found[0].parity_ok


@given(st.binary(max_size=12), st.integers(-5, 120))
def test_card_bits_that_do_not_fill_their_bytes_are_refused(data: bytes, count: int) -> None:
    if count > 0 and len(data) == (count + 7) // 8:
        assert wiegand.from_left_aligned(data, count).bit_length() <= count
    else:
        with pytest.raises(ProtocolViolation):
            wiegand.from_left_aligned(data, count)
