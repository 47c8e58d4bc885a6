"""Where a shared ledger is: a PostgreSQL database, as its address says. Nothing here connects."""

import re
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from tui.errors import UsageError
from tui.hosts import is_loopback

_SCHEMES = ("postgresql", "postgres")
_PARAMETERS = frozenset({"host", "sslmode", "sslrootcert", "sslcert", "sslkey", "connect_timeout"})
_PORT = "5432"
_EVENT = re.compile(r"[a-z0-9_]{1,50}")
_HINT = "An address looks like postgresql://anna@db.department.example/invitations."


@dataclass(frozen=True, slots=True)
class Server:
    """The ledger of one event in a database. `hosts` are the server, or several of which one answers, each with its
    port; a folder is where a socket of this machine is. `parameters` are libpq's.

    Each event has a schema of its own there, called by the event's fingerprint: `for_event` says which.
    """

    hosts: tuple[tuple[str, str], ...]
    database: str
    user: str = ""
    password: str = field(default="", repr=False)
    parameters: tuple[tuple[str, str], ...] = ()
    event: str = ""

    @classmethod
    def parse(cls, address: str) -> Self:
        """UsageError where it is none, or asks for what cannot be had."""
        try:
            parts = urlsplit(address)
            pairs = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
        except ValueError:
            raise UsageError(f"{_shown(address)} is not the address of a ledger.", hint=_HINT) from None
        parameters = dict(pairs)
        user, _, places = parts.netloc.rpartition("@")
        name, _, password = user.partition(":")
        hosts = tuple(map(_host_and_port, places.split(",")))
        if folder := parameters.pop("host", ""):
            hosts = ((folder, hosts[0][1]),)  # of a socket, which cannot stand where a host's name does
        database = unquote(parts.path.removeprefix("/"))
        if parts.scheme not in _SCHEMES or not database or "/" in database or parts.fragment:
            raise UsageError(f"{_shown(address)} is not the address of a ledger.", hint=_HINT)
        if unknown := sorted(set(parameters) - _PARAMETERS):
            raise UsageError(
                f"“{unknown[0]}” cannot be said in a ledger's address.",
                hint=f"It may say: {', '.join(sorted(_PARAMETERS))}.",
            )
        found = cls(hosts, database, unquote(name), unquote(password), tuple(sorted(parameters.items())))
        found._must_be_safe()
        return found

    def for_event(self, fingerprint: str) -> Self:
        """The same database, for this event. ValueError where that can be no event's fingerprint."""
        if not _EVENT.fullmatch(fingerprint):
            raise ValueError("no fingerprint")
        return replace(self, event=fingerprint)

    @property
    def schema(self) -> str:
        """What the event's schema is called: nothing but a to z, digits and underscores."""
        return f"event_{self.event}"

    @property
    def shown(self) -> str:
        """The address without who logs in, and by what."""
        places = ",".join(host if port == _PORT else f"{host}:{port}" for host, port in self.hosts)
        return f"postgresql://{places if not places.startswith('/') else ''}/{self.database}"

    @property
    def name(self) -> str:
        """What it is called in a sentence."""
        return self.shown

    @property
    def is_here(self) -> bool:
        """Whether it is on this machine, by its spelling: then nobody is between."""
        return all(not host or host.startswith("/") or is_loopback(host.strip("[]")) for host, _ in self.hosts)

    @property
    def sslmode(self) -> str:
        """How the server proves who it is: where it is another machine, by a certificate for its name."""
        return dict(self.parameters).get("sslmode", "prefer" if self.is_here else "verify-full")

    def is_same_place(self, other: "Server") -> bool:
        """Whether a login for the one is meant for the other."""
        places = {(host.lower(), port) for host, port in self.hosts}, self.database
        return places == ({(host.lower(), port) for host, port in other.hosts}, other.database)

    def _must_be_safe(self) -> None:
        if not self.is_here and self.sslmode != "verify-full":
            raise UsageError(
                f"With sslmode={self.sslmode} anybody on the way to {self.shown} could read names and addresses, or be"
                " the server themselves.",
                hint="Leave it out: the server's certificate is then verified. A company's own authority is named with"
                " sslrootcert=PATH.",
            )


def is_address(text: str) -> bool:
    """Whether it names a server rather than a file."""
    return re.match(r"[a-zA-Z][a-zA-Z0-9+.-]+://", text) is not None


def _host_and_port(place: str) -> tuple[str, str]:
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[^:\[\]]*)(?::(\d{1,5}))?", place)
    if not found:
        raise UsageError(f"{place} is not a server's name.", hint=_HINT)
    return unquote(found[1]), found[2] or _PORT


def _shown(address: str) -> str:
    """An address in which nobody's password can be read, whatever is wrong with it."""
    scheme, _, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2]}" if rest else address.rpartition("@")[2]
