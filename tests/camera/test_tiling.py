"""An export is whole only when every byte of its file is of what was signed, and whoever signed it is named."""

import io
import json
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from camera.clip import DOMAIN, FORMAT, MANIFEST, SIGNATURE, public_keys, verify
from mgmt_api.cli.command import app

KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
PUBLIC = KEY.public_key().public_bytes_raw().hex()
EMPTY = {"format": FORMAT, "public_key": PUBLIC, "cameras": [], "files": [], "whole": None}


def signed(manifest: object, mode: int = 0o100600, packed: int = zipfile.ZIP_DEFLATED) -> bytes:
    """An export without files, by a key of one's own."""
    raw, target = json.dumps(manifest).encode(), io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name, data in ((MANIFEST, raw), (SIGNATURE, KEY.sign(DOMAIN + raw).hex().encode())):
            info = zipfile.ZipInfo(name)
            info.external_attr, info.compress_type = mode << 16, packed
            archive.writestr(info, data)
    return target.getvalue()


WHOLE = signed(EMPTY)


def commented(data: bytes) -> bytes:
    target = io.BytesIO(data)
    with zipfile.ZipFile(target, "a") as archive:
        archive.comment = b"he was never there"
    return target.getvalue()


def hidden_member(data: bytes) -> bytes:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("extra.mp4", b"FORGED" * 100)
    return target.getvalue()[: target.getvalue().index(b"PK\1\2")] + data


def renamed_before_its_list(data: bytes) -> bytes:
    at = data.index(b"PK\1\2")
    return data[:14] + zlib.crc32(b"another").to_bytes(4, "little") + data[18:at] + data[at:]


@pytest.mark.parametrize(
    "change",
    [
        lambda data: b"#!/bin/sh\n" + data,
        lambda data: data + b"hello",
        commented,
        hidden_member,
        renamed_before_its_list,
        lambda _: signed(EMPTY, 0o120777),
        lambda _: signed(EMPTY, packed=zipfile.ZIP_BZIP2),
    ],
    ids=["before", "after", "comment", "hidden member", "another header", "a link", "another packing"],
)
def test_bytes_that_belong_to_nothing_that_was_signed_are_a_fault(
    tmp_path: Path, change: Callable[[bytes], bytes]
) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(WHOLE)
    assert verify(path) == []
    path.write_bytes(change(WHOLE))
    assert verify(path)


def test_a_zip_of_exports_may_be_streamed_and_its_parts_have_simple_names(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    for name, whole in (("recorder-0.zip", True), ("../evil.zip", False)):
        with (
            path.open("wb") as file,
            zipfile.ZipFile(_Stream(file), "w") as archive,  # type: ignore[call-overload] # all that a zip asks of it
            archive.open(zipfile.ZipInfo(name), "w", force_zip64=True) as member,
        ):
            member.write(WHOLE)
        assert (verify(path) == []) is whole
        assert public_keys(path) == [PUBLIC]


class _Stream:
    """A file that cannot be sought."""

    def __init__(self, file: io.BufferedWriter) -> None:
        self.write, self.flush = file.write, file.flush


SHAPES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["cameras", "name", "id"]), inner),
    max_leaves=6,
)


@given(st.sampled_from(["whole", "cameras", "files", "public_key", "format"]), SHAPES)
def test_a_manifest_of_any_shape_is_judged_and_never_raises(
    tmp_path_factory: pytest.TempPathFactory, key: str, value: object
) -> None:
    path = tmp_path_factory.mktemp("shape") / "x.zip"
    for manifest in ({**EMPTY, key: value}, value):
        path.write_bytes(signed(manifest))
        verify(path)
        public_keys(path)


def test_who_gave_no_key_is_told_that_nobody_checked_whose_it_is(tmp_path: Path) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(WHOLE)
    argv = ["clip", "verify", str(path)]
    plain = CliRunner().invoke(app, argv)
    assert plain.exit_code == 0
    assert PUBLIC in plain.output
    assert "nobody has checked" in plain.output
    assert "未核对" in plain.output
    assert "nobody has checked" not in CliRunner().invoke(app, [*argv, "--key", PUBLIC]).output
    for more, checked in (([], False), (["--key", PUBLIC], True)):
        told = json.loads(CliRunner().invoke(app, [*argv, "--json", *more]).output)
        assert (told["ok"], told["signed_by"], told["key_checked"]) == (True, [PUBLIC], checked)
