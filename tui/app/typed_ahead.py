"""What is typed before the dialog that it is meant for is there: it waits for it, and never acts on the list."""

from bisect import insort
from typing import TYPE_CHECKING
from weakref import WeakSet

from textual.events import Event, Key, Paste
from textual.message import Message
from textual.screen import Screen

if TYPE_CHECKING:
    from tui.app.app import InviteApp

_GIVES_UP = frozenset({"escape", "ctrl+q", "ctrl+c"})
"""Nobody waits with these: what is being prepared is not wanted any more."""

_MOVES = frozenset({"up", "down", "pageup", "pagedown", "home", "end"})
"""The list can be looked through while something is prepared: they do no harm."""


class TypedAhead:
    """Holds keys and pastes from when a dialog begins to be prepared until it can be typed into, and hands them over.

    Enter from before it was put on the screen, and whatever was typed after that, is swallowed: nothing is decided that
    could not be seen. So is everything where no dialog comes after all.
    """

    def __init__(self, app: "InviteApp") -> None:
        self._app = app
        self._expected: object | None = None  # what is being prepared over the main screen
        self._drawn: WeakSet[Screen[object]] = WeakSet()  # the dialogs that can be typed into
        self._put_there = 0.0  # when the newest was put on top: what was typed before was not meant for what is below
        self._held: list[Key | Paste] = []

    def expect(self) -> object | None:
        """A dialog is being prepared; what to ask `is_expected` of when it is ready. None: over another dialog, which
        takes what is typed meanwhile."""
        if self._is_over_the_list:
            self._expected = object()
            return self._expected
        return None

    def is_expected(self, what: object | None) -> bool:
        """Whether the organiser still waits for this."""
        return what is None or what is self._expected

    def over(self) -> None:
        """It is ready, or there will be none. In the same message the dialog is pushed, or the next one expected."""
        self._expected = None
        self._app.call_next(self._swallow)

    def on_screen(self, screen: Screen[object]) -> None:
        """Another screen is on top."""
        if screen is self._app.main or screen in self._drawn:
            self._swallow()  # it was there before: what was meant for the one above it is for nobody
        else:
            self._put_there = Message().time
            screen.call_after_refresh(self._is_drawn, screen)

    def takes(self, event: Event) -> bool:
        """Whether the app is to leave this to us. It is asked again of what no widget wanted, before it would act."""
        if not isinstance(event, (Key, Paste)):
            return False
        if isinstance(event, Key) and event.key in _GIVES_UP:
            self._expected = None
            self._held.clear()
            return False
        if not self._waits_with(event):
            return False
        insort(self._held, event, key=lambda one: one.time)
        if (screen := self._app.screen) in self._drawn:
            self._is_drawn(screen)
        return True

    def _waits_with(self, event: Key | Paste) -> bool:
        if self._is_over_the_list:
            return self._expected is not None and not (isinstance(event, Key) and event.key in _MOVES)
        return self._app.screen not in self._drawn or (event.is_forwarded and event.time < self._put_there)

    @property
    def _is_over_the_list(self) -> bool:
        return self._app.screen is self._app.main

    def _is_drawn(self, screen: Screen[object]) -> None:
        # What the screen has asked the app for, such as where to begin, comes first.
        self._app.call_later(self._hand_over, screen)

    async def _hand_over(self, screen: Screen[object]) -> None:
        self._drawn.add(screen)
        if screen is not self._app.screen:
            return
        held, self._held = self._held, []
        for event in held:
            if isinstance(event, Key) and event.key == "enter" and event.time < self._put_there:
                break
            # Anew: it may have been on its way through another screen.
            await self._app.on_event(Paste(event.text) if isinstance(event, Paste) else Key(event.key, event.character))

    def _swallow(self) -> None:
        if self._expected is None and (self._is_over_the_list or self._app.screen in self._drawn):
            self._held.clear()
