"""Asking DNS and the web: a few seconds each, and no answer is an answer."""

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

SWITCH = "INVITE_TUI_LOOKUPS"
"""The variable that turns all of this off: "off", "no" or "0"."""

_DNS_SECONDS = 4.0
_MOST = 20
"""Records that are looked at."""


@dataclass(frozen=True, slots=True)
class Service:
    """One SRV record (RFC 2782)."""

    priority: int
    weight: int
    port: int
    host: str


class Lookups(Protocol):
    """Whoever can be asked. Nothing raises; names are ASCII."""

    def srv(self, name: str, /) -> tuple[Service, ...]:
        """Who offers a service, in no order."""

    def mx(self, name: str, /) -> tuple[str, ...]:
        """Who takes a domain's mail, the first choice first."""

    def txt(self, name: str, /) -> tuple[str, ...]:
        """The texts under a name."""

    def page(self, url: str, /) -> bytes | None:
        """What is at an https address; no redirects."""


class NoLookups:
    """Asks nobody."""

    def srv(self, _name: str, /) -> tuple[Service, ...]:
        return ()

    def mx(self, _name: str, /) -> tuple[str, ...]:
        return ()

    def txt(self, _name: str, /) -> tuple[str, ...]:
        return ()

    def page(self, _url: str, /) -> bytes | None:
        return None


class Network:
    """Asks the name servers of this machine, or `server` and its port, and the web."""

    def __init__(self, server: tuple[str, int] | None = None) -> None:
        self._server = server

    def srv(self, name: str, /) -> tuple[Service, ...]:
        found = (
            Service(int(one.priority), int(one.weight), int(one.port), _host(one.target))
            for one in self._records(name, "SRV")
        )
        return tuple(found)

    def mx(self, name: str, /) -> tuple[str, ...]:
        found = [(int(one.preference), _host(one.exchange)) for one in self._records(name, "MX")]
        return tuple(host for _, host in sorted(found))

    def txt(self, name: str, /) -> tuple[str, ...]:
        return tuple(b"".join(one.strings).decode("ascii", "replace") for one in self._records(name, "TXT"))

    def page(self, url: str, /) -> bytes | None:
        import requests

        from tui.delivery.oauth.http import Brief

        try:
            with Brief() as session:
                answer = session.get(url, headers={"Accept": "text/xml, application/xml"})
        except (requests.RequestException, OSError, ValueError):
            return None
        return answer.content if answer.status_code == 200 else None

    def _records(self, name: str, kind: str) -> "Iterable[Any]":
        import dns.exception
        import dns.resolver

        try:
            resolver = dns.resolver.Resolver(configure=self._server is None)
            if self._server is not None:
                resolver.nameservers, resolver.port = [self._server[0]], self._server[1]
            answer = resolver.resolve(name, kind, lifetime=_DNS_SECONDS, search=False)
        except (dns.exception.DNSException, OSError, ValueError):
            return ()
        return list(answer)[:_MOST]


def lookups(environment: "Mapping[str, str] | None" = None) -> Lookups:
    """Whoever may be asked, as the environment has it."""
    said = (os.environ if environment is None else environment).get(SWITCH, "")
    return NoLookups() if said.strip().lower() in ("off", "no", "0", "false") else Network()


def _host(name: object) -> str:
    return str(name).rstrip(".").lower()
