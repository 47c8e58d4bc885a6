"""Which table and which key of an event file stands on which line, and what is wrong with its syntax."""

import re
from collections.abc import Mapping, Sequence

from tui.clean import one_line
from tui.errors import Problem

_KEY = re.compile(r"\s*([\w\"'][^=#]*?)\s*=")
_TABLE = re.compile(r"\s*\[+\s*[\"']?([^\"'\]]+?)[\"']?\s*\]")

_QUOTES = "Texts go between double quotes."
_SLIPS = {
    "Cannot overwrite": "It is said twice: take one of them away.",
    "Cannot declare": "It is said twice: put what stands under both together.",
    "Expected ']' at the end of a table": "A heading stands between brackets: [event].",
}
"""What to do about it, by what Python says; most often a quotation mark is missing."""


def problem(file: str, line: int | None, message: str, hint: str | None = None, value: str | None = None) -> Problem:
    return Problem("error", "bad-event", message, file=file, line=line, value=value, hint=hint)


def syntax_problem(shown: str, error: Exception, lines: Sequence[str]) -> Problem:
    found = re.search(r"line (\d+), column (\d+)", str(error))
    line = int(found.group(1)) if found else len(lines) if "end of document" in str(error) else None
    words = re.sub(r"\s*\(at [^)]*\)$", "", one_line(str(error)))
    at = f" at column {found.group(2)}" if found else ""
    wrong = lines[line - 1] if line and line <= len(lines) else ""
    hint = next((hint for beginning, hint in _SLIPS.items() if words.startswith(beginning)), _QUOTES)
    if re.match(r"\s*(start|end|until)\s*=\s*\d", wrong):
        # The likeliest slip: a date as people write it, or one that no calendar has.
        hint = f"Write a date and time that exists as {wrong.split('=')[0].strip()} = 2027-05-06T14:00:00."
    return problem(shown, line, f"The event file cannot be read{at}: {words}.", hint)


def places_of(text: str) -> Mapping[tuple[str, str], int]:
    """The line of each key by table and name; of each table by its own name and ""."""
    places: dict[tuple[str, str], int] = {}
    table, quotes, sessions = "", "", 0
    for number, line in enumerate(text.split("\n"), 1):
        if quotes:
            quotes = "" if quotes in line else quotes
            continue
        if heading := _TABLE.match(line):
            table, _, inner = heading.group(1).strip().partition(".")
            if table == "session" and not inner:
                sessions += 1
                table = session_table(sessions)
            places.setdefault((table, inner), number)
        elif key := _KEY.match(line):
            names = [name.strip(" \t\"'") for name in key.group(1).split(".")]
            names = [table, *names] if table else [*names, ""]
            places.setdefault((names[0], ""), number)
            places.setdefault((names[0], names[1]), number)
        quotes = next((mark for mark in ('"""', "'''") if line.count(mark) % 2), "")
    return places


def session_table(number: int) -> str:
    """What the table of one session is called in here: their headings are all alike."""
    return f"session {number}"


def heading(table: str) -> str:
    return "[[session]]" if table.startswith("session ") else f"[{table}]"
