"""Whom and what no message may give away, and whether it stands in a text, however it is spelled there."""

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from typing import NamedTuple

from tui.guard.addresses import candidates, within
from tui.guard.hashes import Hashes
from tui.guard.internal import Internal
from tui.guard.mailboxes import endings, keys
from tui.guard.masking import is_plain_address, is_reference, masked
from tui.guard.memory import Memory
from tui.guard.spelling import hidden_in, readings, unclosed
from tui.guard.values import Spoken, words

_NONE: frozenset[str] = frozenset()
Findings = tuple[frozenset[str], frozenset[str]]
"""Which addresses, and which internal values (in the words of the text), stand in a place of a message."""

NOTHING: Findings = (_NONE, _NONE)


class Found(NamedTuple):
    """What stands in one place of a message; or why it is `unopened`, with the digest that it is reviewed by."""

    where: str
    people: frozenset[str]
    values: frozenset[str]
    unopened: str = ""
    digest: str = ""


Said = Callable[[str], tuple[str, ...]]
"""What of a text may be a value, where it is not the format's own: one or more readings of it."""


# Where a line may be one half of an address: an at-sign or something encoded in the word at the joint, what is said for
# an at or a full stop, an opening or a closing bracket, or a letter or two.
_TELLING = frozenset("@%&=")
_OPENING = frozenset("([{<\\_+-")
_SAID = frozenset({"at", "dot", "arroba", "arobase", "punkt", "punto", "point", "ponto"})
_AROUND = ".,;:!?()[]{}<>*\"'"
_ENCODED_WORD = re.compile(r"[A-Za-z0-9+/_-]{20,}=*")
_OPEN_BEGIN = re.compile(
    r"^[\s>|*]*(?:[^\s@]*@|[.@)\]}_+=]|\W{0,2}(?:at|dot|punkt|punto)\b|\w{1,2}\W*$)", re.IGNORECASE
)
_PROPERTY = re.compile(r"[A-Z][A-Z-]*[;:]")  # where a content line begins, nothing goes on
_TAG = re.compile(r"<[^<>]*>")
_MOST_LINES = 64


class Except:
    """Of a text all may be a value but the format's own words. What of those is left cannot be more than all of it."""

    def __init__(self, formal: re.Pattern[str]) -> None:
        self._formal = formal

    def __call__(self, text: str) -> tuple[str, ...]:
        return (self._formal.sub(" ", text),)


class _Line(NamedTuple):
    """What is known of a line by itself, and why it may have to be read together with the next: what a tag in it
    `awaits`; whether it may be half of an address; and for each reading of it, from which character of its words on a
    value may begin that ends in a later line (-1: from none)."""

    found: Findings
    awaits: str = ""
    open_begin: bool = False
    open_end: bool = False
    loose: tuple[int, ...] = ()


_Whole = tuple[str, _Line, int]
"""Lines that are read as one, what is known of them, and how many they are."""

_DULL = _Line(NOTHING)
"""Most lines of most messages: nothing is in them, and nothing begins or ends in them."""


class Roll:
    """Everybody's address, and the values of the internal columns.

    What stands for an address may be the cell of a row that was left out: whoever is named in it is protected as well.

    `public` are addresses that everybody is meant to see (organizer, From, Reply-To). `common` is the event's and the
    templates' own text. An internal value counts when it has four or more letters or digits and is no part of `common`
    (contract §6.5). `reviewed` are the SHA-256 of files that the organiser has looked into, because we cannot.

    Looking anything up costs the same for ten attendees and for a million.
    """

    def __init__(
        self,
        addresses: Iterable[str],
        internal: Iterable[str] = (),
        public: Iterable[str] = (),
        common: str = "",
        reviewed: Collection[str] = (),
    ) -> None:
        seen_by_all = tuple(public)
        self.reviewed = frozenset(reviewed)
        self.cleared: set[bytes] = set()
        """What was cleared against this roll: a mark of its bytes, its recipient, and their words, each."""
        self._public = {key for text in seen_by_all for key in keys(text)}
        found = {ending for key in self._public for ending in endings(key)}
        self._everyone = Hashes(self._protected(addresses, found))
        self._endings = frozenset(found)
        self._values = Internal(internal, Spoken("\n".join((common, *seen_by_all))))
        self._lines: dict[Said, Memory[str, _Line]] = {}
        self._spoken: Memory[tuple[str, Said], tuple[str, ...]] = Memory()
        self._lengths: Memory[tuple[str, Said], int] = Memory()
        self._alone: Memory[str, Findings] = Memory()
        self._rests: Memory[tuple[str, Said], Findings] = Memory(500)
        self._wholes: Memory[tuple[Hashable, ...], _Whole] = Memory(500)
        self._joints: Memory[Hashable, Findings] = Memory()
        self.places: Memory[Hashable, tuple[Found, ...]] = Memory()

    def _protected(self, addresses: Iterable[str], found: set[str]) -> Iterator[str]:
        """Everybody's keys; on the way the last labels of their domains are put into `found`."""
        for text in addresses:
            for named in (text, *within(text)):
                for key in keys(named):
                    if key not in self._public:
                        found.update(endings(key))
                        yield key

    def find(self, text: str, said: Said, names: Sequence[str] = ()) -> Findings:
        """The addresses that stand in `text`, and the internal values in what of it is `said`.

        `names` are what the recipient is called: of texts that differ in nothing else the rest is searched once.
        TooDeep where something is encoded without an end.
        """
        apart = masked(text, names, self._endings)
        if apart is None:
            return self._search(text, said)
        found = [self._rests.once((apart.rest, said), partial(self._search, apart.rest, said))]
        found += [self._alone.once(piece, partial(self._of_piece, piece)) for piece in apart.taken]
        if self._values:
            # A value may stand over the joint.
            values = frozenset(chain.from_iterable(self._values_in(said(line)) for line in apart.lines))
            found.append((_NONE, values))
        return _united(found)

    def _of_piece(self, piece: str) -> Findings:
        """What is in a name, an address or a reference that stands alone. Of most there is only one thing that it can
        say as it stands: itself."""
        local, at, domain = piece.rpartition("@")
        forms = keys(piece) if at else ()
        is_known = is_plain_address(piece) and any(form in self._everyone for form in forms)
        small = piece.lower()
        if not (is_reference(piece) or is_known) or any(
            f".{ending}" in f"{local}." or f"{ending[::-1]}." in small for ending in self._endings
        ):
            return self._in(piece, nothing)
        found: list[Findings] = [(frozenset(form for form in forms if form in self._everyone), _NONE)]
        found += [self._in(said, nothing) for token in (local or domain, domain) for said in hidden_in(token)]
        return _united(found)

    def _search(self, text: str, said: Said) -> Findings:
        """Most lines are the same in every message of a run, so what was found in one is remembered.

        Nothing is missed by going line by line: a tag or a comment is one line, and where an address or a value may go
        on in the next line, both are read together.
        """
        texts = text.splitlines()
        lines = self._known(texts, said)
        eventful = [at for at, line in enumerate(lines) if line is not _DULL]
        if any(lines[at].awaits for at in eventful):
            texts, lines = self._with_whole_tags(texts, lines, said)
            eventful = [at for at, line in enumerate(lines) if line is not _DULL]
        found = [lines[at].found for at in eventful]
        for at in eventful:
            line = lines[at]
            if at and not lines[at - 1].open_end and self._goes_on(texts, lines, at - 1):
                found.append(self._across(texts, lines, at - 1, said))
            if line.open_end and self._goes_on(texts, lines, at):
                found.append(self._across(texts, lines, at, said))
            for which, loose in enumerate(line.loose):
                if loose >= 0:
                    found.append(self._values_across(texts, at, which, loose, said))
        return _united(found)

    def find_apart(self, texts: Sequence[str], names: Sequence[str] = ()) -> Findings:
        """The addresses in texts of a line each, none of which goes on in another."""
        return _united([self.find(text, nothing, names) for text in texts])

    def _known(self, texts: Sequence[str], said: Said) -> list[_Line]:
        """What is known of each line."""
        memory = self._lines.get(said) or self._lines.setdefault(said, Memory())
        lines = memory.each(texts)
        if None in lines:
            return [line or memory.put(text, self._line(text, said)) for text, line in zip(texts, lines, strict=True)]
        return lines  # type: ignore[return-value]  # none of them is None

    def _line(self, line: str, said: Said) -> _Line:
        shown = _TAG.sub("", line) if "<" in line else line
        found = _Line(
            self._in(line, said),
            unclosed(line),
            _OPEN_BEGIN.search(shown) is not None,
            _is_open_end(shown),
            tuple(map(self._values.loose, self._words(line, said))) if self._values else (),
        )
        is_dull = found[:4] == _DULL[:4] and max(found.loose, default=-1) < 0
        return _DULL if is_dull else found

    def _words(self, line: str, said: Said) -> tuple[str, ...]:
        """The words of what is shown of a line, in its first readings."""
        return self._spoken.once((line, said), lambda: tuple(" ".join(words(variant)) for variant in said(line)[:2]))

    def _in(self, text: str, said: Said) -> Findings:
        spelled = readings(text)
        people = frozenset(key for reading in spelled for key in self._people_in(reading))
        values = _NONE
        if self._values and said is not nothing:
            if said is as_it_stands or isinstance(said, Except):
                values = self._values_in(spelled)
            if values or not (said is as_it_stands or isinstance(said, Except)):
                values = self._values_in(tuple(reading for variant in said(text) for reading in readings(variant)))
        return (people, values) if people or values else NOTHING

    def _values_in(self, spelled: Iterable[str]) -> frozenset[str]:
        return frozenset(value for reading in dict.fromkeys(spelled) for value in self._values.among(reading))

    def _people_in(self, text: str) -> Iterator[str]:
        for spellings in candidates(text, self._endings):
            for local, domain in spellings:
                if domain.rpartition(".")[2].lower() not in self._endings and domain.isascii():
                    continue  # most that has the form of an address ends like nobody's
                forms = keys(f"{local}@{domain}")
                named = [form for form in forms if form in self._everyone]
                yield from named
                if named or not self._public.isdisjoint(forms):
                    break

    def _with_whole_tags(
        self, texts: Sequence[str], lines: Sequence[_Line], said: Said
    ) -> tuple[list[str], list[_Line]]:
        """The lines, those together over which a tag, a comment or a hidden element goes."""
        whole_texts: list[str] = []
        whole_lines: list[_Line] = []
        done = 0
        for at in [at for at, line in enumerate(lines) if line.awaits]:
            if at >= done:
                whole_texts += texts[done:at]
                whole_lines += lines[done:at]
                text, line, length = self._whole(texts, at, lines[at], said)
                whole_texts.append(text)
                whole_lines.append(line)
                done = at + length
        return [*whole_texts, *texts[done:]], [*whole_lines, *lines[done:]]

    def _whole(self, texts: Sequence[str], at: int, line: _Line, said: Said) -> _Whole:
        """A line with those after it until nothing is open in it; a style sheet has as many lines as the last time."""
        length = self._lengths.get((texts[at], said)) or 1
        known = self._wholes.get((said, *texts[at : at + length]))
        if known:
            return known
        text, end = texts[at], at + 1
        while line.awaits and end < len(texts):
            begin = end
            end = next((i + 1 for i in range(begin, len(texts)) if line.awaits in texts[i].lower()), len(texts))
            text = "\n".join((text, *texts[begin:end]))
            line = self._known([text], said)[0]
        self._lengths.put((texts[at], said), end - at)
        return self._wholes.put((said, *texts[at:end]), (text, line, end - at))

    @staticmethod
    def _goes_on(texts: Sequence[str], lines: Sequence[_Line], at: int) -> bool:
        """Whether an address may begin in a line and end in the next."""
        after = at + 1
        is_open = after < len(lines) and (lines[at].open_end or lines[after].open_begin)
        return is_open and not _PROPERTY.match(texts[after])

    def _across(self, texts: Sequence[str], lines: Sequence[_Line], at: int, said: Said) -> Findings:
        """What stands in a line and those that it may go on in."""
        end = at + 1
        while end - at < _MOST_LINES and self._goes_on(texts, lines, end):
            end += 1
        window = tuple(texts[at : end + 1])
        found = self._joints.get((window, said))
        if found is None:
            bare = "".join(line.strip(" \t>|*") for line in window)
            found = _united([self._in("\n".join(window), said), self._in(bare, nothing)])
            self._joints.put((window, said), found)
        return found

    def _values_across(self, texts: Sequence[str], at: int, which: int, loose: int, said: Said) -> Findings:
        """The values that begin in a line and end in a later one."""
        begin = self._words(texts[at], said)[which][loose:]
        more = ""
        for text in texts[at + 1 : at + _MOST_LINES]:
            spoken = self._words(text, said)
            if which < len(spoken) and spoken[which]:
                more = f"{more} {spoken[which]}" if more else spoken[which]
                if self._values.needed(begin, more) <= 0:
                    break
        found = self._joints.get((begin, more))
        if found is None:
            values = frozenset(self._values.among_words([*begin.split(), *more.split()]))
            found = self._joints.put((begin, more), (_NONE, values) if values else NOTHING)
        return found


def _is_open_end(shown: str) -> bool:
    last = shown[-80:].split()[-2:]
    if not last:
        return False
    word = last[-1]
    return (
        not _TELLING.isdisjoint(word)
        or word[-1] in _OPENING
        or len(shown.strip()) <= 2
        or any(one.strip(_AROUND).lower() in _SAID for one in last)
        or (len(word) >= 20 and _ENCODED_WORD.fullmatch(word) is not None)
    )


def as_it_stands(text: str) -> tuple[str, ...]:
    """All of a text may be a value."""
    return (text,)


def nothing(_text: str) -> tuple[str, ...]:
    """Nothing of a text is a value."""
    return ()


def _united(found: Iterable[Findings]) -> Findings:
    people, values = _NONE, _NONE
    for some_people, some_values in found:
        people |= some_people
        values |= some_values
    return (people, values) if people or values else NOTHING
