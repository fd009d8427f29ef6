"""Bodies that routes read whole and check with msgspec: their bytes, their place in the OpenAPI document."""

import zlib
from collections.abc import AsyncIterator
from typing import Any

import msgspec
from fastapi import Request

from mgmt_api.problems import Problem

CHUNK_BYTES = 1 << 16


def documented(type_: Any, *, media: str = "application/json") -> dict[str, Any]:
    """`openapi_extra` of a route whose body is a msgspec type."""
    (schema,), components = msgspec.json.schema_components([type_], ref_template="#/{name}")
    return {"requestBody": {"required": True, "content": {media: {"schema": _inlined(schema, components)}}}}


async def read_json(request: Request) -> bytes:
    """The body of a request that must be JSON. Raises `Problem` unsupported-media."""
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media != "application/json" and not media.endswith("+json"):
        raise Problem("unsupported-media", "Send Content-Type: application/json.")
    return await request.body()


async def read_plain(request: Request, most_bytes: int) -> bytes:
    """The body, unpacked if it came as gzip. Raises `Problem`: too-large, malformed or unsupported-media."""
    encoding = request.headers.get("content-encoding", "identity").lower()
    if encoding not in ("identity", "gzip"):
        raise Problem("unsupported-media", "Content-Encoding may be gzip or identity.")
    plain = bytearray()
    chunks = request.stream()
    async for chunk in _unpacked(chunks) if encoding == "gzip" else chunks:
        plain += chunk
        if len(plain) > most_bytes:
            raise Problem("too-large", f"A part may have {most_bytes} bytes when unpacked.")
    return bytes(plain)


async def _unpacked(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Gunzip step by step: a bomb is noticed before it bursts."""
    packer = zlib.decompressobj(wbits=31)
    try:
        async for chunk in chunks:
            while chunk:
                yield packer.decompress(chunk, CHUNK_BYTES)
                chunk = packer.unconsumed_tail
        yield packer.flush(CHUNK_BYTES)
    except zlib.error as error:
        raise Problem("malformed", "The body is not gzip.") from error
    if not packer.eof:
        raise Problem("malformed", "The gzip stream is cut short.")


def _inlined(schema: Any, components: dict[str, Any]) -> Any:
    """The schema with its references replaced, so that a route documents itself alone."""
    if isinstance(schema, list):
        return [_inlined(each, components) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _inlined(components[schema["$ref"].removeprefix("#/")], components)
    return {name: _inlined(each, components) for name, each in schema.items() if name != "discriminator"}
