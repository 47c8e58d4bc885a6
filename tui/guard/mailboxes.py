"""When two spellings of an address are the same mailbox, by what is known of the provider."""

from collections.abc import Mapping
from functools import lru_cache
from typing import NamedTuple

from tui import address


class _Provider(NamedTuple):
    """`domain` is the one that stands for all of the provider's; `ignored` are characters that it does not look at."""

    domain: str
    ignored: str


_GMAIL = _Provider("gmail.com", ".")
_PROTON = _Provider("proton.me", "._-")

# Everybody's +tag is ignored (RFC 5233 names the idea; Gmail, Outlook, Proton, iCloud, Fastmail follow it): where a
# server does not, two mailboxes are taken for one, and only a message that names one to the other is stopped.
# Gmail: support.google.com/mail/answer/7436150 (dots, for gmail.com and googlemail.com only: at a company's own domain
# they count) and answer/10313 (googlemail.com). Proton: its own clients compare addresses without . _ and -
# (ProtonMail/WebClients, removeEmailAlias); pm.me and protonmail.com are further names of an account's own address.
# Outlook, Yahoo, iCloud, and everybody else: dots count.
_PROVIDERS: Mapping[str, _Provider] = {
    "gmail.com": _GMAIL,
    "googlemail.com": _GMAIL,
    "proton.me": _PROTON,
    "protonmail.com": _PROTON,
    "protonmail.ch": _PROTON,
    "pm.me": _PROTON,
}


@lru_cache(maxsize=1 << 12)
def keys(text: str) -> tuple[str, ...]:
    """The forms under which one address is known: as it is spelled, without its +tag, and as its provider sees it."""
    local, _, domain = text.strip(" .").rpartition("@")
    local = local.strip(".")
    if local.isascii() and domain.isascii():
        local, domain = local.lower(), domain.lower()
    else:
        try:
            key = address.parse(f"{local}@{domain}").key
        except address.AddressError:
            key = f"{local}@{domain}".casefold()
        local, _, domain = key.rpartition("@")
    found = [f"{local}@{domain}"]
    bare = local.partition("+")[0]
    if bare and bare != local:
        found.append(f"{bare}@{domain}")
    if provider := _PROVIDERS.get(domain):
        plain = (bare or local).translate(dict.fromkeys(map(ord, provider.ignored)))
        found.append(f"{plain}@{provider.domain}")
    return tuple(dict.fromkeys(found))


def endings(key: str) -> frozenset[str]:
    """What the domain of an address with this key may end in, in any spelling of the same mailbox ("com")."""
    domain = key.rpartition("@")[2]
    return _ENDINGS.get(domain) or frozenset({domain.rpartition(".")[2]})


_ENDINGS: Mapping[str, frozenset[str]] = {
    provider.domain: frozenset(
        other.rpartition(".")[2] for other, its in _PROVIDERS.items() if its.domain == provider.domain
    )
    for provider in _PROVIDERS.values()
}
