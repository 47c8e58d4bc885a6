"""Where in a text an address may stand, in every way that people and programs write one.

What is found are candidates, local part and domain: only who is on the list counts, so a generous eye costs nothing.
"""

import re
from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet
from itertools import chain, product

from tui.guard.spelling import backwards

# Characters of the part before the @, read backwards from it, and of the part after it. Text may run on without a space
# in scripts that use none, so that plain ASCII is tried beside the wide sense.
_LOCAL = re.compile(r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]+")
_DOMAIN = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+")
_WIDE_LOCAL = re.compile(r"[^\s()<>\[\]:;,\\\"@]+")
_WIDE_DOMAIN = re.compile(r"[^\s()<>\[\]:;,\\\"@/?#&=|!_.]+(?:\.[^\s()<>\[\]:;,\\\"@/?#&=|!_.]+)+")
_PLAIN_ADDRESS = re.compile(rf"{_LOCAL.pattern}@{_DOMAIN.pattern}")
_WITHIN = re.compile(rf"{_LOCAL.pattern}@+{_DOMAIN.pattern}")
_PLAIN = ((_LOCAL, _DOMAIN),)
_WIDE = ((_WIDE_LOCAL, _WIDE_DOMAIN), (_LOCAL, _DOMAIN))
_LONGEST = 128  # characters before the @ that are looked at: a local part has 64 octets at most
_BEGIN_WITHIN = re.compile(r"[!#$%&'*+/=?^`{|}~]+[._-]*|^[._-]+")
_BEGIN_OF_BOUNCE = re.compile(r"[^A-Za-z0-9]+")
_END_WITHIN = re.compile(r"[.-]+")

# bo (at) example (dot) org, bo AT example DOT org, bo[@]example[.]org, and what others than the English say.
WORDS_FOR_AT = r"at|arroba|arobase|arobas|chiocciola|apestaart(?:je)?|snabel-?a|ät|klammeraffe"
WORDS_FOR_DOT = r"dot|punkt|point|punto|ponto|punt|piste|kropka"
_SAID_AT = re.compile(
    rf"\s*[\[({{<«*_-]+\s*(?:{WORDS_FOR_AT}|a|@)\s*[\])}}>»*_-]+\s*|\s+(?:{WORDS_FOR_AT})\s+|\s*@\s*|(?<=[a-z0-9])AT(?=[a-z0-9])",
    re.IGNORECASE,
)
_SAID_DOT = re.compile(
    rf"\s*[\[({{<«*_-]+\s*(?:{WORDS_FOR_DOT}|\.)\s*[\])}}>»*_-]+\s*|\s+(?:{WORDS_FOR_DOT})\s+|\s+\.\s*(?=\w)|(?<=[a-z0-9])DOT(?=[a-z0-9])",
    re.IGNORECASE,
)
_DOT_SPACE = re.compile(r"(@[\w-]+(?:\.[\w-]+)*)\.\s+(?=\w)")
CAPITAL_AT = re.compile(r"[a-z0-9]AT[a-z0-9]")
_WORDS_AT = frozenset(
    {"at", "arroba", "arobase", "arobas", "chiocciola", "apestaart", "apestaartje", "snabela", "snabel", "ät"}
    | {"klammeraffe"}
)
_BRACKETED_A = re.compile(r"[\[({<«*_-]\s*a\s*[\])}>»*_-]", re.IGNORECASE)
_WORDS_DOT = frozenset(WORDS_FOR_DOT.split("|"))
# Complete, because what is missing from such a table costs more than all the rest.
_TO_SPACE = {code: chr(code) if chr(code).isalnum() else " " for code in range(128)}
_BRACKETS = frozenset("[({<«*_- \t\n\xa0])}>»")
_LETTER_SPACED = re.compile(r"(?:(?<=\s)|^)\S(?:[ \t]\S){5,}(?=\s|$)")
_EMPHASIS = re.compile(r"[*`~]")
_MAY_COMMENT = re.compile(r"[\"()]\s*[@.]|[@.]\s*[\"()]")
_COMMENT = re.compile(r"\s*\([^()]*\)\s*")

# bo=example.org@relay (VERP), example.org=bo@relay (SRS), bo_example.org#EXT#@tenant, example.org!bo, bo,example.org:
# no @ stands between the two.
_NAME = re.compile(r"[A-Za-z0-9.+'_-]{1,64}")
_BETWEEN = "=#%!|,;:/~*^$\t&?_"
_LABEL = re.compile(r"[A-Za-z0-9-]+")
_HOST_BACKWARDS = re.compile(r"[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)*")

Candidates = Iterator[tuple[str, str]]


def candidates(text: str, endings: AbstractSet[str]) -> Iterator[Candidates]:
    """For each place of `text` where an address may stand, its possible spellings, the longest first.

    The longest, because "o'bo@example.org" is not Bo; but in "u=bo@example.org", which is nobody's, Bo is named.
    `endings` are the last labels that domains of interest have ("com").
    """
    if "@" in text:
        yield from _at_signs(text, endings)
        for reading in backwards(text, endings):
            yield from _at_signs(reading, endings)
        for reading in _rewritten(text):
            yield from _at_signs(reading, endings)
            yield from _said(reading, endings)
    yield from _said(text, endings)
    if "." in text:
        yield from _beside_domains(text, endings)


def _said(text: str, endings: AbstractSet[str]) -> Iterator[Candidates]:
    if may_say(text):
        said = _DOT_SPACE.sub(r"\1.", _SAID_DOT.sub(".", _SAID_AT.sub("@", text)))
        if said != text and "@" in said:
            yield from _at_signs(said, endings)


def may_say(text: str) -> bool:
    """Whether an at or a full stop may be said in words, or set apart; and there is no reason to look closer if not."""
    spoken = text.lower().translate(_TO_SPACE).split()
    at = text.find("@")
    if at >= 0:
        if ". " in text or " ." in text or ".\n" in text or not _WORDS_DOT.isdisjoint(spoken):
            return True
        after = text[at:]
        if "[" in after or "(" in after or "{" in after or "<" in after or "«" in after:
            return True
        while at >= 0:
            if text[at - 1 : at] in _BRACKETS or text[at + 1 : at + 2] in _BRACKETS:
                return True
            at = text.find("@", at + 1)
    if not _WORDS_AT.isdisjoint(spoken) or ("AT" in text and CAPITAL_AT.search(text)):
        return True
    return "a" in spoken and _BRACKETED_A.search(text) is not None


def may_join(text: str) -> bool:
    """Whether an at or a full stop is said anywhere, that could join what is before it to what is after it."""
    return _SAID_AT.search(text) is not None or _SAID_DOT.search(text) is not None


def within(cell: str) -> Iterator[str]:
    """The addresses in a cell that holds more than one, or something around it."""
    if not cell.isascii() or not _PLAIN_ADDRESS.fullmatch(cell):
        for found in _WITHIN.finditer(cell):
            yield re.sub("@+", "@", found[0])


def _at_signs(text: str, endings: AbstractSet[str]) -> Iterator[Candidates]:
    patterns = _PLAIN if text.isascii() else _WIDE
    at = text.find("@")
    while at >= 0:
        domains = [found[0] for _, domain in patterns if (found := domain.match(text, at + 1))]
        if any(not endings.isdisjoint(domain.lower().split(".")) or not domain.isascii() for domain in domains):
            before = text[max(0, at - _LONGEST) : at][::-1]
            locals_ = [found[0][::-1] for local, _ in patterns if (found := local.match(before))]
            yield chain(_crossed(domains, locals_), _crossed(list(_shorter(domains)), list(_later(locals_))))
        at = text.find("@", at + 1)


def _rewritten(text: str) -> Iterator[str]:
    """A text that has an @, without what may stand within an address and is no part of it."""
    if ('"' in text or "(" in text) and _MAY_COMMENT.search(text):
        yield _COMMENT.sub("", text).replace('"', "")
    if "*" in text or "`" in text or "~" in text:
        yield _EMPHASIS.sub("", text)
    if " @" in text and _LETTER_SPACED.search(text):
        yield _LETTER_SPACED.sub(lambda found: re.sub(r"\s", "", found[0]), text)


def _beside_domains(text: str, endings: AbstractSet[str]) -> Iterator[Candidates]:
    dot = text.find(".")
    while dot >= 0:
        label = _LABEL.match(text, dot + 1)
        if label and not endings.isdisjoint({label[0].lower(), *label[0].lower().split("-")}):
            yield from _beside_domain(text, dot, label.end())
        dot = text.find(".", dot + 1)


def _beside_domain(text: str, dot: int, end: int) -> Iterator[Candidates]:
    start = _HOST_BACKWARDS.match(text[max(0, dot - _LONGEST) : dot][::-1])
    if not start:
        return
    begin = dot - start.end()
    host = text[begin:end]
    before = text[max(0, begin - _LONGEST) : begin]
    bare = before.rstrip(_BETWEEN)
    if 1 <= len(before) - len(bare) <= 3 and (name := _NAME.match(bare[::-1])):
        yield _crossed(list(_shorter([host])), list(_later([name[0][::-1]], _BEGIN_OF_BOUNCE)))
    if "-" in host:
        for hyphen in re.finditer("--?", host):
            yield _crossed(list(_shorter([host[hyphen.end() :]])), list(_later([host[: hyphen.start()]])))
    after = text[end : end + _LONGEST]
    bare = after.lstrip(_BETWEEN)
    if 1 <= len(after) - len(bare) <= 3 and (name := _NAME.match(bare)):
        yield _crossed([host], list(_shorter([name[0]])))


def _crossed(domains: Sequence[str], locals_: Sequence[str]) -> Candidates:
    return ((local, domain) for domain, local in product(domains, locals_))


def _later(found: Sequence[str], begin: re.Pattern[str] = _BEGIN_WITHIN) -> Iterator[str]:
    """Each part before the @, and what is left of it where an address may begin within: "u=bo" -> "u=bo", "bo"."""
    for local in found:
        yield local
        yield from (local[gap.end() :] for gap in begin.finditer(local))


def _shorter(found: Sequence[str]) -> Iterator[str]:
    """Each domain, and what is left of it where a sentence may begin within: "example.org.Please" -> "example.org"."""
    for domain in found:
        yield domain
        yield from (domain[: gap.start()] for gap in reversed(list(_END_WITHIN.finditer(domain))) if gap.start())
