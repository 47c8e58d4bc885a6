"""A panel with words in its frame."""

from textual.containers import Vertical
from textual.content import Content


class Framed(Vertical):
    """For each word in its frame the toolkit draws a panel anew, and all that is in it: so only new ones are set."""

    _above = _below = Content()

    def entitle(self, title: Content, under: Content | None = None) -> None:
        """Say this in the frame, above and below."""
        under = under or Content()
        if not title.is_same(self._above):
            self._above = title
            self.border_title = title
        if not under.is_same(self._below):
            self._below = under
            self.border_subtitle = under if under.plain else None
