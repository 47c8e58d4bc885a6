"""The search line over the list. Its input is made when it is first used."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.widget import Widget

if TYPE_CHECKING:
    from textual.widgets import Input


_HINT = Content.assemble(("/", "bold $primary"), (" search", "$quiet"))


class SearchLine(Widget):
    """Shows what is searched for; `open` lets the organiser type."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "clear", "clear the search"),
        Binding("down", "leave", "to the list"),
    ]

    @dataclass(eq=False, repr=False)
    class Typed(Message):
        """The words to search for have changed."""

        query: str

    class Left(Message):
        """The organiser is done typing."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._input: Input | None = None

    def render(self) -> Content:
        # The input, when there is one, is drawn over all but the slash.
        return _HINT

    @property
    def typing(self) -> bool:
        return self._input is not None and self.screen.focused is self._input

    async def open(self) -> None:
        if self._input is None:
            from tui.app.widgets.line import Line

            self._input = Line(placeholder="name, address, group or any column", compact=True, select_on_focus=False)
            await self.mount(self._input)
        self.screen.set_focus(self._input)  # at once: the next key is for it

    async def clear(self) -> None:
        """Search for nothing; the line is as it was before it was first used."""
        if self._input is not None:
            gone, self._input = self._input, None
            await gone.remove()
            self.post_message(self.Typed(""))

    def on_input_changed(self, event: "Input.Changed") -> None:
        event.stop()
        self.post_message(self.Typed(event.value))

    def on_input_submitted(self, event: "Input.Submitted") -> None:
        event.stop()
        self.post_message(self.Left())

    async def action_clear(self) -> None:
        await self.clear()
        self.post_message(self.Left())

    def action_leave(self) -> None:
        self.post_message(self.Left())
