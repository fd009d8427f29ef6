"""Frames, messages and the secure channel by themselves.

Vectors: SIA OSDP v2.2 Annex E, as quoted in libosdp's unit tests (tests/vectors/osdp_annex_e.json names the source).
"""

import contextlib
import json
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from controllers import osdp_message as message
from controllers import osdp_secure as secure
from controllers.errors import BadSetup, ProtocolViolation
from controllers.osdp_frame import Decoder, Frame, check, decode, encode, head
from controllers.osdp_message import OutputCode
from controllers.vault import check_key

ANNEX_E = json.loads((Path(__file__).parents[1] / "vectors" / "osdp_annex_e.json").read_text(encoding="utf-8"))

frames = st.builds(
    Frame,
    address=st.integers(0, 127),
    sequence=st.integers(0, 3),
    code=st.integers(0, 255),
    data=st.binary(max_size=200),
    security=st.one_of(st.just(b""), st.binary(min_size=1, max_size=20)),
    reply=st.booleans(),
    crc=st.booleans(),
    mac=st.binary(min_size=4, max_size=4),
)


def annex(group: str, name: str) -> bytes:
    return bytes.fromhex(ANNEX_E[group][name])


@pytest.mark.parametrize("name", ["1", "2"])
def test_the_checks_are_those_of_annex_e(name: str) -> None:
    assert check(annex("test_crc_vectors", f"msg{name}")) == annex("test_crc_vectors", f"exp{name}")
    checksum = int(ANNEX_E["test_checksum_vectors"]["checksums"][int(name) - 1], 16)
    assert check(annex("test_checksum_vectors", f"msg{name}"), crc=False) == bytes((checksum,))


def test_the_keys_and_cryptograms_are_those_of_annex_e() -> None:
    group = "test_scbkd_vectors"
    ours, theirs = annex(group, "cp_random"), annex(group, "pd_random")
    keys = secure.session_keys(annex(group, "scbk_d"), ours)
    assert (keys.enc, keys.mac1, keys.mac2) == tuple(annex(group, f"exp_{key}") for key in ("senc", "smac1", "smac2"))
    assert secure.client_cryptogram(keys, ours, theirs) == annex(group, "exp_pd_cryptogram")
    server = secure.server_cryptogram(keys, ours, theirs)
    assert server == annex(group, "exp_cp_cryptogram")
    assert secure.initial_mac(keys, server) == annex(group, "exp_rmac_i")


@given(frames)
def test_a_frame_reads_as_it_was_written(frame: Frame) -> None:
    assert decode(encode(frame)) == (frame if frame.has_mac else replace(frame, mac=b""))


@given(frames, st.data())
def test_a_damaged_frame_is_refused(frame: Frame, data: st.DataObject) -> None:
    raw = bytearray(encode(replace(frame, crc=True)))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    if raw[4] & 4:  # else the damage made a checksum of the CRC: one byte, that may fit by chance
        with pytest.raises(ProtocolViolation):
            decode(bytes(raw))


@given(st.lists(st.one_of(frames.map(encode), st.binary(max_size=30)), max_size=8), st.integers(1, 40))
def test_any_bytes_in_any_pieces_are_taken_without_complaint(pieces: list[bytes], step: int) -> None:
    stream, decoder = b"".join(pieces), Decoder(300)
    for at in range(0, len(stream), step):
        decoder.feed(stream[at : at + step])
        assert len(decoder._buffer) <= 300


@given(frames, st.binary(max_size=60), st.integers(1, 50))
@example(Frame(1, 1, 0x40), b"S", 1)
@example(Frame(1, 1, 0x40), b"S\x01\x00\x01\x00", 1)
def test_noise_before_a_frame_does_not_hide_it(frame: Frame, noise: bytes, step: int) -> None:
    raw, decoder = encode(frame), Decoder()
    found = [found for at in range(0, len(noise), step) for found in decoder.feed(noise[at : at + step])]
    found += [found for at in range(0, len(raw), step) for found in decoder.feed(raw[at : at + step])]
    assert decode(raw) in found


def channels() -> tuple[secure.SecureChannel, secure.SecureChannel]:
    """The panel's end and the device's."""
    keys = secure.session_keys(bytes(range(16)), bytes(8))
    down = (secure.COMMAND_PLAIN, secure.COMMAND_DATA)
    up = (secure.REPLY_PLAIN, secure.REPLY_DATA)
    return secure.SecureChannel(keys, bytes(16), down, up), secure.SecureChannel(keys, bytes(16), up, down)


def device_hears(device: secure.SecureChannel, panel: secure.SecureChannel, initial: bytes = bytes(16)) -> None:
    """A device first hears: its channel begins from what it sent last, the initial MAC."""
    device._sent_mac = initial
    assert panel


@given(st.lists(st.tuples(st.binary(max_size=80), st.binary(max_size=80)), min_size=1, max_size=6))
def test_a_session_carries_any_data_both_ways(turns: list[tuple[bytes, bytes]]) -> None:
    panel, device = channels()
    device_hears(device, panel)
    for sequence, (question, answer) in enumerate(turns):
        sent = decode(encode(panel.seal(Frame(1, sequence % 3 + 1, 0x60, question))))
        assert len(question) < 16 or question not in sent.data
        assert device.open(sent).data == question
        back = decode(encode(device.seal(Frame(1, sequence % 3 + 1, 0x40, answer, reply=True))))
        assert panel.open(back).data == answer


@given(st.binary(max_size=40), st.data())
def test_a_sealed_frame_that_was_touched_or_is_old_is_refused(answer: bytes, data: st.DataObject) -> None:
    panel, device = channels()
    device_hears(device, panel)
    device.open(decode(encode(panel.seal(Frame(1, 1, 0x60)))))
    good = device.seal(Frame(1, 1, 0x50, answer, reply=True))
    raw = bytearray(encode(good)[:-2])
    raw[data.draw(st.integers(5, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    try:
        touched = decode(bytes(raw) + check(bytes(raw)))
    except ProtocolViolation:
        touched = None
    if touched is not None:
        with pytest.raises(secure.SessionBroken):
            panel.open(touched)
    once = decode(encode(good))
    assert panel.open(once).data == answer
    panel.seal(Frame(1, 2, 0x60))
    with pytest.raises(secure.SessionBroken):
        panel.open(once)


def test_card_data_with_a_mac_but_in_the_clear_is_refused() -> None:
    panel, device = channels()
    device_hears(device, panel)
    device.open(decode(encode(panel.seal(Frame(1, 1, 0x60)))))
    bare = replace(Frame(1, 1, 0x50, b"\0\0\x08\0\xff", bytes((secure.REPLY_PLAIN,)), reply=True), mac=bytes(4))
    full = panel._mac(head(bare), panel._sent_mac)
    sealed = decode(encode(replace(bare, mac=full[:4])))
    with pytest.raises(secure.SessionBroken):
        panel.open(sealed)
    assert panel.open(sealed, bare=(0x50,)).data == b"\0\0\x08\0\xff"


def test_the_messages_say_what_the_standard_says() -> None:
    assert message.output(2, OutputCode.TIMED_ON, 300) == bytes((2, 5, 0x2C, 0x01))
    assert message.output(0, OutputCode.TIMED_ON, 0) == bytes((0, 5, 1, 0))  # 0 would be for ever
    assert message.output(0, OutputCode.OFF, 7) == bytes((0, 1, 0, 0))
    assert len(message.led(2, 1, 1, 10)) == 14
    assert message.buzzer(1, 2, 3) == bytes((0, 2, 1, 2, 3))
    assert message.keyset(bytes(16)) == b"\x01\x10" + bytes(16)
    assert message.read_raw(bytes.fromhex("00011a00bd88eb80")) == (0x2F623AE, 26)
    assert message.read_keys(b"\x00\x03\x31\x7f\x0d") == "1*#"
    assert message.read_formatted(b"\x00\x00\x03abc") == "abc"
    assert message.read_communication(b"\x01\x80\x25\x00\x00") == (1, 9600)
    assert message.read_id(bytes.fromhex("5c26230102efbeadde010203")).firmware == "1.2.3"
    assert message.nak_words(6) == "refused: encryption required"
    assert message.nak_words(77) == "refused: 77"


READERS = [
    message.read_raw,
    message.read_keys,
    message.read_formatted,
    message.read_levels,
    message.read_local,
    message.read_id,
    message.read_capabilities,
    message.read_communication,
    message.read_nak,
]


@pytest.mark.parametrize("reader", READERS)
@given(st.binary(max_size=120))
def test_any_answer_is_read_or_refused(reader: object, data: bytes) -> None:
    assert callable(reader)
    with contextlib.suppress(ProtocolViolation):
        reader(data)


@pytest.mark.parametrize("key", [bytes(range(0x30, 0x40)), bytes(range(0x40, 0x50)), bytes(16), b"a" * 16, b"short"])
def test_a_key_that_anybody_could_guess_is_refused(key: bytes) -> None:
    with pytest.raises(BadSetup):
        check_key("r1", key)
