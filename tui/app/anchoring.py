"""Keeps columns and frames straight on terminals that count some letters as wider or narrower than the app does.

How many cells a vowel sign of an Indian script takes, or an emoji with a modifier, is agreed on nowhere: one terminal
draws it with its consonant, another gives it a cell of its own, and what stands to the right of it on the line is
shifted. So behind each stretch of text with such a letter the terminal is told where the next one begins.
"""

import re
from typing import TYPE_CHECKING, cast

from rich.cells import cell_len

if TYPE_CHECKING:
    from textual.driver import Driver

# By blocks: the scripts of South and South-East Asia, joiners, the parts of Korean syllables, emoji and what is joined
# to them.
_DISPUTED = re.compile(
    "[\u0900-\u109f\u200c\u200d\u1160-\u11ff\u1700-\u18af\u1900-\u1c4f\u1cd0-\u1cff\u20d0-\u20ff\ua800-\uabff\ufe0f"
    "\U00011000-\U00011fff\U0001f000-\U0001faff]"
)
# A place on the screen, any other command, the end of a line, or text.
_PART = re.compile(
    r"\x1b\[\d+;(?P<column>\d+)H"
    r"|(?P<command>\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b.|\n)"
    r"|[^\x1b\n]+",
    re.DOTALL,
)
_STAYS = ("m", "h", "l", "\x07", "\\")  # ends of commands after which the cursor is where it was


def anchored(written: str) -> str:
    """What is written to a terminal, with the column said again behind text whose width is not agreed on.

    The cells are emptied first: where the terminal takes fewer, nothing older is left in the others.
    """
    if written.isascii() or not _DISPUTED.search(written):
        return written
    made: list[str] = []
    column: int | None = None  # the next letter's, the first is 1; None where it is not known
    for part in _PART.finditer(written):
        text = part[0]
        if part["column"]:
            column = int(part["column"])
        elif part["command"]:
            column = column if text.endswith(_STAYS) else None
        elif column is not None:
            cells = cell_len(text)
            column += cells
            if _DISPUTED.search(text):
                text = f"\x1b[{cells}X{text}\x1b[{column}G"
        made.append(text)
    return "".join(made)


def anchoring(driver: "type[Driver]") -> "type[Driver]":
    """The same driver of a terminal, but that it writes what is `anchored`."""

    def write(self: "Driver", data: str) -> None:
        driver.write(self, anchored(data))

    return cast("type[Driver]", type(driver.__name__, (driver,), {"write": write}))
