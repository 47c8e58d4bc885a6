"""The autoconfig format: an XML page in which a domain, or Mozilla's list, says how its mail is set up.

https://wiki.mozilla.org/Thunderbird:Autoconfiguration:ConfigFileFormat. The page is a stranger's: no document type, no
entities, bounded; a server of another kind of security than ours, or with a name that is none, is passed over.
"""

from dataclasses import dataclass, field
from xml.parsers import expat

from tui.delivery.accounts.profile import Imap, Security
from tui.errors import AccountError

MOST_BYTES = 200_000
_MOST_ELEMENTS = 2_000
_MOST_CHARACTERS = 300
_SECURITY: dict[str, Security] = {"SSL": "tls", "STARTTLS": "starttls"}
_FIELDS = ("hostname", "port", "socketType", "username", "authentication")


@dataclass(frozen=True, slots=True)
class Server:
    """One server of the page that this program could use."""

    host: str
    port: int
    security: Security
    username: str
    wants_oauth: bool


@dataclass(slots=True)
class _Draft:
    """A server while it is read."""

    kind: str
    values: dict[str, list[str]] = field(default_factory=dict)


class _PageError(Exception):
    pass


def parse(page: bytes, address: str) -> tuple[Server | None, Server | None]:
    """The first SMTP and the first IMAP server of `page` that this program could use, for `address`."""
    if len(page) > MOST_BYTES:
        return None, None
    reader = _Reader()
    try:
        reader.read(page)
    except (_PageError, expat.ExpatError, UnicodeError, ValueError):
        return None, None
    found = [(draft.kind, server) for draft in reader.servers if (server := _server(draft, address)) is not None]
    return (
        next((server for kind, server in found if kind == "smtp"), None),
        next((server for kind, server in found if kind == "imap"), None),
    )


class _Reader:
    """One pass: the servers under emailProvider, and the words in them."""

    def __init__(self) -> None:
        self.servers: list[_Draft] = []
        self._path: list[str] = []
        self._draft: _Draft | None = None
        self._words: list[str] = []
        self._elements = 0

    def read(self, page: bytes) -> None:
        parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartDoctypeDeclHandler = self._refuse
        parser.EntityDeclHandler = self._refuse
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.Parse(page, True)

    def _refuse(self, *_: object) -> None:
        raise _PageError

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._elements += 1
        if self._elements > _MOST_ELEMENTS or len(self._path) > 20:
            raise _PageError
        self._path.append(tag)
        self._words.clear()
        if self._path[:2] == ["clientConfig", "emailProvider"] and self._path[2:] in (
            ["outgoingServer"],
            ["incomingServer"],
        ):
            self._draft = _Draft(attributes.get("type", ""))

    def _end(self, tag: str) -> None:
        draft = self._draft
        if draft is not None and len(self._path) == 4 and tag in _FIELDS:
            draft.values.setdefault(tag, []).append("".join(self._words).strip()[:_MOST_CHARACTERS])
        if draft is not None and len(self._path) == 3:
            self.servers.append(draft)
            self._draft = None
        self._path.pop()
        self._words.clear()

    def _characters(self, data: str) -> None:
        self._words.append(data[:_MOST_CHARACTERS])


def _server(draft: _Draft, address: str) -> Server | None:
    first = {name: values[0] for name, values in draft.values.items()}
    security = _SECURITY.get(first.get("socketType", ""))
    port = first.get("port", "")
    if security is None or not (port.isascii() and port.isdigit() and len(port) < 6):
        return None
    local, _, domain = address.rpartition("@")
    fill = {"%EMAILADDRESS%": address, "%EMAILLOCALPART%": local, "%EMAILDOMAIN%": domain}
    host, username = first.get("hostname", ""), first.get("username", "%EMAILADDRESS%")
    for sign, value in fill.items():
        host, username = host.replace(sign, value), username.replace(sign, value)
    try:
        checked = Imap(host.lower(), int(port), security)
    except AccountError:
        return None
    if not username or not username.isprintable():
        return None
    wants_oauth = draft.values.get("authentication", [""])[0] == "OAuth2"
    return Server(checked.host, checked.port, security, username, wants_oauth)
