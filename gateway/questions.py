"""Questions about rights from the management plane: answered one after another by a child, never in the doors' way."""

import asyncio
import json
from collections.abc import Mapping
from typing import Any

import httpx2
import structlog

from gateway.child import child

WAITING = 16  # more are dropped: whoever asked hears nothing, and asks again
ANSWER_S = 60.0
JSON = {"Content-Type": "application/json"}

log = structlog.get_logger()


class Questions:
    """The questions of one plane."""

    def __init__(self, client: httpx2.AsyncClient, gateway: str, here: Mapping[str, Any]) -> None:
        self._client, self._gateway, self._here = client, gateway, here
        self._waiting: asyncio.Queue[tuple[str, dict[str, Any]]] = asyncio.Queue(WAITING)

    def take(self, data: str) -> None:
        """A question came, as `{id, question}`."""
        try:
            body = json.loads(data)
            self._waiting.put_nowait((str(body["id"]), dict(body["question"])))
        except (ValueError, KeyError, TypeError) as error:
            log.error("the plane asked nothing that can be read", error=str(error))
        except asyncio.QueueFull:
            log.warning("too many questions, one is dropped")

    async def turn(self) -> None:
        """Answer one."""
        id_, question = await self._waiting.get()
        said = await self._ask(question)
        answer = await self._client.post(f"/gateways/{self._gateway}/answers/{id_}", content=said, headers=JSON)
        if answer.status_code != httpx2.codes.NOT_FOUND:  # whoever asked is gone
            answer.raise_for_status()

    async def _ask(self, question: dict[str, Any]) -> bytes:
        pipes = dict.fromkeys(("stdin", "stdout", "stderr"), asyncio.subprocess.PIPE)
        asked = json.dumps({"gateway": self._here, "question": question}).encode()
        try:
            async with (
                child("gateway.why", **pipes) as answerer,
                asyncio.timeout(ANSWER_S),
            ):
                said, wrong = await answerer.communicate(asked)
        except TimeoutError:
            return json.dumps({"error": f"no answer within {ANSWER_S:g} s"}).encode()
        if answerer.returncode:
            log.error("a question could not be answered", error=wrong.decode(errors="replace").strip()[-500:])
            return json.dumps({"error": "the gateway failed to answer; its log says why"}).encode()
        return said
