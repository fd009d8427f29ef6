"""The OSDP secure channel: session keys, cryptograms, MACs and encryption, all AES-128 (SIA OSDP v2.2, annex D).

A site's own base key has selector 1, the published default key (SCBK-D) selector 0; `osdp_keys` decides between them.
"""

import hmac
from collections.abc import Container
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB

from controllers.errors import ProtocolViolation
from controllers.osdp_frame import MAC_BYTES, Frame, head

BLOCK = 16
RANDOM_BYTES = 8
SCBKD_SELECTOR, SCBK_SELECTOR = 0, 1
# Security block types: the handshake's four steps, then command or reply, without or with encrypted data.
CHALLENGE, CLIENT, SERVER, READY = 0x11, 0x12, 0x13, 0x14
COMMAND_PLAIN, REPLY_PLAIN, COMMAND_DATA, REPLY_DATA = 0x15, 0x16, 0x17, 0x18


class SessionBroken(ProtocolViolation):
    """A cryptogram or MAC that does not fit: the session is over."""


class DefaultKeyOffered(SessionBroken):
    """The device answers with the default key."""


@dataclass(frozen=True, slots=True)
class SessionKeys:
    """S-ENC, S-MAC1 and S-MAC2 of one session."""

    enc: bytes
    mac1: bytes
    mac2: bytes


def _block(key: bytes, data: bytes) -> bytes:
    encryptor = Cipher(AES(key), ECB()).encryptor()  # noqa: S305 # one block: the standard's key derivation
    return encryptor.update(data)


def session_keys(scbk: bytes, panel_random: bytes) -> SessionKeys:
    """Derive a session's keys from the base key and the panel's 8 random bytes."""
    tail = panel_random[:6] + bytes(8)
    return SessionKeys(*(_block(scbk, start + tail) for start in (b"\x01\x82", b"\x01\x01", b"\x01\x02")))


def client_cryptogram(keys: SessionKeys, panel_random: bytes, device_random: bytes) -> bytes:
    """What the device proves with: E(S-ENC, A || B)."""
    return _block(keys.enc, panel_random + device_random)


def server_cryptogram(keys: SessionKeys, panel_random: bytes, device_random: bytes) -> bytes:
    """What the panel proves with: E(S-ENC, B || A)."""
    return _block(keys.enc, device_random + panel_random)


def initial_mac(keys: SessionKeys, server: bytes) -> bytes:
    """RMAC-I: E(S-MAC2, E(S-MAC1, server cryptogram))."""
    return _block(keys.mac2, _block(keys.mac1, server))


class Mac:
    """The session's MAC: CBC under S-MAC1, the last block under S-MAC2. Padding 80 00.. when blocks are not full."""

    def __init__(self, keys: SessionKeys) -> None:
        self._first = Cipher(AES(keys.mac1), ECB()).encryptor()  # noqa: S305 # chained by hand below
        self._last = Cipher(AES(keys.mac2), ECB()).encryptor()  # noqa: S305 # as above

    def __call__(self, message: bytes, initial: bytes) -> bytes:
        """All 16 bytes; the first four go on the wire. A cipher kept is six times faster than one made for each."""
        if len(message) % BLOCK:
            message = pad(message)
        for at in range(0, len(message) - BLOCK, BLOCK):
            initial = self._first.update(_xor(message[at : at + BLOCK], initial))
        return self._last.update(_xor(message[-BLOCK:], initial))


def _xor(one: bytes, other: bytes) -> bytes:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).to_bytes(BLOCK, "big")


def pad(data: bytes) -> bytes:
    """Data with 0x80 and zeros to a whole number of blocks; always adds at least one byte."""
    return data + b"\x80" + bytes(-(len(data) + 1) % BLOCK)


def unpad(data: bytes) -> bytes:
    """Data without its padding. Raises `SessionBroken` when there is none."""
    stripped = data.rstrip(b"\0")
    if not stripped.endswith(b"\x80") or len(data) - len(stripped) >= BLOCK:
        raise SessionBroken("wrong padding")
    return stripped[:-1]


class SecureChannel:
    """One side of an open session: seals what it sends, opens what it gets. Each direction's MAC seeds the other's."""

    def __init__(self, keys: SessionKeys, initial: bytes, sends: tuple[int, int], takes: tuple[int, int]) -> None:
        self._enc = AES(keys.enc)
        self._mac = Mac(keys)
        self._sends = sends
        self._takes = takes
        self._sent_mac = bytes(BLOCK)
        self._got_mac = initial

    def seal(self, frame: Frame) -> Frame:
        """Give the frame its security block, encrypted data and MAC."""
        data = self._cipher(self._got_mac).encryptor().update(pad(frame.data)) if frame.data else b""
        security = bytes((self._sends[1 if data else 0],))
        sealed = Frame(frame.address, frame.sequence, frame.code, data, security, frame.reply)
        self._sent_mac = self._mac(head(sealed), self._got_mac)
        return Frame(
            frame.address, frame.sequence, frame.code, data, security, frame.reply, mac=self._sent_mac[:MAC_BYTES]
        )

    def open(self, frame: Frame, bare: Container[int] = ()) -> Frame:
        """Give the frame with its data in the clear. Raises `SessionBroken` when MAC, type or padding is wrong.

        `bare` codes may bring data with a MAC but not encrypted (a NAK's reason); no other data is taken like that.
        """
        encrypted = frame.security[:1] == bytes((self._takes[1],))
        if not encrypted and (
            frame.security[:1] != bytes((self._takes[0],)) or (frame.data and frame.code not in bare)
        ):
            raise SessionBroken("wrong security block")
        full = self._mac(frame.signed, self._sent_mac)
        if not hmac.compare_digest(full[:MAC_BYTES], frame.mac):
            raise SessionBroken("wrong MAC")
        if encrypted and len(frame.data) % BLOCK:
            raise SessionBroken("torn block")
        clear = not encrypted or not frame.data
        data = frame.data if clear else unpad(self._cipher(self._sent_mac).decryptor().update(frame.data))
        self._got_mac = full
        return frame if clear else Frame(frame.address, frame.sequence, frame.code, data, frame.security, frame.reply)

    def _cipher(self, other_mac: bytes) -> Cipher[CBC]:
        """AES-CBC under S-ENC, seeded by the ones' complement of the other direction's last MAC."""
        return Cipher(self._enc, CBC(_xor(other_mac, b"\xff" * BLOCK)))


class Handshake:
    """The panel's side of the four steps. `challenge` goes out, `answer` proves both, `finish` opens the channel."""

    def __init__(self, scbk: bytes, panel_random: bytes, selector: int = SCBK_SELECTOR) -> None:
        self.challenge = panel_random
        self._selector = selector
        self._keys = session_keys(scbk, panel_random)
        self._server = b""

    def answer(self, security: bytes, data: bytes) -> bytes:
        """The panel's cryptogram for a CCRYPT reply. Raises `SessionBroken`: the device holds another key."""
        if security[:1] != bytes((CLIENT,)) or len(data) != 2 * RANDOM_BYTES + BLOCK:
            raise SessionBroken("not a cryptogram")
        if security[1:] == bytes((SCBKD_SELECTOR,)) and self._selector != SCBKD_SELECTOR:
            raise DefaultKeyOffered("reader answers with the default key")
        if security[1:] != bytes((self._selector,)):
            raise SessionBroken("reader answers with another kind of key")
        device_random = data[RANDOM_BYTES : 2 * RANDOM_BYTES]
        expected = client_cryptogram(self._keys, self.challenge, device_random)
        if not hmac.compare_digest(expected, data[2 * RANDOM_BYTES :]):
            raise SessionBroken("reader holds another key")
        self._server = server_cryptogram(self._keys, self.challenge, device_random)
        return self._server

    def finish(self, security: bytes, data: bytes) -> SecureChannel:
        """The open channel, from an RMAC-I reply. Raises `SessionBroken` when the device refused us."""
        initial = initial_mac(self._keys, self._server)
        if security != bytes((READY, 1)) or not hmac.compare_digest(initial, data):
            raise SessionBroken("reader refused our key")
        return SecureChannel(self._keys, initial, (COMMAND_PLAIN, COMMAND_DATA), (REPLY_PLAIN, REPLY_DATA))
