"""Whom and what no message may give away, and whether it stands in a text, however it is spelled there."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from functools import partial
from typing import NamedTuple

from tui.guard.addresses import candidates, within
from tui.guard.findings import NONE, NOTHING, Except, Findings, Found, Said, as_it_stands, nothing, united
from tui.guard.hashes import Hashes, Marks
from tui.guard.internal import Internal
from tui.guard.joining import begins_property, is_open_begin, is_open_end, shown_of
from tui.guard.likeness import Likeness
from tui.guard.mailboxes import endings, keys
from tui.guard.masking import ADDRESS, ALL_LINKS, REFERENCES, SHORTEST_REFERENCE, OwnWords, is_reference
from tui.guard.memory import Memory
from tui.guard.ordinary import Ordinary
from tui.guard.spelling import hex_in, hidden_in, may_be_base32, misreadings, readings, unclosed
from tui.guard.values import Spoken, words

_MOST_LINES = 64


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
        self.cleared = Marks()
        """What was cleared against this roll: a mark of its bytes, its recipient, and their words, each."""
        self.likeness = Likeness()
        self._has_references = False
        """Whether anybody's address may be taken for a message's."""
        self._public = {key for text in seen_by_all for key in keys(text)}
        found = {ending for key in self._public for ending in endings(key)}
        self._everyone = Hashes(self._protected(addresses, found))
        self.endings = frozenset(found)
        self._misread = frozenset(other for ending in found for other in misreadings(ending))
        self._dull_domains: Memory[str, bool] = Memory()
        self.ordinary = Ordinary(self._everyone, self.endings, self._misread, self._names_nobody)
        self.values = Internal(internal, Spoken("\n".join((common, *seen_by_all))))
        self._lines: dict[Said, Memory[str, _Line]] = {}
        self._spoken: Memory[tuple[str, Said], tuple[str, ...]] = Memory()
        self._lengths: Memory[tuple[str, Said], int] = Memory()
        self._wholes: Memory[tuple[Hashable, ...], _Whole] = Memory(500)
        self._joints: Memory[Hashable, Findings] = Memory()
        self.places: Memory[Hashable, tuple[Found, ...]] = Memory()

    def _protected(self, addresses: Iterable[str], found: set[str]) -> Iterator[str]:
        """Everybody's keys; on the way the last labels of their domains are put into `found`."""
        for text in addresses:
            for named in (text, *within(text)):
                for key in keys(named):
                    self._has_references |= key.find("@") >= SHORTEST_REFERENCE and is_reference(key)
                    if key not in self._public:
                        found.update(endings(key))
                        yield key

    def find(self, text: str, said: Said) -> Findings:
        """The addresses that stand in `text`, and the internal values in what of it is `said`.

        Most lines are the same in every message of a run, so what was found in one is remembered. Nothing is missed by
        going line by line: a tag or a comment is one line, and where an address or a value may go on in the next line,
        both are read together. TooDeep where something is encoded without an end.
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
        return united(found)

    def find_apart(self, texts: Sequence[str]) -> Findings:
        """The addresses in texts of a line each, none of which goes on in another."""
        return united([self.find(text, nothing) for text in texts])

    def people_in_own(self, own: OwnWords) -> set[str]:
        """Whose addresses are in what is a recipient's own, where it stands apart: in most of it, the recipient's."""
        found: set[str] = set()
        hidden: list[str] = []
        said_before = ""
        for letter, said in own.said.items():
            if letter in REFERENCES:
                digits, _, domain = said.partition("@")
                if domain and (self._has_references or self._dull_domains.get(domain) is not True):
                    hidden += self._beside_reference(said, domain)
                if digits != said_before:
                    # In base64 they spell no at-sign and no full stop, nor what one is encoded with.
                    hidden += (digits,) if may_be_base32(digits) else hex_in(digits)
                    said_before = digits
            elif letter in ALL_LINKS:
                continue  # of which each is ordinary
            elif letter == ADDRESS:
                found.update([form for form in keys(said) if form in self._everyone])
                hidden += hidden_in(said) if found and not self._is_misread(said) else (said,)
            elif said != said_before:
                # Words say nothing else; but beside letters beyond ASCII they are read in small ones too.
                hidden += (*hidden_in(said), *hidden_in(said.lower())) if said.isascii() else (said,)
                said_before = said
        for spelling in own.otherwise:
            hidden += hidden_in(spelling)
        hidden += [piece for piece in own.pieces if not self.ordinary.is_piece_of_link(piece)]
        for text in dict.fromkeys(hidden):
            found |= self._in(text, nothing)[0]
        return found

    def _names_nobody(self, text: str) -> bool:
        """Whether no address that is looked for is in a text."""
        return not self._in(text, nothing)[0]

    def is_dull(self, domain: str) -> bool:
        """Whether no address can be told from a reference with this domain, whatever its digits are."""
        return not self._has_references and self._dull_domains.once(domain, partial(self._is_dull, domain))

    def _beside_reference(self, said: str, domain: str) -> Iterable[str]:
        """What is to be searched of a reference, beside its digits."""
        is_dull = self._dull_domains.once(domain, partial(self._is_dull, domain))
        return () if is_dull and said not in self._everyone else (said,)

    def _is_dull(self, domain: str) -> bool:
        """Whether nothing but a list of everybody can tell whose an address of this domain is."""
        plain = f"{'0' * 32}@{domain}"
        return keys(plain) == (plain,) and not self._is_misread(plain) and not any(hidden_in(domain))

    def _is_misread(self, address: str) -> bool:
        """Whether a plain address can be read in two ways: from the other side, or with a domain before its at-sign."""
        local, _, domain = address.lower().partition("@")
        if "-" in domain or "_" in local:
            return True
        labels = local.replace("-", ".").replace("+", ".").split(".")
        return not (self.endings.isdisjoint(labels) and self._misread.isdisjoint((*labels, *domain.split("."))))

    def values_in(self, spelled: Iterable[str]) -> frozenset[str]:
        """The internal values in these readings of a text."""
        return frozenset(value for reading in dict.fromkeys(spelled) for value in self.values.among(reading))

    def _known(self, texts: Sequence[str], said: Said) -> list[_Line]:
        """What is known of each line."""
        memory = self._lines.get(said) or self._lines.setdefault(said, Memory())
        lines = memory.each(texts)
        if None in lines:
            return [line or memory.put(text, self._line(text, said)) for text, line in zip(texts, lines, strict=True)]
        return lines  # type: ignore[return-value]  # none of them is None

    def _line(self, line: str, said: Said) -> _Line:
        shown = shown_of(line)
        found = _Line(
            self._in(line, said),
            unclosed(line),
            is_open_begin(shown),
            is_open_end(shown),
            tuple(map(self.values.loose, self._words(line, said))) if self.values else (),
        )
        is_dull = found[:4] == _DULL[:4] and max(found.loose, default=-1) < 0
        return _DULL if is_dull else found

    def _words(self, line: str, said: Said) -> tuple[str, ...]:
        """The words of what is shown of a line, in its first readings."""
        return self._spoken.once((line, said), lambda: tuple(" ".join(words(variant)) for variant in said(line)[:2]))

    def _in(self, text: str, said: Said) -> Findings:
        spelled = readings(text)
        people = frozenset(key for reading in spelled for key in self._people_in(reading))
        values = NONE
        if self.values and said is not nothing:
            if said is as_it_stands or isinstance(said, Except):
                values = self.values_in(spelled)
            if values or not (said is as_it_stands or isinstance(said, Except)):
                values = self.values_in(tuple(reading for variant in said(text) for reading in readings(variant)))
        return (people, values) if people or values else NOTHING

    def _people_in(self, text: str) -> Iterator[str]:
        for spellings in candidates(text, self.endings):
            for local, domain in spellings:
                if domain.rpartition(".")[2].lower() not in self.endings and domain.isascii():
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
        return is_open and not begins_property(texts[after])

    def _across(self, texts: Sequence[str], lines: Sequence[_Line], at: int, said: Said) -> Findings:
        """What stands in a line and those that it may go on in."""
        end = at + 1
        while end - at < _MOST_LINES and self._goes_on(texts, lines, end):
            end += 1
        window = tuple(texts[at : end + 1])
        found = self._joints.get((window, said))
        if found is None:
            bare = "".join(line.strip(" \t>|*") for line in window)
            found = united([self._in("\n".join(window), said), self._in(bare, nothing)])
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
                if self.values.needed(begin, more) <= 0:
                    break
        found = self._joints.get((begin, more))
        if found is None:
            values = frozenset(self.values.among_words([*begin.split(), *more.split()]))
            found = self._joints.put((begin, more), (NONE, values) if values else NOTHING)
        return found
