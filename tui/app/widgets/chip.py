"""A word to press with the mouse. What it does has a key as well, so it takes no focus of its own."""

from textual.content import Content
from textual.widget import Widget


class Chip(Widget, can_focus=False):
    """Shows `label`; a click runs `action`."""

    def __init__(self, label: str, action: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(id=id)
        self._label = label
        self._action = action

    def relabel(self, label: str) -> None:
        if label != self._label:
            self._label = label
            self.refresh(layout=True)

    def render(self) -> Content:
        return Content(self._label)

    async def on_click(self) -> None:
        await self.run_action(self._action)
