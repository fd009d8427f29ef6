"""A process: a guard at the console in a real Chromium, driven through the page itself.

    python -m simulators.browser --url http://127.0.0.1:8090

Requests: log_in {username, password}, live {camera, for_s}, footage {occurred_at, for_s}, unlock {door},
screenshot {path, language?}, diary. Times that come from pictures are read from the burnt-in clock's pixels.
"""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, Response, sync_playwright

from simulators.control import Handler, serve_device
from simulators.diary import Diary

CHROMIUM = "/usr/bin/chromium"
WAIT_MS = 15_000
HTTP_BAD = 400
Act = Callable[[dict[str, Any]], dict[str, Any] | None]
READ_CLOCK = Path(__file__).with_name("clock_reader.js").read_text(encoding="utf-8").split("\n", 2)[2]


class Console:
    """The console's page. All methods run in the one thread that owns the browser."""

    def __init__(self, url: str, pictures: Path | None, diary: Diary) -> None:
        self._url = url
        self._pictures = pictures
        self._diary = diary
        self._engine = sync_playwright().start()
        self._browser: Browser = self._engine.chromium.launch(
            executable_path=CHROMIUM,
            args=["--autoplay-policy=no-user-gesture-required", *(["--no-sandbox"] if os.geteuid() == 0 else [])],
            handle_sigint=False,
            handle_sigterm=False,
            handle_sighup=False,
        )
        self._page: Page = self._browser.new_page(viewport={"width": 1440, "height": 900}, locale="zh-CN")
        self._page.set_default_timeout(WAIT_MS)
        self._page.on("console", lambda said: self._note("console", said.type, said.text))
        self._page.on("requestfailed", lambda request: self._note("request", "failed", request.url))
        self._page.on("response", self._answered)

    def log_in(self, request: dict[str, Any]) -> dict[str, Any]:
        """Fill in the form, and wait for the doors."""
        page = self._page
        page.goto(self._url)
        page.fill("input[autocomplete=username]", request["username"])
        page.fill("input[autocomplete=current-password]", request["password"])
        page.click("button[type=submit]")
        page.wait_for_selector("[data-door]")
        return {"doors": page.locator("[data-door]").count()}

    def live(self, request: dict[str, Any]) -> dict[str, Any]:
        """The ages of the live picture over some seconds, in milliseconds."""
        tile = f"figure[data-camera={request['camera']}]"
        self._page.wait_for_selector(f"{tile}[data-state=playing]")
        ages = [sample["page_ms"] - sample["video_ms"] for sample in self._clock(f"{tile} video", request["for_s"])]
        return {"ages_ms": ages}

    def footage(self, request: dict[str, Any]) -> dict[str, Any]:
        """Open an event's footage from the feed, and watch it."""
        page = self._page
        page.click(f"li.event:has(time[datetime='{request['occurred_at']}']) button")
        page.wait_for_selector(".event-clip video")
        samples = self._clock(".event-clip video", request["for_s"])
        video = "v => ({width: v.videoWidth, height: v.videoHeight, at_s: v.currentTime})"
        seen = page.locator(".event-clip video").evaluate(video)
        return {**seen, "picture_ms": [sample["video_ms"] for sample in samples]}

    def unlock(self, request: dict[str, Any]) -> dict[str, Any]:
        """Press the door's button and the first reason, and wait for what the page says."""
        row = self._page.locator(f"[data-door={request['door']}]")
        row.locator(".door-unlock").click()
        row.locator(".reasons .chip").first.click()
        row.locator(".order-confirmed, .order-opened, .order-failed").wait_for()
        return {"said": row.locator(".door-order").inner_text().split("\n")}

    def attempt(self, act: Act, request: dict[str, Any]) -> dict[str, Any] | None:
        """Do one thing; when it fails, keep the page as it looks in the directory for pictures."""
        try:
            return act(request)
        except Exception:
            if self._pictures:
                self._page.screenshot(path=self._pictures / f"browser-{request['do']}.png")
            raise

    def screenshot(self, request: dict[str, Any]) -> None:
        """Keep the page as a picture."""
        self._page.screenshot(path=request["path"])

    def close(self) -> None:
        """End the browser."""
        self._browser.close()
        self._engine.stop()

    def _answered(self, answer: Response) -> None:
        if answer.status >= HTTP_BAD:
            self._note("answer", str(answer.status), answer.url)

    def _note(self, what: str, kind: str, text: str) -> None:
        """What the page complained of, in the diary and in the process's log."""
        self._diary.write(what, kind=kind, text=text)
        sys.stderr.write(f"{what} {kind}: {text}\n")

    def _clock(self, selector: str, for_s: float) -> list[dict[str, int]]:
        """Readings of the burnt-in clock, ten a second once there is a picture."""
        video = self._page.locator(selector).first
        samples: list[dict[str, int]] = []
        error, deadline = "", time.monotonic() + WAIT_MS / 1000
        while time.monotonic() < deadline and len(samples) < for_s * 10:
            reading = video.evaluate(READ_CLOCK)
            error = reading.get("error", error)
            if "error" not in reading:
                samples.append(reading)
            self._page.wait_for_timeout(100)
        if not samples:
            raise TimeoutError(f"no clock read in {selector}: {error}")
        return samples


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description="a guard at the console")
    parser.add_argument("--url", required=True)
    parser.add_argument("--pictures", type=Path, help="where to keep the page when something fails")
    arguments = parser.parse_args()
    diary = Diary()
    with ThreadPoolExecutor(1) as owner:  # playwright's objects belong to one thread
        console = owner.submit(Console, arguments.url, arguments.pictures, diary).result()

        def handler(act: Act) -> Handler:
            return lambda request: owner.submit(console.attempt, act, request).result()

        acts = {
            "log_in": console.log_in,
            "live": console.live,
            "footage": console.footage,
            "unlock": console.unlock,
            "screenshot": console.screenshot,
        }
        serve_device({name: handler(act) for name, act in acts.items()}, diary, threading.Event())
        owner.submit(console.close).result()


if __name__ == "__main__":
    main()
