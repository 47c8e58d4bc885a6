"""What a look into a file says, the limits of one look, and the place that a parser reads at."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal

MAX_UNPACKED = 64 * 1024 * 1024
"""Bytes that are read in one look, everything unpacked counted. Mail servers take some 25 MB."""

MAX_DEPTH = 8
"""Files inside each other: a mail with a ZIP with a document with a table with a picture is five."""

MAX_FINDINGS = 50_000
"""Passages and unopened parts of one look."""

MAX_RATIO = 400
"""How many times its size a packed file of more than a megabyte may grow to. Sparse tables reach 100."""

Kind = Literal["text", "html", "calendar", "name"]


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of text that is in a file.

    `where` is the inner path, "" for the file's own text: "xl/comments1.xml", "page 3", "metadata: Author",
    "notes.zip/list.csv". `kind` is "text"; "html", markup as it stands; "calendar", content lines of iCalendar or
    vCard; or "name", what a file or a part of it is called inside, where words are often the format's own.
    """

    where: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Unopened:
    """What could not be looked into, and the reason in words for the organiser: "it is encrypted"."""

    where: str
    reason: str


Finding = Passage | Unopened


class Refused(Exception):
    """A file, or what is left of it, cannot be read: the reason, as in `Unopened`."""


class Exhausted(Exception):
    """The whole look is over its limits; nothing more is read."""


@dataclass(slots=True)
class Work:
    """What one look may still do, shared by everything inside the file."""

    unpacked: int = MAX_UNPACKED
    findings: int = MAX_FINDINGS

    def spend(self, octets: int) -> None:
        """So many more bytes were unpacked. Exhausted when that is too many."""
        self.unpacked -= octets
        if self.unpacked < 0:
            raise Exhausted(f"it unpacks to more than {MAX_UNPACKED // 1024**2} MB")

    def count(self) -> None:
        self.findings -= 1
        if self.findings < 0:
            raise Exhausted(f"it has more than {MAX_FINDINGS} pieces of text")


@dataclass(frozen=True, slots=True)
class Place:
    """Where a parser reads: it says its findings through this, and hands on what lies inside."""

    look: "Callable[[Place, str, bytes], Iterator[Finding]]"
    where: str = ""
    depth: int = 0
    work: Work = field(default_factory=Work)

    def at(self, name: str) -> "Place":
        """The place `name` inside this one, in the same file."""
        return replace(self, where="/".join(filter(None, (self.where, name))))

    def says(self, text: str, kind: Kind = "text") -> Iterator[Passage]:
        """`text` is here; nothing where it is blank."""
        if text and not text.isspace():
            self.work.count()
            yield Passage(self.where, text, kind)

    def is_closed(self, reason: str) -> Iterator[Unopened]:
        self.work.count()
        yield Unopened(self.where, reason)

    def inside(self, name: str, content: bytes) -> Iterator[Finding]:
        """Everything in a file that lies inside this one. Its bytes are work that whoever unpacked it has counted."""
        place = self.at(name)
        if self.depth == MAX_DEPTH:
            yield from place.is_closed(f"it lies more than {MAX_DEPTH} files deep")
        else:
            yield from self.look(replace(place, depth=self.depth + 1), name, content)
