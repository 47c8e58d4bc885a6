"""What every dialog has: a panel in the middle with its title in the border, and Escape that closes it."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, TypeVar

from rich.console import RenderableType
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.renderables.background_screen import BackgroundScreen
from textual.screen import ModalScreen
from textual.widget import Widget

from tui.app.pages import Line, problems_in_words
from tui.app.widgets.reader import Reader
from tui.errors import Problem

Answer = TypeVar("Answer")

_CORNERS = 6  # cells of a panel's lower edge that are no words


class Body(VerticalScroll, can_focus=False, inherit_bindings=False):
    """What scrolls in a dialog. The arrow keys are left to the dialog: they lead from one thing to the next."""


class Dialog(ModalScreen[Answer]):
    """A modal question or page. Escape answers with None: nothing was decided."""

    CSS_PATH = Path(__file__).with_name("dialog.tcss")
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "close", show=False),
        Binding("down", "app.focus_next", "next", show=False),
        Binding("up", "app.focus_previous", "previous", show=False),
    ]

    def render(self) -> RenderableType:
        """What is below shows through, whoever asks first for the picture: the toolkit knows it only while it draws by
        itself, and keeps what it has drawn."""
        stack, shade = self.app.screen_stack, self.styles.background
        at = stack.index(self) if self in stack else 0
        return BackgroundScreen(stack[at - 1], shade) if at and shade.a < 1 else super().render()

    def action_close(self) -> None:
        self.dismiss(None)

    def action_scroll(self, by: int) -> None:
        """What is said in the `Body` goes up or down by so many lines."""
        self.query_one(Body).scroll_relative(y=by, animate=False)

    def tell_of_more(self, scrolled: Widget, panel: Widget, words: str) -> None:
        """Under `panel`, say that there is more than is seen of what it holds, else `words`."""

        def tell() -> None:
            more = scrolled.max_scroll_y > scrolled.scroll_offset.y
            room = panel.size.width - _CORNERS
            said = next(
                (f"{told}   {words}" for told in ("▼ more below", "▼") if len(told) + 3 + len(words) <= room), words
            )
            panel.border_subtitle = Content(said if more else words)

        def later() -> None:
            self.call_after_refresh(tell)

        for name in ("scroll_y", "virtual_size"):
            self.watch(scrolled, name, later)
        # How high it has become is told by nobody else.
        self.screen_layout_refresh_signal.subscribe(panel, lambda _: later())


class _Lines(Dialog[Answer]):
    """Lines to read, under a title; `closes` says below what the keys do."""

    def __init__(self, title: str, lines: Sequence[Line], closes: str) -> None:
        super().__init__()
        self._title_text = title
        self._lines = lines
        self._closes = closes

    def compose(self) -> "list[Reader]":
        reader = Reader(id="page")
        reader.border_title = Content(self._title_text)
        return [reader]

    def on_mount(self) -> None:
        reader = self.query_one(Reader)
        reader.show(self._lines)
        reader.focus()
        self.tell_of_more(reader, reader, self._closes)


class PageDialog(_Lines[None]):
    """Lines to read; any of Escape, q and the key that opened it closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("q,e,question_mark,enter", "close", "close", show=False)]

    def __init__(self, title: str, lines: Sequence[Line], *, closes: str = "esc closes") -> None:
        super().__init__(title, lines, closes)


class Obstacles(_Lines[bool]):
    """What stands in the way. True where the organiser wants to go to where it comes from."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "close", "close", show=False),
        Binding("enter", "mend", "mend", show=False),
    ]

    def __init__(self, title: str, problems: Sequence[Problem]) -> None:
        super().__init__(title, list(problems_in_words(problems)), "enter goes to it   esc closes")

    def action_mend(self) -> None:
        self.dismiss(True)
