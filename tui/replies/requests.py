"""What a mail in words asks for: another address, to be taken off, or something else. A guess, for people to judge."""

import re
from collections.abc import Collection, Iterator

from tui.address import AddressError, key_of, parse
from tui.ledger import RequestKind
from tui.replies.phrases import cues
from tui.replies.words import Words

_MOST_ADDRESSES = 50  # of one mail
_TOKEN = re.compile(r"[^\s<>()\[\],;:\"|\\@]{1,64}@[^\s<>()\[\],;:\"|/\\@]{1,255}")
# Scripts that are written without spaces, where they stand against an address in ASCII letters.
_UNSPACED = r"[\u3000-\u30ff\u3400-\u9fff\uac00-\ud7af\uff00-\uffef]{1,64}"
_CLINGING = re.compile(rf"^{_UNSPACED}(?=[!-~])|(?<=[!-~]){_UNSPACED}$")
_AROUND = ".,;:!?'\"*_/<>()[]{}"

_BEFORE = 70  # characters before an address that say what it is


def judge(words: Words, own: Collection[str]) -> tuple[RequestKind, str | None]:
    """What somebody asks for, and the address that they want to be invited at where the text says it.

    `own` are the keys of addresses that are no new ones: those that the person was invited at, and the organizer's.
    """
    cue = cues()
    found = [*_addresses(words.body, own)]
    asks = bool(cue.moved.search(words.body))
    asks = asks or bool(found and cue.send.search(words.body) and not cue.others.search(words.body))
    if asks:
        if not found:
            # "Please use the address below": what stands in a signature is new only if it is asked for.
            found = [*_addresses(words.signature, own)]
        return "address", _chosen(found)
    return ("withdraw" if cue.leave.search(words.body) else "other"), None


def _addresses(text: str, own: Collection[str]) -> Iterator[tuple[str, str]]:
    """The addresses in a text that are not the person's own of now, with what stands before each."""
    for _, found in zip(range(_MOST_ADDRESSES), _TOKEN.finditer(text), strict=False):
        try:
            address = parse(_CLINGING.sub("", found[0]).strip(_AROUND))
        except AddressError:
            continue
        if address.key not in own:
            # Not past another address: what is said of that is not said of this one.
            before = text[max(0, found.start() - _BEFORE) : found.start()].rpartition("@")[2]
            yield address.wire, before


def _chosen(found: list[tuple[str, str]]) -> str | None:
    """The one address that is asked for; None where it is not clear which."""
    cue = cues()
    meant = [(address, before) for address, before in found if not cue.not_this.search(before)]
    distinct = {key_of(address): address for address, _ in meant}
    if len(distinct) == 1:
        return next(iter(distinct.values()))
    named = {key_of(address): address for address, before in meant if cue.this.search(before)}
    return next(iter(named.values())) if len(named) == 1 else None
