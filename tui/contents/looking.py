"""Which parser reads a file, by its first bytes, and what happens when it cannot."""

import io
import re
import zipfile
from collections.abc import Callable, Iterator

from tui.contents import archives, images, mail, markup, pdf, rtf, storage, text
from tui.contents.binary import strings
from tui.contents.findings import MAX_UNPACKED, Exhausted, Finding, Passage, Place, Refused, Unopened

Parser = Callable[[Place, str, bytes], Iterator[Finding]]

_KNOWN_BUT_CLOSED = (
    (b"7z\xbc\xaf\x27\x1c", "it is a 7z archive, which cannot be read"),
    (b"Rar!\x1a\x07", "it is a RAR archive, which cannot be read"),
    (b"MSCF\0\0\0\0", "it is a Cabinet archive, which cannot be read"),
    (b"\x28\xb5\x2f\xfd", "it is packed with Zstandard, which cannot be read"),
    (b"\x78\x9f\x3e\x22", "it is a winmail.dat, which cannot be read"),
    (b"!BDN", "it is an Outlook data file, which cannot be read"),
    (b"SQLite format 3\0", "it is a database, which cannot be read"),
    (b"-----BEGIN PGP MESSAGE", "it is encrypted"),
    (b"-----BEGIN AGE ENCRYPTED FILE", "it is encrypted"),
    (b"age-encryption.org/v1", "it is encrypted"),
    (b"Salted__", "it is encrypted"),
    (b"\x03\xd9\xa2\x9a", "it is encrypted"),  # KeePass
)
# Programs, sound, film, fonts, packed and other data: by their length alone some would read as UTF-16 of some script,
# or as one of the encodings that take almost any bytes.
_BINARY = re.compile(
    rb"\x7fELF|MZ\x90\x00|\xca\xfe\xba\xbe|\xcf\xfa\xed\xfe|\x00asm|\x80\x04\x95|PAR1|\x93NUMPY"
    rb"|OggS\0|fLaC\0|ID3[\x02-\x04]\0|RIFF....(?:WAVE|AVI |RMID|ACON)|\x1a\x45\xdf\xa3|FLV\x01|[CF]WS[\x03-\x1f]"
    rb"|\x00\x01\x00\x00|OTTO\0|true\0|ttcf\0|wOF[F2]\0|8BPS\0|\xc5\xd0\xd3\xc6|AT&TFORM"
    rb"|\x1f[\x9d\xa0]|LZIP\x01|\x04\x22\x4d\x18|\xe4\x52\x5c\x7b\x8c\xd8\xa7\x4d"
    rb"|\x30\x82..[\x02\x06\x30]|\x30\x80\x06\x09",  # DER: certificates, signatures, S/MIME
    re.DOTALL,
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
    if content.startswith(tuple(magic for magic, _ in _KNOWN_BUT_CLOSED)) or _BINARY.match(content):
        return _unknown
    readings = text.readings(content)
    if not readings:
        return _unknown
    return markup.read if markup.is_one(readings[0]) else text.read


def _unknown(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    """Something binary: the text that lies open in it, and that it could not be read."""
    reason = next((why for magic, why in _KNOWN_BUT_CLOSED if content.startswith(magic)), "")
    yield from place.is_closed(reason or "it is of a kind that cannot be read")
    yield from place.says(strings(content))
    if zipfile.is_zipfile(io.BytesIO(content)):
        yield from archives.read_zip(place, name, content)
