"""The wording, filled in once for all: what many messages have in common, encoded, with gaps for people's own values.

Most wordings print a name, and ask at most whether there is one. Such a wording is rendered by Jinja2 for somebody
whose every value is a mark; where a mark comes out, a value has its place. What is made so is to the byte what
rendering it for that person would have made: `placeholders.are_only_printed` says of which wordings that holds,
`_is_simple` of which values; and each skeleton is compared with a rendering before it is used.
"""

import re
from collections.abc import Callable, Hashable, Sequence
from itertools import compress
from secrets import token_hex
from typing import Literal, NamedTuple, final

from markupsafe import escape

from tui.clean import one_line
from tui.invitation.mime import printable_line, quoted_printable
from tui.invitation.wording import Filled

_Pieces = Sequence[str | int]
"""Text, and numbers of the values that stand between."""

_MOST = 256
"""Skeletons of 30 kB or so, at a time: where everybody has a join link of their own, each would need another."""

_LONGEST = 500
"""Characters of a value; a longer one is rendered, where it is weighed."""


class Encoded(NamedTuple):
    """A wording that is filled in: its subject, and its two readings as they stand in a message (quoted-printable)."""

    subject: str
    text: bytes
    html: bytes


def encoded(filled: Filled) -> Encoded:
    return Encoded(filled.subject, quoted_printable(filled.text), quoted_printable(filled.html))


@final
class Skeleton:
    """What is left of a filled-in wording when somebody's values are taken out."""

    def __init__(self, marked: Filled, marks: Sequence[str]) -> None:
        """`marks` are the words in `marked` that stand for values, by the values' numbers; "" for one that has none."""
        self._subject = _cut(marked.subject, marks)
        self._text, self._html = _Printable(_cut(marked.text, marks)), _Printable(_cut(marked.html, marks))

    def fill(self, values: Sequence[str]) -> Encoded:
        """The wording with each value in its places."""
        in_html = [str(escape(value)) for value in values]
        return Encoded(_joined(self._subject, values), self._text.fill(values), self._html.fill(in_html))


@final
class Skeletons:
    """Skeletons by what those have in common who share one. Threads may share it: each makes the same of the same."""

    def __init__(self) -> None:
        self._known: dict[Hashable, Skeleton | Literal["seen", "unfit"]] = {}
        # Not to be guessed, so that nothing else is ever taken for a mark.
        self._mark = token_hex(16)

    def fill(self, same: Hashable, values: Sequence[str], render: Callable[[Sequence[str]], Filled]) -> Encoded:
        """What `render` makes of somebody's `values`. What else goes into that is the `same`.

        Without rendering it, from the third on of whom the same values are blank.
        """
        is_given = tuple([bool(value.strip()) for value in values])
        key = (same, is_given)
        known = self._known.get(key)
        are_simple = all(map(_is_simple, compress(values, is_given)))
        if isinstance(known, Skeleton) and are_simple:
            return known.fill(values)
        made = encoded(render(values))
        if known is None:
            self._put(key, "seen")
        elif known == "seen" and are_simple:
            marks = [f"q{self._mark}q{number}q" if given else "" for number, given in enumerate(is_given)]
            skeleton = Skeleton(render([mark or value for mark, value in zip(marks, values, strict=True)]), marks)
            self._put(key, skeleton if skeleton.fill(values) == made else "unfit")
        return made

    def _put(self, key: Hashable, what: Skeleton | Literal["seen", "unfit"]) -> None:
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[key] = what


def _is_simple(value: str) -> bool:
    """Whether a value comes out as one word does: nothing that is done later looks for its white space."""
    return len(value) <= _LONGEST and one_line(value) == value


class _Printable:
    """A text in quoted-printable: each line in which nothing is filled in is encoded once."""

    def __init__(self, text: _Pieces) -> None:
        self._pieces: list[bytes | _Pieces] = []
        done: list[str] = []
        for line in _lines(text):
            if not any(isinstance(piece, int) for piece in line):
                done.append(_joined(line, ()))
            else:
                # An empty line at either end is the line break there.
                self._pieces += [quoted_printable("\n".join([*done, ""])), line] if done else [line]
                done = [""]
        self._pieces.append(quoted_printable("\n".join(done)))

    def fill(self, values: Sequence[str]) -> bytes:
        return b"".join(
            [piece if isinstance(piece, bytes) else printable_line(_joined(piece, values)) for piece in self._pieces]
        )


def _joined(pieces: _Pieces, values: Sequence[str]) -> str:
    return "".join([piece if isinstance(piece, str) else values[piece] for piece in pieces])


def _cut(text: str, marks: Sequence[str]) -> _Pieces:
    numbers = {mark: number for number, mark in enumerate(marks) if mark}
    found = re.split(f"({'|'.join(map(re.escape, numbers))})", text) if numbers else [text]
    return [numbers.get(piece, piece) for piece in found]


def _lines(pieces: _Pieces) -> list[list[str | int]]:
    lines: list[list[str | int]] = [[]]
    for piece in pieces:
        first, *others = piece.split("\n") if isinstance(piece, str) else [piece]
        lines[-1].append(first)
        lines += [[line] for line in others]
    return lines
