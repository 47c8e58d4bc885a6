"""Text that lies open in bytes of any kind."""

import re

_RUN = re.compile(r"[\t\x20-\x7e\xa0-\ud7ff\ue000-\ufffc\U00010000-\U0010ffff]{4,}")
_OF_AN_ADDRESS = re.compile(r"@|%40|&#0*64;|&#x0*40;", re.IGNORECASE)


def strings(content: bytes) -> str:
    """The printable runs of four characters or more, a line each: ASCII, UTF-8, and ASCII in UTF-16 and UTF-32."""
    runs = _RUN.findall(content.decode("utf-8", "replace"))
    if b"\0" in content:
        runs += _RUN.findall(content.replace(b"\0", b"").decode("utf-8", "replace"))
    return "\n".join(dict.fromkeys(runs))


def addressed(content: bytes) -> str:
    """Of the `strings`, those that may hold an address: of a file whose other strings are its format's."""
    return "\n".join(line for line in strings(content).split("\n") if _OF_AN_ADDRESS.search(line))


def is_padding(content: bytes) -> bool:
    """Whether there is nothing in it but NULs, blanks or one byte again and again; or less than would name anybody."""
    rest = content.strip(b"\0 \t\r\n")
    return len(rest) < 4 or rest == rest[:1] * len(rest)
