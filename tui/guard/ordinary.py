"""Names, addresses, references and links as most people and messages have them, told at a glance: they say nothing but
themselves.

What is ordinary here, `Roll.people_in_own` would find to be so. Whatever is not is looked at there.
"""

import re
from binascii import b2a_base64
from collections.abc import Callable, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from html import unescape
from typing import Literal

from tui.guard.addresses import CAPITAL_AT, WORDS_FOR_AT, WORDS_FOR_DOT
from tui.guard.hashes import Hashes
from tui.guard.memory import Memory
from tui.guard.spelling import has_row_of_codes, in_octets, is_noise, is_only_itself, plain, without_twins


def _words_of(letters: str) -> re.Pattern[str]:
    word = f"(?:{letters}{{2,19}}|[G-Zg-z])"  # one of a to f by itself is a digit
    return re.compile(f"(?=.{{3}}){word}(?:[ '-]{word})*")


_NAME = _words_of("[A-Za-z]")
_WIDE_NAME = _words_of(r"[^\W\d_]")
LATIN_NAME = _words_of("[A-Za-zÀ-ÖØ-öø-įĴ-ľŁ-ňŊ-žȘ-ț]")
"""Of letters that have one form each, and no twin in another script."""
_JOINING = frozenset(re.sub(r"\(\?:je\)\?|-\?", "", f"{WORDS_FOR_AT}|{WORDS_FOR_DOT}").split("|")) | {"apestaartje"}
# Two groups of digits before the at-sign are no row of codes yet.
_ADDRESS = re.compile(r"([a-z0-9]+(?:\.[a-z0-9]+)?)@([a-z0-9]+(?:\.[a-z0-9]+)+)")

# A link ends with what is no part of anything behind it. Of its path, an address may be read together with the host.
_LINK = re.compile(
    r"https?://[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]{1,5})?(?:[/?#](?:[A-Za-z0-9._~/?#&=+-]*[A-Za-z0-9/])?)?"
)
_BEGINS_A_LINK = re.compile(
    r"https?://([A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*)(?::[0-9]+)?[^A-Za-z0-9.+_-]*[A-Za-z0-9.+_-]*"
)
_LABEL = re.compile(r"\.([A-Za-z0-9-]+)")
_OCTET = re.compile("=([0-9A-Fa-f]{2})")
_HARMLESS_OCTETS = frozenset(
    f"{code:02x}"
    for code in range(256)
    if chr(code) not in "\r\n\"%&'<=>?@\\"
    and plain(chr(code)) == chr(code)
    and without_twins(chr(code)) == chr(code).casefold()
)
"""Of a link that is taken for quoted-printable (?id=1234): with these it says nothing that is encoded, or that begins
or ends before it or behind."""
_TWO_OCTETS = re.compile("(?:=[0-9A-Fa-f]{2}){2}")  # which may be one character in UTF-8
_BESIDE_SPACE = re.compile(r"\s\.|\.\s")
_NOT_IN_LINKS = _JOINING | {"a"}
_TO_SPACE = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}


def is_name(text: str) -> bool:
    """Whether a name can stand alone, and nothing is encoded in it."""
    if not text.isascii():
        return _is_wide_name(text)
    return _NAME.fullmatch(text) is not None and not _may_join(text.lower()) and is_noise(text)


def _is_wide_name(text: str) -> bool:
    """As of one that has other letters than those of ASCII: in all its readings, and where it is an encoded word."""
    if LATIN_NAME.fullmatch(text):
        folded = text.casefold()
    else:
        folded = without_twins(text)
        if not (_is_settled(text) and _is_settled(folded) and without_twins(folded) == folded):
            return False
    if _may_join(folded) or not is_noise(f"{text} {folded}"):
        return False
    return is_only_itself(b2a_base64(text.encode("utf-8"), newline=False).decode("ascii").rstrip("="))


def _is_settled(text: str) -> bool:
    """Whether it is words, and in the letters that it is meant in."""
    return _WIDE_NAME.fullmatch(text) is not None and plain(text) == text


def _may_join(small: str) -> bool:
    """Whether an at or a full stop is said in it."""
    return "dot" in small or not _JOINING.isdisjoint(small.replace("'", " ").replace("-", " ").split())


class Ordinary:
    """Addresses and links that are ordinary beside what a roll has."""

    def __init__(
        self,
        everyone: Hashes,
        endings: AbstractSet[str],
        misread: AbstractSet[str],
        names_nobody: Callable[[str], bool],
    ) -> None:
        """`endings`: the last labels that domains of interest have; `misread`: these in another reading."""
        self._everyone, self._endings, self._misread, self._names_nobody = everyone, endings, misread, names_nobody
        self._telling = endings | misread | _JOINING
        self._hosts: Memory[str, bool] = Memory()
        self._domains: Memory[str, Literal["plain", "if listed", "odd"]] = Memory()

    def is_address(self, text: str) -> bool:
        """Whether an address can be read in one way only, and there is no other in it."""
        found = _ADDRESS.fullmatch(text)
        if not found:
            return False
        local, domain = found.groups()
        if not self._telling.isdisjoint(local.split(".")) or not is_noise(local):
            return False
        kind = self._domains.get(domain) or self._domains.put(domain, self._kind_of(domain))
        # Whoever is on the list is meant by their address, and by nothing else that is in it (anna@example.org.at).
        return kind == "plain" or (kind == "if listed" and text in self._everyone)

    def _kind_of(self, domain: str) -> Literal["plain", "if listed", "odd"]:
        labels = domain.split(".")
        if not self._misread.isdisjoint(labels) or has_row_of_codes(domain) or not is_noise(domain):
            return "odd"
        is_plain = self._endings.isdisjoint(labels[:-1]) and _JOINING.isdisjoint(labels)
        return "plain" if is_plain else "if listed"

    def is_link(self, text: str) -> bool:
        """Whether a link can be read in one way only, and nobody is named in it."""
        return _LINK.fullmatch(text) is not None and self.is_piece_of_link(text)

    def is_piece_of_link(self, text: str) -> bool:
        """Whether nobody is named in a piece of such a link."""
        found = _BEGINS_A_LINK.match(text)
        if not found:
            return self._says_nothing(text, f".{text}")
        if self._has_ending(f".{found[1]}"):
            # In whatever is said for an at: where that is elsewhere in the line, it is read here as well.
            beside = f"at: {found[0]}"
            if not self._hosts.once(beside, partial(self._names_nobody, beside)):
                return False
        return self._says_nothing(text, text[found.end(1) :])

    def _says_nothing(self, text: str, rest: str) -> bool:
        """Of all that a link may spell; there is no ending of a domain of interest in the `rest`."""
        if self._has_ending(rest):
            return False
        small = text.casefold()
        if "dot" in small:
            return False
        if "AT" in text and CAPITAL_AT.search(text):
            return False
        if not _NOT_IN_LINKS.isdisjoint(small.translate(_TO_SPACE).split()):
            return False
        if "mso-hide" in small:  # the element that it is an attribute of
            return False
        if has_row_of_codes(text):
            return False
        if not is_noise(text):
            return False
        if small != text and not is_noise(small):  # as which it is read beside letters beyond ASCII
            return False
        if "&" in text and unescape(text) != text:
            return False
        return "=" not in text or not (octets := _OCTET.findall(small)) or self._says_nothing_else(text, octets)

    def _says_nothing_else(self, text: str, octets: Sequence[str]) -> bool:
        """Where what follows its signs of equality is read as octets too."""
        read = in_octets(text)
        if _TWO_OCTETS.search(text):
            return False
        if not _HARMLESS_OCTETS.issuperset(octets):
            return False
        if _OCTET.search(read):
            return False
        if _BESIDE_SPACE.search(read):
            return False
        return self.is_piece_of_link(read)

    def _has_ending(self, text: str) -> bool:
        labels = _LABEL.findall(text.casefold()) if "." in text else ()
        return any(not self._endings.isdisjoint((label, *label.split("-"))) for label in labels)
