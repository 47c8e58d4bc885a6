"""Pictures: what they say beside their pixels, and what is hung on behind their end.

The containers are walked here, because only so is every segment seen; Pillow names the tags. It decodes nothing: no
pixel is looked at, and it could only report damage through the process's warnings. What is drawn stays unseen.
"""

import re
import struct
import zlib
from collections.abc import Iterator

from tui.contents import markup, text
from tui.contents.binary import addressed, is_padding, strings
from tui.contents.findings import Finding, Place, Refused

_PNG = b"\x89PNG\r\n\x1a\n"
_TIFFS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_MOVING = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
# Chunks that only say how the pixels are to be shown.
_PNG_DRAWING = (
    *(b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"cHRM", b"gAMA", b"sBIT", b"sRGB", b"bKGD", b"hIST", b"pHYs"),
    *(b"tIME", b"acTL", b"fcTL", b"fdAT", b"cICP", b"mDCV", b"cLLI"),
)
_TEXT_AT_MOST = 1 << 22  # bytes of one compressed text
_IFDS_AT_MOST = 200
_TAGS_AT_MOST = 2_000
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}  # TIFF 6.0, by type
_POINTERS = (0x8769, 0x8825, 0xA005, 0x014A)  # Exif, GPS, interoperability, further images
_XP = range(0x9C9B, 0x9CA0)  # Windows: title, comment, author, keywords, subject
_PIXELS = (0x0111, 0x0117, 0x0144, 0x0145, 0x0201, 0x0202, 0x0140, 0x012D)
_CHARACTER_CODES = {b"ASCII\0\0\0": "latin-1", b"UNICODE\0": "utf-16", b"JIS\0\0\0\0\0": "shift_jis"}


def is_one(content: bytes) -> bool:
    return (
        content.startswith((b"\xff\xd8\xff", _PNG, b"GIF87a", b"GIF89a", *_TIFFS))
        or (content.startswith(b"RIFF") and content[8:12] == b"WEBP")
        or (content.startswith(b"BM") and len(content) > 26 and content[6:10] == b"\0" * 4)
        or (content[4:8] == b"ftyp" and content[8:12] in _MOVING)
    )


def read(place: Place, _name: str, content: bytes) -> Iterator[Finding]:
    if content.startswith(b"\xff\xd8"):
        return _jpeg(place, content)
    if content.startswith(_PNG):
        return _png(place, content)
    if content.startswith(b"GIF"):
        return _gif(place, content)
    if content.startswith(b"RIFF"):
        return _webp(place, content)
    if content.startswith(b"BM"):
        return _after(place, content, int.from_bytes(content[2:6], "little"))
    if content.startswith(_TIFFS):
        return _tiff(place, content)
    return _heif(place, content)


def _after(place: Place, content: bytes, end: int) -> Iterator[Finding]:
    """What stands behind a picture's end: a program shows nothing of it."""
    if not is_padding(content[end:]):
        yield from place.inside("data after the end", content[end:])


def _jpeg(place: Place, content: bytes) -> Iterator[Finding]:
    """Segment by segment (ITU T.81 annex B), to the end of the image."""
    at = 2
    while at + 4 <= len(content):
        if content[at] != 0xFF:
            raise Refused("it is a damaged picture")
        marker = content[at + 1]
        if marker == 0xFF:
            at += 1
            continue
        if marker == 0xD9:
            break
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            at += 2
            continue
        length = int.from_bytes(content[at + 2 : at + 4], "big")
        body, at = content[at + 4 : at + 2 + length], at + 2 + length
        if marker >= 0xE0 and marker != 0xFE:
            yield from _application(place, marker - 0xE0, body)
        elif marker == 0xFE:
            yield from place.at("comment").says(text.as_text(body))
        if marker == 0xDA:
            # The scan itself: 0xFF is followed by 0 or by a restart until the next marker.
            following = _NEXT_MARKER.search(content, at)
            if not following:
                yield from place.is_closed("it is a picture that is cut off")
                return
            at = following.start()
    yield from _after(place, content, at + 2)


_NEXT_MARKER = re.compile(rb"\xff+[^\x00\xff\xd0-\xd7]", re.DOTALL)


def _application(place: Place, number: int, body: bytes) -> Iterator[Finding]:
    if body.startswith(b"Exif\0"):
        yield from _exif(place, body[6:])
    elif body.startswith(b"http://ns.adobe.com/xap/1.0/\0"):
        yield from markup.metadata(place.at("metadata: XMP"), body.partition(b"\0")[2])
    elif body.startswith(b"http://ns.adobe.com/xmp/extension/\0"):
        yield from place.at("metadata: XMP").says(text.as_text(body[75:]), "html")
    elif body.startswith(b"Photoshop 3.0\0"):
        yield from _photoshop(place, body[14:])
    elif body.startswith((b"JFIF\0", b"JFXX\0", b"Adobe", b"ICC_PROFILE\0", b"MPF\0")):
        yield from place.at(f"APP{number}").says(addressed(body))
    else:
        yield from place.at(f"APP{number}").says(strings(body))


def _photoshop(place: Place, body: bytes) -> Iterator[Finding]:
    """Image resource blocks; number 0x0404 is IPTC, whose records are 0x1C, two numbers, a length, a text."""
    at = 0
    while body[at : at + 4] == b"8BIM" and at + 7 <= len(body):
        number = int.from_bytes(body[at + 4 : at + 6], "big")
        name_length = body[at + 6]
        yield from place.at("metadata: Photoshop").says(body[at + 7 : at + 7 + name_length].decode("latin-1"), "name")
        at += 6 + name_length + 1 + (name_length + 1) % 2
        length = int.from_bytes(body[at : at + 4], "big")
        resource = body[at + 4 : at + 4 + length]
        at += 4 + length + length % 2
        if number == 0x0404:
            yield from _iptc(place, resource)
        elif number in (0x0409, 0x040C):
            yield from place.inside("thumbnail", resource[28:])
        elif number == 0x0424:
            yield from markup.metadata(place.at("metadata: XMP"), resource)
        else:
            yield from place.at("metadata: Photoshop").says(addressed(resource))
    yield from place.at("metadata: Photoshop").says(strings(body[at:]))


def _iptc(place: Place, records: bytes) -> Iterator[Finding]:
    at = 0
    while records[at : at + 1] == b"\x1c" and at + 5 <= len(records):
        length = int.from_bytes(records[at + 3 : at + 5], "big")
        if records[at + 1] != 1:  # the first record is about the format
            yield from place.at("metadata: IPTC").says(text.as_text(records[at + 5 : at + 5 + length]))
        at += 5 + length
    yield from place.at("metadata: IPTC").says(strings(records[at:]))


def _png(place: Place, content: bytes) -> Iterator[Finding]:
    at = len(_PNG)
    while at + 8 <= len(content):
        length, kind = struct.unpack_from(">L4s", content, at)
        body, at = content[at + 8 : at + 8 + length], at + 12 + length
        if kind in (b"tEXt", b"zTXt", b"iTXt"):
            yield from _png_text(place, kind, body)
        elif kind == b"eXIf":
            yield from _exif(place, body)
        elif kind == b"iCCP":
            yield from place.at("metadata: colour profile").says(body.partition(b"\0")[0].decode("latin-1"), "name")
        elif kind not in _PNG_DRAWING:
            yield from place.at("metadata").says(strings(body))
        if kind == b"IEND":
            yield from _after(place, content, at)
            return
    yield from place.is_closed("it is a picture that is cut off")


def _png_text(place: Place, kind: bytes, body: bytes) -> Iterator[Finding]:
    """tEXt, zTXt, iTXt (PNG 11.3.3): a key, perhaps a language and the key in it, and a text that may be packed."""
    key, _, rest = body.partition(b"\0")
    encoding = "latin-1"
    is_packed = kind == b"zTXt"
    if kind == b"iTXt":
        is_packed, encoding = rest[:1] == b"\1", "utf-8"
        language, _, rest = rest[2:].partition(b"\0")
        translated, _, rest = rest.partition(b"\0")
        yield from place.at("metadata").says(
            f"{language.decode('latin-1')}\n{translated.decode('utf-8', 'replace')}", "name"
        )
    elif is_packed:
        rest = rest[1:]
    name = key.decode("latin-1")
    inner = place.at(f"metadata: {name}")
    yield from inner.says(name, "name")
    if is_packed:
        try:
            unpacking = zlib.decompressobj()
            rest = unpacking.decompress(rest, _TEXT_AT_MOST)
        except zlib.error:
            yield from inner.is_closed("it is damaged")
            return
        place.work.spend(len(rest))
        if unpacking.unconsumed_tail:
            yield from inner.is_closed(f"it is larger than {_TEXT_AT_MOST // 1024**2} MB")
    if name.startswith("Raw profile type"):
        # ImageMagick's: a name, a length, and hexadecimal.
        octets = bytes.fromhex(
            re.sub(r"[^0-9A-Fa-f]", "", rest.decode("latin-1").partition("\n")[2].partition("\n")[2])[0:]
        )
        yield from (
            _exif(place, octets.removeprefix(b"Exif\0\0")) if b"Exif" in octets[:8] else inner.says(strings(octets))
        )
    elif name == "XML:com.adobe.xmp":
        yield from markup.metadata(place.at("metadata: XMP"), rest)
    else:
        yield from inner.says(rest.decode(encoding, "replace"))


def _gif(place: Place, content: bytes) -> Iterator[Finding]:
    """Block by block (GIF89a): comments, plain text and application data are texts, the rest is drawing."""
    at = 13 + (3 << (content[10] & 7) + 1 if content[10] & 0x80 else 0)
    while at < len(content):
        introducer = content[at]
        if introducer == 0x3B:
            yield from _after(place, content, at + 1)
            return
        if introducer == 0x2C:
            flags = content[at + 9]
            _, at = _sub_blocks(content, at + 11 + (3 << (flags & 7) + 1 if flags & 0x80 else 0))
        elif introducer == 0x21:
            label = content[at + 1]
            if label == 0xFF and content[at + 3 : at + 14] == b"XMP DataXMP":
                end = content.find(b"\0\0", at)
                yield from place.at("metadata: XMP").says(text.as_text(content[at + 14 : end]), "html")
                at = end + 2 if end >= 0 else len(content)
                continue
            body, at = _sub_blocks(content, at + 2)
            if label == 0xFE:
                yield from place.at("comment").says(text.as_text(body))
            elif label != 0xF9:
                yield from place.at("metadata").says(strings(body))
        else:
            raise Refused("it is a damaged picture")


def _sub_blocks(content: bytes, at: int) -> tuple[bytes, int]:
    body = bytearray()
    while at < len(content) and content[at]:
        body += content[at + 1 : at + 1 + content[at]]
        at += 1 + content[at]
    return bytes(body), at + 1


def _webp(place: Place, content: bytes) -> Iterator[Finding]:
    end = 8 + int.from_bytes(content[4:8], "little")
    at = 12
    while at + 8 <= min(end, len(content)):
        kind, length = struct.unpack_from("<4sL", content, at)
        body, at = content[at + 8 : at + 8 + length], at + 8 + length + length % 2
        if kind == b"EXIF":
            yield from _exif(place, body.removeprefix(b"Exif\0\0"))
        elif kind == b"XMP ":
            yield from markup.metadata(place.at("metadata: XMP"), body)
        elif kind not in (b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"):
            yield from place.at("metadata").says(strings(body))
    yield from _after(place, content, end + end % 2)


def _heif(place: Place, content: bytes) -> Iterator[Finding]:
    """HEIC and AVIF: their EXIF and XMP where they can be found. Where everything else lies is not followed."""
    yield from place.is_closed("it is a HEIC or AVIF picture, of which only a part can be read")
    for found in re.finditer(rb"Exif\0\0(?=II\*\0|MM\0\*)", content):
        yield from _exif(place, content[found.end() :])
        break
    yield from place.says(strings(content))


def _tiff(place: Place, content: bytes) -> Iterator[Finding]:
    if content[2:4] in (b"+\0", b"\0+"):
        raise Refused("it is a BigTIFF picture, which cannot be read")
    yield from _exif(place, content)
    yield from place.says(addressed(content))


def _exif(place: Place, block: bytes) -> Iterator[Finding]:
    """A TIFF structure (Exif 2.32 §4.5): every directory that any other leads to, each once."""
    from PIL.ExifTags import GPSTAGS, TAGS

    order = {b"II": "<", b"MM": ">"}.get(block[:2])
    if order is None or len(block) < 8:
        yield from place.at("metadata: EXIF").says(strings(block))
        return
    waiting: list[tuple[int, bool]] = [(struct.unpack_from(f"{order}L", block, 4)[0], False)]
    seen: set[int] = set()
    while waiting and len(seen) < _IFDS_AT_MOST:
        at, is_gps = waiting.pop()
        if at in seen or not 8 <= at <= len(block) - 2:
            continue
        seen.add(at)
        (count,) = struct.unpack_from(f"{order}H", block, at)
        preview: dict[int, int] = {}
        for entry in range(at + 2, at + 2 + 12 * min(count, _TAGS_AT_MOST), 12):
            if entry + 12 > len(block):
                break
            tag, kind, number = struct.unpack_from(f"{order}HHL", block, entry)
            size = _SIZES.get(kind, 1) * number
            begin = entry + 8 if size <= 4 else struct.unpack_from(f"{order}L", block, entry + 8)[0]
            value = block[begin : begin + size]
            if tag in _POINTERS:
                pointers = struct.unpack(f"{order}{len(value) // 4}L", value[: len(value) // 4 * 4])
                waiting += [(pointer, tag == 0x8825) for pointer in pointers[:_IFDS_AT_MOST]]
                continue
            if tag in (0x0201, 0x0202) and len(value) == 4:
                preview[tag] = struct.unpack(f"{order}L", value)[0]
            place.work.spend(len(value))  # many tags may share a value
            name = (GPSTAGS if is_gps else TAGS).get(tag, f"tag {tag}")
            yield from _tag(place, str(name), tag, kind, value, order)
        if preview.keys() == {0x0201, 0x0202}:
            yield from place.inside("thumbnail", block[preview[0x0201] :][: preview[0x0202]])
        following = at + 2 + 12 * count
        if following + 4 <= len(block):
            waiting.append((struct.unpack_from(f"{order}L", block, following)[0], is_gps))


def _tag(place: Place, name: str, tag: int, kind: int, value: bytes, order: str) -> Iterator[Finding]:
    inner = place.at(f"metadata: {name}")
    if tag in _XP:
        yield from inner.says(value.decode("utf-16-le", "replace").replace("\0", "\n"))
    elif tag == 0x02BC:
        yield from markup.metadata(place.at("metadata: XMP"), value)
    elif tag == 0x83BB:
        yield from _iptc(place, value)
    elif tag == 0x8649:
        yield from _photoshop(place, value)
    elif tag in _PIXELS or tag == 0x8773:
        return
    elif value[:8] in _CHARACTER_CODES:
        encoding = _CHARACTER_CODES[value[:8]]
        # Programs do not agree whether this follows the order of the file's numbers.
        for each in ("utf-16-le", "utf-16-be") if encoding == "utf-16" else (encoding,):
            yield from inner.says(value[8:].decode(each, "replace").replace("\0", "\n"))
    elif kind == 2:
        yield from inner.says("\n".join(text.as_text(part) for part in value.split(b"\0")))
    elif kind in (5, 10) and name.startswith("GPS"):
        numbers = struct.unpack(f"{order}{len(value) // 4}{'Ll'[kind == 10]}", value[: len(value) // 4 * 4])
        pairs = zip(numbers[::2], numbers[1::2], strict=False)
        yield from inner.says(" ".join(f"{above / below:g}" for above, below in pairs if below))
    else:
        yield from inner.says(text.as_text(value) if text.readings(value) and len(value) > 8 else strings(value))
