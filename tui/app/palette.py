"""What the palette finds: what can be done, people, and files. What came from a file is text, never markup."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual import on
from textual.command import CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.widgets import Input
from textual.worker import WorkerCancelled, WorkerFailed

from tui.app.actions import ACTIONS, Act
from tui.app.widgets.keybar import keys_in_words
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.app import InviteApp

_PEOPLE = 8  # that are offered; the search line of the list finds all
_LEAST = 2  # letters from which people are looked for
_SURE, _OF_PEOPLE, _OF_FILES = 1.0, 0.4, 0.3  # how well a find scores beside a command that fits


class Finder(CommandPalette):
    """The toolkit's, where Enter takes what is found for the words in the line, and never for those before."""

    @on(Input.Submitted)
    async def _found(self) -> None:
        """Before the toolkit takes what is chosen: what is still looked for comes first."""
        for worker in [one for one in self.workers if one.node is self and not one.is_finished]:
            with suppress(WorkerFailed, WorkerCancelled):
                await worker.wait()


class Palette(Provider):
    """Everything in one list."""

    @property
    def _app(self) -> "InviteApp":
        app: InviteApp = self.app  # type: ignore[assignment]  # the only one that has this palette
        return app

    @property
    def _acts(self) -> Iterator[Act]:
        """What can be done now, by name."""
        main = self._app.main
        if self.screen is main:
            yield from (act for act in ACTIONS if act.palette and main.may(act.name))

    async def discover(self) -> Hits:
        for act in self._acts:
            yield DiscoveryHit(self._shown(act), partial(self._do, act.name), act.name)

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for act in self._acts:
            name = _title(act)
            if (score := matcher.match(name)) > 0:
                shown = _marked(self._shown(act), query)
                yield Hit(0.9 * score / (1 + score), shown, partial(self._do, act.name), name)
        for row, name, address in await asyncio.to_thread(lambda: list(self._people(query))):
            shown = _marked(_line(name or address, address if name else ""), query)
            is_meant = query.casefold().strip() in f"{name} {address}".casefold()
            yield Hit(_SURE if is_meant else _OF_PEOPLE, shown, partial(self._app.main.go_to, row), f"{name} {address}")
        for label, note, job in self._files(query):
            yield Hit(_OF_FILES, _marked(_line(label, note), query), job, label)

    def _shown(self, act: Act) -> Text:
        return _line(_title(act), act.says, keys_in_words(self._app.keys.get(act.name, act.keys)))

    async def _do(self, name: str) -> None:
        """After the palette is gone: what is done may open a dialog."""
        self._app.call_later(self._app.action_do, name)

    def _people(self, query: str) -> Iterator[tuple[int, str, str]]:
        """Who has the first word in any column, and all the others."""
        from tui.app.filtering import View, find

        state = self._app.state
        if self.screen is not self._app.main or not state.checked or len(query.strip()) < _LEAST:
            return
        for row in islice(find(View(query), state), _PEOPLE):
            one = state.records[row]
            yield row, one.name, one.address

    def _files(self, query: str) -> Iterator[tuple[str, str, Callable[[], object]]]:
        """The event file and the wordings, to be changed, and the events that were open lately."""
        app, said = self._app, query.casefold().strip()
        if self.screen is not app.main or not app.main.may("begin"):
            return
        folder = app.state.folder
        if folder is not None and app.main.may("wording"):
            from tui.app.asking import wordings
            from tui.app.drafts import wording_path

            home = folder.event_path.parent
            if said in folder.event_path.name.casefold():
                yield folder.event_path.name, "change the event", partial(app.call_later, app.mending.edit_event)
            for name in [*wordings(folder), "cancellation"]:
                if said in f"{name}.md":
                    job = partial(app.mending.edit_wording, wording_path(home, name))
                    yield f"{name}.md", "change this wording", partial(app.call_later, job)
        for paths in app.recent:
            if said in " ".join(paths).casefold():
                yield ", ".join(paths), "open this event, as lately", partial(app.open_other, *paths, anew=True)


def _title(act: Act) -> str:
    return act.title or act.word.capitalize()


def _line(label: str, note: str, keys: str = "") -> Text:
    """A name, its key, and below it what it is about."""
    shown = Text(visible(label), Style(bold=True), no_wrap=True, overflow="ellipsis")
    if keys:
        shown.append(f"  {keys}", Style(bold=False))
    if note:
        shown.append(f"\n{visible(note)}", Style(bold=False, dim=True))
    return shown


def _marked(shown: Text, query: str) -> Text:
    """What was looked for is underlined where it stands as it was typed: why something was found is seen."""
    plain = shown.plain.lower()
    if len(plain) == len(shown.plain):  # in some scripts a small letter is more than one
        for word in query.lower().split():
            if (at := plain.find(word)) >= 0:
                shown.stylize(Style(underline=True), at, at + len(word))
    return shown
