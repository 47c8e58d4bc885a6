"""The only judge of an e-mail address: parse, normalise, compare, suspect.

An address on the wire has an ASCII domain (IDNA A-labels) in lower case and the local part as its owner spells it
(RFC 5321 §2.4). Two spellings are the same mailbox to us when their `key` is the same.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

Code = Literal["bad-address", "several-addresses"]

LOCAL_OCTETS = 64  # RFC 5321 §4.5.3.1.1
ADDRESS_OCTETS = 254  # RFC 5321 §4.5.3.1.3 less the angle brackets of a path

_TOO_LONG = f"is longer than {ADDRESS_OCTETS} characters, the most that mail servers take"

# dot-atom (RFC 5322 §3.2.3). No quoted local parts: no mail program's user has one, and every hop reads them anew.
_ATEXT = r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+"
_PLAIN = re.compile(rf"({_ATEXT}(?:\.{_ATEXT})*)@([A-Za-z0-9.-]+)")
# What reads as an address within other text, be it a good one or not.
_WITHIN = re.compile(r"[^\s<>()\[\],;:\"|\\@]+@[^\s<>()\[\],;:\"|/\\@]+")
_UNSEEN = ("Cc", "Cf", "Cs", "Zl", "Zp")  # controls, formats such as zero-width and bidi, surrogates, line separators
_LOOKED_AT = 1000  # characters: a cell may hold megabytes, and no address or hint is worth searching them
_AROUND = " \t\r\n\xa0.,;:!?'\"*/\\|<>()[]{}"


@dataclass(frozen=True, slots=True)
class Address:
    """One mailbox. `wire` is what SMTP and headers carry, `key` what comparisons use (NFC, casefolded)."""

    wire: str
    key: str

    @property
    def domain(self) -> str:
        return self.wire.rpartition("@")[2]

    @property
    def is_ascii(self) -> bool:
        return self.wire.isascii()


class AddressError(ValueError):
    """This is not one address. `reason` completes "is not an address: it ..."; `hint` is an address to offer."""

    def __init__(self, reason: str, *, hint: str | None = None, code: Code = "bad-address") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint
        self.code: Code = code


def parse(text: str) -> Address:
    """The one address that `text` is, nothing else around it. Raises AddressError.

    The verdicts are email-validator's without its DNS look-up, plus: no local part over 64 octets, which it lets pass.
    It judges each domain once and each non-ASCII local part; plain local parts need no more than a pattern.
    """
    plain = _PLAIN.fullmatch(text)
    local = plain[1] if plain is not None and len(plain[1]) <= LOCAL_OCTETS else _judged_local_part(text)
    domain, fault = _judged_domain(text.rpartition("@")[2])
    if fault:
        raise AddressError(fault, hint=_hint(text))
    wire = f"{local}@{domain}"
    if len(wire.encode()) > ADDRESS_OCTETS:
        raise AddressError(_TOO_LONG)
    return Address(wire, wire.lower() if plain is not None else _key(local, domain))


def is_refused(text: str) -> bool:
    """Whether `parse` refuses `text`, printable ASCII: the same verdict, without the reasons that cost most of it."""
    plain = _PLAIN.fullmatch(text)
    return (
        plain is None or len(plain[1]) > LOCAL_OCTETS or _judged_domain(plain[2])[1] != "" or len(text) > ADDRESS_OCTETS
    )


def key_of(text: str) -> str:
    """What comparisons use for `text`, whether it is an address or not: two spellings of one mailbox are the same."""
    try:
        return parse(text.strip()).key
    except AddressError:
        return text.strip().casefold()


def suggest(address: str) -> str | None:
    """The address that was probably meant by this valid one, where its domain looks mistyped or made to deceive.

    `ana@gmial.com` -> `ana@gmail.com`; a domain with a Cyrillic letter among Latin ones -> the Latin one; else None.
    """
    local, _, domain = address.rpartition("@")
    meant = _meant(domain)
    return f"{local}@{meant}" if meant else None


def _key(local: str, domain: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", local).casefold()) + "@" + domain


def _judged_local_part(text: str) -> str:
    """The local part of what is no plain ASCII address, if it may stand. Raises AddressError."""
    reason = _fault(text)
    if reason is None:
        reason = _library_fault(text)
    if reason is not None:
        raise _explained(text, reason)
    return text.rpartition("@")[0]


def _fault(text: str) -> str | None:
    """What is wrong with `text` that is no plain ASCII address, where we can say it better than the library."""
    if len(text) > _LOOKED_AT:
        return _TOO_LONG
    local, at, domain = text.partition("@")
    faults = (
        (not text.strip(), "is blank"),
        (not at, "has no @"),
        (not text.isprintable() and any(map(_is_unseen, text)), "has an invisible character in it"),
        (text != text.strip(), "has a space before or after it"),
        ("<" in text or ">" in text, "has something around it: only the part between < and > belongs here"),
        ('"@' in text, "has quotation marks before the @, which mail programs do not handle alike"),
        ("@" in domain, "has more than one @"),
        (len(text.split(None, 1)) > 1, "has a space in it"),
        (not local, "has nothing before the @"),
        (not domain, "has nothing after the @"),
        (local[:1] == "." or local[-1:] == ".", "has a full stop at the beginning or the end of the part before the @"),
        (".." in local, "has two full stops in a row"),
        (len(local.encode(errors="replace")) > LOCAL_OCTETS, f"has more than {LOCAL_OCTETS} characters before the @"),
    )
    return next((reason for wrong, reason in faults if wrong), None)


def _is_unseen(char: str) -> bool:
    return unicodedata.category(char) in _UNSEEN


def _library_fault(text: str) -> str | None:
    """email-validator's verdict on a whole address, in our sentence's form; None when it is good."""
    from email_validator import EmailNotValidError, validate_email  # 25 ms: only when there is a doubt

    try:
        validate_email(text, check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return _in_our_words(str(error))
    return None


@lru_cache(maxsize=65536)
def _judged_domain(domain: str) -> tuple[str, str]:
    """`domain` as A-labels in lower case and "", or "" and what is wrong with it. Remembers its verdicts."""
    from email_validator import EmailNotValidError, validate_email

    if not domain:
        return "", "has nothing after the @"
    if len(domain) > ADDRESS_OCTETS:
        return "", _TOO_LONG
    if domain.startswith("."):
        return "", "has a full stop right after the @"
    if domain.endswith("."):
        return "", "ends with a full stop"
    if ".." in domain:
        return "", "has two full stops in a row"
    try:
        judged = validate_email(f"x@{domain}", check_deliverability=False, test_environment=True)
    except EmailNotValidError as error:
        return "", _in_our_words(str(error))
    return judged.ascii_domain.lower(), ""


def _in_our_words(sentence: str) -> str:
    """A sentence of email-validator as the rest of ours: "is not an address: it ..."."""
    if "should have a period" in sentence:
        return "has no full stop after the @, such as in example.org"
    if "special-use or reserved" in sentence:
        return "has a domain that is reserved and can have no mailbox"
    if "not within a valid top-level" in sentence:
        return "does not end in a domain such as .org or .uk"
    if "not valid IDNA" in sentence:
        return "has a domain that cannot exist"
    strange = re.search(r"invalid characters[^:]*: (.*?)\.?$", sentence)
    if strange:
        return f"has a character in it that addresses do not have: {strange[1]}"
    words = sentence.rstrip(".")
    return f"breaks a rule ({words[0].lower()}{words[1:]})"


def _explained(text: str, reason: str) -> AddressError:
    """The error for `text`, which is no address: several of them, or one with a hint where one stands in it."""
    mailboxes: dict[str, str] = {}
    for address in _within(text):
        mailboxes.setdefault(address.key, address.wire)
        if len(mailboxes) > 1:
            return AddressError("holds more than one address", code="several-addresses")
    return AddressError(reason, hint=_hint(text))


def _hint(text: str) -> str | None:
    """The address that `text` most likely means: freed of what surrounds it, or with one @ for two; None in doubt."""
    bare = text[:_LOOKED_AT].strip(_AROUND)
    if bare[:7].lower() == "mailto:":
        bare = bare[7:]
    for token in _WITHIN.finditer(bare):
        # "ana,ruiz@example.org" is a slip of the pen in one address, not Ruiz's address after a comma.
        if token.start() == 0 or bare[token.start() - 1] in ' \t\r\n\xa0<("':
            bare = token[0].strip(_AROUND)
            break
    bare = re.sub(r"\.{2,}", ".", re.sub(r"@{2,}", "@", bare))
    try:
        return parse(bare).wire if bare != text else None
    except AddressError:
        return None


def _within(text: str) -> Iterator[Address]:
    """The good addresses that stand in the first part of `text`, set apart from what surrounds them."""
    for token in _WITHIN.findall(text[:_LOOKED_AT]):
        bare = token.strip(_AROUND)
        if bare == text:
            continue  # this very text is being judged
        try:
            yield parse(bare)
        except AddressError:
            continue


# --- likely typing mistakes -------------------------------------------------------------------------------------------

# Where a great many people have their mailbox, with names long enough that one wrong letter is not another name.
_PROVIDERS = (
    *("gmail.com", "googlemail.com", "hotmail.com", "hotmail.co.uk", "outlook.com", "yahoo.com", "yahoo.co.uk"),
    *("icloud.com", "protonmail.com", "btinternet.com", "virginmedia.com", "blueyonder.co.uk", "ntlworld.com"),
    *("talktalk.net", "comcast.net", "verizon.net", "sbcglobal.net", "bellsouth.net", "fastmail.com", "yandex.com"),
)
# Real mail domains that are one letter away from one of those.
_REAL = ("mail.com", "email.com", "ymail.com", "qmail.com", "zmail.com", "cloud.com")
# Two slips away, and seen often all the same.
_SLIPS = {
    "gml.com": "gmail.com",
    "gimal.com": "gmail.com",
    "gnial.com": "gmail.com",
    "gmial.co": "gmail.com",
    "gmal.co": "gmail.com",
    "gmai.co": "gmail.com",
    "homial.com": "hotmail.com",
    "htomial.com": "hotmail.com",
    "hotmal.co": "hotmail.com",
    "outlok.co": "outlook.com",
    "yaho.co": "yahoo.com",
}
# Endings that no registry runs. (.cm, .om, .co, .ne and .bet exist, so are no mistake by themselves.)
_ENDINGS = {
    wrong: right
    for right, wrongs in {
        "com": "con cmo ocm comm coom cpm vom xom ccom clm cim conm comn",
        "org": "ogr rog orgg orgn",
        "net": "nte ent nett",
        "uk": "ukk kuk",
        "co.uk": "co.ku cou.k couk",
        "gov.uk": "gov.ku gvo.uk",
        "ac.uk": "ac.ku",
    }.items()
    for wrong in wrongs.split()
}
# Letters that are drawn as a Latin one (from Unicode's confusables: those that a domain name may hold).
_TWINS = str.maketrans("аеорсухіјѕԁһӏԛԝкαορνικυοոսցօհıɡɑ", "aeopcyxijsdhlqwkaopvikuonugohiga")
# Letters that pass for a Latin one only among Latin ones.
_NEAR_TWINS = str.maketrans("вмнтгьпτωηγχ", "bmhtrbntwnyx")


@lru_cache(maxsize=65536)
def _meant(domain: str) -> str | None:
    """The domain that was probably meant by `domain` (A-labels, lower case), or None where nothing is suspicious."""
    meant = ".".join(map(_without_twins, domain.split("."))) if domain.rpartition(".")[2].isalpha() else domain
    if meant in _REAL:
        return None
    name, _, ending = meant.partition(".")
    while ending and ending not in _ENDINGS:
        label, _, ending = ending.partition(".")
        name = f"{name}.{label}"
    if ending:
        meant = f"{name}.{_ENDINGS[ending]}"
    if meant not in _PROVIDERS:
        meant = _SLIPS.get(meant) or next((known for known in _PROVIDERS if _one_slip(meant, known)), meant)
    return meant if meant != domain else None


def _without_twins(label: str) -> str:
    """A domain's label in Latin, where letters of other scripts in it only pretend to be Latin; else as it is."""
    if not label.startswith("xn--"):
        return label
    spelled = label[4:].encode().decode("punycode")
    plain = spelled.translate(_TWINS)
    if any("a" <= char <= "z" for char in spelled):
        plain = plain.translate(_NEAR_TWINS)
    return plain if plain.isascii() else label


def _one_slip(typed: str, meant: str) -> bool:
    """Whether one letter left out, put in, mistaken or exchanged with its neighbour makes `typed` of `meant`."""
    if typed == meant or abs(len(typed) - len(meant)) > 1:
        return False
    start = 0
    while start < min(len(typed), len(meant)) and typed[start] == meant[start]:
        start += 1
    a, b = typed[start:], meant[start:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or (a[:2] == b[1::-1] and a[2:] == b[2:])
