"""ZIP (office documents too), tar, gzip, bzip2 and xz: names, comments, every entry, and what lies between them.

Sizes are never believed: everything is unpacked in pieces, and each piece counts as work before the next is read.
"""

import bz2
import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterator

from tui.contents import markup
from tui.contents.binary import addressed, is_padding, strings
from tui.contents.findings import MAX_RATIO, Finding, Place, Refused, Work

_PIECE = 1 << 18
_GROWN = 1 << 20  # bytes up to which any ratio is harmless
_LZMA_MEMORY = 64 << 20  # bytes
_BLOCK = 512
_ZIPS = (b"PK\3\4", b"PK\5\6", b"PK\7\x08PK\3\4", b"PK00PK\3\4")
_XZ = b"\xfd7zXZ\0"
_LOCAL = struct.Struct("<4sHHHHHLLLHH")
_CALLED_BY_PROGRAM = re.compile(r"(?:[A-Za-z_-]+\d*/)*(?:[\[\]A-Za-z_-]*\d*\.[a-z]{2,8}|mimetype|layout-cache|)")
# What a printer and a layout remember: written into most documents by the programs themselves, and no text.
_STATE = re.compile(r"(?:.*/)?printerSettings/[^/]+\.bin|layout-cache")
_STATE_AT_MOST = 1 << 17  # bytes
_IS_ODF = re.compile(rb"application/vnd\.[a-z.-]+")
_XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|[A-Za-z][\w:.-]*[^<>]*\sxmlns)|\xff\xfe<\0|\xfe\xff\0<")


def is_one(content: bytes) -> bool:
    return content.startswith((*_ZIPS, b"\x1f\x8b\x08", b"BZh", _XZ)) or _is_tar(content)


def read(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    if content.startswith(b"\x1f\x8b\x08"):
        return _gzip(place, name, content)
    if content.startswith(b"BZh"):
        return _stream(place, name, content, b"BZh")
    if content.startswith(_XZ):
        return _stream(place, name, content, _XZ)
    if content.startswith(_ZIPS):
        return read_zip(place, name, content)
    return _tar(place, content)


# ZIP


def read_zip(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    """An archive anywhere in `content`: every entry of its directory, and what no directory names."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(content))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, UnicodeError):
        yield from place.is_closed("it is a damaged archive")
        yield from _forgotten(place, content)
        return
    entries = archive.infolist()
    is_office = {"[Content_Types].xml", "mimetype", "META-INF/manifest.xml"} & {entry.filename for entry in entries}
    yield from place.at("comment").says(archive.comment.decode("utf-8", "replace"))
    taken: list[tuple[int, int]] = []
    for entry in entries:
        inner = place.at(entry.filename)
        if not (is_office and _CALLED_BY_PROGRAM.fullmatch(entry.filename)):
            yield from inner.says(entry.filename, "name")
        yield from inner.at("comment").says(entry.comment.decode("utf-8", "replace"))
        yield from inner.at("extra").says(addressed(entry.extra), "name")
        head = _local_head(content, entry)
        if head is None:
            yield from inner.is_closed("it is damaged")
            continue
        begin, end, also_called = head
        taken.append((begin, end + entry.compress_size))
        if also_called != entry.filename:
            yield from inner.says(also_called, "name")
        yield from inner.at("extra").says(addressed(content[begin:end]), "name")
        if not entry.is_dir() or entry.file_size:
            yield from _entry(place, archive, entry, bool(is_office))
    yield from _between(place, content, archive.start_dir, taken)


def _entry(place: Place, archive: zipfile.ZipFile, entry: zipfile.ZipInfo, is_office: bool) -> Iterator[Finding]:
    inner = place.at(entry.filename)
    if entry.flag_bits & 0x41:
        yield from inner.is_closed("it is encrypted")
        return
    if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2):
        yield from inner.is_closed("it is packed in a way that cannot be read")
        return
    try:
        with archive.open(entry) as packed:
            content = _unpacked(iter(lambda: packed.read(_PIECE), b""), entry.compress_size, place.work)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,
        zlib.error,
        struct.error,
    ):
        yield from inner.is_closed("it is damaged")
        return
    except Refused as error:
        yield from inner.is_closed(str(error))
        return
    if not is_office:
        yield from place.inside(entry.filename, content)
    elif (len(content) <= _STATE_AT_MOST and _STATE.fullmatch(entry.filename)) or _IS_ODF.fullmatch(content):
        yield from inner.says(strings(content), "name")
    elif _XML.match(content):
        if entry.filename == "META-INF/manifest.xml" and b"encryption-data" in content:
            yield from place.is_closed("it is encrypted")
        try:
            yield from markup.office_part(inner, content)
        except Refused as error:
            yield from inner.is_closed(str(error))
            yield from markup.read(inner, entry.filename, content)
    else:
        yield from place.inside(entry.filename, content)


def _local_head(content: bytes, entry: zipfile.ZipInfo) -> tuple[int, int, str] | None:
    """Where an entry's own head begins and ends, and the name it has there (APPNOTE 4.3.7)."""
    head = content[entry.header_offset : entry.header_offset + _LOCAL.size] if entry.header_offset >= 0 else b""
    if len(head) < _LOCAL.size:
        return None
    magic, *_, name_length, extra_length = _LOCAL.unpack(head)
    begin = entry.header_offset + _LOCAL.size
    if magic != b"PK\3\4":
        return None
    called = content[begin : begin + name_length].decode("utf-8" if entry.flag_bits & 0x800 else "cp437", "replace")
    return entry.header_offset, begin + name_length + extra_length, called


def _between(place: Place, content: bytes, directory: int, taken: list[tuple[int, int]]) -> Iterator[Finding]:
    """Bytes before, between and after the entries that no directory speaks of."""
    end = 0
    for begin, until in (*sorted(taken), (max(directory, 0), len(content))):
        gap = content[end:begin]
        # A data descriptor follows what was packed without knowing its size (APPNOTE 4.3.9).
        is_descriptor = len(gap) <= 24 and (gap[:4] == b"PK\7\x08" or len(gap) in (12, 20))
        if not is_padding(gap):
            if is_descriptor:
                yield from place.at("hidden data").says(addressed(gap))
            else:
                yield from _forgotten(place, gap)
        end = max(end, until)
    closing = content.rfind(b"PK\5\6")
    if closing >= 0 and len(content) >= closing + 22:
        after = content[closing + 22 + struct.unpack_from("<H", content, closing + 20)[0] :]
        if not is_padding(after):
            yield from place.inside("hidden data", after)


def _forgotten(place: Place, gap: bytes) -> Iterator[Finding]:
    """Entries that stand in the archive but not, or no longer, in its directory; then whatever else is there."""
    at = gap.find(b"PK\3\4")
    if at > 0 and not is_padding(gap[:at]):
        yield from place.inside("hidden data", gap[:at])
    while at >= 0 and gap.startswith(b"PK\3\4", at) and len(gap) >= at + _LOCAL.size:
        *_, flags, method, _, _, _, size, _, name_length, extra_length = _LOCAL.unpack_from(gap, at)
        begin = at + _LOCAL.size + name_length + extra_length
        name = gap[at + _LOCAL.size :][:name_length].decode("utf-8", "replace")
        inner = place.at(name)
        yield from inner.says(name, "name")
        at = begin + size
        if flags & 0x41 or method not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            yield from inner.is_closed("it cannot be unpacked")
            break
        content = gap[begin : begin + size]
        if method == zipfile.ZIP_DEFLATED:
            unpacking = zlib.decompressobj(-15)
            packed = gap[begin:] if flags & 8 else content
            try:
                content = _unpacked(_pieces(unpacking, packed), len(packed), place.work)
            except (zlib.error, Refused):
                yield from inner.is_closed("it is damaged")
                break
            if flags & 8:
                descriptor = unpacking.unused_data
                at = len(gap) - len(descriptor) + (16 if descriptor.startswith(b"PK\7\x08") else 12)
        yield from place.inside(name, content)
    if at < 0:
        yield from place.inside("hidden data", gap)
    elif not is_padding(gap[at:]):
        yield from place.at("hidden data").is_closed("it is damaged")
        yield from place.at("hidden data").says(strings(gap[at:]))


# Streams


def _gzip(place: Place, name: str, content: bytes) -> Iterator[Finding]:
    """Every member (RFC 1952), with the name and the comment that it carries."""
    rest, number = content, 0
    while rest.startswith(b"\x1f\x8b"):
        number += 1
        inner = re.sub(r"\.(?:gz|tgz|z)$", "", name.rpartition("/")[2], flags=re.IGNORECASE) or "content"
        for text in _gzip_texts(rest):
            yield from place.says(text, "name")
        unpacking = zlib.decompressobj(31)
        try:
            unpacked = _unpacked(_pieces(unpacking, rest), len(rest), place.work)
        except zlib.error:
            raise Refused("it is damaged") from None
        if not unpacking.eof:
            yield from place.is_closed("it is cut off")
        yield from place.inside(inner if number == 1 else f"{inner} {number}", unpacked)
        rest = unpacking.unused_data
    if not is_padding(rest):
        yield from place.inside("hidden data", rest)


def _gzip_texts(content: bytes) -> Iterator[str]:
    """The extra field, the name and the comment of a member's head."""
    flags, at = content[3] if len(content) > 3 else 0, 10
    if flags & 4 and len(content) >= 12:
        length = int.from_bytes(content[10:12], "little")
        yield strings(content[12 : 12 + length])
        at = 12 + length
    for flag in (8, 16):
        if flags & flag:
            text, _, _ = content[at:].partition(b"\0")
            yield text.decode("latin-1")
            at += len(text) + 1


def _stream(place: Place, name: str, content: bytes, magic: bytes) -> Iterator[Finding]:
    """bzip2 or xz, one stream after another."""
    rest = content
    inner = re.sub(r"\.(?:bz2|xz)$", "", name.rpartition("/")[2], flags=re.IGNORECASE) or "content"
    while rest.startswith(magic):
        unpacking = (
            bz2.BZ2Decompressor() if magic == b"BZh" else lzma.LZMADecompressor(lzma.FORMAT_XZ, memlimit=_LZMA_MEMORY)
        )
        try:
            unpacked = _unpacked(_pieces(unpacking, rest), len(rest), place.work)
        except (OSError, EOFError, ValueError, lzma.LZMAError):
            raise Refused("it is damaged") from None
        if not unpacking.eof:
            yield from place.is_closed("it is cut off")
        yield from place.inside(inner, unpacked)
        rest = unpacking.unused_data
    if not is_padding(rest):
        yield from place.inside("hidden data", rest)


def _pieces(
    unpacking: "zlib._Decompress | bz2.BZ2Decompressor | lzma.LZMADecompressor", packed: bytes
) -> Iterator[bytes]:
    """What comes out of a stream, a quarter of a megabyte at a time."""
    rest = packed
    while not unpacking.eof:
        piece = unpacking.decompress(rest, _PIECE)
        # zlib hands back what it has not read yet; the other two keep it.
        rest = getattr(unpacking, "unconsumed_tail", b"")
        if not piece and not rest:
            return
        yield piece


def _unpacked(pieces: Iterator[bytes], packed_size: int, work: Work) -> bytes:
    unpacked = bytearray()
    for piece in pieces:
        work.spend(len(piece))
        unpacked += piece
        if len(unpacked) > max(_GROWN, packed_size * MAX_RATIO):
            raise Refused(f"it unpacks to more than {MAX_RATIO} times its size")
    return bytes(unpacked)


# tar. The standard library's reader follows offsets that a file declares; this one only ever goes forward.


def _is_tar(content: bytes) -> bool:
    head = content[:_BLOCK]
    if len(head) < _BLOCK or not head[0]:
        return False
    if head[257:262] == b"ustar":
        return True
    total = re.fullmatch(rb"[ \0]*([0-7]{1,6})[ \0]*", head[148:156])
    return bool(total) and int(total[1], 8) == sum(head) - sum(head[148:156]) + 8 * 32 if total else False


def _tar(place: Place, content: bytes) -> Iterator[Finding]:
    at, long_name = 0, ""
    while at + _BLOCK <= len(content):
        head = content[at : at + _BLOCK]
        if not head.strip(b"\0"):
            break
        size, kind = _tar_size(head[124:136]), head[156:157]
        begin, at = at + _BLOCK, at + _BLOCK + -(-size // _BLOCK) * _BLOCK
        body = content[begin : begin + size]
        place.work.spend(size)
        if kind in b"LK":
            long_name = body.rstrip(b"\0").decode("utf-8", "replace")
            yield from place.says(long_name, "name")
            continue
        prefix = _tar_text(head[345:500]) if head[257:263] == b"ustar\0" else ""
        name = long_name or "/".join(filter(None, (prefix, _tar_text(head[:100])))) or "entry"
        long_name = ""
        inner = place.at(name)
        yield from inner.says(name, "name")
        for field in (head[157:257], head[265:297], head[297:329]):  # the target of a link, the owner, the group
            yield from inner.says(_tar_text(field), "name")
        if not _is_tar(head):
            raise Refused("it is a damaged archive")
        if kind in b"xg":
            yield from inner.says(body.decode("utf-8", "replace"), "name")
        elif kind in b"\x0007":
            yield from place.inside(name, body)
            if not is_padding(content[begin + size : at]):
                yield from inner.at("hidden data").says(strings(content[begin + size : at]))
        elif body:
            yield from inner.is_closed("it is of a kind that cannot be read")
            yield from inner.says(strings(body))
    if not is_padding(content[at:]):
        yield from place.inside("hidden data", content[at:])


def _tar_size(field: bytes) -> int:
    if field[0] & 0x80:
        return int.from_bytes(bytes([field[0] & 0x3F]) + field[1:], "big")
    digits = re.match(rb"[ \0]*([0-7]*)", field)
    return int(digits[1] or b"0", 8) if digits else 0


def _tar_text(field: bytes) -> str:
    return field.partition(b"\0")[0].decode("utf-8", "replace")
