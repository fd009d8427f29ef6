"""Retention as a pure plan: whatever the footage, limits and holds, these laws hold."""

from collections import Counter
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from camera.check import check
from camera.database import Database
from camera.index import Index
from camera.retention import Policy, Reason, Retention, plan
from camera.segment import US, Hold, Segment
from camera.timeline import Timeline

NOW_US = 1_000_000 * US
CAMERAS = ("gate", "garage")


def segment(n: int, camera: str, start_s: int, size: int) -> Segment:
    start_us = start_s * US
    return Segment(f"run-{n}", camera, start_us, start_us + 60 * US, size, f"{n}", 1, "", 0, 0, ())


segments = st.lists(
    st.tuples(st.sampled_from(CAMERAS), st.integers(990_000, 999_940), st.integers(1, 1000)), max_size=60
).map(lambda rows: sorted((segment(n, *row) for n, row in enumerate(rows)), key=lambda each: each.start_us))
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
policy = st.builds(Policy, st.none() | st.floats(1, 10_000), st.none() | st.integers(1, 20_000))
policies = st.dictionaries(st.sampled_from(CAMERAS), policy)


def used(rows: list[Segment]) -> dict[str, int]:
    total: Counter[str] = Counter()
    for each in rows:
        total[each.camera] += each.bytes
    return dict(total)


def is_held(one: Segment, kept: list[Hold]) -> bool:
    return any(hold.keeps(one, NOW_US) for hold in kept)


@given(segments, holds, policies, st.integers(-1000, 20_000))
def test_a_held_file_never_goes_and_none_goes_without_a_true_reason(
    rows: list[Segment], kept: list[Hold], limits: dict[str, Policy], lacking: int
) -> None:
    going = list(plan(rows, kept, limits, used(rows), NOW_US, lacking))
    assert not any(is_held(one, kept) for one, _ in going)
    for one, reason in going:
        limit = limits.get(one.camera, Policy())
        if reason is Reason.AGE:
            assert limit.max_age_s is not None
            assert one.end_us <= NOW_US - int(limit.max_age_s * US)
        if reason is Reason.BYTES:
            assert limit.max_bytes is not None
        if reason is Reason.SPACE:
            assert lacking > 0


@given(segments, holds, policies, st.integers(-1000, 20_000))
def test_afterwards_every_limit_is_met_or_all_that_is_left_is_held(
    rows: list[Segment], kept: list[Hold], limits: dict[str, Policy], lacking: int
) -> None:
    gone = {one.id for one, _ in plan(rows, kept, limits, used(rows), NOW_US, lacking)}
    left = [one for one in rows if one.id not in gone]
    free = [one for one in left if not is_held(one, kept)]
    for name, limit in limits.items():
        mine = [one for one in free if one.camera == name]
        if limit.max_age_s is not None:
            assert all(one.end_us > NOW_US - int(limit.max_age_s * US) for one in mine)
        if limit.max_bytes is not None:
            assert not mine or used(left).get(name, 0) <= limit.max_bytes
    freed = sum(one.bytes for one in rows if one.id in gone)
    assert freed >= lacking or not free


@given(segments, holds, policies, st.integers(-1000, 20_000))
def test_no_more_goes_than_must(rows: list[Segment], kept: list[Hold], limits: dict[str, Policy], lacking: int) -> None:
    going = list(plan(rows, kept, limits, used(rows), NOW_US, lacking))
    assert [one.start_us for one, _ in going] == sorted(one.start_us for one, _ in going), "oldest first"
    for_space = [one for one, reason in going if reason is Reason.SPACE]
    if for_space:
        before = sum(one.bytes for one, _ in going[: going.index((for_space[-1], Reason.SPACE))])
        assert before < lacking, "the last one for space was still needed"
    for name, limit in limits.items():
        over = [one for one, reason in going if one.camera == name and reason is Reason.BYTES]
        if over and limit.max_bytes is not None:
            earlier = [one for one, _ in going if one.camera == name]
            before = sum(one.bytes for one in earlier[: earlier.index(over[-1])])
            assert used(rows)[name] - before > limit.max_bytes


@given(segments, policies)
def test_a_plan_of_what_is_left_is_empty(rows: list[Segment], limits: dict[str, Policy]) -> None:
    gone = {one.id for one, _ in plan(rows, [], limits, used(rows), NOW_US)}
    left = [one for one in rows if one.id not in gone]
    assert list(plan(left, [], limits, used(left), NOW_US)) == []


def test_a_plan_reads_only_as_far_as_it_must() -> None:
    rows = iter([segment(1, "gate", 1, 10), segment(2, "gate", 999_000, 10), segment(3, "gate", 999_100, 10)])
    limits = {"gate": Policy(max_age_s=3600)}
    assert [one.id for one, _ in plan(rows, [], limits, {"gate": 30}, NOW_US)] == ["run-1"]
    assert next(rows).id == "run-3", "the third was never looked at"


def test_a_sweep_removes_files_and_rows_and_leaves_a_chain_that_proves_the_rest(archive: Path) -> None:
    database = Database(archive / "index.db")
    index, timeline = Index(database), Timeline(database)
    one, two, three = list(timeline.oldest())[:3]
    index.add_hold(Hold(0, "gate", two.start_us + US // 4, two.end_us - US // 4, "police", "guard"))
    retention = Retention(archive, index, timeline, {"gate": Policy(max_bytes=1)}, min_free_bytes=0)
    before = len(list(timeline.oldest()))
    assert retention.sweep(two.end_us) == before - 1
    assert [each.id for each in timeline.oldest()] == [two.id]
    assert not (archive / one.path).exists()
    assert (archive / two.path).exists()
    erased = [(each.from_us, each.reason) for each in timeline.erased("gate")]
    assert erased == [(one.start_us, "bytes"), (three.start_us, "bytes")]
    assert check(archive) == []
    database.close()
