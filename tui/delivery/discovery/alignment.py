"""Whether a domain vouches for what an account sends in its name: SPF, DKIM and DMARC, where they can be looked up.

RFC 7208, 6376 and 7489. Without them servers distrust an invitation, however right it is. Nothing here is an error.
"""

import re
from dataclasses import dataclass
from typing import Literal

from tui.delivery.accounts.profile import Account
from tui.delivery.discovery.lookups import Lookups
from tui.delivery.discovery.presets import Preset, of_host
from tui.delivery.discovery.proposing import domain_of

_MOST_INCLUDES = 10
"""RFC 7208 §4.6.4."""

_INCLUDE = re.compile(r"(?:^|\s)(?:\+?include:|redirect=)([^\s/%]{1,255})(?=\s|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked up: `is_good` None where nothing can be told from outside."""

    what: Literal["SPF", "DKIM", "DMARC"]
    is_good: bool | None
    words: str


def differing(sender: str, organizer: str) -> str | None:
    """What to say where mail leaves from another address than the event's organizer; None where it is the same."""
    if sender.lower() == organizer.lower():
        return None
    words = f"The account's address is {sender}, the event's organizer {organizer}: answers go to the organizer"
    if domain_of(sender) == domain_of(organizer):
        return f"{words}, and the mail server may refuse to send in that name."
    return f"{words}, and mail servers distrust a message in the name of a domain that another one sends."


def vouching(account: Account, organizer: str | None, ask: Lookups) -> tuple[str | None, tuple[Finding, ...]]:
    """What to say of mail that leaves through `account` in the name of `organizer` (None: in its own): that the two
    differ, or None; and what DNS says, empty where it says nothing."""
    address = account.sender or account.username or ""
    own = domain_of(address)
    caution = differing(address, organizer) if organizer and own else None
    domain = (domain_of(organizer) if organizer else None) or own
    return caution, alignment(domain, of_host(account.host), ask) if domain else ()


def alignment(domain: str, preset: Preset | None, ask: Lookups) -> tuple[Finding, ...]:
    """What the DNS of `domain` says of mail that `preset` (None: a server of one's own) sends in its name.

    Empty where DNS says nothing at all, which is what it says where there is none.
    """
    record, policy = _record(ask.txt(domain), "v=spf1"), _record(ask.txt(f"_dmarc.{domain}"), "v=DMARC1")
    if policy is None and domain.count(".") > 1:
        # RFC 7489 §6.6.3 asks the organisational domain; one label up is that for most.
        policy = _record(ask.txt(f"_dmarc.{domain.partition('.')[2]}"), "v=DMARC1")
    keys = [name for name in (preset.selectors if preset else ()) if _has_key(ask.txt(f"{name}._domainkey.{domain}"))]
    if record is None and policy is None and not keys and not ask.mx(domain):
        return ()
    return _spf(domain, record, preset, ask), _dkim(domain, keys, preset), _dmarc(domain, policy)


def _spf(domain: str, record: str | None, preset: Preset | None, ask: Lookups) -> Finding:
    if record is None:
        return Finding("SPF", False, f"{domain} does not say which servers send its mail.")
    if preset is None or preset.spf is None:
        return Finding(
            "SPF", None, f"{domain} says which servers send its mail; whether this one is among them is open."
        )
    if _includes(record, preset.spf, ask, [_MOST_INCLUDES]):
        return Finding("SPF", True, f"{domain} names {preset.name} as a sender of its mail.")
    return Finding(
        "SPF", False, f"{domain} does not name {preset.name} as a sender of its mail (include:{preset.spf} is missing)."
    )


def _includes(record: str, wanted: str, ask: Lookups, left: list[int]) -> bool:
    for name in _INCLUDE.findall(record):
        host = name.lower().rstrip(".")
        if host == wanted:
            return True
        if left[0] <= 0:
            return False
        left[0] -= 1
        inner = _record(ask.txt(host), "v=spf1")
        if inner is not None and _includes(inner, wanted, ask, left):
            return True
    return False


def _dkim(domain: str, keys: list[str], preset: Preset | None) -> Finding:
    if preset is None or not preset.selectors:
        return Finding(
            "DKIM", None, f"Whether mail from {domain} is signed cannot be looked up without its key's name."
        )
    if keys:
        return Finding("DKIM", True, f"{domain} has a key for {preset.name} to sign with ({keys[0]}).")
    return Finding("DKIM", False, f"{domain} has none of the keys that {preset.name} signs with by default.")


def _dmarc(domain: str, policy: str | None) -> Finding:
    if policy is None:
        return Finding("DMARC", False, f"{domain} does not say what to do with forged mail.")
    found = re.search(r";\s*p\s*=\s*(none|quarantine|reject)\b", policy, re.IGNORECASE)
    if found is None:
        return Finding("DMARC", False, f"{domain} has a DMARC record that says nothing.")
    kind = found[1].lower()
    what = {"none": "is only watched", "quarantine": "goes to the spam", "reject": "is refused"}[kind]
    return Finding("DMARC", True, f"Mail in the name of {domain} that it does not vouch for {what} (p={kind}).")


def _record(texts: tuple[str, ...], version: str) -> str | None:
    """The one record of that version; two are none (RFC 7208 §4.5, RFC 7489 §6.6.3)."""
    found = [text for text in texts if re.match(rf"{re.escape(version)}(?:[\s;]|$)", text, re.IGNORECASE)]
    return found[0] if len(found) == 1 else None


def _has_key(texts: tuple[str, ...]) -> bool:
    return any(re.search(r"(?:^|;)\s*p\s*=\s*[A-Za-z0-9+/]", text) for text in texts)
