"""Where something of a recipient's own stands beside words that could be the rest of an internal value."""

from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, NamedTuple

from tui.guard.findings import NONE, Said
from tui.guard.mailboxes import keys as keys_of
from tui.guard.masking import Own, OwnWords, stand_in, stand_ins_in
from tui.guard.values import may_be_of_a_number, words

if TYPE_CHECKING:
    from tui.guard.roll import Roll


class Joint(NamedTuple):
    """A line, with those around it, in which something of a recipient's stands that could be half of an internal value.

    `is_loose` is where a value may begin before it. Of the `letters` of what is in it, those are `counted` that stand
    beside a number or the name of a month, and those `beside` each other that are so.
    """

    line: str
    said: Said
    letters: frozenset[str]
    is_loose: bool
    counted: frozenset[str]
    beside: frozenset[frozenset[str]]

    def may_hold(self, loud: frozenset[str], numeric: frozenset[str]) -> bool:
        """Whether a value may be in it, where one may begin in what is `loud`, and what is `numeric` may be of one."""
        return (
            not loud.isdisjoint(self.letters)
            or not numeric.isdisjoint(self.counted)
            or any(pair <= numeric for pair in self.beside)
        )


Joints = tuple[Joint, ...]


def is_innocent(own: OwnWords, roll: "Roll", joints: Joints) -> bool:
    """Whether what is the recipient's own gives nobody else away, and is part of no internal value."""
    if not roll.people_in_own(own).issubset(keys_of(own.recipient)):
        return False
    if not roll.values:
        return True
    return not any(_holds_value(own, roll, joints) for own in own.readings())


def _holds_value(own: Own, roll: "Roll", joints: Joints) -> bool:
    """Whether what is the recipient's own is part of an internal value, as it reads here."""
    values = roll.values
    loud = _letters_of(own, values.may_begin_in) if values.may_begin_in(*{*own.values()}) else NONE
    numeric = NONE
    if values.counts:
        loud |= _letters_of(own, values.has_number_in)
        numeric = _letters_of(own, lambda one: may_be_of_a_number(words(one)))
    for joint in joints:
        if joint.is_loose or ((loud or numeric) and joint.may_hold(loud, numeric)):
            line = joint.line
            for letter in joint.letters:
                line = line.replace(stand_in(letter), own[letter])
            if roll.values_in(joint.said(line)):
                return True
    return False


def _letters_of(own: Own, is_so: Callable[[str], bool]) -> frozenset[str]:
    """The letters of what is the recipient's own, where this is so of it."""
    return frozenset(letter for letter, said in own.items() if is_so(said))


def counted(line: str, said: Said) -> tuple[frozenset[str], frozenset[frozenset[str]]]:
    """The letters of the stand-ins that may make a date or a telephone number together with what is beside them; and
    those that may with each other."""
    counted: set[str] = set()
    beside: set[frozenset[str]] = set()
    for variant in said(line):
        spoken = words(variant)
        for word, following in pairwise([*spoken, "end"]):  # which is a part of no number
            ours, others = stand_ins_in(word), stand_ins_in(following)
            if len(ours) > 1 or (ours and others):
                beside.add(ours | others)
            elif ours and may_be_of_a_number([following]):
                counted |= ours
            elif others and may_be_of_a_number([word]):
                counted |= others
    return frozenset(counted), frozenset(beside)
