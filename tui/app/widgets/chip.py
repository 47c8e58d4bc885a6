"""A word to press with the mouse. What it does has a key or a name as well, so it takes no focus of its own."""

from textual.content import Content
from textual.widget import Widget

from tui.app.widgets.headline import key_of


class Chip(Widget, can_focus=False):
    """Shows `label`, behind its key where it has one; a click does this of `ACTIONS`."""

    def __init__(self, label: str, act: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._label = label
        self._act = act

    def relabel(self, label: str) -> None:
        if label != self._label:
            self._label = label
            self.refresh(layout=True)

    def render(self) -> Content:
        return chip(key_of(self.app, self._act), self._label)

    async def on_click(self) -> None:
        await self.run_action(f"screen.do('{self._act}')")


def chip(key: str, label: str) -> Content:
    """The words of one: the key as in the line of keys, then what it does."""
    return Content.assemble((f"{key} ", "bold $primary") if key else "", label)
