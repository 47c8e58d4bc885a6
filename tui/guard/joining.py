"""Where a line may be one half of an address, of which the other stands in the next."""

import re

# An at-sign or something encoded in the word at the joint, what is said for an at or a full stop, an opening or a
# closing bracket, or a letter or two.
_TELLING = frozenset("@%&=")
_OPENING = frozenset("([{<\\_+-")
_SAID = frozenset({"at", "dot", "arroba", "arobase", "punkt", "punto", "point", "ponto"})
_AROUND = ".,;:!?()[]{}<>*\"'"
_ENCODED_WORD = re.compile(r"[A-Za-z0-9+/_-]{20,}=*")
_OPEN_BEGIN = re.compile(
    r"^[\s>|*]*(?:[^\s@]*@|[.@)\]}_+=]|\W{0,2}(?:at|dot|punkt|punto)\b|\w{1,2}\W*$)", re.IGNORECASE
)
_PROPERTY = re.compile(r"[A-Z][A-Z-]*[;:]")
_TAG = re.compile(r"<[^<>]*>")


def shown_of(line: str) -> str:
    """A line of a page as it is shown."""
    return _TAG.sub("", line) if "<" in line else line


def is_open_begin(shown: str) -> bool:
    """Whether something may end in this line that begins in the one before."""
    return _OPEN_BEGIN.search(shown) is not None


def is_open_end(shown: str) -> bool:
    """Whether something may begin in this line that ends in the next."""
    last = shown[-80:].split()[-2:]
    if not last:
        return False
    word = last[-1]
    return (
        not _TELLING.isdisjoint(word)
        or word[-1] in _OPENING
        or len(shown.strip()) <= 2
        or any(one.strip(_AROUND).lower() in _SAID for one in last)
        or (len(word) >= 20 and _ENCODED_WORD.fullmatch(word) is not None)
    )


def begins_property(line: str) -> bool:
    """Whether a content line of a calendar object begins here: nothing goes on in it from the one before."""
    return _PROPERTY.match(line) is not None
