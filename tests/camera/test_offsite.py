"""Held footage in a real S3 store: whole, listed, signed, and gone on with after every kind of end."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from camera.database import Database
from camera.index import Index
from camera.offsite import DOMAIN, Offsite
from camera.s3 import S3, NotStored, Store
from camera.segment import US, Hold, Segment
from camera.timeline import Timeline
from tests.camera.store import BUCKET, WeedStore

KEY = Ed25519PrivateKey.from_private_bytes(bytes(32))
PART = 5 << 20


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[WeedStore]:
    folder = tmp_path_factory.mktemp("store")
    made = WeedStore(folder / "weed")
    yield made
    made.stop()
    shutil.rmtree(folder)


class Held:
    """A copy of recorded footage, its index opened, with one hold over its first files."""

    def __init__(self, root: Path, store: Store) -> None:
        self.root = root
        self.database = Database(root / "index.db")
        self.index, self.timeline = Index(self.database), Timeline(self.database)
        one, two, three = list(self.timeline.chain("gate"))[:3]
        self.files = [one, two]
        self.hold = self.index.add_hold(Hold(0, "gate", one.start_us, three.start_us, "theft", "guard"))
        self.offsite = Offsite(root, self.index, self.timeline, S3(store), KEY)

    def key(self, segment: Segment) -> str:
        return f"segments/{segment.path}"


@pytest.fixture
def held(archive: Path, store: WeedStore) -> Iterator[Held]:
    made = Held(archive, store.settings)
    yield made
    made.database.close()


def later(held: Held) -> int:
    return held.hold.to_us + 3600 * US


def test_what_is_held_is_in_the_store_byte_for_byte_with_a_signed_list(held: Held, store: WeedStore) -> None:
    assert held.offsite.look(later(held))
    for each in held.files:
        assert hashlib.sha256(store.get(held.key(each))).hexdigest() == each.sha256
    text = store.get(f"holds/{held.hold.id}.json")
    listed = json.loads(text)
    assert [each["sha256"] for each in listed["files"]] == [each.sha256 for each in held.files]
    assert listed["complete"]
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(listed["public_key"]))
    public.verify(bytes.fromhex(store.get(f"holds/{held.hold.id}.json.sig").decode()), DOMAIN + text)
    assert held.offsite.sent == 2


def test_nothing_is_sent_twice_and_nothing_that_is_not_held(held: Held, store: WeedStore) -> None:
    held.offsite.look(later(held))
    third = list(held.timeline.chain("gate"))[2]
    assert held.key(third) not in store.listed()
    again = Offsite(held.root, held.index, held.timeline, S3(store.settings), KEY)
    assert again.look(later(held))
    assert again.sent == 0


def test_a_store_that_is_away_is_a_fault_that_passes(held: Held, store: WeedStore) -> None:
    away = Store("http://127.0.0.1:1", BUCKET, "us-east-1", "a", "secret-of-the-store")
    offsite = Offsite(held.root, held.index, held.timeline, S3(away, timeout_s=1), KEY)
    assert not offsite.look(later(held))
    assert offsite.fault
    assert offsite.waiting == 2
    assert "secret-of-the-store" not in offsite.fault + repr(away)
    assert held.offsite.look(later(held))
    assert held.offsite.fault == ""


def test_a_wrong_key_is_told_in_plain_words(held: Held, store: WeedStore) -> None:
    wrong = Store(store.endpoint, BUCKET, "us-east-1", "menjin", "wrong")
    with pytest.raises(NotStored, match=r"(?i)signature"):
        S3(wrong).put_text("x", b"{}")


def test_altered_footage_is_never_sent_as_evidence(held: Held) -> None:
    with (held.root / held.files[0].path).open("r+b") as file:
        file.write(b"\xff")
    assert not held.offsite.look(later(held))
    assert "not as recorded" in held.offsite.fault
    assert held.offsite.sent == 1, "the other file goes all the same"


def test_a_damaged_file_stops_the_list_of_its_own_hold_only(held: Held, store: WeedStore) -> None:
    other = list(held.timeline.chain("gate"))[2]
    good = held.index.add_hold(Hold(0, "gate", other.start_us + 1000, other.end_us, "theft", "guard"))
    with (held.root / held.files[0].path).open("r+b") as file:
        file.write(b"\xff")
    assert not held.offsite.look(later(held))
    known = held.timeline.stored()
    assert f"holds/{good.id}.json" in known
    assert f"holds/{held.hold.id}.json" not in known
    assert json.loads(store.get(f"holds/{good.id}.json"))["hold"]["id"] == good.id


class Cut(Exception):
    """The line, or this process, ends here."""


def test_an_upload_that_was_cut_off_goes_on_with_the_parts_that_are_missing(
    store: WeedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(3 * PART + 1000))
    begun: list[str] = []
    sent: list[int] = []
    put_part = S3._put_part

    def cut_at_three(self: S3, key: str, upload: str, number: int, data: bytes, digest: bytes) -> None:
        if number == 3 and not sent[2:]:
            sent.append(0)
            raise Cut
        sent.append(number)
        put_part(self, key, upload, number, data, digest)

    monkeypatch.setattr(S3, "_put_part", cut_at_three)
    with pytest.raises(Cut):
        S3(store.settings, PART).put_file("large.mp4", path, None, begun.append)
    assert "large.mp4" not in store.listed(), "half a file is no file"
    S3(store.settings, PART).put_file("large.mp4", path, begun[0], begun.append)
    assert sent == [1, 2, 0, 3, 4], "the first two were there"
    assert len(begun) == 1
    assert store.get("large.mp4") == path.read_bytes()


def test_an_upload_that_the_store_forgot_begins_anew(store: WeedStore, tmp_path: Path) -> None:
    path = tmp_path / "large.mp4"
    path.write_bytes(os.urandom(PART + 1000))
    begun: list[str] = []
    S3(store.settings, PART).put_file("forgotten.mp4", path, "0123456789abcdef", begun.append)
    assert len(begun) == 1
    assert store.get("forgotten.mp4") == path.read_bytes()
