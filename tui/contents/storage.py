"""OLE 2 files: Outlook's .msg, read whole; objects in documents; old Office files, of which only a part can be read."""

import io
import re
import struct
from collections.abc import Iterator, Mapping

from tui.contents import text
from tui.contents.binary import strings
from tui.contents.findings import Finding, Place, Refused

_MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS_AT_MOST = 5_000
_PROPERTY = re.compile(r"__substg1\.0_([0-9A-Fa-f]{4})([0-9A-Fa-f]{4})(?:-[0-9A-Fa-f]{8})?")
_PROPERTY_SETS = ("\x05SummaryInformation", "\x05DocumentSummaryInformation")
# Streams that say only which program is to open an object.
_OF_OBJECTS = frozenset({"\x01Ole", "\x01CompObj", "\x03ObjInfo", "\x03LinkInfo", "\x03EPRINT", "\x02OlePres000"})
_WHOLE_FILES = frozenset({"Package", "CONTENTS", "EmbeddedOdf"})
_LZFU = (
    b"{\\rtf1\\ansi\\mac\\deff0\\deftab720{\\fonttbl;}{\\f0\\fnil \\froman \\fswiss \\fmodern \\fscript \\fdecor "
    b"MS Sans SerifSymbolArialTimes New RomanCourier{\\colortbl\\red0\\green0\\blue0\r\n"
    b"\\par \\pard\\plain\\f0\\fs20\\b\\i\\u\\tab\\tx"
)
_CALLED = {
    "0037": "Subject",
    "0E1D": "Subject",
    "0070": "Topic",
    "1000": "text",
    "1013": "html",
    "007D": "headers",
    "0C1A": "From",
    "0C1F": "From",
    "0042": "From",
    "0065": "From",
    "5D01": "From",
    "0E04": "To",
    "0E03": "Cc",
    "0E02": "Bcc",
    "3001": "name",
    "3003": "address",
    "39FE": "address",
    "3707": "name",
    "3704": "name",
}


def is_one(content: bytes) -> bool:
    return content.startswith(_MAGIC)


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    streams = _streams(place, content)
    if any(path[-1].startswith("__properties_version1.0") for path in streams):
        yield from _mail(place, streams)
        return
    if ("EncryptedPackage",) in streams or ("EncryptionInfo",) in streams:
        yield from place.is_closed("it is encrypted")
        return
    is_whole = True
    for path, body in streams.items():
        inner = place.at("/".join(map(_shown, path)))
        last = path[-1]
        if last in _PROPERTY_SETS:
            yield from _property_set(place, last, body)
        elif last == "\x01Ole10Native":
            yield from _native(place, body)
        elif last in _WHOLE_FILES:
            yield from place.inside(_shown(last), body)
        else:
            is_whole = is_whole and last in _OF_OBJECTS
            yield from inner.says(_wide_and_narrow(body))
    if not is_whole:
        yield from place.is_closed("it is of a kind (an old Office file, or a macro) that can be read only in part")
        yield from place.says(strings(content))


def _streams(place: Place, content: bytes) -> dict[tuple[str, ...], bytes]:
    """Every stream by its path. Refused where the file is damaged."""
    import olefile

    found: dict[tuple[str, ...], bytes] = {}
    try:
        with olefile.OleFileIO(io.BytesIO(content)) as file:
            for path in file.listdir(streams=True, storages=False)[: _STREAMS_AT_MOST + 1]:
                size = file.get_size(path)
                place.work.spend(size)
                found[tuple(path)] = file.openstream(path).read()
    except (OSError, ValueError, IndexError, KeyError, AttributeError, TypeError, struct.error):
        raise Refused("it is damaged") from None
    if len(found) > _STREAMS_AT_MOST:
        raise Refused(f"it has more than {_STREAMS_AT_MOST} streams")
    return found


def _shown(name: str) -> str:
    return re.sub(r"[\x00-\x1f]", "", name)


def _wide_and_narrow(body: bytes) -> str:
    """Text that lies open in it; and, where most of it seems to be UTF-16 in any script, read so."""
    wide = re.findall(r"[^\x00-\x1f\ud800-\udfff\ufffd]{4,}", body.decode("utf-16-le", "replace"))
    return "\n".join((strings(body), *(run for run in wide if not run.isascii() and run.isprintable())))


def _property_set(place: Place, name: str, body: bytes) -> Iterator[Finding]:
    """Author, company, comments... [MS-OLEPS]: whatever is text there, in the set's code page."""
    inner = place.at("metadata")
    yield from inner.says(_wide_and_narrow(body))
    if name != _PROPERTY_SETS[0]:
        return
    # Texts in the document's own code page, as the strings above would miss their accents.
    for found in re.finditer(rb"\x1e\0\0\0(....)", body, re.DOTALL):
        length = int.from_bytes(found[1], "little")
        if length <= 4096:
            yield from inner.says(text.as_text(body[found.end() : found.end() + length].rstrip(b"\0")))


def _native(place: Place, body: bytes) -> Iterator[Finding]:
    """A file put into a document as a package: its label, the paths it came from, and itself."""
    at = 6
    names = []
    for _ in range(2):
        end = body.find(b"\0", at)
        if end < 0:
            raise Refused("it is damaged")
        names.append(text.as_text(body[at:end]))
        at = end + 1
    at += 4
    length = int.from_bytes(body[at : at + 4], "little")
    names.append(text.as_text(body[at + 4 : at + 4 + length].rstrip(b"\0")))
    at += 4 + length
    size = int.from_bytes(body[at : at + 4], "little")
    content, rest = body[at + 4 : at + 4 + size], body[at + 4 + size :]
    yield from place.says("\n".join(names), "name")
    yield from place.inside(names[0] or "package", content)
    yield from place.says(_wide_and_narrow(rest))


# Outlook ([MS-OXMSG]): each property is a stream, named by its number and its type.


def _mail(place: Place, streams: Mapping[tuple[str, ...], bytes]) -> Iterator[Finding]:
    names = _attachment_names(streams)
    for path, body in streams.items():
        inner = place
        for storage in path[:-1]:
            inner = inner.at(_storage(storage, names))
        found = _PROPERTY.fullmatch(path[-1])
        if "__nameid_version1.0" in path or path[-1].startswith("__properties_version1.0"):
            yield from inner.says(_wide_and_narrow(body), "name")
            continue
        if not found:
            # What an attachment's own program has stored, an OLE object inside.
            yield from inner.at(_shown(path[-1])).is_closed("it is of a kind that cannot be read")
            yield from inner.says(_wide_and_narrow(body))
            continue
        number, kind = found[1].upper(), found[2].upper()
        called = inner.at(_CALLED.get(number, f"property {number}"))
        if kind in ("001F", "101F"):
            yield from text.say(called, body.decode("utf-16-le", "replace").replace("\0", "\n"))
        elif kind in ("001E", "101E"):
            yield from text.say(called, text.as_text(body.replace(b"\0", b"\n")))
        elif number == "3701":
            yield from inner.inside("" if inner is not place else "attachment", body)
        elif number == "1013":
            for reading in text.readings(body) or (body.decode("latin-1"),):
                yield from called.says(reading, "html")
                yield from text.carried(called, reading)
        elif number == "1009":
            try:
                yield from inner.inside("rtf", _unpacked_rtf(place, body))
            except Refused as error:
                yield from called.is_closed(str(error))
                yield from called.says(_wide_and_narrow(body))
        else:
            yield from called.says(_wide_and_narrow(body), "name")


def _attachment_names(streams: Mapping[tuple[str, ...], bytes]) -> dict[str, str]:
    """What the attachments are called, by their storage's name."""
    names: dict[str, str] = {}
    for number in ("3001", "3704", "3707"):  # the best comes last
        for path, body in streams.items():
            if len(path) > 1 and path[-1].upper() == f"__SUBSTG1.0_{number}001F":
                names[path[-2]] = body.decode("utf-16-le", "replace").rstrip("\0")
    return names


def _storage(storage: str, names: Mapping[str, str]) -> str:
    if storage.startswith("__attach"):
        return names.get(storage) or "attachment"
    if storage.startswith("__recip"):
        return "recipient"
    return "message" if storage.startswith("__substg") else _shown(storage)


def _unpacked_rtf(place: Place, packed: bytes) -> bytes:
    """The body in RTF, unpacked ([MS-OXRTFCP])."""
    if len(packed) < 16:
        raise Refused("it is damaged")
    _, size, magic, _ = struct.unpack_from("<LLLL", packed)
    if magic == 0x414C454D:
        return packed[16:]
    if magic != 0x75465A4C:
        raise Refused("it is damaged")
    place.work.spend(min(size, 9 * len(packed)))
    window = bytearray(_LZFU) + bytearray(4096 - len(_LZFU))
    write, at = len(_LZFU), 16
    unpacked = bytearray()
    while at < len(packed) and len(unpacked) < size:
        flags, at = packed[at], at + 1
        for bit in range(8):
            if at >= len(packed):
                break
            if flags >> bit & 1:
                reference = int.from_bytes(packed[at : at + 2], "big")
                at += 2
                offset, length = reference >> 4, (reference & 0xF) + 2
                if offset == write:
                    return bytes(unpacked)
                octets: Iterator[int] = (window[(offset + step) % 4096] for step in range(length))
            else:
                octets = iter((packed[at],))
                at += 1
            for octet in octets:
                unpacked.append(octet)
                window[write] = octet
                write = (write + 1) % 4096
    return bytes(unpacked)
