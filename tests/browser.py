"""A headless Chromium for tests of pages: driven over the DevTools protocol through a pair of pipes, no library needed.

`--remote-debugging-pipe` reads commands from descriptor 3 and answers on 4, JSON ended by a NUL. The browser's profile
is a temporary folder, and it is stopped by its own process group, whatever happens.
"""

from __future__ import annotations

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

__all__ = ["Browser", "BrowserError", "Page", "chromium"]

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
_PATIENCE = 60.0
"""Seconds for one answer: a machine that is busy with other tests starts a browser slowly."""

Theme = Literal["light", "dark"]


class BrowserError(Exception):
    """The browser did not do what it was told to."""


def chromium() -> str | None:
    """The browser's program, if there is one on this machine."""
    return next((found for name in _NAMES if (found := shutil.which(name))), None)


class Browser:
    """A running browser; use it as a context manager."""

    def __init__(self) -> None:
        program = chromium()
        if program is None:
            raise BrowserError("there is no Chromium on this machine")
        self._profile = tempfile.mkdtemp(prefix="browser-")
        self._numbers = iter(range(1, 1 << 30))
        self._buffer = b""
        self._pages: dict[str, Page] = {}
        (down, self._write), (self._read, up) = _high_pipe(), _high_pipe()
        try:
            self._process = subprocess.Popen(
                [program, *_FLAGS, f"--user-data-dir={self._profile}", "about:blank"],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                close_fds=False,
                start_new_session=True,
                preexec_fn=lambda: (os.dup2(down, 3), os.dup2(up, 4)),
            )
        finally:
            os.close(down)
            os.close(up)

    def __enter__(self) -> Browser:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Stop the browser with all its processes and remove its profile."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGTERM)
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(10)
        for descriptor in (self._read, self._write):
            with contextlib.suppress(OSError):
                os.close(descriptor)
        shutil.rmtree(self._profile, ignore_errors=True)

    def open(
        self, file: Path, *, width: int = 1280, height: int = 900, theme: Theme = "light", media: str = ""
    ) -> Page:
        """A page of its own showing a file, loaded."""
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        page = self._pages[session] = Page(self, session, target)
        for domain in ("Page", "Runtime", "Network", "Log"):
            page.call(f"{domain}.enable")
        screen = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        page.call("Emulation.setDeviceMetricsOverride", screen)
        features = [{"name": "prefers-color-scheme", "value": theme}]
        page.call("Emulation.setEmulatedMedia", {"media": media, "features": features})
        page.call("Page.navigate", {"url": file.resolve().as_uri()})
        page.wait_for("Page.loadEventFired")
        return page

    def call(self, method: str, params: dict[str, Any] | None = None, session: str = "") -> dict[str, Any]:
        """One command and its answer; events that come meanwhile go to their pages."""
        number = next(self._numbers)
        message: dict[str, Any] = {"id": number, "method": method, "params": params or {}}
        if session:
            message["sessionId"] = session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + _PATIENCE
        while True:
            answer = self.receive(deadline, method)
            if answer.get("id") == number:
                if "error" in answer:
                    raise BrowserError(f"{method}: {answer['error'].get('message')}")
                result: dict[str, Any] = answer["result"]
                return result

    def receive(self, deadline: float, awaited: str) -> dict[str, Any]:
        """The next message; an event is noted with its page as well."""
        while b"\0" not in self._buffer:
            ready, _, _ = select.select([self._read], [], [], max(0.0, deadline - time.monotonic()))
            if not ready:
                raise BrowserError(f"no answer to {awaited} within {_PATIENCE:g} s")
            chunk = os.read(self._read, 1 << 20)
            if not chunk:
                raise BrowserError(f"the browser ended before {awaited}")
            self._buffer += chunk
        text, _, self._buffer = self._buffer.partition(b"\0")
        message: dict[str, Any] = json.loads(text)
        page = self._pages.get(message.get("sessionId", ""))
        if page and "method" in message:
            page.note(message["method"], message["params"])
        return message


@dataclass
class Page:
    """A page in the browser, what it asked the network for and what it complained of."""

    browser: Browser
    session: str
    target: str
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _seen: list[str] = field(default_factory=list)

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.browser.call(method, params, self.session)

    def note(self, method: str, params: dict[str, Any]) -> None:
        """An event of this page."""
        self._seen.append(method)
        if method == "Network.requestWillBeSent":
            self.requests.append(params["request"]["url"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"].get("text")))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(json.dumps(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])

    def wait_for(self, event: str) -> None:
        deadline = time.monotonic() + _PATIENCE
        while event not in self._seen:
            self.browser.receive(deadline, event)

    def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, as JSON carries it."""
        answer = self.call("Runtime.evaluate", {"expression": expression, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise BrowserError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def screenshot(self, file: Path | None = None) -> bytes:
        """The whole page as PNG."""
        metrics = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": metrics["width"], "height": metrics["height"], "scale": 1}
        answer = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True, "clip": clip})
        content = base64.b64decode(answer["data"])
        if file is not None:
            file.write_bytes(content)
        return content

    def pdf(self, file: Path | None = None) -> bytes:
        """The page as it would be printed, on A4."""
        settings = {"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": True, "printBackground": True}
        content = base64.b64decode(self.call("Page.printToPDF", settings)["data"])
        if file is not None:
            file.write_bytes(content)
        return content

    def move_to(self, x: float, y: float) -> None:
        """The pointer to a place of the window."""
        self.call("Input.dispatchMouseEvent", {"type": "mouseMoved", "x": x, "y": y})

    def close(self) -> None:
        self.browser.call("Target.closeTarget", {"targetId": self.target})


def _high_pipe() -> tuple[int, int]:
    """A pipe whose descriptors are well above the 3 and 4 that the browser's are put on."""
    ends = os.pipe()
    high = tuple(fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, 64) for end in ends)
    for end in ends:
        os.close(end)
    return high[0], high[1]
