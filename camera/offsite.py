"""What is held goes to a store elsewhere: the files as they are, and for each hold a signed list of them.

segments/CAMERA/DATE/HOUR/ID.mp4     a file of footage, once, whatever holds want it
holds/ID.json, holds/ID.json.sig     the hold, its files with SHA-256 and place in the chain, its gaps; Ed25519 in hex

What the store has is written down in the index; after any end it goes on where it was. Lifting a hold takes nothing
back: how long the store keeps things is the store's own rule.
"""

import asyncio
import hashlib
import json
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from camera import disk
from camera.index import Index
from camera.playlist import iso
from camera.s3 import S3, NotStored
from camera.segment import US, Hold, Segment, sub_name
from camera.timeline import Timeline

log = structlog.get_logger()
DOMAIN = b"menjin-held-footage-v1\n"
LOOK_S = 30.0
LONGEST_WAIT_S = 600.0
SETTLE_US = 700 * US  # after a hold's end its last file is complete: none is longer than 600 s


class Offsite:
    """Sends what is held. `sent` counts files, `waiting` those that the last look left, `fault` says why."""

    def __init__(self, root: Path, index: Index, timeline: Timeline, store: S3, key: Ed25519PrivateKey) -> None:
        self._root, self._index, self._timeline, self._store, self._key = root, index, timeline, store, key
        self.sent, self.waiting, self.fault = 0, 0, ""

    async def run(self) -> None:
        """Look for what is held every while; after a fault wait longer, ten minutes at most."""
        wait_s = LOOK_S
        while True:
            whole = await asyncio.to_thread(self.look, int(time.time() * US))
            wait_s = LOOK_S if whole else min(LONGEST_WAIT_S, wait_s * 2)
            await asyncio.sleep(wait_s)

    def look(self, now_us: int) -> bool:
        """Send what is held and not there yet; tell whether all went well.

        A file that fails stops the lists of its own holds only.
        """
        faults: list[str] = []
        wanted = {hold.id: self._files(hold) for hold in self._timeline.holds() if hold.alive(now_us)}
        stored = self._timeline.stored()
        queue = {each.id: each for files in wanted.values() for each in files if _key(each) not in stored}
        self.waiting = len(queue)
        failed: set[str] = set()
        for segment in queue.values():
            if said := self._tried(lambda segment=segment: self._send(segment)):  # type: ignore[misc] # called at once
                faults += said
                failed.add(segment.id)
        for hold in self._timeline.holds():  # a list is of what the store has: a file that fails stops its own holds
            if hold.id in wanted and failed.isdisjoint(each.id for each in wanted[hold.id]):
                faults += self._tried(lambda hold=hold: self._list(hold, wanted[hold.id], now_us))  # type: ignore[misc]
        self.fault = faults[0] if faults else ""
        return not faults

    def _tried(self, send: Callable[[], None]) -> list[str]:
        try:
            send()
        except (NotStored, OSError, sqlite3.Error) as error:
            log.warning("not sent to the store yet", error=str(error))
            return [str(error)]
        return []

    def _files(self, hold: Hold) -> list[Segment]:
        streams = (hold.camera, sub_name(hold.camera))
        return [each for stream in streams for each in self._timeline.segments(stream, hold.from_us, hold.to_us)]

    def _send(self, segment: Segment) -> None:
        key = _key(segment)
        upload = self._timeline.begun_upload(key)
        path = self._root / segment.path
        with disk.mapped(path) as data:
            if hashlib.sha256(data).hexdigest() != segment.sha256:
                raise NotStored(f"{segment.path} is not as recorded: see `menjin recordings check`")
        self._store.put_file(key, path, upload, lambda begun: self._index.begin_upload(key, begun))
        self._index.end_upload(key, segment.sha256, time.time_ns() // 1000)
        self.sent, self.waiting = self.sent + 1, self.waiting - 1
        log.info("sent to the store", key=key, bytes=segment.bytes)

    def _list(self, hold: Hold, files: list[Segment], now_us: int) -> None:
        """Put the hold's list, anew when it changed; it says whether all of its time has passed."""
        text = json.dumps(
            {
                "format": "menjin-held-footage",
                "hold": {"id": hold.id, "camera": hold.camera, "from": iso(hold.from_us), "to": iso(hold.to_us),
                         "reason": hold.reason, "by": hold.by},
                "complete": now_us > hold.to_us + SETTLE_US,
                "public_key": self._key.public_key().public_bytes_raw().hex(),
                "files": [_told(each) for each in files],
                "gaps": [{"from": iso(gap.from_us), "to": iso(gap.to_us or now_us), "reason": gap.reason}
                         for gap in self._timeline.gaps(hold.camera, hold.from_us, hold.to_us) if gap.to_us],
            },
            indent=1,
        ).encode()  # fmt: skip
        key, digest = f"holds/{hold.id}.json", hashlib.sha256(text).hexdigest()
        if self._timeline.stored().get(key) == digest:
            return
        self._store.put_text(key, text)
        self._store.put_text(f"{key}.sig", self._key.sign(DOMAIN + text).hex().encode())
        self._index.end_upload(key, digest, now_us)


def _key(segment: Segment) -> str:
    return f"segments/{disk.final_path(segment.camera, segment.id, segment.start_us)}"


def _told(segment: Segment) -> dict[str, object]:
    return {
        "key": _key(segment),
        "camera": segment.camera,
        "start": iso(segment.start_us),
        "end": iso(segment.end_us),
        "bytes": segment.bytes,
        "sha256": segment.sha256,
        "mime": segment.mime,
        "seq": segment.seq,
        "prev": segment.prev,
        "chain": segment.chain,
    }
