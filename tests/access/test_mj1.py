import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access import base45, mj1
from gateway.access.mj1 import DOMAIN, LiveCode, Malformed, VisitorPass, parse

LIVE_BYTES = bytes.fromhex("11 13 0102030405060708 0000002a 6553f100 02 0007".replace(" ", "")) + bytes(range(64))
PASS_BYTES = bytes.fromhex("21 15 0807060504030201 0000002a 6553f100 65554280 0203 00 05".replace(" ", "")) + bytes(64)


@pytest.mark.parametrize(  # RFC 9285, section 4.3 and 4.4
    ("data", "text"),
    [(b"AB", "BB8"), (b"Hello!!", "%69 VD92EX0"), (b"base-45", "UJCLQE7W581"), (b"ietf!", "QED8WEX0"), (b"", "")],
)
def test_base45_gives_the_examples_of_the_standard(data: bytes, text: str) -> None:
    assert base45.encode(data) == text
    assert base45.decode(text) == data


@pytest.mark.parametrize("text", ["A", "AAAA", "GGW", "ZZ", ":::", "bb8", "BB\u0668", "AB\n"])  # GGW is 65536
def test_base45_refuses_what_no_bytes_give(text: str) -> None:
    with pytest.raises(ValueError, match=r"length|range|character"):
        base45.decode(text)


@given(st.binary(max_size=100))
def test_base45_gives_back_what_it_was_given(data: bytes) -> None:
    assert base45.decode(base45.encode(data)) == data


@given(st.text(base45.ALPHABET, max_size=12))
def test_base45_has_one_text_for_each_bytes(text: str) -> None:
    try:
        data = base45.decode(text)
    except ValueError:
        return
    assert base45.encode(data) == text


def test_a_live_code_is_read_by_its_byte_table() -> None:
    text = "MJ1:" + base45.encode(LIVE_BYTES)
    assert len(text) == 132
    signed = b"MJ1\0" + LIVE_BYTES[:21]
    handle = bytes.fromhex("0102030405060708")
    assert parse(text) == LiveCode(3, handle, 42, 1_700_000_000, 2, 7, signed, bytes(range(64)))


def test_a_visitor_pass_is_read_by_its_byte_table() -> None:
    text = "MJ1:" + base45.encode(PASS_BYTES)
    assert len(text) == 139
    id_, signed = bytes.fromhex("0807060504030201"), b"MJ1\0" + PASS_BYTES[:26]
    assert parse(text) == VisitorPass(5, id_, 42, 1_700_000_000, 1_700_086_400, 515, 0, 5, signed, bytes(64))


def test_what_is_signed_is_what_a_reader_verifies() -> None:
    handle = bytes.fromhex("0102030405060708")
    live = mj1.live_signed(3, handle, 42, 1_700_000_000, flags=2, door=7)
    visit = mj1.pass_signed(5, handle[::-1], 42, 1_700_000_000, 1_700_086_400, profile=515, max_uses=5)
    assert live == DOMAIN + LIVE_BYTES[:21]
    assert visit == DOMAIN + PASS_BYTES[:26]
    assert parse(mj1.encode(live, bytes(range(64)))).signed == live


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "type"),
        (b"\x12" + LIVE_BYTES[1:], "type"),
        (LIVE_BYTES[:-1], "length"),
        (LIVE_BYTES + b"\0", "length"),
        (b"\x21" + LIVE_BYTES[1:], "length"),
        (b"\x11\x23" + LIVE_BYTES[2:], "algorithm"),
        (b"\x11\x03" + LIVE_BYTES[2:], "algorithm"),
    ],
)
def test_bytes_that_are_no_code_are_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as caught:
        parse("MJ1:" + base45.encode(data))
    assert caught.value.reason == reason


@pytest.mark.parametrize("change", [str.lower, lambda text: text + "0", lambda text: " " + text, lambda text: text[4:]])
def test_a_text_near_a_code_is_malformed(change: "type[str]") -> None:
    with pytest.raises(Malformed):
        parse(change("MJ1:" + base45.encode(LIVE_BYTES)))


@given(st.text() | st.text(base45.ALPHABET, max_size=140).map("MJ1:".__add__))
def test_any_text_is_a_code_or_malformed(text: str) -> None:
    try:
        code = parse(text)
    except Malformed:
        return
    assert mj1.encode(code.signed, code.signature) == text


@given(st.binary(min_size=83, max_size=89))
def test_any_bytes_of_a_live_code_s_type_are_a_code_or_malformed(rest: bytes) -> None:
    text = "MJ1:" + base45.encode(b"\x11\x10" + rest)
    try:
        code = parse(text)
    except Malformed:
        return
    assert mj1.encode(code.signed, code.signature) == text


@pytest.mark.parametrize(
    ("kid", "handle", "iat"), [(16, bytes(8), 0), (-1, bytes(8), 0), (0, bytes(7), 0), (0, bytes(8), 2**32)]
)
def test_a_field_that_does_not_fit_is_refused(kid: int, handle: bytes, iat: int) -> None:
    with pytest.raises(ValueError, match=r"kid|I"):
        mj1.live_signed(kid, handle, 1, iat)


def test_a_text_needs_a_whole_signature_over_the_domain() -> None:
    with pytest.raises(ValueError, match="64 bytes"):
        mj1.encode(DOMAIN + LIVE_BYTES[:21], bytes(63))
    with pytest.raises(ValueError, match="DOMAIN"):
        mj1.encode(LIVE_BYTES[:21], bytes(64))
