"""How the tests here drive the app: a real folder, a real screen without a terminal, and patience."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from textual.command import CommandList, CommandPalette
from textual.events import Paste
from textual.pilot import Pilot
from textual.widgets import OptionList

from tests.app.settling import LOOK, painted, settled
from tests.servers.recording import RecordingServer
from tui.app.app import InviteApp
from tui.app.work import Opening
from tui.folder import open_folder
from tui.mailing import Control, Settled
from tui.replies import Collector

Driven = Pilot[None]


def app_over(*files: str | Path, environment: Mapping[str, str] | None = None) -> InviteApp:
    return InviteApp(Opening(tuple(map(str, files)), environment=environment or {}))


@asynccontextmanager
async def driven(
    *files: str | Path, environment: Mapping[str, str] | None = None, size: tuple[int, int] = (100, 30)
) -> AsyncIterator[Driven]:
    """The app over these files, everybody's message checked."""
    async with app_over(*files, environment=environment).run_test(size=size, notifications=True) as pilot:
        await opened(pilot)
        yield pilot
        await settled()  # what comes late would find a screen that is being taken apart
        painted(pilot.app.screen)


async def opened(pilot: Driven) -> None:
    await until(pilot, lambda: app_of(pilot).state.checked or app_of(pilot).state.failure is not None)
    await composed(pilot)


async def composed(pilot: Driven) -> None:
    """The selected person's message is on the screen."""
    message = app_of(pilot).main.message
    await until(pilot, lambda: message.subject is None or message.subject.view is not None)
    await pilot.pause()


async def over(pilot: Driven) -> None:
    """The app's run is over, and what has become of everybody is on the screen."""
    await until(pilot, lambda: app_of(pilot).state.run is not None and not app_of(pilot).state.running)
    await idle(pilot)


async def idle(pilot: Driven) -> None:
    """No thread is at work. The toolkit's own way to wait for that fails where one is begun anew meanwhile."""
    await until(pilot, lambda: not any(one.is_running for one in pilot.app.workers))


def app_of(pilot: Driven) -> InviteApp:
    assert isinstance(pilot.app, InviteApp)
    return pilot.app


async def until(pilot: Driven, condition: Callable[[], object], seconds: float = 60.0) -> None:
    await as_soon_as(pilot, condition, seconds)
    await pilot.pause()


async def as_soon_as(pilot: Driven, condition: Callable[[], object], seconds: float = 60.0) -> None:
    """`until`, in the midst of what is going on: nothing else is waited for."""
    end = asyncio.get_running_loop().time() + seconds
    while not condition():
        assert asyncio.get_running_loop().time() < end, f"never came to pass on this screen:\n{seen(pilot)}"
        await asyncio.sleep(LOOK)


async def typed(pilot: Driven, text: str) -> None:
    await pilot.press(*(dict.fromkeys(" ", "space").get(char, char) for char in text))
    await pilot.pause()


async def pasted(pilot: Driven, text: str) -> None:
    """As a terminal hands over what was copied elsewhere: at once."""
    assert pilot.app.focused is not None
    pilot.app.focused.post_message(Paste(text))
    await pilot.pause()


async def by_name(pilot: Driven, title: str) -> None:
    """Chosen in the palette."""
    await pilot.press("ctrl+p")
    await until(pilot, lambda: isinstance(pilot.app.screen, CommandPalette) and pilot.app.focused is not None)
    await pasted(pilot, title)

    def offered() -> bool:
        found = pilot.app.screen.query_one(CommandList)
        return found.highlighted == 0 and str(found.get_option_at_index(0).prompt).startswith(title)

    await until(pilot, offered)
    await pilot.press("enter")
    await until(pilot, lambda: not isinstance(pilot.app.screen, CommandPalette))


async def chosen(pilot: Driven, label: str, key: str = "enter") -> None:
    """The first with these words of the list in the dialog, and this key on it."""
    await until(pilot, lambda: pilot.app.screen.query(OptionList))
    options = pilot.app.screen.query_one(OptionList)
    labels = [str(options.get_option_at_index(at).prompt) for at in range(options.option_count)]
    options.highlighted = next(at for at, words in enumerate(labels) if label in words)
    await pilot.press(key)
    await pilot.pause()


def seen(pilot: Driven) -> str:
    """What is on the screen, line by line."""
    return painted(pilot.app.screen)


def through(server: RecordingServer, **more: str) -> dict[str, str]:
    """The environment of an account at this server, at full speed and without second tries."""
    said = {"HOST": server.host, "PORT": str(server.port), "SECURITY": "none", "PER_MINUTE": "0", "RETRIES": "0"}
    return {f"INVITE_TUI_SMTP_{name}": value for name, value in {**said, **more}.items()}


def sent_to_everybody(people: Path, server: RecordingServer) -> None:
    """Everybody on this list is sent their invitation, without a screen; the server may refuse some."""
    folder = open_folder([str(people)], environment=through(server))
    run = folder.send(folder.plan(), control=Control())
    assert "accepted" in {one.outcome for one in run if isinstance(one, Settled)}


def came_back(people: Path, *raw: bytes) -> None:
    """These mails are read, without a screen."""
    inbox = people.with_suffix(".inbox")
    inbox.mkdir()
    for number, one in enumerate(raw):
        (inbox / f"{number}.eml").write_bytes(one)
    Collector(open_folder([str(people)])).from_files([str(inbox)])
