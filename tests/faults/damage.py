"""Frames of every serial driver, damaged as a bad wire damages them, through the drivers' sessions in virtual time.

Card numbers are consecutive, as cards are sold: a damaged number is likely to be another resident's. A false grant is a
read that is the card of somebody who was not there; `wrong` counts all that was read and not shown.
"""

import hashlib
import random
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from controllers.driver import CardRead, IdCardRead, TextRead
from controllers.idcard import IdCardSession
from controllers.poll_aa import PolledReader, PollSession
from controllers.serial_frames import Codec, Dec10CrLf, HexCr, StxEtx
from controllers.serial_reader import TalkingReader
from controllers.session import Moment
from controllers.vguang import VguangSession
from controllers.wiegand import decode
from simulators.idcard_sam import PHOTO, frame, text_of
from simulators.serial_readers import TALKERS, Reader, xor

RESIDENTS = 20_000
FIRST = 0x317B0000
NOW_S = 1_800_000_000


def hurt(data: bytes, chance: random.Random) -> bytes:
    """Lose, add, turn, swap and tear bytes."""
    wire = bytearray(data)
    for _ in range(chance.randint(1, 3)):
        at = chance.randrange(len(wire) or 1)
        match chance.randrange(5):
            case 0 if wire:
                del wire[at]
            case 1:
                wire.insert(at, chance.randrange(256))
            case 2 if wire:
                wire[at] ^= 1 << chance.randrange(8)
            case 3:
                del wire[at:]
            case _:
                wire[at : at + 2] = wire[at : at + 2][::-1]
    return bytes(wire)


@dataclass(frozen=True)
class Subject:
    """A driver's session, the frame that its reader sends for a resident, and who a read is (None: nobody)."""

    session: Callable[[], Any]
    frame: Callable[[int], bytes]
    who: Callable[[Any], int | None]


@dataclass
class Damage:
    """What a campaign came to."""

    frames: int = 0
    reads: int = 0
    wrong: int = 0
    false_grants: int = 0


def number(resident: int) -> bytes:
    return (FIRST + resident).to_bytes(4, "big")


def resident(number_: int, width: int = 32) -> int | None:
    found = (number_ - FIRST) % (1 << width)
    return found if found < RESIDENTS else None


def card(format_name: str, width: int) -> Callable[[CardRead], int | None]:
    def who(read: CardRead) -> int | None:
        told = decode(format_name, read.bits, read.bit_count)
        return resident(told.facility << 16 | told.card if width == 24 else told.card, width)

    return who


def talker(make: str, codec: Callable[[], Codec], format_name: str, width: int = 32) -> Subject:
    return Subject(
        lambda: TalkingReader("r", codec()), lambda who: TALKERS[make](number(who)), card(format_name, width)
    )


def polled(who: int) -> bytes:
    five = b"\x38" + number(who)
    return b"\x69\xd2" + five + bytes([xor(five)])


def signed(who: int) -> str:
    """A text that proves itself, as codes do; a driver believes none, what is behind it asks for the proof."""
    return f"{who}:{hashlib.sha256(b'key %d' % who).hexdigest()}"


def signer(read: TextRead) -> int | None:
    text = read.text.partition(":")[0]
    return int(text) if text.isdecimal() and len(text) < 9 and signed(int(text)) == read.text else None


def id_number(who: int) -> str:
    """With the check digit of GB 11643, by its own words: weights 2 to the 17th downwards, modulo 11."""
    body = f"11010519491231{who % 1000:03d}"
    total = sum(int(digit) * (2 ** (17 - place) % 11) for place, digit in enumerate(body))
    return body + "10X98765432"[total % 11]


def id_answers(who: int) -> bytes:
    text = text_of({"name": "张三", "birth": "19491231", "number": id_number(who)})
    return frame(b"\x00\x00\x90\x01\x00\x04\x00" + text + PHOTO)


def id_holder(read: IdCardRead) -> int | None:
    return int(read.key[14:17])


def vguang_frame(who: int) -> bytes:
    return Reader.__new__(Reader)._reply(0x30, signed(who).encode())


SUBJECTS = {
    "hex_cr": talker("hex_cr", HexCr, "H10301", 24),
    "dec10_crlf": talker("dec10_crlf", Dec10CrLf, "WG34N"),
    "stx_etx": talker("stx_etx", StxEtx, "WG32"),
    "poll_aa": Subject(lambda: PollSession([PolledReader("r", 1)], window_s=0.02), polled, card("WG32", 32)),
    "vguang": Subject(lambda: VguangSession("r"), vguang_frame, signer),
    "idcard": Subject(lambda: IdCardSession("r", str.encode), id_answers, id_holder),
}


def campaign(subject: Subject, frames: int, seed: int = 7) -> Damage:
    """Damaged frames, one after the other, in two pieces with or without a pause."""
    chance, session, now_s, done = random.Random(seed), subject.session(), 0.0, Damage(frames)
    there = deque[int](maxlen=16)  # a frame that is torn behind its number may be ended by the bytes of the next ones
    for _ in session.start(at(now_s)):
        pass
    for _ in range(frames):
        now_s += 0.01
        there.append(chance.randrange(1000 if isinstance(session, IdCardSession) else RESIDENTS))
        events = list(session.tick(at(now_s)))
        if isinstance(session, IdCardSession):  # it would ask for the card only after two good answers
            session._step, session._waiting, session._state = b"\x30\x01", True, ""
        damaged = hurt(subject.frame(there[-1]), chance)
        cut = chance.randrange(len(damaged) + 1)
        for piece in (damaged[:cut], damaged[cut:]):
            now_s += chance.choice((0.0, 0.001, 0.3))
            events += session.received(piece, at(now_s))
        for event in events:
            if isinstance(event, CardRead | TextRead | IdCardRead):
                count(done, subject.who(event), there)
    return done


def count(done: Damage, read: int | None, there: Collection[int]) -> None:
    done.reads += 1
    done.wrong += read not in there
    done.false_grants += read is not None and read not in there


def at(mono_s: float) -> Moment:
    return Moment(mono_s, NOW_S + mono_s, 1)
