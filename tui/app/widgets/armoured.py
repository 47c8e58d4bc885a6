"""A text to edit, of which no character acts on the terminal: what would is drawn as a box, and saved as it was."""

import re

from rich.text import Text
from textual.widgets import TextArea
from textual.widgets.text_area import Edit, EditResult

from tui.clean import visible

_SHIFT = 0xF0000  # a plane of private use: one cell wide each, and obeyed by no terminal
_KEPT = {0x09, 0x0A, 0x0D}
# Of a wording: what is filled in, and what only says when.
_FILLED_IN = re.compile(r"\{\{.*?\}\}")
_STATEMENT = re.compile(r"\{[%#].*?[%#]\}")


def _is_harmless(char: str) -> bool:
    return ord(char) in _KEPT or visible(char) == char


def armour(text: str) -> str:
    """`text` with every character that a terminal could obey or hide put where none does; of the same length.

    What is beyond the first plane, such as a tag, has no room there: it becomes U+FFFD.
    """
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if _is_harmless(char) else chr(_SHIFT + ord(char)) if ord(char) < 0xFFFE else "\ufffd" for char in text
    )


def bare(text: str) -> str:
    """The inverse of `armour`."""
    if text.isascii():
        return text
    return "".join(chr(ord(char) - _SHIFT) if _SHIFT <= ord(char) < _SHIFT + 0xFFFE else char for char in text)


class Armoured(TextArea):
    """`written` is the text as it is to be saved; `text` is what is drawn, with its placeholders in a colour."""

    COMPONENT_CLASSES = TextArea.COMPONENT_CLASSES | {"armoured--filled-in", "armoured--statement"}

    def get_line(self, line_index: int) -> Text:
        line = super().get_line(line_index)
        for pattern, name in ((_FILLED_IN, "filled-in"), (_STATEMENT, "statement")):
            line.highlight_regex(pattern, self.get_component_rich_style(f"armoured--{name}"))
        return line

    def __init__(self, text: str, *, id: str | None = None) -> None:  # noqa: A002 - Textual's word
        super().__init__(armour(text), id=id, show_line_numbers=True, soft_wrap=True, tab_behavior="focus")

    @property
    def written(self) -> str:
        return bare(self.text)

    def edit(self, edit: Edit) -> EditResult:
        """Whatever is typed or pasted is armoured too."""
        edit.text = armour(edit.text)
        return super().edit(edit)
