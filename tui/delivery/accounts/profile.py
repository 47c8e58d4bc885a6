"""What an account is: where its mail goes, who logs in, and by what. Facts, and nothing secret in them."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NoReturn, Protocol, cast, final, get_args
from urllib.parse import urlsplit

from tui.errors import AccountError
from tui.hosts import is_loopback

Security = Literal["starttls", "tls", "none"]
Login = Literal["password", "oauth", "none"]

ENVIRONMENT_ACCOUNT = "env"
"""The account that the environment and `.env` describe. It is never stored."""

DEFAULT_PORT: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}
DEFAULT_IMAP_PORT: Mapping[Security, int] = {"starttls": 143, "tls": 993, "none": 143}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})")
_ADDRESS = re.compile(r"[^\s@<>\x00-\x1f\x7f]{1,64}@[^\s@<>\x00-\x1f\x7f]{1,255}")
_WORD = re.compile(r"[!-~]{1,500}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


@final
class Secret:
    """A password or token that no repr, format, traceback or pickle shows. `reveal()` is for the login alone."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "Secret(...)"

    def __bool__(self) -> bool:
        return bool(self._text)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not to be copied out of the process")


class Bearer(Protocol):
    """Access tokens of an account that signs in (OAuth 2.0), for as long as the account may have them.

    Several threads may ask at the same time.
    """

    def token(self) -> Secret:
        """An access token that is good for a while yet. Raises `AccountError` where the sign-in is no longer valid."""

    def is_due(self) -> bool:
        """Whether the last token is about to expire, so that a session that was opened with it should be renewed."""


Credential = Secret | Bearer
"""What logs an account in: its password, or whoever has its tokens."""


@dataclass(frozen=True, slots=True)
class Imap:
    """Where an account's answers are read, with the user name of the account. Raises `AccountError` like `Account`."""

    host: str
    port: int = 993
    security: Security = "tls"

    def __post_init__(self) -> None:
        _check_endpoint("The IMAP server", self.host, self.port, self.security)


@dataclass(frozen=True, slots=True)
class OAuth:
    """Who signs an account in: `issuer` is "microsoft", "google" or an issuer's URL, `client_id` what it calls us.

    `scopes` are what is asked for where the issuer's own do not do. An issuer is https, or on this machine.
    """

    issuer: str
    client_id: str
    scopes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.issuer not in ("microsoft", "google") and not is_secure_url(self.issuer):
            raise AccountError(
                f"{self.issuer!r} is nobody to sign in with.",
                hint="It is microsoft, google, or the https:// address of an issuer.",
            )
        if not _WORD.fullmatch(self.client_id):
            raise AccountError(f"{self.client_id!r} cannot be a client id.", hint="See docs/accounts.md.")
        if not all(_WORD.fullmatch(scope) for scope in self.scopes):
            raise AccountError("A scope is one word of letters, digits and punctuation.")


def is_secure_url(url: str) -> bool:
    """Whether `url` is a plain https address, or http on this machine: no user, query or fragment in it."""
    if not _WORD.fullmatch(url):
        return False
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        return False
    if parts.username is not None or parts.query or parts.fragment or not _is_host(host):
        return False
    return parts.scheme == "https" or (parts.scheme == "http" and is_loopback(host))


@dataclass(frozen=True, slots=True)
class Account:
    """An SMTP login profile. Making one that is not safe to use raises `AccountError`.

    `security` is how the channel is made secret: `starttls` and `tls` are verified and never downgraded, `none` is for
    loopback alone. `sender` ("from" in files and JSON) is the envelope's sender where it is not the organizer's
    address. `ca` is a PEM file that is trusted instead of the system's authorities. `imap` is where answers are read,
    with the same login.
    """

    name: str
    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    sender: str | None = None
    ca: Path | None = None
    login: Login = "password"
    oauth: OAuth | None = None
    imap: Imap | None = None

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise AccountError(
                f"{self.name!r} cannot be the name of an account.",
                hint="Use up to 64 letters, digits, dots, hyphens and underscores.",
            )
        _check_endpoint(f"Account {self.name}", self.host, self.port, self.security)
        if self.login not in get_args(Login):
            raise AccountError(f"Account {self.name}: login cannot be {self.login!r}.")
        if (self.login == "none") != (self.username is None):
            raise AccountError(f"Account {self.name}: a login needs a user name, and a user name a login.")
        if (self.login == "oauth") != (self.oauth is not None):
            raise AccountError(
                f"Account {self.name}: it is not known who signs it in.",
                hint=f"Remove it, and add it again: `invite-tui account remove {self.name}`.",
            )
        if self.username is not None and (not self.username or CONTROL.search(self.username)):
            raise AccountError(f"Account {self.name}: {self.username!r} cannot be a user name.")
        if self.sender is not None and not _ADDRESS.fullmatch(self.sender):
            raise AccountError(f"Account {self.name}: {self.sender!r} is no address to send from.")


def _check_endpoint(whose: str, host: str, port: int, security: str) -> None:
    if not host.strip():
        raise AccountError(f"{whose}: its host is not said.", hint="Name it: smtp.example.org")
    if not _is_host(host):
        raise AccountError(f"{whose}: {host!r} is no host name.", hint="Example: smtp.example.org")
    if not 1 <= port <= 65_535:
        raise AccountError(f"{whose}: {port} is no port.", hint="A port is 1 to 65535.")
    if security not in get_args(Security):
        raise AccountError(f"{whose}: security cannot be {security!r}.", hint="It is starttls, tls or none.")
    if security == "none" and not is_loopback(host):
        raise AccountError(
            f"{whose}: mail to {host} would travel unencrypted.",
            hint="Use starttls or tls; none is allowed to this machine only (127.0.0.1, ::1, localhost).",
        )


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


def account_from_settings(values: Mapping[str, str | None]) -> tuple[Account, Secret | None]:
    """The account `env` from what INVITE_TUI_SMTP_HOST and its siblings say.

    Keys are the variables' last words in lower case: host, port, security, username, password, ca, and imap_host,
    imap_port, imap_security; missing and empty are the same. Raises `AccountError` naming the variable that is wrong.
    """
    given = {key: value for key, value in values.items() if value}
    host, port, security = _server_from(given, "SMTP", "starttls", DEFAULT_PORT)
    username, password = given.get("username"), given.get("password")
    if username and CONTROL.search(username):
        raise _variable("SMTP_USERNAME", "a user name holds no control characters")
    if username and not password:
        raise _variable("SMTP_PASSWORD", "it is missing, while INVITE_TUI_SMTP_USERNAME is set")
    if password and CONTROL.search(password):
        raise _variable("SMTP_PASSWORD", "a password holds no line breaks or control characters")
    if password and not username:
        raise _variable("SMTP_USERNAME", "it is missing, while INVITE_TUI_SMTP_PASSWORD is set")
    if "imap_host" in given and not username:
        raise _variable("SMTP_USERNAME", "it is missing, while INVITE_TUI_IMAP_HOST is set")
    ca = Path(given["ca"]).expanduser() if "ca" in given else None
    if ca is not None and not ca.is_file():
        raise _variable("SMTP_CA", f"there is no file {ca}")
    account = Account(
        name=ENVIRONMENT_ACCOUNT,
        host=host,
        port=port,
        security=security,
        username=username,
        ca=ca,
        login="password" if username else "none",
        imap=Imap(*_server_from(given, "IMAP", "tls", DEFAULT_IMAP_PORT)) if "imap_host" in given else None,
    )
    return account, Secret(password) if password else None


def _server_from(
    given: Mapping[str, str], kind: Literal["SMTP", "IMAP"], usual: Security, ports: Mapping[Security, int]
) -> tuple[str, int, Security]:
    """Host, port and security of one server. Raises `AccountError` naming the variable that is wrong."""
    prefix = "" if kind == "SMTP" else "imap_"
    host = given.get(f"{prefix}host", "").strip()
    if not host:
        raise _variable(f"{kind}_HOST", "it is blank, and names the server: smtp.example.org")
    if not _is_host(host):
        raise _variable(f"{kind}_HOST", f"{host!r} is no host name")
    security = given.get(f"{prefix}security", usual).strip().lower()
    if security not in get_args(Security):
        raise _variable(f"{kind}_SECURITY", f"{security!r} is not one of starttls, tls, none")
    if security == "none" and not is_loopback(host):
        raise _variable(
            f"{kind}_SECURITY", f"none is for this machine only, and mail to {host} would travel unencrypted"
        )
    port = given.get(f"{prefix}port", "").strip() or str(ports[cast("Security", security)])
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535):
        raise _variable(f"{kind}_PORT", f"{port!r} is no port (1 to 65535)")
    return host, int(port), cast("Security", security)


def _variable(name: str, problem: str) -> AccountError:
    return AccountError(f"INVITE_TUI_{name}: {problem}.", hint="It stands in the environment or in a .env file.")
