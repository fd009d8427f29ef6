"""Pictures of events: taken from the footage of a door's cameras, kept when that has gone, in step with the index."""

import asyncio
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from camera.check import Kind, check
from camera.database import Database
from camera.drawing import Drawings
from camera.footage import Footage
from camera.index import Index
from camera.repair import repair
from camera.retention import finish_garbage
from camera.segment import US
from camera.snapshot_taker import SnapshotTaker
from camera.snapshots import Album, Snapshots
from camera.timeline import Timeline
from config.settings import Retention
from tests.camera.site import CameraSite, RecorderProcess, clocks, eventually, wired

NOW_US = 1_800_000_000 * US
DAY_US = 86_400 * US


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(tmp_path / "index.db")
    yield opened
    opened.close()


@pytest.fixture
def store(tmp_path: Path, database: Database) -> Snapshots:
    return Snapshots(tmp_path, database)


def files(root: Path) -> list[str]:
    return sorted(path.name for path in root.glob("snapshots/*/*/*"))


def swept(root: Path, database: Database) -> list[str]:
    index, timeline = Index(database), Timeline(database)
    finish_garbage(root, index, timeline, [root])
    assert timeline.garbage() == []
    return files(root)


def test_what_happens_within_half_a_second_is_one_picture(store: Snapshots) -> None:
    store.keep("gate", NOW_US, b"one")
    store.lack("gate", NOW_US + 300_000, "camera_lost")
    found = store.near("gate", NOW_US + 400_000)
    assert found
    assert store.read(found) == b"one"
    assert store.near("gate", NOW_US + 900_000) is None
    assert store.near("garage", NOW_US) is None


def test_old_pictures_go_with_their_files_and_the_oldest_beyond_the_bytes(
    tmp_path: Path, database: Database, store: Snapshots
) -> None:
    for age in (200, 150, 100, 50):
        store.keep("gate", NOW_US - age * DAY_US, bytes(1000))
    store.lack("gate", NOW_US - 190 * DAY_US, "camera_lost")
    assert Album(store, 180 * 86_400).sweep(NOW_US) == 2
    assert len(swept(tmp_path, database)) == 3
    assert Album(store, 180 * 86_400, max_bytes=2500).sweep(NOW_US) == 1
    assert swept(tmp_path, database) == [f"{NOW_US - age * DAY_US}.jpg" for age in (100, 50)]
    assert [each.at_us for each in store.pictures()] == [NOW_US - 100 * DAY_US, NOW_US - 50 * DAY_US]


def test_a_start_takes_in_what_a_crash_left_without_its_row(
    tmp_path: Path, database: Database, store: Snapshots
) -> None:
    store.keep("gate", NOW_US, b"one")
    with database.writing() as rows:
        rows.execute("delete from snapshot")
    half = next(tmp_path.glob("snapshots/*/*/*.jpg")).with_suffix(".jpg.part")
    half.write_bytes(b"o")
    assert store.recover(NOW_US) == 1
    assert not half.exists()
    found = store.near("gate", NOW_US)
    assert found
    assert store.read(found) == b"one"
    assert store.recover(NOW_US) == 0


def test_the_check_names_what_became_of_a_picture_and_the_repair_mends_it(archive: Path) -> None:
    database = Database(archive / "index.db")
    store = Snapshots(archive, database)
    for n, words in enumerate((b"whole", b"altered", b"gone", b"rowless")):
        store.keep("gate", NOW_US + n * US, words)
    whole, altered, gone, rowless = (archive / each.path for each in store.pictures())
    with database.writing() as rows:
        rows.execute("delete from snapshot where at_us = ?", (NOW_US + 3 * US,))
    altered.write_bytes(b"another")
    gone.unlink()
    faults = {fault.path: fault.kind for fault in check(archive)}
    wanted = {altered: Kind.ALTERED, gone: Kind.MISSING_FILE, rowless: Kind.ORPHAN_FILE}
    assert faults == {str(path.relative_to(archive)): kind for path, kind in wanted.items()}
    repair(archive, NOW_US)
    assert check(archive) == []
    assert (archive / "unusable" / "gate" / altered.name).read_bytes() == b"another"
    assert [archive / each.path for each in store.pictures()] == [whole, rowless]
    reasons = [each.why for n in (1, 2) if (each := store.near("gate", NOW_US + n * US))]
    assert reasons == ["damaged", "lost"]
    database.close()


@pytest.fixture(scope="module")
def site() -> Iterator[CameraSite]:
    opened = CameraSite("/gate")
    yield opened
    opened.kill()


class Moving(Footage):
    """Footage whose file goes to its final place just now: for a moment it is nowhere."""

    looks = 0

    def path(self, segment: str, camera: str) -> Path:
        self.looks += 1
        if self.looks < 3:
            raise FileNotFoundError(segment)
        return super().path(segment, camera)


def test_a_picture_waits_for_a_file_that_goes_to_its_final_place_just_now(archive: Path) -> None:
    database = Database(archive / "index.db")
    timeline, snapshots = Timeline(database), Snapshots(archive, database)
    footage, drawings = Moving(archive, timeline, {}), Drawings(archive / "drawings", {"gate": ()})
    taker = SnapshotTaker(snapshots, footage, timeline, 320, drawings)
    last = timeline.last("gate")
    assert last
    at_us = (last.start_us + last.end_us) // 2

    async def take() -> None:
        taking = asyncio.create_task(taker.run())
        taker.want("gate", at_us)
        async with asyncio.timeout(60):
            while snapshots.near("gate", at_us) is None:
                await asyncio.sleep(0.05)
        taking.cancel()

    asyncio.run(take())
    found = snapshots.near("gate", at_us)
    database.close()
    assert found
    assert not found.why
    assert footage.looks == 3


@pytest.fixture(scope="module")
def running(site: CameraSite, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RecorderProcess]:
    """A recorder that forgets footage after some seconds; one of the door's cameras is away."""
    short = Retention(max_age_h=6 / 3600, event_h=6 / 3600)
    cameras = [wired("gate", site.url("/gate"), doors=("main",), retention=short, recording={"linger_s": 2}),
               wired("away", "rtsp://127.0.0.1:1/x", doors=("main",))]  # fmt: skip
    recorder = RecorderProcess(tmp_path_factory.mktemp("snapshots"), cameras)
    eventually(lambda: recorder.state("gate") == "recording")
    yield recorder
    recorder.close()


def mark(recorder: RecorderProcess, at: datetime, reason: str) -> None:
    answer = recorder.http.post("/marks", json={"door": "main", "from": at.isoformat(), "reason": reason})
    assert answer.status_code == 201, answer.text


def snapshot(recorder: RecorderProcess, camera: str, at: datetime) -> bytes:
    answer = recorder.http.get(f"/cameras/{camera}/snapshot.jpg", params={"at": at.isoformat()})
    return answer.content if answer.status_code == 200 else b""


def why_not(recorder: RecorderProcess, camera: str, at: datetime) -> str:
    answer = recorder.http.get(f"/cameras/{camera}/snapshot.jpg", params={"at": at.isoformat()})
    assert answer.status_code == 404
    return str(answer.json()["title"]).partition("no picture: ")[2]


def luma(jpeg: bytes, x: float, y: float) -> int:
    argv = ["ffmpeg", "-v", "error", "-i", "pipe:0", "-f", "rawvideo", "-pix_fmt", "gray", "pipe:1"]
    raw = subprocess.run(argv, input=jpeg, capture_output=True, check=True).stdout
    return raw[int(y * 360) * 640 + int(x * 640)]


def test_an_events_picture_outlives_its_footage(running: RecorderProcess) -> None:
    time.sleep(1)
    at = datetime.now(UTC)
    mark(running, at, "Granted gateway-1/1")
    jpeg = eventually(lambda: snapshot(running, "gate", at))
    assert abs(clocks(jpeg)[0] / 1000 - at.timestamp()) < 1
    span = {"from": at.isoformat(), "to": datetime.fromtimestamp(at.timestamp() + 0.1, UTC).isoformat()}
    eventually(lambda: not running.get("/cameras/gate/timeline", **span)["recorded"], 40)
    after = running.http.get("/cameras/gate/still.jpg", params={"at": at.isoformat(), "width": 320})
    assert (after.status_code, after.content) == (200, jpeg)
    assert eventually(lambda: why_not(running, "away", at)) == "refused"


def test_a_mask_that_is_drawn_later_hides_what_was_kept_before(running: RecorderProcess) -> None:
    at = datetime.now(UTC)
    mark(running, at, "Granted gateway-1/2")
    open_ = eventually(lambda: snapshot(running, "gate", at))
    corner = [[0, 0.9], [0.2, 0.9], [0.2, 1], [0, 1]]
    body = {"revision": 1, "masks": [{"name": "window", "polygon": corner}]}
    assert running.http.put("/cameras/gate/drawing", json=body).status_code == 200
    closed = snapshot(running, "gate", at)
    assert luma(open_, 0.01, 0.95) > 200  # the white block of the machine's clock
    assert luma(closed, 0.01, 0.95) < 20
    assert running.http.put("/cameras/gate/drawing", json={"revision": 2}).status_code == 200


def test_a_killed_recorder_takes_after_its_start_what_it_did_not_take_before(running: RecorderProcess) -> None:
    at = datetime.now(UTC) - timedelta(seconds=1)  # it is on disk by now
    mark(running, at, "Granted gateway-1/3")
    running.crash()
    assert not list(running.dir.glob(f"snapshots/gate/*/{round(at.timestamp() * 1e6)}.jpg"))
    running.start()
    jpeg = eventually(lambda: snapshot(running, "gate", at))
    assert abs(clocks(jpeg)[0] / 1000 - at.timestamp()) < 1.5  # a salvaged file's times are less exact
    eventually(lambda: running.state("gate") == "recording")
    assert check(running.dir) == []
