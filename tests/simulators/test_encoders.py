import csv
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

from simulators.estate import Estate
from simulators.phone import ALPHABET, base45, live_code
from simulators.wiegand import ENCODERS, hex_bits, left_aligned

VECTORS = Path(__file__).parent.parent / "vectors" / "wiegand.csv"
with VECTORS.open(encoding="utf-8") as file:
    ROWS = [row for row in csv.DictReader(file) if row["format"] in ENCODERS]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['format']}-{row['facility']}-{row['card']}")
def test_a_card_encodes_to_the_published_bits(row: dict[str, str]) -> None:
    bits = ENCODERS[row["format"]](int(row["facility"]), int(row["card"]))
    assert bits == (int(row["bitstring_msb_first"], 2), int(row["bits"]))
    assert left_aligned(bits).hex().upper() == row["hex_left_aligned_osdp_raw"]


def test_there_are_vectors_of_both_formats() -> None:
    assert {row["format"] for row in ROWS} == set(ENCODERS)


def test_a_number_too_large_for_its_format_is_refused() -> None:
    with pytest.raises(ValueError, match="too large"):
        ENCODERS["H10301"](256, 1)


def test_an_event_writes_bits_with_their_count() -> None:
    assert hex_bits((0x0CA0A73, 26)) == "26:0ca0a73"


@pytest.mark.parametrize(("data", "text"), [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581")])
def test_base45_agrees_with_the_examples_of_rfc_9285(data: bytes, text: str) -> None:
    assert base45(data) == text


def test_a_live_code_is_132_characters_signed_by_the_phones_key(estate: Estate) -> None:
    phone = estate.phones[0]
    text = live_code(phone, 4097, iat=1_800_000_000, door=2)
    assert len(text) == 132
    assert set(text[4:]) <= set(ALPHABET)
    data = _decoded(text[4:])
    assert data[2:10].hex() == phone.handle
    r, s = (int.from_bytes(data[at : at + 32], "big") for at in (21, 53))
    phone.key.public_key().verify(encode_dss_signature(r, s), b"MJ1\0" + data[:21], ec.ECDSA(hashes.SHA256()))


def _decoded(text: str) -> bytes:
    data = b""
    for at in range(0, len(text), 3):
        value = sum(ALPHABET.index(char) * 45**place for place, char in enumerate(text[at : at + 3]))
        data += value.to_bytes(2 if len(text[at : at + 3]) == 3 else 1, "big")
    return data
