"""Retention as a pure plan: whatever the footage, limits and holds, these laws hold."""

from collections import Counter
from collections.abc import Iterable, Mapping
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from camera.check import check
from camera.database import Database
from camera.index import Index
from camera.marks import FootageClass
from camera.retention import Policy, Reason, Retention, plan
from camera.segment import US, Hold, Segment
from camera.timeline import Timeline

NOW_US = 1_000_000 * US
CAMERAS = ("gate", "garage")


DISKS = ("", "two")
CLASSES = list(FootageClass)
Row = tuple[Segment, FootageClass]


class Shelves:
    """Footage in a list."""

    def __init__(self, rows: Iterable[Row]) -> None:
        self._rows = sorted(rows, key=lambda row: row[0].start_us)

    def shelf(self, camera: str, footage_class: FootageClass) -> Iterable[Segment]:
        return [one for one, worth in self._rows if (one.camera, worth) == (camera, footage_class)]

    def disk_shelf(self, disk: str, footage_class: FootageClass) -> Iterable[Segment]:
        return [one for one, worth in self._rows if (one.disk, worth) == (disk, footage_class)]


def segment(n: int, camera: str, start_s: int, size: int, disk: str = "") -> Segment:
    start_us = start_s * US
    return Segment(f"run-{n}", camera, start_us, start_us + 60 * US, size, f"{n}", 1, "", 0, 0, (), disk=disk)


segments = st.lists(
    st.tuples(
        st.builds(
            segment,
            st.integers(0, 1 << 30),
            st.sampled_from(CAMERAS),
            st.integers(990_000, 999_940),
            st.integers(1, 1000),
            st.sampled_from(DISKS),
        ),
        st.sampled_from(CLASSES),
    ),
    max_size=60,
    unique_by=lambda row: row[0].id,
)
holds = st.lists(
    st.builds(
        lambda camera, start, length, until: Hold(0, camera, start * US, (start + length) * US, "", "", until),
        st.sampled_from(CAMERAS),
        st.integers(990_000, 1_000_000),
        st.integers(1, 500),
        st.none() | st.sampled_from([NOW_US - 1, NOW_US + 1]),
    ),
    max_size=5,
)
ages = st.none() | st.floats(1, 10_000)
policy = st.builds(Policy, ages, st.none() | st.integers(1, 20_000), ages, ages, st.floats(1, 10_000))
policies = st.dictionaries(st.sampled_from(CAMERAS), policy)
lacking = st.dictionaries(st.sampled_from(DISKS), st.integers(-1000, 20_000))


def used(rows: Iterable[Row]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for one, _ in rows:
        total[one.camera] += one.bytes
    return dict(total)


def is_held(one: Segment, kept: list[Hold]) -> bool:
    return any(hold.keeps(one, NOW_US) for hold in kept)


def expired(one: Segment, worth: FootageClass, limit: Policy) -> bool:
    age_s = limit.age_s(worth)
    return age_s is not None and one.end_us <= NOW_US - int(age_s * US)


@given(segments, holds, policies, lacking)
def test_a_held_file_never_goes_none_goes_twice_and_none_without_a_true_reason(
    rows: list[Row], kept: list[Hold], limits: dict[str, Policy], short: Mapping[str, int]
) -> None:
    worth = {one.id: its for one, its in rows}
    going = list(plan(Shelves(rows), kept, limits, used(rows), NOW_US, short))
    assert not any(is_held(one, kept) for one, _ in going)
    assert len({one.id for one, _ in going}) == len(going)
    for one, reason in going:
        limit = limits.get(one.camera, Policy())
        if reason in (Reason.AGE, Reason.UNMARKED):
            assert expired(one, worth[one.id], limit)
            assert (reason is Reason.UNMARKED) == (worth[one.id] is FootageClass.PENDING)
        if reason is Reason.BYTES:
            assert limit.max_bytes is not None
        if reason is Reason.SPACE:
            assert short[one.disk] > 0


@given(segments, holds, policies, lacking)
def test_afterwards_every_limit_is_met_or_all_that_is_left_is_held(
    rows: list[Row], kept: list[Hold], limits: dict[str, Policy], short: Mapping[str, int]
) -> None:
    gone = {one.id for one, _ in plan(Shelves(rows), kept, limits, used(rows), NOW_US, short)}
    left = [row for row in rows if row[0].id not in gone]
    free = [(one, worth) for one, worth in left if not is_held(one, kept)]
    for name, limit in limits.items():
        mine = [(one, worth) for one, worth in free if one.camera == name]
        assert not any(expired(one, worth, limit) for one, worth in mine)
        if limit.max_bytes is not None:
            assert not mine or used(left).get(name, 0) <= limit.max_bytes
    for disk, lacking_bytes in short.items():
        freed = sum(one.bytes for one, _ in rows if one.id in gone and one.disk == disk)
        assert freed >= lacking_bytes or not any(one.disk == disk for one, _ in free)


@given(segments, holds, policies, lacking)
def test_no_more_goes_than_must_the_least_worth_first_and_the_oldest_of_it(
    rows: list[Row], kept: list[Hold], limits: dict[str, Policy], short: Mapping[str, int]
) -> None:
    worth = {one.id: its for one, its in rows}
    going = list(plan(Shelves(rows), kept, limits, used(rows), NOW_US, short))
    for reason, groups in ((Reason.SPACE, DISKS), (Reason.BYTES, CAMERAS)):
        for group in groups:
            which = [
                (n, one) for n, (one, why) in enumerate(going) if why is reason and group in (one.disk, one.camera)
            ]
            order = [(worth[one.id], one.start_us) for _, one in which]
            assert order == sorted(order)
            if not which:
                continue
            before = [one for one, _ in going[: which[-1][0]]]
            if reason is Reason.SPACE:
                assert sum(one.bytes for one in before if one.disk == group) < short[group], "the last was still needed"
            else:
                left = used(rows)[group] - sum(one.bytes for one in before if one.camera == group)
                assert left > (limits[group].max_bytes or 0), "the last was still needed"


@given(segments, policies)
def test_a_plan_of_what_is_left_is_empty(rows: list[Row], limits: dict[str, Policy]) -> None:
    gone = {one.id for one, _ in plan(Shelves(rows), [], limits, used(rows), NOW_US)}
    left = [row for row in rows if row[0].id not in gone]
    assert list(plan(Shelves(left), [], limits, used(left), NOW_US)) == []


def test_a_plan_reads_only_as_far_as_it_must() -> None:
    rows = iter([segment(1, "gate", 1, 10), segment(2, "gate", 999_000, 10), segment(3, "gate", 999_100, 10)])

    class OneShelf(Shelves):
        def shelf(self, camera: str, footage_class: FootageClass) -> Iterable[Segment]:
            return rows if footage_class is FootageClass.CONTINUOUS else ()

    limits = {"gate": Policy(max_age_s=3600)}
    assert [one.id for one, _ in plan(OneShelf([]), [], limits, {"gate": 30}, NOW_US)] == ["run-1"]
    assert next(rows).id == "run-3", "the third was never looked at"


def test_events_outlive_motion_which_outlives_the_rest() -> None:
    hours = {FootageClass.CONTINUOUS: 25, FootageClass.MOTION: 49, FootageClass.EVENT: 73}
    rows = [(segment(n, "gate", 1_000_000 - h * 3600, 1), worth) for n, (worth, h) in enumerate(hours.items())]
    limits = {"gate": Policy(max_age_s=48 * 3600, motion_s=72 * 3600, event_s=96 * 3600)}
    assert list(plan(Shelves(rows), [], limits, {}, NOW_US)) == []
    shorter = {"gate": Policy(max_age_s=24 * 3600)}
    assert [reason for _, reason in plan(Shelves(rows), [], shorter, {}, NOW_US)] == [Reason.AGE] * 3


def test_footage_of_a_clock_that_was_never_set_does_not_go_by_its_seeming_age() -> None:
    rows = [(segment(1, "gate", 60, 10), FootageClass.CONTINUOUS), (segment(2, "gate", 900_000, 10), CLASSES[1])]
    limits = {"gate": Policy(max_age_s=3600)}
    going = list(plan(Shelves(rows), [], limits, {"gate": 20}, NOW_US, {"": 15}, unsure_before_us=1000 * US))
    assert [(one.id, why) for one, why in going] == [("run-2", Reason.AGE), ("run-1", Reason.SPACE)]


def test_a_sweep_removes_files_and_rows_and_leaves_a_chain_that_proves_the_rest(archive: Path) -> None:
    database = Database(archive / "index.db")
    index, timeline = Index(database), Timeline(database)
    one, two, three = list(timeline.chain("gate"))[:3]
    index.add_hold(Hold(0, "gate", two.start_us + US // 4, two.end_us - US // 4, "police", "guard"))
    retention = Retention(archive, index, timeline, {"gate": Policy(max_bytes=1)}, min_free_bytes=0)
    before = len(list(timeline.chain("gate")))
    assert retention.sweep(two.end_us) == before - 1
    assert [each.id for each in timeline.chain("gate")] == [two.id]
    assert not (archive / one.path).exists()
    assert (archive / two.path).exists()
    erased = [(each.from_us, each.reason) for each in timeline.erased("gate")]
    assert erased == [(one.start_us, "bytes"), (three.start_us, "bytes")]
    assert check(archive) == []
    database.close()
