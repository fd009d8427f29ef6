"""One S3 store, by boto3: a file goes up in parts, and an upload that was cut off goes on where it was.

Each part is sent with its MD5, which the store compares; a part that it already has is known by the same MD5.
"""

import base64
import hashlib
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

PART_BYTES = 8 << 20  # S3 asks for 5 MiB at least


class NotStored(Exception):
    """The store did not take it; try again later. The text is without secrets."""


@dataclass(frozen=True, slots=True)
class Store:
    """Where a bucket is, and who we are there. `limit_mbit` bounds what goes up, in Mbit/s; 0: no bound."""

    endpoint: str
    bucket: str
    region: str
    access_key: str
    secret_key: str = field(repr=False)
    prefix: str = ""
    limit_mbit: float = 0


class S3:
    """Puts files and small texts into a store. Blocks."""

    def __init__(self, store: Store, part_bytes: int = PART_BYTES, timeout_s: float = 30) -> None:
        self._store, self._part_bytes = store, part_bytes
        config = Config(
            signature_version="s3v4",
            s3={"addressing_style": "path"},
            connect_timeout=timeout_s,
            read_timeout=timeout_s,
            retries={"max_attempts": 2, "mode": "standard"},
            request_checksum_calculation="when_required",  # other stores than AWS's do not all know the new checksums
            response_checksum_validation="when_required",
        )
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=store.endpoint,
            region_name=store.region,
            aws_access_key_id=store.access_key,
            aws_secret_access_key=store.secret_key,
            config=config,
        )

    def put_text(self, key: str, data: bytes, kind: str = "application/json") -> None:
        """Put something small.

        Raises:
            NotStored: It is not there.
        """
        with _told():
            self._client.put_object(Body=data, ContentMD5=_base64(_md5(data)), ContentType=kind, **self._named(key))

    def put_file(self, key: str, path: Path, upload: str | None, began: Callable[[str], None]) -> None:
        """Put a file; it is there, whole, when this returns.

        Args:
            key: Its name in the store.
            path: Where it is.
            upload: The id of an upload of it that was begun before.
            began: Is told the id of a new upload, to be kept for the next time.

        Raises:
            NotStored: It is not there, or not yet whole.
            OSError: It cannot be read.
        """
        with _told():
            size = path.stat().st_size
            if size <= self._part_bytes:
                self.put_text(key, path.read_bytes(), "video/mp4")
            else:
                self._put_parts(key, path, upload, began)
            if (stored := self._client.head_object(**self._named(key))["ContentLength"]) != size:
                raise NotStored(f"{key} has {stored} bytes in the store, not {size}")

    def _put_parts(self, key: str, path: Path, upload: str | None, began: Callable[[str], None]) -> None:
        there = self._parts(key, upload) if upload else None
        if upload is None or there is None:
            upload, there = (
                self._client.create_multipart_upload(ContentType="video/mp4", **self._named(key))["UploadId"],
                {},
            )
            began(upload)
        done = []
        with path.open("rb") as file:
            for number, data in enumerate(iter(lambda: file.read(self._part_bytes), b""), 1):
                digest = _md5(data)
                if there.get(number) != digest.hex():
                    self._put_part(key, upload, number, data, digest)
                done.append({"PartNumber": number, "ETag": f'"{digest.hex()}"'})
        self._client.complete_multipart_upload(UploadId=upload, MultipartUpload={"Parts": done}, **self._named(key))

    def _put_part(self, key: str, upload: str, number: int, data: bytes, digest: bytes) -> None:
        began = time.monotonic()
        more = {"UploadId": upload, "PartNumber": number, "ContentMD5": _base64(digest)}
        self._client.upload_part(Body=data, **more, **self._named(key))
        if self._store.limit_mbit:
            least_s = len(data) * 8 / self._store.limit_mbit / 1e6
            time.sleep(max(0.0, least_s - (time.monotonic() - began)))

    def _parts(self, key: str, upload: str) -> dict[int, str] | None:
        """Return number and MD5 of the parts that are there; None when the store forgot the upload."""
        try:
            pages = self._client.get_paginator("list_parts").paginate(UploadId=upload, **self._named(key))
            return {part["PartNumber"]: part["ETag"].strip('"') for page in pages for part in page.get("Parts", ())}
        except ClientError as error:
            if error.response["Error"]["Code"] in ("NoSuchUpload", "404", "NoSuchKey"):
                return None
            raise

    def _named(self, key: str) -> dict[str, str]:
        return {"Bucket": self._store.bucket, "Key": self._store.prefix + key}


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise NotStored(str(error)) from error


def _md5(data: bytes) -> bytes:
    return hashlib.md5(data, usedforsecurity=False).digest()  # what S3 compares; SHA-256 is in the manifest


def _base64(digest: bytes) -> str:
    return base64.b64encode(digest).decode()
