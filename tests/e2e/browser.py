"""Debian's Chromium without a window, spoken to by its DevTools protocol over two pipes."""

import base64
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import pytest

_PATIENCE_SECONDS = 60.0
# What the browser itself does on the way to its first page is not the page's doing.
_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
    "--no-default-browser-check",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)

# A message of the protocol, whose fields depend on its method.
Message = dict[str, Any]


@dataclass(frozen=True)
class View:
    """What a browser of some width made of a page."""

    requests: tuple[str, ...]
    violations: tuple[str, ...]
    scripts: int
    content_width: int
    background: str
    text: str
    png: bytes


class Browser:
    """One Chromium. Calls are made one after another."""

    def __init__(self, to_browser: IO[bytes], from_browser: IO[bytes]) -> None:
        self._to = to_browser
        self._from = from_browser
        self._left = b""
        self._id = 0
        self._events: list[Message] = []
        target = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=target, flatten=True)[
            "sessionId"
        ]
        for domain in ("Page", "Network", "Log", "Runtime"):
            self._in_page(f"{domain}.enable")

    def view(self, url: str, width: int, scheme: str) -> View:
        """Open a page as a window of that width, in a `light` or `dark` scheme, would show it."""
        self._in_page(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=900,
            deviceScaleFactor=1,
            mobile=width < 600,
        )
        self._in_page(
            "Emulation.setEmulatedMedia",
            features=[{"name": "prefers-color-scheme", "value": scheme}],
        )
        self._events.clear()
        self._in_page("Page.navigate", url=url)
        self._wait_for("Page.loadEventFired")
        screenshot = self._in_page("Page.captureScreenshot", captureBeyondViewport=True)
        return View(
            requests=tuple(
                str(each["params"]["request"]["url"])
                for each in self._of("Network.requestWillBeSent")
            ),
            violations=tuple(
                str(each["params"]["entry"]["text"]) for each in self._of("Log.entryAdded")
            ),
            scripts=self._number("document.scripts.length"),
            content_width=self._number("document.documentElement.scrollWidth"),
            background=str(self._value("getComputedStyle(document.body).backgroundColor")),
            text=str(self._value("document.body.innerText")).replace("\u00a0", " "),
            png=base64.b64decode(screenshot["data"]),
        )

    def close(self) -> None:
        """Let it end by itself."""
        self._call("Browser.close")

    def _number(self, expression: str) -> int:
        return int(str(self._value(expression)))

    def _value(self, expression: str) -> object:
        answer = self._in_page("Runtime.evaluate", expression=expression, returnByValue=True)
        return answer["result"]["value"]

    def _of(self, method: str) -> list[Message]:
        return [each for each in self._events if each.get("method") == method]

    def _in_page(self, method: str, **parameters: object) -> Message:
        return self._call(method, self._session, **parameters)

    def _call(self, method: str, session: str | None = None, **parameters: object) -> Message:
        self._id += 1
        message: Message = {"id": self._id, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        while (answer := self._read()).get("id") != self._id:
            self._events.append(answer)
        assert "error" not in answer, answer
        result: Message = answer["result"]
        return result

    def _wait_for(self, method: str) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while not self._of(method):
            assert time.monotonic() < deadline, method
            self._events.append(self._read())

    def _read(self) -> Message:
        while b"\0" not in self._left:
            part = os.read(self._from.fileno(), 1 << 16)
            assert part, "the browser has ended"
            self._left += part
        text, _, self._left = self._left.partition(b"\0")
        message: Message = json.loads(text)
        return message


@contextmanager
def chromium(folder: Path) -> Iterator[Browser]:
    """Start one that keeps its files in a folder."""
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("chromium is missing: install Debian's package chromium")
    its_input, our_output = os.pipe()
    our_input, its_output = os.pipe()
    # The protocol wants these two descriptors, 3 and 4, and no others.
    redirected = f'exec "$@" 3<&{its_input} 4>&{its_output}'
    command = ["bash", "-c", redirected, "bash", path, *_FLAGS, f"--user-data-dir={folder}"]
    with (
        (folder / "log").open("wb") as log,
        subprocess.Popen(
            command,
            pass_fds=(its_input, its_output),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        ) as process,
        os.fdopen(our_output, "wb") as to_browser,
        os.fdopen(our_input, "rb") as from_browser,
    ):
        os.close(its_input)
        os.close(its_output)
        try:
            browser = Browser(to_browser, from_browser)
            yield browser
            browser.close()
            process.wait(_PATIENCE_SECONDS)
        finally:
            process.kill()
