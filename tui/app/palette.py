"""What the palette finds: what can be done, people, and files. What came from a file is text, never markup."""

import asyncio
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING

from rich.style import Style
from rich.text import Text
from textual.command import DiscoveryHit, Hit, Hits, Provider

from tui.app.actions import ACTIONS, Act
from tui.app.widgets.keybar import keys_in_words
from tui.clean import visible

if TYPE_CHECKING:
    from tui.app.app import InviteApp

_PEOPLE = 8  # that are offered; the search line of the list finds all
_LEAST = 2  # letters from which people are looked for
_SURE, _OF_PEOPLE, _OF_FILES = 1.0, 0.4, 0.3  # how well a find scores beside a command that fits


class Palette(Provider):
    """Everything in one list."""

    @property
    def _app(self) -> "InviteApp":
        app: InviteApp = self.app  # type: ignore[assignment]
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
                yield Hit(0.9 * score / (1 + score), self._shown(act), partial(self._do, act.name), name)
        for row, name, address in await asyncio.to_thread(lambda: list(self._people(query))):
            shown = _line(name or address, address if name else "")
            is_meant = query.casefold().strip() in f"{name} {address}".casefold()
            yield Hit(_SURE if is_meant else _OF_PEOPLE, shown, partial(self._app.main.go_to, row), f"{name} {address}")
        for label, note, files in self._files(query):
            yield Hit(_OF_FILES, _line(label, note), partial(self._app.open_other, *files), label)

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

    def _files(self, query: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
        """Events that were open lately."""
        if self.screen is not self._app.main or not self._app.main.may("begin"):
            return
        for paths in self._app.recent:
            if query.casefold() in " ".join(paths).casefold():
                yield ", ".join(paths), "an event that was open lately", paths


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
