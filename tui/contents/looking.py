"""Which parser reads a file, by its first bytes, and what happens when it cannot."""

import io
import zipfile
from collections.abc import Callable, Iterator

from tui.contents import archives, images, mail, markup, pdf, rtf, storage, text
from tui.contents.binary import strings
from tui.contents.findings import MAX_UNPACKED, Exhausted, Finding, Passage, Place, Refused, Unopened

Parser = Callable[[Place, str, bytes], Iterator[Finding]]

_KNOWN_BUT_CLOSED = (
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive, which cannot be read"),
    (b"Rar!\x1a\x07", "it is a RAR archive, which cannot be read"),
    (b"MSCF", "it is a Cabinet archive, which cannot be read"),
    (b"\x28\xb5\x2f\xfd", "it is packed with Zstandard, which cannot be read"),
    (b"\x78\x9f\x3e\x22", "it is a winmail.dat, which cannot be read"),
    (b"-----BEGIN PGP MESSAGE", "it is encrypted"),
)


def look_into(name: str, content: bytes) -> Iterator[Passage | Unopened]:
    """Everything in a file that a curious recipient could find, and every part that could not be looked into.

    The content decides how it is read; `name` only where it fits several kinds. Never raises, whatever the content: a
    parser's error is an `Unopened`. The same bytes give the same findings, always, within the limits of `findings`.
    """
    place = Place(_look)
    if len(content) > MAX_UNPACKED:
        yield Unopened("", f"it is larger than {MAX_UNPACKED // 1024**2} MB")
        return
    try:
        yield from _look(place, name, content)
    except Exhausted as error:
        yield Unopened("", str(error))


def _look(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    if not content.strip(b"\0"):
        return  # nothing, or padding
    try:
        yield from _parser(name, content)(place, name, content)
    except Exhausted:
        raise
    except Refused as error:
        yield from place.is_closed(str(error))
        yield from place.says(strings(content))
    except Exception:  # noqa: BLE001 - hostile files make parsers raise whatever they like; none of it is a bug of ours
        yield from place.is_closed("it is damaged, or made in a way that cannot be read")
        yield from place.says(strings(content))


def _parser(name: str, content: bytes) -> Parser:
    for is_one, parser in (
        (storage.is_one, storage.read),
        (archives.is_one, archives.read),
        (images.is_one, images.read),
        (rtf.is_one, rtf.read),
        (pdf.is_one, pdf.read),
    ):
        if is_one(content):
            return parser
    if mail.is_one(name, content):
        return mail.read
    readings = text.readings(content)
    if not readings or content.startswith(_KNOWN_BUT_CLOSED[-1][0]):
        return _unknown
    return markup.read if markup.is_one(readings[0]) else text.read


def _unknown(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    """Something binary: the text that lies open in it, and that it could not be read."""
    reason = next((why for magic, why in _KNOWN_BUT_CLOSED if content.startswith(magic)), "")
    yield from place.is_closed(reason or "it is of a kind that cannot be read")
    yield from place.says(strings(content))
    if zipfile.is_zipfile(io.BytesIO(content)):
        yield from archives.read_zip(place, name, content)
