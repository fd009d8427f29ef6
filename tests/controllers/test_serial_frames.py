"""Serial readers' frames over wires that hurt."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.serial_frames import Card, Codec, Dec10CrLf, Found, HexCr, Keys, StxEtx, card_of
from controllers.wiegand import decode

VECTORS: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parent.parent / "vectors" / "serial_frames.json").read_text()
)
CODECS = {"hex_cr": HexCr, "dec10_crlf": Dec10CrLf, "stx_etx": StxEtx}
GOLDEN = [(kind, row) for kind in CODECS for row in VECTORS[kind]]
PAUSE_S = 0.2


def codec(kind: str) -> Codec:
    made: Codec = CODECS[kind]()
    return made


def feed(reader: Codec, *pieces: bytes, at_s: float = 10.0, every_s: float = 0.001) -> list[Found]:
    found: list[Found] = []
    for number, piece in enumerate(pieces):
        found += reader.feed(piece, at_s + number * every_s)
    return found


def held(reader: Codec) -> int:
    return len(reader._buffer)  # type: ignore[attr-defined] # how much memory it keeps is what is asked


@pytest.mark.parametrize(("kind", "row"), GOLDEN)
@pytest.mark.parametrize("size", [1, 2, 5, 100])
def test_a_published_frame_gives_its_card_in_any_pieces(kind: str, row: dict[str, Any], size: int) -> None:
    frame = bytes.fromhex(row["frame"])
    pieces = [frame[at : at + size] for at in range(0, len(frame), size)]
    (card,) = feed(codec(kind), *pieces)
    assert isinstance(card, Card)
    number = decode(row["format"], card.bits, card.bit_count)
    assert (number.facility, number.card, number.parity_ok) == (row["facility"], row["card"], True)


@pytest.mark.parametrize(("kind", "row"), GOLDEN)
def test_two_frames_in_one_piece_are_two_cards(kind: str, row: dict[str, Any]) -> None:
    assert len(feed(codec(kind), bytes.fromhex(row["frame"]) * 2)) == 2


@pytest.mark.parametrize(("kind", "row"), GOLDEN)
def test_a_frame_with_a_pause_in_it_is_dropped(kind: str, row: dict[str, Any]) -> None:
    frame = bytes.fromhex(row["frame"])
    reader = codec(kind)
    assert not feed(reader, frame[:4], frame[4:], every_s=PAUSE_S)
    assert reader.dropped
    assert len(feed(reader, frame, at_s=20.0)) == 1


@pytest.mark.parametrize(("kind", "row"), GOLDEN)
@given(noise=st.binary(min_size=1, max_size=40))
def test_after_noise_and_a_pause_the_next_frame_is_read(kind: str, row: dict[str, Any], noise: bytes) -> None:
    reader = codec(kind)
    feed(reader, noise)
    assert len(feed(reader, bytes.fromhex(row["frame"]), at_s=20.0)) == 1


@pytest.mark.parametrize("kind", ["hex_cr", "dec10_crlf"])
@given(noise=st.binary(min_size=1, max_size=8).filter(lambda data: not set(data) & set(b"\r\n")))
def test_noise_that_touches_an_unchecked_frame_spoils_it(kind: str, noise: bytes) -> None:
    frame = bytes.fromhex(VECTORS[kind][0]["frame"])
    assert not feed(codec(kind), noise + frame)
    assert not feed(codec(kind), frame[:3] + noise + frame[3:])


@given(at=st.integers(0, 13), bit=st.integers(0, 7))
def test_one_wrong_bit_in_a_checked_frame_gives_no_card(at: int, bit: int) -> None:
    frame = bytearray.fromhex(VECTORS["stx_etx"][0]["frame"])
    frame[at] ^= 1 << bit
    assert not feed(StxEtx(), bytes(frame))


@pytest.mark.parametrize("kind", CODECS)
@given(pieces=st.lists(st.tuples(st.binary(max_size=64), st.floats(0, 0.2)), max_size=40))
def test_no_bytes_at_all_raise_or_fill_the_memory(kind: str, pieces: list[tuple[bytes, float]]) -> None:
    reader, at_s = codec(kind), 0.0
    for piece, pause_s in pieces:
        at_s += pause_s
        list(reader.feed(piece, at_s))
        assert held(reader) <= 16


def test_a_byte_alone_is_a_key_only_at_a_keypad() -> None:
    keypad = Dec10CrLf(keypad=True)
    assert not feed(keypad, b"5")
    assert feed(keypad, b"", at_s=11.0) == [Keys("5")]
    assert not feed(Dec10CrLf(), b"5") + feed(Dec10CrLf(), b"", at_s=11.0)


def test_digits_torn_from_a_frame_are_no_keys() -> None:
    keypad = Dec10CrLf(keypad=True)
    assert not feed(keypad, b"0000", b"123478\r\n", every_s=PAUSE_S)


@pytest.mark.parametrize("frame", [b"000000\r", b"0000000000\r\n"])
def test_the_number_that_every_id_card_gives_a_plain_reader_is_refused(frame: bytes) -> None:
    assert not feed(HexCr() if len(frame) == 7 else Dec10CrLf(), frame)


def test_a_number_too_large_for_the_format_is_dropped() -> None:
    reader = Dec10CrLf("H10301")
    assert not feed(reader, b"0016777216\r\n")
    assert reader.dropped == 1


def test_converters_of_longer_cards_send_more_digits() -> None:
    expected = card_of("H10302", 0x123456789)
    assert feed(HexCr("H10302"), b"123456789\r") == [expected]
