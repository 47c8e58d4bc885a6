"""What a mail in words asks for: another address, to be taken off, or something else. A guess, for people to judge."""

import re
from collections.abc import Collection, Iterator

from tui.address import AddressError, key_of, parse
from tui.ledger import RequestKind
from tui.replies.words import Words

_MOST_ADDRESSES = 50  # of one mail
_TOKEN = re.compile(r"[^\s<>()\[\],;:\"|\\@]{1,64}@[^\s<>()\[\],;:\"|/\\@]{1,255}")
_AROUND = ".,;:!?'\"*_/<>()[]{}"

_ADDRESS_WORDS = re.compile(
    r"\b(?:"
    r"(?:new|other|another|different|correct|right|wrong|old|personal|private|home|work|alternative|updated?|current)\s+"
    r"(?:e-?mail|address|mail\s?box|account|inbox)"
    r"|(?:e-?mail|address|mailbox)\s+(?:address\s+)?(?:has|have|is|was)\s+(?:now\s+|been\s+)?"
    r"(?:changed?|wrong|incorrect|misspel\w+|out of date|no longer)"
    r"|change\s+(?:of|my|the|our)\s+(?:e-?mail|address)"
    r"|(?:use|send|resend|re-send|forward|redirect|update|change|correct)\b[^.!?\n]{0,80}\b(?:e-?mail|address|instead)"
    r"|no longer (?:use|check|read|have|monitor)|instead of this|this (?:mailbox|address|inbox) (?:is|will)"
    r"|typo in my|spelled? wrong|misspel\w+"
    r"|andere[nrs]?\s+(?:e-?mail|adresse|mail)|neue\s+(?:e-?mail|adresse|mail)|meine\s+(?:neue|andere|private)"
    r"|(?:bitte|einladung)[^.!?\n]{0,60}\b(?:adresse|e-?mail)\b|schreibfehler"
    r"|(?:autre|nouvelle|bonne)\s+adresse|changement d.adresse|changer (?:mon|d.)\s?adresse|à cette adresse"
    r"|(?:otra|nueva)\s+direcci[oó]n|(?:otro|nuevo)\s+correo|(?:altro|nuovo)\s+indirizzo|(?:ander|nieuw)\s+(?:e-?mail)?adres"
    r")",
    re.IGNORECASE,
)
# Beside an address that is not theirs yet.
_SEND_TO = re.compile(
    r"\b(?:use|send|resend|re-send|forward|redirect|replace|invite me|reach me|write|mail|prefer|is better|"
    r"my (?:\w+ ){0,2}(?:e-?mail|address|mail ?box|account)|"
    r"sende?n?|schicken?|nutzen|verwenden|meine (?:\w+ )?(?:e-?mail|adresse)|envoy\w+|utilis\w+|env[ií]\w+|usar?)\b",
    re.IGNORECASE,
)
# That it is not the writer's.
_ANOTHERS = re.compile(
    r"\b(?:colleagues?|assistant|as well|also|too|in addition|cc|copy|kolleg\w+|auch|aussi)\b", re.IGNORECASE
)
_WITHDRAW_WORDS = re.compile(
    r"\b(?:withdraw|unsubscribe|opt[ -]out|remove me|take me off|delete my|"
    r"cancel(?:ling)? my (?:registration|place|booking|invitation|attendance|seat|ticket|spot)|"
    r"(?:can.?t|cannot|can not|won.?t|will not|unable to|not able to|not be able to|no longer able to|not going to)\s+"
    r"(?:now\s+|be\s+|to\s+)?(?:attend|come|make it|join you|participate|be there|take part)|"
    r"no longer (?:attend|wish|want|interested|coming|need)|not (?:be )?(?:attending|coming|joining)|"
    r"(?:don.?t|do not|stop) (?:invit|email|e-mail|mail|contact|writ|send)\w*|"
    r"abmelden|nicht (?:teilnehmen|kommen|dabei sein)|absagen|von der liste|"
    r"(?:me )?désinscri\w+|ne pourrai pas|retirez?[- ]moi|no (?:podré|puedo) (?:asistir|ir)|dar(?:me)? de baja|"
    r"non posso (?:partecipare|venire)|kan niet (?:komen|deelnemen)|afmelden)",
    re.IGNORECASE,
)
# Just before an address: that it is not the one to use.
_NOT_THIS = re.compile(
    r"(?:\bnot?\b|\bn.t\b|instead of|rather than|\bold\b|\bwrong\b|no longer|stop|statt|anstatt|"
    r"anstelle|nicht|\balte|au lieu de|ancienne|en lugar de|invece di)[^.!?,;\n]{0,40}$|\bfrom[\s<\"]*$",
    re.IGNORECASE,
)
_THIS = re.compile(
    r"(?:\bto|\buse|\bis(?: now)?|\bnew|instead|\bat|\bvia|correct|right|\ban|lautet|\bneue|verwenden|nutzen|\bà|"
    r"nouvelle|\ba|nueva|nuevo|\bes|\bsur)[^.!?\n@]{0,30}$",
    re.IGNORECASE,
)
_BEFORE = 70  # characters before an address that say what it is


def judge(words: Words, own: Collection[str]) -> tuple[RequestKind, str | None]:
    """What somebody asks for, and the address that they want to be invited at where the text says it.

    `own` are the keys of addresses that are no new ones: those that the person was invited at, and the organizer's.
    """
    found = [*_addresses(words.body, own)]
    asks = bool(_ADDRESS_WORDS.search(words.body))
    asks = asks or bool(found and _SEND_TO.search(words.body) and not _ANOTHERS.search(words.body))
    if asks:
        if not found:
            # "Please use the address below": what stands in a signature is new only if it is asked for.
            found = [*_addresses(words.signature, own)]
        return "address", _chosen(found)
    return ("withdraw" if _WITHDRAW_WORDS.search(words.body) else "other"), None


def _addresses(text: str, own: Collection[str]) -> Iterator[tuple[str, str]]:
    """The addresses in a text that are not the person's own of now, with what stands before each."""
    for _, found in zip(range(_MOST_ADDRESSES), _TOKEN.finditer(text), strict=False):
        try:
            address = parse(found[0].strip(_AROUND))
        except AddressError:
            continue
        if address.key not in own:
            # Not past another address: what is said of that is not said of this one.
            before = text[max(0, found.start() - _BEFORE) : found.start()].rpartition("@")[2]
            yield address.wire, before


def _chosen(found: list[tuple[str, str]]) -> str | None:
    """The one address that is asked for; None where it is not clear which."""
    meant = [(address, before) for address, before in found if not _NOT_THIS.search(before)]
    distinct = {key_of(address): address for address, _ in meant}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    named = {key_of(address): address for address, before in meant if _THIS.search(before)}
    return next(iter(named.values())) if len(named) == 1 else None
