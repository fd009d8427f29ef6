"""Growing files are looked at together: what one disk or file does is nobody else's trouble."""

import asyncio
import threading
from collections.abc import Callable

from camera.looks import Looks


def together(*asks: tuple[str, Callable[[], object]], silent_s: float = 30) -> list[bool]:
    """The answers to looks that are asked for at the same time: disk, look."""

    async def ask() -> list[bool]:
        looks = Looks(silent_s)
        return await asyncio.gather(*(looks.after(0.05, disk, look) for disk, look in asks))

    return asyncio.run(ask())


def test_the_files_of_a_disk_are_looked_at_in_one_thread_in_their_order() -> None:
    seen: list[tuple[int, threading.Thread]] = []
    looks = [("", lambda n=n: seen.append((n, threading.current_thread()))) for n in range(5)]
    assert together(*looks) == [True] * 5
    assert [n for n, _ in seen] == [0, 1, 2, 3, 4]
    assert len({thread for _, thread in seen}) == 1


def test_a_file_that_cannot_be_read_leaves_the_others_their_answers() -> None:
    def broken() -> None:
        raise OSError("Input/output error")

    assert together(("", lambda: 1), ("", broken), ("", lambda: 1)) == [True, False, True]


def test_a_disk_that_does_not_answer_is_told_in_time_and_keeps_no_other_waiting() -> None:
    slow = threading.Event()
    answers = together(
        ("", lambda: 1), ("nas", lambda: 1), ("nas", lambda: slow.wait(1.5)), ("nas", lambda: 1), silent_s=0.5
    )  # fmt: skip
    assert answers == [True, True, False, False]


def test_a_look_that_nobody_waits_for_any_more_is_not_made() -> None:
    looked: list[int] = []

    async def ask() -> None:
        looks = Looks(30)
        first, second = (looks.after(0.05, "", lambda n=n: looked.append(n)) for n in (1, 2))
        first.cancel()
        assert await second

    asyncio.run(ask())
    assert looked == [2]
