"""Printed card numbers, as card makers publish them, find a reader's format."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.errors import ProtocolViolation
from controllers.wiegand import encode
from controllers.wiegand_forms import Match, backward, learn, printed_forms, readings


def best(format_name: str, facility: int, card: int, text: str) -> Match:
    bits, count = encode(format_name, facility, card)
    return learn((bits, count), (bits, count), text)[0]


# fagao card-face table and "4H+4H" pages: 0233116943 is 0DE5150F is 229,05391; 5533FFFF is 21811,65535.
@pytest.mark.parametrize(
    ("text", "form", "number"),
    [
        ("0233116943", "8H10D", 0x0DE5150F),
        ("229,05391", "3+5", 0xE5150F),
        ("229, 05391", "3+5", 0xE5150F),
        ("21811,65535", "4H+4H", 0x5533FFFF),
        ("5533FFFF", "8H", 0x5533FFFF),
        ("1429471231", "8H10D", 0x5533FFFF),
    ],
)
def test_published_forms_are_one_number(text: str, form: str, number: int) -> None:
    assert (form, number) in [(each.form, each.number) for each in readings(text)]


def test_a_number_is_printed_in_all_forms() -> None:
    forms = printed_forms(0x0DE5150F)
    assert forms == {"8H": "0DE5150F", "8H10D": "0233116943", "3+5": "229,05391", "4H+4H": "03557,05391"}


def test_a_short_format_cuts_a_long_number_and_says_so() -> None:
    match = best("H10301", 0xE5, 0x150F, "0233116943")
    assert (match.card.format, match.cut, match.backward) == ("H10301", True, False)


def test_ic_cards_are_found_in_either_byte_order() -> None:
    """The published pair: 2A83155E is printed 0713233758, and 1578468138 with its bytes reversed."""
    number = 0x2A83155E
    assert (number, backward(number, 32)) == (713233758, 1578468138)
    bits, count = encode("WG34N", 0, number)
    by_format = {
        (each.card.format, each.backward) for each in learn((bits, count), (bits, count), "1578468138") if not each.cut
    }
    assert ("WG34N", True) in by_format
    assert ("H10306", True) in by_format
    assert not best("WG34N", 0, number, "0713233758").backward


def test_swapped_wires_are_seen_through() -> None:
    bits, count = encode("H10301", 229, 5391)
    swapped = bits ^ ((1 << count) - 1)
    match = learn((swapped, count), (swapped, count), "229,05391")[0]
    assert match.inverted
    assert (match.card.facility, match.card.card) == (229, 5391)


def test_two_different_reads_teach_nothing() -> None:
    with pytest.raises(ProtocolViolation, match="differ"):
        learn((1, 26), (2, 26), "1")
    with pytest.raises(ProtocolViolation, match="more than"):
        learn((1 << 30, 26), (1 << 30, 26), "1")


@given(st.integers(1, (1 << 32) - 1))
def test_a_whole_card_is_found_by_each_of_its_forms(number: int) -> None:
    bits, count = encode("WG34N", 0, number)
    for form, text in printed_forms(number).items():
        if form != "3+5":
            match = learn((bits, count), (bits, count), text)[0]
            assert match.card.parity_ok, form
            assert not match.cut, form
            assert not match.inverted, form


@given(st.text(max_size=40), st.integers(1, 70), st.integers(0))
def test_any_text_and_bits_give_matches_or_one_kind_of_error(text: str, count: int, bits: int) -> None:
    bits %= 1 << count
    try:
        learn((bits, count), (bits, count), text)
    except ProtocolViolation:
        return
