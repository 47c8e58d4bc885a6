"""Names, addresses and references as most people and messages have them, told at a glance: they say nothing but
themselves.

What is ordinary here, `Roll.people_in_own` would find to be so. Whatever is not is looked at there.
"""

import re
from binascii import b2a_base64
from collections.abc import Set as AbstractSet
from typing import Literal

from tui.guard.addresses import WORDS_FOR_AT, WORDS_FOR_DOT
from tui.guard.hashes import Hashes
from tui.guard.memory import Memory
from tui.guard.spelling import has_row_of_codes, is_noise, is_only_itself, plain, without_twins


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
    """Addresses that are ordinary beside those of a roll."""

    def __init__(self, everyone: Hashes, endings: AbstractSet[str], misread: AbstractSet[str]) -> None:
        """`endings`: the last labels that domains of interest have; `misread`: these in another reading."""
        self._everyone, self._endings, self._misread = everyone, endings, misread
        self._telling = endings | misread | _JOINING
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
