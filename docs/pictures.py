"""Makes the pictures and the recording of README.md and docs/, from the real app over the samples: `make pictures`.

Each is what the app draws, driven by its keys; the mail goes to a server of the tests, on this machine.
"""

import asyncio
import os
import re
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from tests.servers.authority import Authority
from tests.servers.recording import RecordingServer
from tui.app.app import InviteApp
from tui.app.work import Opening
from tui.data import samples

if TYPE_CHECKING:
    from collections.abc import Iterator

    from textual.pilot import Pilot

HERE = Path(__file__).parent
WIDE, USUAL = (120, 34), (100, 30)
_PATIENCE = 60.0  # seconds for what has to come to pass
_SHOWN = 3.0  # seconds for each frame of the recording
_FADE = 0.01  # part of the whole that a change takes

Step = str | Callable[[InviteApp], bool]
"""Keys to press, "type:" and words, or what must have come to pass before it goes on."""


def checked(app: InviteApp) -> bool:
    subject = app.main.message.subject
    return app.state.checked and not app.state.busy and (subject is None or subject.view is not None)


def shows(words: str) -> Callable[[InviteApp], bool]:
    """Whether these words stand on the screen."""

    def is_there(app: InviteApp) -> bool:
        return words in "\n".join(strip.text for strip in app.screen._compositor.render_strips())

    return is_there


class Show:
    """The app over some files, from which pictures are taken on the way."""

    def __init__(self, app: InviteApp, pilot: "Pilot[None]") -> None:
        self._app = app
        self._pilot = pilot

    async def go(self, *steps: Step) -> None:
        for step in steps:
            if callable(step):
                async with asyncio.timeout(_PATIENCE):
                    while not step(self._app):
                        await self._pilot.pause(0.05)
            elif step.startswith("type:"):
                await self._pilot.press(*({" ": "space"}.get(char, char) for char in step[5:]))
            else:
                await self._pilot.press(step)
            await self._pilot.pause()

    async def picture(self, title: str) -> str:
        """The screen as SVG, which fetches nothing from anywhere: the reader's own monospaced font will do."""
        self._app.clear_notifications()
        if (focused := self._app.screen.focused) is not None and hasattr(focused, "cursor_blink"):
            focused.cursor_blink = False
        await self._pilot.pause(0.1)
        svg = self._app.export_screenshot(title=title)
        return re.sub(r"@font-face \{.*?\}\s*", "", svg, flags=re.DOTALL)


@contextmanager
def event_folder() -> "Iterator[Path]":
    """The sample, as the working directory: files are named on the screen as they are named here."""
    with tempfile.TemporaryDirectory() as place:
        event = shutil.copytree(samples(), Path(place) / "spring")
        before = Path.cwd()
        os.chdir(event)
        try:
            yield event
        finally:
            os.chdir(before)


async def shown(
    files: Sequence[str], act: Callable[[Show], Awaitable[None]], environment: Mapping[str, str], size: tuple[int, int]
) -> None:
    app = InviteApp(Opening(tuple(files), environment=environment))
    async with app.run_test(size=size) as pilot:
        await act(Show(app, pilot))


def through(server: RecordingServer, config: Path) -> dict[str, str]:
    said = {"HOST": server.host, "PORT": str(server.port), "SECURITY": "none", "PER_MINUTE": "0", "RETRIES": "0"}
    return {f"INVITE_TUI_SMTP_{name}": value for name, value in said.items()} | {"INVITE_TUI_CONFIG_DIR": str(config)}


# --- the pictures -----------------------------------------------------------------------------------------------------


def take_screenshot(config: Path) -> None:
    """The README's picture."""

    async def act(show: Show) -> None:
        await show.go(checked, "down", "down", checked)
        _write(HERE / "screenshot.svg", await show.picture("invite-tui attendees.csv"))

    with event_folder():
        asyncio.run(shown(["attendees.csv"], act, {"INVITE_TUI_CONFIG_DIR": str(config)}, WIDE))


def take_guide(server: RecordingServer, config: Path) -> None:
    """The way through a whole event: a picture for each step of docs/guide.md, and all of them as the recording."""
    frames: list[str] = []

    async def act(show: Show) -> None:
        async def take(name: str) -> None:
            svg = await show.picture("invite-tui")
            _write(HERE / "pictures" / f"{name}.svg", svg)
            frames.append(svg)

        await show.go(shows("The sample"))
        await take("begin")
        await show.go("enter", checked)
        await take("open")
        await show.go("f", shows("Problems"), "enter", checked)
        await take("problem")
        await show.go("enter", shows("Correct the list"))
        await take("mend")
        await show.go("enter", shows("0 to fix"), checked, "tab", "e", "enter", shows("London time"))
        await take("event")
        await show.go("escape", "w", shows("Dear"))
        await take("wording")
        await show.go("escape", "d", shows("✓ Rehearse"), checked)
        await take("rehearsed")
        await show.go("escape", "s", shows("Type the number"), "type:55", shows("Enter sends"))
        await take("confirm")
        await show.go("enter", shows("Send finished"), shows("✓ Send"), checked)
        await take("sent")
        await show.go("escape", "f", checked, "6", checked)
        await take("follow")

    with event_folder() as event:
        (event / "mistakes.csv").unlink()
        shutil.rmtree(event / "sessions")
        people = (event / "attendees.csv").read_text(encoding="utf-8")
        (event / "attendees.csv").write_text(people.replace("bo.li@", "bo.li@@"), encoding="utf-8")
        server.say("RCPT", "550 5.1.1 No such user", to="zoe.fairweather@example.net")
        asyncio.run(shown([], act, through(server, config), USUAL))
    _write(HERE / "recording.svg", recording(frames))


def recording(frames: Sequence[str]) -> str:
    """The frames one after the other, for ever, in one file that needs nothing but a viewer of SVG."""
    [(width, height)] = re.findall(r'<svg [^>]*viewBox="0 0 ([\d.]+) ([\d.]+)"', frames[0])
    whole = _SHOWN * len(frames)
    part = 100 / len(frames)
    fade = 100 * _FADE
    styles = [
        f".frame {{ opacity: 0; animation-duration: {whole:g}s; animation-iteration-count: infinite; }}",
        "#f0 { opacity: 1; }",  # for whoever shows no movement
        "@media (prefers-reduced-motion: reduce) { .frame { animation: none; } }",
    ]
    body = []
    for number, frame in enumerate(frames):
        begins, ends = number * part, (number + 1) * part
        styles.append(
            f"@keyframes f{number} {{ 0% {{ opacity: {int(number == 0)}; }}"
            f" {max(0, begins - fade / 10):.3f}% {{ opacity: {int(number == 0)}; }} {begins:.3f}% {{ opacity: 1; }}"
            f" {ends - fade / 10:.3f}% {{ opacity: 1; }} {ends:.3f}% {{ opacity: 0; }} 100% {{ opacity: 0; }} }}"
            f" #f{number} {{ animation-name: f{number}; }}"
        )
        inner = re.sub(r"^.*?(<svg )", r"\1", frame, count=1, flags=re.DOTALL)
        body.append(f'<g class="frame" id="f{number}">{inner}</g>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}">'
        f"<style>{' '.join(styles)}</style>\n" + "\n".join(body) + "\n</svg>\n"
    )


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")


def main() -> None:
    # Whatever the terminal is in which this runs, the pictures are of one with all colours.
    os.environ |= {"TERM": "xterm-256color", "COLORTERM": "truecolor"}
    os.environ.pop("NO_COLOR", None)
    with tempfile.TemporaryDirectory() as place:
        authority = Authority(Path(place))
        server: AbstractContextManager[RecordingServer] = RecordingServer(authority, security="none", login=None)
        take_screenshot(Path(place))
        with server as running:
            take_guide(running, Path(place))


if __name__ == "__main__":
    main()
