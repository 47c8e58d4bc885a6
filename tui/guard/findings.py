"""What a search finds: addresses and internal values; and which words of a text could be one."""

import re
from collections.abc import Callable, Iterable
from typing import NamedTuple

NONE: frozenset[str] = frozenset()
Findings = tuple[frozenset[str], frozenset[str]]
"""Which addresses, and which internal values (in the words of the text), stand in a place of a message."""

NOTHING: Findings = (NONE, NONE)


class Found(NamedTuple):
    """What stands in one place of a message; or why it is `unopened`, with the digest that it is reviewed by."""

    where: str
    people: frozenset[str]
    values: frozenset[str]
    unopened: str = ""
    digest: str = ""


Said = Callable[[str], tuple[str, ...]]
"""What of a text may be a value, where it is not the format's own: one or more readings of it."""


class Except:
    """Of a text all may be a value but the format's own words. What of those is left cannot be more than all of it."""

    def __init__(self, formal: re.Pattern[str]) -> None:
        self._formal = formal

    def __call__(self, text: str) -> tuple[str, ...]:
        return (self._formal.sub(" ", text),)


def as_it_stands(text: str) -> tuple[str, ...]:
    """All of a text may be a value."""
    return (text,)


def nothing(_text: str) -> tuple[str, ...]:
    """Nothing of a text is a value."""
    return ()


def united(found: Iterable[Findings]) -> Findings:
    people, values = NONE, NONE
    for some_people, some_values in found:
        people |= some_people
        values |= some_values
    return (people, values) if people or values else NOTHING
