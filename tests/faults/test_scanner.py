"""Campaign 2: whatever a scanner sends, nothing opens but what is signed; memory stays bounded."""

import os
import random
import select
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulators.estate import Phone
from simulators.line import Line
from simulators.phone import live_code
from tests.faults.grounds import Grounds
from tests.faults.history import assert_whole, grants, unrecorded

SCANNERS = ("scanner-main", "scanner-b1")
READERS = ("reader-main", "reader-b1")  # whose strikes the scanners' doors have
AGAIN_S = 30.0
GROWTH_BYTES = 24 << 20
MB = 1 << 20
HOSTILE = (
    b"",
    b" ",
    b"\x00" * 64,
    b"1' OR '1'='1",
    b"'; DROP TABLE journal; --",
    b'" UNION SELECT key FROM row --',
    b"$(touch /tmp/pwned)",
    b"`reboot`; true | nc -l 1",
    b"../../../../etc/passwd",
    b"%s%n%x%d{0.__class__}",
    b"{{7*7}}${7*7}<script>alert(1)</script>",
    b'{"do":"open","door":"main-gate"}',
    b"http://example.invalid/?open=main-gate",
    b"\xff\xfe\xfd",
    b"\x1b[2J\x1b]0;owned\x07",
    "门禁".encode(),
    "\u202e\u0000\ud7ff\U0001f511".encode(),
    b"MJ1:",
    b"MJ1:" + b"0" * 128,
    b"MJ1:" + b"%" * 135,
    b"mj1:" + b"A" * 128,
    b"MJ1:" + b"A" * 507,
    b"MJ2:" + b"A" * 128,
    b"HC1:" + b"6BF" * 60,
    b"A" * 511,
    b"A" * 512,
    b"A" * 513,
    b"\r\n" * 1000,
    b"\x11\x13\x03\x04\x1a\x1c",  # flow control, interrupt, end of file: a terminal not in raw mode would obey
)


class Wedge(Line):
    """The far end of a scanner's line."""

    def send(self, data: bytes, within_s: float = 60) -> None:
        """All of it, as fast as the gateway takes it."""
        end = time.monotonic() + within_s
        rest = memoryview(data)
        while rest:
            assert time.monotonic() < end, "the gateway does not read its scanner"
            _, writable, _ = select.select([], [self._near], [], 1)
            if writable:
                try:
                    rest = rest[os.write(self._near, rest) :]
                except BlockingIOError:
                    time.sleep(0.001)

    def show(self, text: bytes) -> None:
        self.send(text + b"\r\n")


@pytest.fixture(scope="module")
def wedges(ground: Grounds) -> Iterator[list[Wedge]]:
    made = [Wedge(ground.site.line(name)) for name in SCANNERS]
    ground.field("readers")
    ground.start_menjin("gateway")
    ground.secure(*READERS)
    yield made
    for wedge in made:
        wedge.close()


def turned(code: bytes, dice: random.Random) -> bytes:
    """A code with one bit turned, that is still one line."""
    while True:
        text = bytearray(code)
        text[dice.randrange(len(text))] ^= 1 << dice.randrange(7)
        if not set(text) & set(b"\r\n"):
            return bytes(text)


class Phones:
    """Residents of building 1, who take turns: each phone's codes must rise by a second."""

    def __init__(self, ground: Grounds) -> None:
        self._site = ground.site.estate.site_id
        self._turn: Iterator[Phone] = cycle(ground.site.estate.phones_of("building-1"))
        self.last = ""  # whose code was made last

    def code(self) -> bytes:
        phone = next(self._turn)
        self.last = phone.id
        return live_code(phone, self._site).encode()


@pytest.fixture(scope="module")
def phones(ground: Grounds) -> Phones:
    return Phones(ground)


def opens(reader: str, ground: Grounds, wedge: Wedge, phones: Phones) -> set[str]:
    """Show codes until one opens: a reader that refused a row decides once in two seconds. Gives the phones shown."""
    since, shown, end = ground.readers.last(), set(), time.monotonic() + AGAIN_S
    while True:
        wedge.show(phones.code())
        shown.add(phones.last)
        again = time.monotonic() + 0.25
        while time.monotonic() < again:
            if ground.released(reader, since):
                return shown
            time.sleep(0.01)
        assert time.monotonic() < end, f"no good code opens at {reader}"


def assert_good_codes_open(ground: Grounds, wedges: list[Wedge], phones: Phones) -> None:
    for wedge, reader in zip(wedges, READERS, strict=True):
        opens(reader, ground, wedge, phones)
    time.sleep(0.3)


@contextmanager
def flooded(wedge: Wedge) -> Iterator[None]:
    """Meanwhile a scanner sends lines as fast as they are taken: two and a half megabytes at least."""
    flood, over = b"".join(b"MJ1:%0128d\r\n" % number for number in range(20_000)), threading.Event()

    def send() -> None:
        wedge.send(flood)
        while not over.is_set():
            wedge.send(flood[: MB // 8 // 134 * 134])

    sending = threading.Thread(target=send)
    sending.start()
    try:
        yield
    finally:
        over.set()
        sending.join()


def assert_nothing_opened(ground: Grounds, since: int, seq: int) -> None:
    assert [ground.released(reader, since) for reader in READERS] == [[], []]
    assert grants(ground.records(seq)) == []
    assert ground.alive("gateway")
    assert "event failed" not in ground.said("gateway")


def test_hostile_texts_open_nothing(ground: Grounds, wedges: list[Wedge], phones: Phones) -> None:
    since, seq = ground.readers.last(), ground.last_seq()
    for text in HOSTILE:
        for wedge in wedges:
            wedge.show(text)
    time.sleep(0.3)
    assert_nothing_opened(ground, since, seq)
    assert_good_codes_open(ground, wedges, phones)


def test_any_bytes_open_nothing(ground: Grounds, wedges: list[Wedge], phones: Phones, long: bool) -> None:
    since, seq = ground.readers.last(), ground.last_seq()
    base45 = st.text("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:", min_size=100, max_size=140)
    codes = base45.map("MJ1:{}".format).map(str.encode)

    @settings(max_examples=20_000 if long else 300, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.binary(max_size=600), st.text(max_size=200).map(str.encode), codes))
    def show(data: bytes) -> None:
        wedges[0].send(data + b"\r")

    show()
    time.sleep(0.3)
    assert_nothing_opened(ground, since, seq)
    assert_good_codes_open(ground, wedges, phones)


@pytest.mark.parametrize("what", ["printable", "noise", "control"])
def test_ten_megabytes_without_an_end_stay_out_of_memory(
    ground: Grounds, wedges: list[Wedge], phones: Phones, what: str
) -> None:
    text = {"printable": b"A" * MB, "noise": random.Random(1).randbytes(MB), "control": b"\x03" * MB}[what]
    text = text.replace(b"\n", b"-").replace(b"\r", b"-")
    since, seq, before = ground.readers.last(), ground.last_seq(), ground.rss_bytes("gateway")
    for _ in range(10):
        wedges[0].send(text)
    assert ground.rss_bytes("gateway") - before < GROWTH_BYTES
    assert_nothing_opened(ground, since, seq)
    assert_good_codes_open(ground, wedges, phones)


def test_a_flood_of_lines_stays_out_of_memory_and_the_other_scanner_answers(
    ground: Grounds, wedges: list[Wedge], phones: Phones
) -> None:
    before, seq, began = ground.rss_bytes("gateway"), ground.last_seq(), time.monotonic()
    with flooded(wedges[0]):
        for _ in range(3):
            opens("reader-b1", ground, wedges[1], phones)
        lasted_s = time.monotonic() - began
        assert ground.rss_bytes("gateway") - before < GROWTH_BYTES
    throttled = [each for each in ground.records(seq) if each.get("reason") == "ReaderThrottled"]
    assert len(throttled) <= lasted_s + 2, "a flood is one event a second"
    assert_good_codes_open(ground, wedges, phones)


def test_a_good_code_with_any_bit_turned_opens_nothing(
    ground: Grounds, wedges: list[Wedge], phones: Phones, long: bool
) -> None:
    """A good code after each four bad ones ends the row of refusals: the scanner is not slowed, and all count."""
    dice = random.Random(7)
    for _ in range(300 if long else 20):
        since, seq = ground.readers.last(), ground.last_seq()
        for _ in range(4):
            wedges[0].show(turned(phones.code(), dice))
            time.sleep(0.06)  # a scanner's bucket holds 20 reads a second
        good = opens("reader-main", ground, wedges[0], phones)
        opening = grants(ground.records(seq))
        assert {each["credential"] for each in opening} <= good
        assert unrecorded(ground.released("reader-main", since), opening) == []


def test_after_all_of_it_the_journal_is_whole_and_says_no_code(ground: Grounds, wedges: list[Wedge]) -> None:
    assert_whole(ground.journal)
    text = str(ground.records())
    assert "DROP TABLE" not in text
    assert "MJ1:" not in text
    assert "DROP TABLE" not in ground.said("gateway")
