"""One message's HTML in the organiser's own browser, by way of a file that nobody else on the machine can read."""

import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path

# They would draw over the app, in its own terminal.
_IN_THE_TERMINAL = ("www-browser", "links", "elinks", "lynx", "w3m")


def write_page(html: str, folder: Path | None) -> Path:
    """`html` in a private file: in `folder`, or where None in a new one that only this user may enter."""
    folder = folder or Path(tempfile.mkdtemp(prefix="invite-tui-"))
    page = folder / "message.html"
    page.touch(mode=0o600)
    page.write_text(html, encoding="utf-8", errors="replace")
    return page


def open_page(page: Path) -> bool:
    """See `open_address`."""
    return open_address(page.as_uri())


def open_address(address: str) -> bool:
    """Whether a browser was started; blocks for seconds. Its output goes nowhere: it would tear the screen."""
    try:
        browser = webbrowser.get()
    except webbrowser.Error:
        return False
    if type(browser) is webbrowser.GenericBrowser and Path(browser.name).name in _IN_THE_TERMINAL:
        return False
    try:
        subprocess.run(
            [sys.executable, "-m", "webbrowser", address],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            timeout=20,
            check=True,
        )
    except subprocess.TimeoutExpired:
        return True  # it stays in the foreground, as some do
    except (subprocess.CalledProcessError, OSError):
        return False
    return True
