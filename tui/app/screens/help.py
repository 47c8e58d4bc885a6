"""Every key, taken from the bindings themselves, and what the signs mean."""

from collections.abc import Iterable, Iterator

from textual.binding import Binding, BindingType

from tui.app.pages import Line, text_line
from tui.app.screens.dialog import PageDialog
from tui.app.state import MARKS
from tui.app.widgets.keybar import key_in_words


class Help(PageDialog):
    def __init__(self, sections: "Iterable[tuple[str, Iterable[BindingType]]]") -> None:
        super().__init__("Help", list(_lines(sections)))


def _lines(sections: "Iterable[tuple[str, Iterable[BindingType]]]") -> Iterator[Line]:
    for title, bindings in sections:
        yield text_line(title, "strong")
        for keys, words in _keys(bindings):
            yield Line(text_line(words).body, text_line(f"  {keys:<16}", "good").body)
        yield text_line()
    yield text_line("The signs", "strong")
    for mark in MARKS.values():
        yield Line(text_line(mark.meaning).body, text_line(f"  {mark.sign} {mark.word:<14}", mark.tone).body)


def _keys(bindings: "Iterable[BindingType]") -> Iterator[tuple[str, str]]:
    """Keys that do the same thing, together."""
    together: dict[str, tuple[list[str], str]] = {}
    for binding in Binding.make_bindings(bindings):
        keys, _ = together.setdefault(binding.action, ([], binding.tooltip or binding.description))
        keys.append(key_in_words(binding))
    for keys, words in together.values():
        yield ", ".join(keys), words
