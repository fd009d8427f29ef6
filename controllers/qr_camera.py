"""A camera that reads QR codes: the recorder decodes, this driver hears the texts (server-sent events, bearer token).

The stream tells the camera's state and each code as it appears, never earlier ones; a comment every half second shows
that the recorder lives. A code that took too long from the picture to here is stale.
"""

import http.client
import json
import threading
import time
from collections.abc import Generator, Iterator
from contextlib import closing

from controllers.driver import Capabilities, Command, LinkState, Outcome, Result, Seen, Sink, TextRead
from controllers.errors import LinkLost
from controllers.scanner import MAX_CHARS
from controllers.standstill import LONGEST_S, Standstill

SILENT_S = 2.0
MAX_LINE_BYTES = 4096


class QrCameraDriver:
    """One camera of one recorder, as a scanner."""

    def __init__(
        self, name: str, camera: str, host: str, port: int, token: str, sink: Sink, silent_s: float = SILENT_S
    ) -> None:
        self.name = name
        self._path, self._place = f"/cameras/{camera}/codes", (host, port)
        self._token, self._sink, self._silent_s = token, sink, silent_s
        self._epoch = 0
        self._link: tuple[bool, str] | None = None

    def devices(self) -> dict[str, Capabilities]:
        """The camera as a reader of texts."""
        return {self.name: Capabilities(text=True)}

    def run(self, stop: threading.Event) -> None:
        """Hear codes until `stop` is set. Raises `LinkLost` when the recorder is away or refuses."""
        reason = "driver stopped"
        try:
            with closing(self._messages(stop)) as messages:
                for message in messages:
                    self._take(message)
        except LinkLost as error:
            reason = str(error)
            raise
        finally:
            self._tell(False, reason)

    def submit(self, command: Command) -> None:
        """A camera takes no commands: each is refused."""
        seen = Seen(time.monotonic(), time.time(), 0)
        detail = "a camera takes no commands"
        self._sink(Outcome(command.command_id, command.device, Result.REFUSED, detail, seen))

    def _messages(self, stop: threading.Event) -> Generator[dict[str, object], None, None]:
        """What the recorder says, line by line; its comments are turns too, so that `stop` is seen."""
        try:
            with closing(http.client.HTTPConnection(*self._place, timeout=self._silent_s)) as connection:
                connection.request("GET", self._path, headers={"Authorization": f"Bearer {self._token}"})
                with connection.getresponse() as answer:
                    if answer.status != http.client.OK:
                        raise LinkLost(f"the recorder answers {answer.status}")
                    self._epoch += 1
                    yield from _lines(answer, stop)
        except (OSError, http.client.HTTPException) as error:
            raise LinkLost(f"no recorder: {error or type(error).__name__}") from error

    def _take(self, message: dict[str, object]) -> None:
        match message:
            case {"type": "state", "up": bool(up), "reason": str(reason)}:
                self._tell(up, reason[:80])
            case {"type": "code", "text": str(text), "at": float(at)} if _sound(text):
                late = time.time() - at > LONGEST_S
                self._sink(TextRead(self.name, text, self._seen(stale=late)))
            case _:
                raise LinkLost("the recorder says what nobody understands")

    def _seen(self, stale: bool = False) -> Seen:
        return Seen(time.monotonic(), time.time(), self._epoch, stale)

    def _tell(self, up: bool, reason: str) -> None:
        if self._link != (up, reason):
            self._link = (up, reason)
            self._sink(LinkState(self.name, up, False, reason, self._seen()))


def _lines(answer: http.client.HTTPResponse, stop: threading.Event) -> Iterator[dict[str, object]]:
    standstill = Standstill()
    while not stop.is_set():
        line = answer.readline(MAX_LINE_BYTES)
        standstill.turn()
        if not line.endswith(b"\n"):
            raise LinkLost("the recorder sends an endless line" if line else "the recorder closed the stream")
        if line.startswith(b"data: "):
            yield _parsed(line[6:])


def _sound(text: str) -> bool:
    return 0 < len(text) <= MAX_CHARS and text.isascii() and text.isprintable()


def _parsed(data: bytes) -> dict[str, object]:
    """The object on a line. Raises `LinkLost` for anything else."""
    try:
        message = json.loads(data)
    except ValueError as error:
        raise LinkLost("the recorder's line is no JSON") from error
    if not isinstance(message, dict):
        raise LinkLost("the recorder's line is no object")
    return message
