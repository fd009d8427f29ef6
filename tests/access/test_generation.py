import mmap
from datetime import UTC
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.access.generation import BadRows, build
from gateway.access.model import (
    AccessPolicy,
    AccessProfile,
    Credential,
    CredentialState,
    CredentialType,
    DeniedPass,
    HolderClass,
    IssuerKey,
    Row,
    Schedule,
    Window,
    Zone,
)
from gateway.access.table import Buffer, CorruptTable, NeedsRebuild, PermissionTable
from tests.access.worlds import SITE, credentials, key_of, offices


def load(buffer: Buffer) -> PermissionTable:
    return PermissionTable.load(buffer, [], UTC, site=SITE)


def card(number: int, key: bytes | None = None) -> Credential:
    id_ = f"card-{number}"
    key = key or number.to_bytes(16, "big")
    return Credential(id_, key, CredentialType.CARD, "r1", HolderClass.RESIDENT, CredentialState.ENABLED, ("home",))


@st.composite
def row_lists(draw: st.DrawFn) -> list[Row]:
    numbers = draw(st.sets(st.integers(0, 255), max_size=12))
    return draw(offices()) + [draw(credentials(number)) for number in numbers]


@given(row_lists(), st.integers(0, 2**63))
def test_a_generation_gives_back_every_row(rows: list[Row], version: int) -> None:
    table = load(build(rows, version))
    assert table.version == version
    assert sorted(table.rows(), key=repr) == sorted(rows, key=repr)
    kept = {row.key: row for row in rows if isinstance(row, Credential)}
    assert all(table.find(key_of(number)) == kept.get(key_of(number)) for number in range(256))


@given(row_lists(), row_lists(), st.sets(st.integers(0, 255)))
def test_an_overlay_gives_the_rows_of_a_new_generation(before: list[Row], after: list[Row], gone: set[int]) -> None:
    changes = [row for row in after if isinstance(row, Credential | IssuerKey | DeniedPass)]
    deleted = [key_of(number) for number in gone]
    base = load(build(before, 1))
    table = base.with_changes(changes, deleted, 2)
    expected: dict[object, Row] = {_identity(row): row for row in before}
    expected = {key: row for key, row in expected.items() if key not in deleted}
    expected |= {_identity(row): row for row in changes}
    assert sorted(table.rows(), key=repr) == sorted(expected.values(), key=repr)
    assert sorted(base.rows(), key=repr) == sorted(before, key=repr)


def _identity(row: Row) -> object:
    match row:
        case Credential():
            return row.key
        case IssuerKey(kid, _):
            return kid
        case DeniedPass(pass_id, _):
            return ("denied", pass_id)
        case _:
            return (type(row), row.id)


def test_a_key_passes_from_one_credential_to_another_in_one_change() -> None:
    table = load(build([card(1)], 1)).with_changes([card(2, key=card(1).key)], [card(1).key], 2)
    assert table.find(card(1).key) == card(2, key=card(1).key)
    assert table.version == 2
    assert table.overlay_size == 1


@pytest.mark.parametrize("row", [Zone("z"), Schedule("s", ()), AccessProfile("p", 1, ())])
def test_a_change_of_the_rules_themselves_needs_a_new_generation(row: Row) -> None:
    with pytest.raises(NeedsRebuild):
        load(build([], 1)).with_changes([row], [], 2)


def test_keys_that_begin_alike_are_told_apart() -> None:
    cards = [card(number, key=b"collides" + number.to_bytes(8, "big")) for number in range(200)]
    table = load(build(cards, 1))
    assert [table.find(row.key) for row in cards] == cards
    assert table.find(b"collides" + bytes([9] * 8)) is None


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([card(1), card(1)], "two credentials"),
        ([card(1, key=b"short")], "5 bytes"),
        ([Zone("z"), Zone("z")], "twice"),
        ([AccessProfile("a", 1, ()), AccessProfile("b", 1, ())], "number 1 stands twice"),
        ([AccessProfile("a", 0, ())], "1 to 65535"),
        ([AccessProfile("a", 1, (AccessPolicy("s"),))], "exactly one"),
        ([AccessProfile("a", 1, (AccessPolicy("s", "z", "p"),))], "exactly one"),
        ([Schedule("s", (Window(1, 60, 60),))], "one day"),
        ([IssuerKey(16, b"")], "0 to 15"),
        ([card(1)._replace(valid_to=2**70)], "card-1"),
        ([card(1)._replace(public_key=bytes(256))], "card-1"),
    ],
)
def test_rows_that_cannot_stand_in_one_table_are_refused(rows: list[Row], said: str) -> None:
    with pytest.raises(BadRows, match=said):
        build(rows, 1)


def test_a_truncated_generation_is_corrupt() -> None:
    whole = build([Zone("z"), card(1), card(2)], 1)
    for length in range(len(whole)):
        with pytest.raises(CorruptTable):
            load(whole[:length])
    with pytest.raises(CorruptTable):
        load(whole + b"\0")


def test_a_generation_with_any_bit_changed_is_corrupt() -> None:
    whole = build([Zone("z"), card(1)], 1)
    for bit in range(len(whole) * 8):
        changed = bytearray(whole)
        changed[bit // 8] ^= 1 << bit % 8
        with pytest.raises(CorruptTable):
            load(bytes(changed))


@given(st.binary(max_size=300))
def test_what_is_no_generation_is_corrupt(data: bytes) -> None:
    with pytest.raises(CorruptTable):
        load(data)


def test_a_corrupt_table_says_where() -> None:
    whole = build([], 1)
    with pytest.raises(CorruptTable, match="length") as caught:
        load(whole[:-1])
    assert caught.value.where == "length"
    with pytest.raises(CorruptTable, match="magic"):
        load(b"NOTHING" + whole[7:])
    with pytest.raises(CorruptTable, match="checksum"):
        load(whole[:-1] + bytes([whole[-1] ^ 1]))


def test_a_mapped_file_stays_small_in_memory_once_its_texts_are_let_go(tmp_path: Path) -> None:
    path = tmp_path / "generation"
    path.write_bytes(build([card(number)._replace(holder="r" * 1000) for number in range(2000)], 1))
    with path.open("rb") as file:
        table = load(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ))
    assert len(list(table.rows())) == 2000
    read = resident_bytes(path)
    table.let_texts_go()
    assert resident_bytes(path) < read / 4
    assert table.find(card(1).key) == card(1)._replace(holder="r" * 1000)


def resident_bytes(path: Path) -> int:
    """Of this process's map of a file, the bytes in memory."""
    lines = iter(Path("/proc/self/smaps").read_text().splitlines())
    for line in lines:
        if line.endswith(str(path)):
            return next(int(each.split()[1]) * 1024 for each in lines if each.startswith("Rss:"))
    raise AssertionError(f"{path} is not mapped")


def test_a_mapped_file_serves_like_its_bytes(tmp_path: Path) -> None:
    rows = [card(number) for number in range(1000)]
    path = tmp_path / "generation"
    path.write_bytes(build(rows, 3))
    with path.open("rb") as file:
        mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
    table = load(mapped)
    assert all(table.find(row.key) == row for row in rows)
    assert table.find(bytes([255] * 16)) is None
    with memoryview(mapped) as view:
        assert list(load(view).rows()) == list(table.rows())
