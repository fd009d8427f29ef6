"""Growing files are looked at together: what one disk or file does is nobody else's trouble."""

import asyncio
import threading
import time
from collections.abc import Callable

import pytest

from camera.looks import Looks

Look = Callable[[], object]


def told(*watched: tuple[str, Look], silent_s: float = 30) -> list[object]:
    """What those who watch at the same time are told: disk, look."""

    async def ask() -> list[object]:
        looks = Looks(silent_s)
        return await asyncio.gather(
            *(looks.watch(disk, lambda: 0.05, look) for disk, look in watched), return_exceptions=True
        )

    return asyncio.run(ask())


def at_last(seen: list[int], number: int, rounds: int = 3) -> Look:
    """A look that tells something in its last round."""

    def look() -> str | None:
        seen.append(number)
        return "told" if seen.count(number) == rounds else None

    return look


def test_files_are_looked_at_in_their_order_again_and_again_until_there_is_something_to_tell() -> None:
    seen: list[int] = []
    assert told(*(("", at_last(seen, n)) for n in range(4))) == ["told"] * 4
    assert seen == [0, 1, 2, 3] * 3


def test_the_files_of_a_disk_have_one_thread_and_it_ends_with_them() -> None:
    threads: list[threading.Thread] = []
    looks = [("", lambda: threads.append(threading.current_thread()) or "told") for _ in range(5)]
    assert told(*looks) == ["told"] * 5
    assert len(set(threads)) == 1
    threads[0].join(30)
    assert not threads[0].is_alive()


def test_what_one_look_raises_is_raised_to_who_waits_for_it_and_the_others_go_on() -> None:
    def broken() -> None:
        raise ValueError("no such thing")

    first, second, third = told(("", lambda: 1), ("", broken), ("", lambda: 1))
    assert (first, third) == (1, 1)
    assert isinstance(second, ValueError)


def test_a_disk_that_does_not_answer_is_told_in_time_and_keeps_no_other_waiting() -> None:
    slow, began_s = threading.Event(), time.monotonic()
    answers = told(
        ("", lambda: 1), ("nas", lambda: 1), ("nas", lambda: slow.wait(20)), ("nas", lambda: 1), silent_s=0.5
    )  # fmt: skip
    assert answers == [1, 1, None, None]
    assert time.monotonic() - began_s < 15
    slow.set()


def test_a_disk_that_answers_again_is_looked_at_again() -> None:
    slow, seen = threading.Event(), list[int]()

    async def ask() -> tuple[object, object]:
        looks = Looks(0.2)
        first = await looks.watch("nas", lambda: 0.05, lambda: slow.wait(20))
        slow.set()
        return first, await looks.watch("nas", lambda: 0.05, at_last(seen, 1))

    assert asyncio.run(ask()) == (None, "told")


def test_a_file_that_nobody_waits_for_any_more_is_not_looked_at() -> None:
    looked: list[int] = []

    async def ask() -> None:
        looks = Looks(30)
        first, second = (looks.watch("", lambda: 0.05, lambda n=n: looked.append(n) or n) for n in (1, 2))
        first.cancel()
        assert await second == 2

    asyncio.run(ask())
    assert looked == [2]


@pytest.mark.parametrize("look", [lambda: 1, lambda: None], ids=["it answers", "it is there"])
def test_a_look_at_once_tells_that_the_disk_answered(look: Look) -> None:
    assert asyncio.run(Looks(30).now(look))


def test_a_look_at_once_tells_that_the_disk_fails_or_does_not_answer() -> None:
    def broken() -> None:
        raise OSError("Input/output error")

    slow = threading.Event()

    async def ask() -> list[bool]:
        looks = Looks(0.2)
        answers = await asyncio.gather(looks.now(broken), looks.now(lambda: slow.wait(20)))
        slow.set()
        return answers

    assert asyncio.run(ask()) == [False, False]
