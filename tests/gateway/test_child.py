"""A child of the door process."""

import os

from gateway.child import child


async def test_a_child_is_of_low_priority_before_it_runs_anything() -> None:
    script = ("-n", "1", "-s", "import os; print(os.nice(0))")
    async with child("timeit", *script, stdout=-1) as started:
        said, _ = await started.communicate()
    assert int(said.split()[0]) == os.nice(0) + 10
