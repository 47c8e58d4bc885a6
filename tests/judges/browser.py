"""A headless Chromium, which draws a page as its readers see it, and axe-core, which judges it from within.

One process for a whole test module, spoken to over a pipe (the Chrome DevTools Protocol). It reaches nothing: each
request is failed and remembered, and it can look up no host.
"""

import json
import os
import shutil
import subprocess
from base64 import b64decode
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

HERE = Path(__file__).parent
_AXE = HERE / "node_modules" / "axe-core" / "axe.min.js"
_PROGRAMS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    *("--headless", "--remote-debugging-pipe", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update", "--disable-sync"),
    *("--disable-extensions", "--host-resolver-rules=MAP * ~NOTFOUND", "--force-device-scale-factor=1"),
)
# WCAG 2.2 to level AA, and what axe-core holds to be good practice.
_RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice")
# Whatever it asked for is settled by then.
_DRAWN = """
Promise.allSettled([...document.images].map((image) => image.decode()))
  .then(() => new Promise((done) => requestAnimationFrame(() => setTimeout(done))))
"""
_LARGER_TEXT = """{
  const tags = [...document.querySelectorAll("body, body *")];
  const sizes = tags.map((tag) => parseFloat(getComputedStyle(tag).fontSize));
  tags.forEach((tag, at) => tag.style.setProperty("font-size", `${sizes[at] * FACTOR}px`, "important"));
}"""


def missing() -> str | None:
    """Why there is no browser to judge with, in a few words; None where there is."""
    if _program() is None:
        return "not installed: chromium-headless-shell"
    if not _AXE.exists():
        return "not installed: tests/judges/node_modules (`npm ci` there)"
    return None


def _program() -> str | None:
    return next(filter(None, map(shutil.which, _PROGRAMS)), None)


@cache
def _axe() -> str:
    return _AXE.read_text("utf-8")


@dataclass(frozen=True)
class Look:
    """How a page is looked at: the window's width in CSS pixels, the reader's colours, the size of their text."""

    width: int
    dark: bool = False
    text_size: int = 1

    def __str__(self) -> str:
        return f"{self.width}px-{'dark' if self.dark else 'light'}{'-large' if self.text_size > 1 else ''}"


class Browser:
    """`with Browser(folder) as browser:` shows pages one after the other. Not for several threads."""

    def __init__(self, folder: Path) -> None:
        """`folder` is an empty one, for what a browser keeps."""
        self._folder = folder
        self.requests: list[str] = []
        """Whatever the pages asked for, since the last one was shown. None of it was fetched."""

    def __enter__(self) -> Self:
        program = _program()
        assert program
        options = [*_OPTIONS, f"--user-data-dir={self._folder}"]
        if hasattr(os, "geteuid") and os.geteuid() == 0:
            options.append("--no-sandbox")  # it would refuse to start for root
        with (self._folder / "said").open("wb") as said:
            self._process = subprocess.Popen(
                # It reads from 3 and writes to 4.
                ["sh", "-c", 'exec "$@" 3<&0 4>&1 0</dev/null 1>&2', "sh", program, *options],
                env={**os.environ, "HOME": str(self._folder)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        assert self._process.stdin and self._process.stdout
        self._to, self._from = self._process.stdin, self._process.stdout
        self._count, self._unread, self._session = 0, b"", ""
        try:
            self._begin()
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def _begin(self) -> None:
        page = self._call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self._call("Target.attachToTarget", targetId=page, flatten=True)["sessionId"]
        self._call("Page.enable")
        self._call("Fetch.enable", patterns=[{"urlPattern": "*"}])
        self._frame: str = self._call("Page.getFrameTree")["frameTree"]["frame"]["id"]

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        with suppress(BrokenPipeError):
            self._to.close()  # at which it ends
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._from.close()

    def show(self, html: str, look: Look) -> None:
        """Draws a document."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if look.dark else "light"}
        self._call("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": look.width, "height": 800, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)
        self._call("Page.setDocumentContent", frameId=self._frame, html="")
        self.requests.clear()
        self._call("Page.setDocumentContent", frameId=self._frame, html=html)
        if look.text_size != 1:
            self.run(_LARGER_TEXT.replace("FACTOR", str(look.text_size)))
        self.run(_DRAWN)

    def run(self, script: str) -> Any:
        """What a script in the page comes to."""
        said = self._call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in said, said
        return said["result"].get("value")

    def violations(self) -> list[str]:
        """What axe-core has against the page, a line for each tag."""
        self.run(_axe())
        rules = json.dumps({"runOnly": _RULES, "resultTypes": ["violations"]})
        found = self.run(f"axe.run(document, {rules}).then((said) => said.violations)")
        return [
            f"{rule['id']}: {rule['help']}: {node['html'][:120]}: {node.get('failureSummary', '')}"
            for rule in found
            for node in rule["nodes"]
        ]

    def overflow(self) -> int:
        """By how many pixels the page is wider than the window."""
        wider: int = self.run("document.scrollingElement.scrollWidth - innerWidth")
        return wider

    def picture(self) -> bytes:
        """The whole page, as PNG."""
        size = self.run("[innerWidth, document.scrollingElement.scrollHeight]")
        screen = {"width": size[0], "height": size[1], "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **screen)
        return b64decode(self._call("Page.captureScreenshot")["data"])

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = self._send(method, parameters)
        while True:
            said = self._receive()
            if said.get("method") == "Fetch.requestPaused":
                self.requests.append(said["params"]["request"]["url"])
                paused = {"requestId": said["params"]["requestId"], "errorReason": "BlockedByClient"}
                self._send("Fetch.failRequest", paused)
            elif said.get("id") == number:
                assert "error" not in said, f"{method}: {said['error']}"
                result: dict[str, Any] = said["result"]
                return result

    def _send(self, method: str, parameters: dict[str, Any]) -> int:
        self._count += 1
        message = {"id": self._count, "method": method, "params": parameters}
        if self._session:
            message["sessionId"] = self._session
        self._to.write(json.dumps(message).encode() + b"\0")
        self._to.flush()
        return self._count

    def _receive(self) -> dict[str, Any]:
        while b"\0" not in self._unread:
            more = os.read(self._from.fileno(), 1 << 20)
            assert more, f"the browser ended: {(self._folder / 'said').read_text('utf-8', 'replace')}"
            self._unread += more
        message, _, self._unread = self._unread.partition(b"\0")
        said: dict[str, Any] = json.loads(message)
        return said
