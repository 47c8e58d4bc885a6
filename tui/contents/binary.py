"""Text that lies open in bytes of any kind."""

import re

_RUN = re.compile(rb"(?:[\t\x20-\x7e]|[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}){4,}")
_OF_AN_ADDRESS = re.compile(r"@|%40|&#0*64;|&#x0*40;", re.IGNORECASE)


def strings(content: bytes) -> str:
    """The printable runs of four characters or more, a line each: ASCII, UTF-8, and ASCII in UTF-16 and UTF-32."""
    runs = _RUN.findall(content)
    if b"\0" in content:
        runs += _RUN.findall(content.replace(b"\0", b""))
    return "\n".join(dict.fromkeys(run.decode("utf-8", "replace") for run in runs))


def addressed(content: bytes) -> str:
    """Of the `strings`, those that may hold an address: of a file whose other strings are its format's."""
    return "\n".join(line for line in strings(content).split("\n") if _OF_AN_ADDRESS.search(line))


def is_padding(content: bytes) -> bool:
    """Whether there is nothing in it but NULs, blanks or one byte again and again."""
    rest = content.strip(b"\0 \t\r\n")
    return not rest or rest == rest[:1] * len(rest)
