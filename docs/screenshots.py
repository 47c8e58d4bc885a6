"""Makes docs/screenshot.svg, the README's picture, from the real app over the samples: `python docs/screenshots.py`."""

import asyncio
import os
import re
import shutil
import tempfile
from pathlib import Path

from tui.app.app import InviteApp
from tui.app.work import Opening
from tui.data import samples

HERE = Path(__file__).parent
SIZE = (120, 34)
_PATIENCE = 30.0  # seconds


async def picture(*keys: str) -> str:
    """The screen as SVG after these keys, once every message was checked."""
    app = InviteApp(Opening(("attendees.csv",), environment={}))
    async with app.run_test(size=SIZE) as pilot:
        async with asyncio.timeout(_PATIENCE):
            while app.state.failure is None and not (app.main.message.subject and app.main.message.subject.view):
                await pilot.pause(0.05)
            await pilot.press(*keys)
            await app.workers.wait_for_complete()
        await pilot.pause()
        svg = app.export_screenshot(title="invite-tui attendees.csv")
    # A picture in a README fetches nothing from anywhere: the reader's own monospaced font will do.
    return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        event = shutil.copytree(samples(), Path(folder) / "event")
        before = Path.cwd()
        os.chdir(event)  # files are named on the screen as they are named here
        try:
            svg = asyncio.run(picture("down", "down"))
        finally:
            os.chdir(before)
    (HERE / "screenshot.svg").write_text(svg, encoding="utf-8")


if __name__ == "__main__":
    main()
