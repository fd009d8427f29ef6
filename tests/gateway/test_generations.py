"""Generations: one table at a time, whole, and never an empty one while a good file is left."""

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gateway.builder import build_file
from gateway.generations import Generations
from gateway.store import Store
from gateway.wire import KINDS
from tests.gateway.world import card_key, credential, rows, site

CARDS = range(100, 150)


def page(version: int, **lists: Any) -> dict[str, Any]:
    return {"version": version, "deleted": [], **{name: [] for name in KINDS}, **lists}


def filled(path: Path, *credentials: dict[str, Any], version: int = 1) -> Store:
    store = Store(path)
    store.begin_snapshot()
    store.stage(rows(*credentials))
    store.commit_snapshot(version)
    return store


async def settled(generations: Generations, store: Store) -> None:
    await generations.refresh(store)
    await generations.settled()


def generations_in(folder: Path, **limits: Any) -> Generations:
    return Generations(folder / "generations", folder / "store.db", site(), **limits)


async def test_a_fresh_gateway_knows_nobody(tmp_path: Path) -> None:
    generations = generations_in(tmp_path)
    assert generations.table.version == 0
    assert generations.table.find(card_key(100)) is None


async def test_three_generations_stay_and_the_newest_serves_after_a_restart(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    generations = generations_in(tmp_path)
    adopted: list[int] = []
    generations._on_adopt = adopted.append
    await settled(generations, store)
    for version in range(2, 6):
        store.apply(page(version, zones=[{"id": f"z-{version}", "parent": None, "public": False}]))
        await settled(generations, store)
    assert adopted == [1, 2, 3, 4, 5]
    names = sorted(path.name for path in (tmp_path / "generations").iterdir())
    assert names == ["00000003-1.table", "00000004-1.table", "00000005-1.table"]
    assert generations_in(tmp_path).table.version == 5


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:-1],
        lambda data: b"",
        lambda data: bytes([*data[:200], data[200] ^ 1, *data[201:]]),
        lambda data: b"x" * len(data),
    ],
)
async def test_a_corrupt_generation_is_set_aside_and_the_one_before_serves(
    tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    await settled(generations_in(tmp_path), store)
    store.apply(page(2, zones=[{"id": "z", "parent": None, "public": False}], credentials=[credential(101)]))
    await settled(generations_in(tmp_path), store)
    newest = tmp_path / "generations" / "00000002-1.table"
    newest.write_bytes(damage(newest.read_bytes()))
    generations = generations_in(tmp_path)
    assert generations.table.version == 1
    assert generations.table.find(card_key(100)) is not None
    assert newest.with_suffix(".corrupt").exists()
    await settled(generations, store)  # and the mirror brings back what was lost
    assert generations.table.version == 2
    assert generations.table.find(card_key(101)) is not None


async def test_a_mirror_that_cannot_be_built_leaves_the_table_in_force(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    generations = generations_in(tmp_path)
    await settled(generations, store)
    twin = credential(101, key=card_key(100).hex())
    store.apply(page(2, credentials=[twin], zones=[{"id": "z", "parent": None, "public": False}]))
    await generations.refresh(store)
    await asyncio.sleep(1.0)
    assert generations.table.find(card_key(100)) is not None
    store.apply(page(3, deleted=[{"kind": "credential", "id": "c-101"}], credentials=[credential(100)]))
    await settled(generations, store)
    assert "z" in generations.table.zones
    await generations.close()


async def test_an_overlay_that_grows_becomes_a_generation(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    generations = generations_in(tmp_path, overlay_limit=5)
    await settled(generations, store)
    for version in range(2, 10):
        store.apply(page(version, credentials=[credential(version)]))
        await settled(generations, store)
        assert generations.table.find(card_key(version)) is not None
    assert generations.table.overlay_size <= 5
    assert generations.table.version == 9


async def test_a_retired_issuer_and_an_ended_denial_need_no_new_generation(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    generations = generations_in(tmp_path)
    await settled(generations, store)
    files = list((tmp_path / "generations").iterdir())
    issuers = [{"kid": kid, "public_key": bytes([2, *bytes(31), kid]).hex()} for kid in (2, 3)]
    denied = {"pass_id": "aa" * 8, "until": 1_900_000_000}

    async def said(version: int, **lists: Any) -> tuple[bool, bool, bool]:
        store.apply(page(version, **lists))
        await settled(generations, store)
        table = generations.table
        assert table.version == version
        return table.issuer(2) is not None, table.issuer(3) is not None, table.pass_denied(bytes.fromhex("aa" * 8))

    assert await said(2, issuers=issuers, denied=[denied]) == (True, True, True)
    gone = [{"kind": "issuer", "id": "2"}, {"kind": "denied", "id": "aa" * 8}]
    assert await said(3, deleted=gone) == (False, True, False)
    assert generations_in(tmp_path).table.version == 1
    again = generations_in(tmp_path)
    await settled(again, store)
    assert again.table.issuer(2) is None  # after a restart too
    assert await said(4, issuers=issuers[:1]) == (True, True, False)
    assert list((tmp_path / "generations").iterdir()) == files
    store.apply(page(5, deleted=gone, zones=[{"id": "z", "parent": None, "public": False}]))
    await settled(generations, store)
    assert (generations.table.issuer(2), generations.table.issuer(3) is not None) == (None, True)


async def test_a_swap_never_mixes_generations(tmp_path: Path) -> None:
    """Every card of a version has the same holder; a reader in another thread never sees two of them."""
    store = filled(tmp_path / "store.db", *(credential(card, holder="v1") for card in CARDS))
    generations = generations_in(tmp_path)
    await settled(generations, store)
    mixed, looks, stop = [], 0, threading.Event()

    def look() -> None:
        nonlocal looks
        while not stop.is_set():
            table = generations.table
            found = [table.find(card_key(card)) for card in CARDS]
            holders = {each.holder if each else None for each in found}
            looks += 1
            if holders != {f"v{table.version}"}:
                mixed.append(holders)
            time.sleep(0.0005)

    reader = threading.Thread(target=look)
    reader.start()
    for version in range(2, 10):
        changed = [credential(card, holder=f"v{version}") for card in CARDS]
        if version % 3 == 0:
            store.begin_snapshot()
            store.stage(rows(*changed))
            store.commit_snapshot(version)
        else:
            store.apply(page(version, credentials=changed))
        await settled(generations, store)
    stop.set()
    reader.join()
    assert looks > 50
    assert not mixed


async def test_a_mirror_that_is_behind_builds_nothing(tmp_path: Path) -> None:
    filled(tmp_path / "store.db", credential(100)).close()
    with pytest.raises(ValueError, match="stands at 1"):
        build_file(tmp_path / "store.db", tmp_path / "out.table", 2)
    assert not (tmp_path / "out.table").exists()


def test_an_unfinished_snapshot_leaves_the_mirror_as_it_was(tmp_path: Path) -> None:
    store = filled(tmp_path / "store.db", credential(100))
    store.begin_snapshot()
    store.stage(rows(credential(200)))
    store.close()
    store = Store(tmp_path / "store.db")
    assert {each.id for each in store.rows() if hasattr(each, "holder")} == {"c-100"}
    store.begin_snapshot()
    store.stage(rows(credential(300)))
    store.commit_snapshot(7)
    assert {each.id for each in store.rows() if hasattr(each, "holder")} == {"c-300"}
    assert (store.stand().version, store.stand().snapshot) == (7, 2)
    store.close()


def test_a_mirror_that_is_no_database_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "store.db").write_bytes(b"no database " * 1000)
    store = Store(tmp_path / "store.db")
    assert store.stand().version is None
    store.close()
    assert list(tmp_path.glob("store.db.broken-*"))
