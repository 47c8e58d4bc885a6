"""What is in an attachment, as far as it is text."""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Passage:
    """One piece of text that is in a file; `kind` is "text" or "calendar"."""

    where: str
    text: str
    kind: str


@dataclass(frozen=True, slots=True)
class Unopened:
    """A place that could not be looked into, and the reason in words: "it is encrypted"."""

    where: str
    reason: str


def look_into(_name: str, content: bytes) -> Iterator[Passage | Unopened]:
    """The text in a file, and whether there may be more in it that cannot be read."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        text = content.decode("utf-16", "replace")
    else:
        try:
            text = content.decode("utf-8")
        except UnicodeDecodeError:
            text = content.decode("latin-1")
    if "\0" in text:
        yield Unopened("", "it is of a kind that cannot be read")
        text = text.replace("\0", "")
    yield Passage("", text, "calendar" if "BEGIN:VCALENDAR" in text.upper() else "text")
