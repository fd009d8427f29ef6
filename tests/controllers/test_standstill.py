"""A driver's loop that missed its turns gives up its link."""

import pytest

from controllers.errors import LinkLost
from controllers.standstill import Standstill


def test_a_loop_that_turns_in_time_goes_on_and_one_that_stood_still_gives_up() -> None:
    clock = [100.0]
    standstill = Standstill(2.0, lambda: clock[0])
    for _ in range(10):
        clock[0] += 1.9
        standstill.turn()
    clock[0] += 2.1
    with pytest.raises(LinkLost, match=r"stood still for 2\.1 s"):
        standstill.turn()
    standstill.turn()
