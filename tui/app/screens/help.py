"""Every key, taken from the bindings themselves, what else can be done by its name, and what the signs mean."""

from collections.abc import Iterable, Iterator, Mapping

from textual.binding import Binding, BindingType

from tui.app.actions import ACTIONS, BY_NAME, OF_THE_PROGRAM, OF_THE_SCREEN, sections
from tui.app.pages import Line, text_line
from tui.app.screens.dialog import PageDialog
from tui.app.state import ANSWER_MARKS, MARKS
from tui.app.widgets.keybar import key_in_words, keys_in_words


class Help(PageDialog):
    """`keys` are those that the organiser chose; `panes` are the keys of one part of the screen each."""

    def __init__(self, keys: Mapping[str, str], panes: "Iterable[tuple[str, Iterable[BindingType]]]") -> None:
        super().__init__("Help", list(_lines(keys, panes)))


def _lines(keys: Mapping[str, str], panes: "Iterable[tuple[str, Iterable[BindingType]]]") -> Iterator[Line]:
    for section, acts in sections(OF_THE_SCREEN + OF_THE_PROGRAM).items():
        yield text_line(section, "strong")
        for act in acts:
            yield _row(keys_in_words(keys.get(act.name, act.keys)), act.says)
        yield text_line()
    yield text_line(f"By name, with {keys_in_words(keys.get('commands', BY_NAME['commands'].keys))}", "strong")
    for act in ACTIONS:
        if act.palette and not act.keys:
            yield Line(text_line(act.says).body, text_line(f"  {act.title:<33}", "good").body)
    yield text_line()
    for title, bindings in panes:
        yield text_line(title, "strong")
        for each, words in _keys(bindings):
            yield _row(each, words)
        yield text_line()
    yield text_line("The signs", "strong")
    for mark in (*MARKS.values(), *ANSWER_MARKS.values()):
        yield Line(text_line(mark.meaning).body, text_line(f"  {mark.sign} {mark.word:<14}", mark.tone).body)


def _row(keys: str, words: str) -> Line:
    return Line(text_line(words).body, text_line(f"  {keys:<18}", "good").body)


def _keys(bindings: "Iterable[BindingType]") -> Iterator[tuple[str, str]]:
    """Keys that do the same thing, together."""
    together: dict[str, tuple[list[str], str]] = {}
    for binding in Binding.make_bindings(bindings):
        keys, _ = together.setdefault(binding.action, ([], binding.tooltip or binding.description))
        keys.append(key_in_words(binding))
    for keys, words in together.values():
        yield ", ".join(keys), words
