"""SMTP accounts: profiles in one file, secrets in the system keyring. The only user of keyring.

A profile is no secret and may be edited; the keyring's entry is filed under account, user name, host and port, so a
profile that was pointed at another server finds no password there to give away.
"""

import contextlib
import ipaddress
import json
import os
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar, cast, final, get_args

from tui.errors import AccountError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

Security = Literal["starttls", "tls", "none"]
Login = Literal["password", "oauth", "none"]

SERVICE = "invite-tui"
"""The name under which the keyring files our secrets."""

ENVIRONMENT_ACCOUNT = "env"
"""The account that the environment and `.env` describe. It is never stored."""

DEFAULT_PORT: Mapping[Security, int] = {"starttls": 587, "tls": 465, "none": 25}

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9._-]{0,252})")
_ADDRESS = re.compile(r"[^\s@<>\x00-\x1f\x7f]{1,64}@[^\s@<>\x00-\x1f\x7f]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_VERSION = 1

_ENVIRONMENT_HINT = "Or give the password in the environment: INVITE_TUI_SMTP_PASSWORD, with INVITE_TUI_SMTP_HOST."
_KEYRING_HINT = (
    "Install and unlock a keyring (GNOME Keyring, KWallet, KeePassXC with its Secret Service; macOS and Windows have "
    f"one). {_ENVIRONMENT_HINT}"
)


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


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its very spelling: 127.0.0.0/8, ::1 or "localhost". Nothing is resolved."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


@dataclass(frozen=True, slots=True)
class Account:
    """An SMTP login profile. Making one that is not safe to use raises `AccountError`.

    `security` is how the channel is made secret: `starttls` and `tls` are verified and never downgraded, `none` is for
    loopback alone. `sender` ("from" in files and JSON) is the envelope's sender where it is not the organizer's
    address. `ca` is a PEM file that is trusted instead of the system's authorities.
    """

    name: str
    host: str
    port: int
    security: Security = "starttls"
    username: str | None = None
    sender: str | None = None
    ca: Path | None = None
    login: Login = "password"

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise AccountError(
                f"{self.name!r} cannot be the name of an account.",
                hint="Use up to 64 letters, digits, dots, hyphens and underscores.",
            )
        if not _is_host(self.host):
            raise AccountError(f"Account {self.name}: {self.host!r} is no host name.", hint="Example: smtp.example.org")
        if not 1 <= self.port <= 65_535:
            raise AccountError(f"Account {self.name}: {self.port} is no port.", hint="A port is 1 to 65535.")
        if self.security not in get_args(Security):
            raise AccountError(
                f"Account {self.name}: security cannot be {self.security!r}.", hint="It is starttls, tls or none."
            )
        if self.security == "none" and not is_loopback(self.host):
            raise AccountError(
                f"Account {self.name}: mail to {self.host} would travel unencrypted.",
                hint="Use starttls or tls; none is allowed to this machine only (127.0.0.1, ::1, localhost).",
            )
        if self.login not in get_args(Login):
            raise AccountError(f"Account {self.name}: login cannot be {self.login!r}.")
        if (self.login == "none") != (self.username is None):
            raise AccountError(f"Account {self.name}: a login needs a user name, and a user name a login.")
        if self.username is not None and (not self.username or _CONTROL.search(self.username)):
            raise AccountError(f"Account {self.name}: {self.username!r} cannot be a user name.")
        if self.sender is not None and not _ADDRESS.fullmatch(self.sender):
            raise AccountError(f"Account {self.name}: {self.sender!r} is no address to send from.")


def _is_host(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return _HOST.fullmatch(host) is not None
    return True


def account_from_settings(values: Mapping[str, str | None]) -> tuple[Account, Secret | None]:
    """The account `env` from what INVITE_TUI_SMTP_HOST and its siblings say.

    Keys are the variables' last words in lower case: host, port, security, username, password, ca; missing and empty
    are the same. Raises `AccountError` naming the variable that is wrong.
    """
    given = {key: value for key, value in values.items() if value}
    host = given.get("host", "").strip()
    if not _is_host(host):
        raise _variable("HOST", f"{host!r} is no host name")
    security = given.get("security", "starttls").strip().lower()
    if security not in get_args(Security):
        raise _variable("SECURITY", f"{security!r} is not one of starttls, tls, none")
    if security == "none" and not is_loopback(host):
        raise _variable("SECURITY", f"none is for this machine only, and mail to {host} would travel unencrypted")
    port = given.get("port", "").strip() or str(DEFAULT_PORT[cast("Security", security)])
    if not (port.isascii() and port.isdigit() and 1 <= int(port[:6]) <= 65_535):
        raise _variable("PORT", f"{port!r} is no port (1 to 65535)")
    username, password = given.get("username"), given.get("password")
    if username and _CONTROL.search(username):
        raise _variable("USERNAME", "a user name holds no control characters")
    if username and not password:
        raise _variable("PASSWORD", "it is missing, while INVITE_TUI_SMTP_USERNAME is set")
    if password and _CONTROL.search(password):
        raise _variable("PASSWORD", "a password holds no line breaks or control characters")
    if password and not username:
        raise _variable("USERNAME", "it is missing, while INVITE_TUI_SMTP_PASSWORD is set")
    ca = Path(given["ca"]).expanduser() if "ca" in given else None
    if ca is not None and not ca.is_file():
        raise _variable("CA", f"there is no file {ca}")
    account = Account(
        name=ENVIRONMENT_ACCOUNT,
        host=host,
        port=int(port),
        security=cast("Security", security),
        username=username,
        ca=ca,
        login="password" if username else "none",
    )
    return account, Secret(password) if password else None


def _variable(name: str, problem: str) -> AccountError:
    return AccountError(f"INVITE_TUI_SMTP_{name}: {problem}.", hint="It stands in the environment or in a .env file.")


class AccountStore:
    """The stored accounts: `accounts.json` in `directory`, and their secrets in the system keyring.

    Every method raises `AccountError` for what the organiser can mend: an unreadable file, no keyring, an unknown name.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """`directory` is the user's configuration directory of this program where it is None."""
        self._directory = directory

    @property
    def path(self) -> Path:
        if self._directory is None:
            import platformdirs

            self._directory = Path(platformdirs.user_config_dir("invite-tui", appauthor=False, roaming=False))
        return self._directory / "accounts.json"

    def list(self) -> tuple[Account, ...]:
        """All accounts by name."""
        try:
            text = self.path.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ()
        except (OSError, UnicodeDecodeError) as problem:
            raise AccountError(f"{self.path} cannot be read: {_reason(problem)}.") from None
        try:
            document = json.loads(text)
            if document["version"] != _VERSION:
                raise AccountError(f"{self.path} was written by another version of this program.")
            accounts = [_from_json(entry) for entry in document["accounts"]]
        except (ValueError, KeyError, TypeError) as problem:
            raise AccountError(
                f"{self.path} cannot be understood: {_reason(problem)}.",
                hint="Mend or delete the file; `invite-tui account add` writes it anew.",
            ) from None
        return tuple(sorted(accounts, key=lambda account: account.name))

    def get(self, name: str) -> Account:
        accounts = self.list()
        for account in accounts:
            if account.name == name:
                return account
        known = ", ".join(account.name for account in accounts)
        raise AccountError(
            f"There is no account named {name!r}.",
            hint=f"Known: {known}." if known else "`invite-tui account add NAME --host HOST` makes one.",
        )

    def add(self, account: Account, secret: Secret | None, *, replace: bool = False) -> None:
        """Stores the profile, and the secret in the keyring. An account of that name is kept unless `replace`."""
        if account.name == ENVIRONMENT_ACCOUNT:
            raise AccountError(f"{account.name!r} is the account of the environment; choose another name.")
        if account.login != "none" and not secret:
            raise AccountError(f"Account {account.name}: a login needs a password.")
        if secret and _CONTROL.search(secret.reveal()):
            raise AccountError(f"Account {account.name}: a password holds no line breaks or control characters.")
        accounts = {known.name: known for known in self.list()}
        old = accounts.get(account.name)
        if old is not None and not replace:
            raise AccountError(
                f"There is an account named {account.name!r} already.", hint="Remove it first, or choose another name."
            )
        # The secret first: a profile without one would look ready and fail on the day of sending.
        if secret is not None and account.login != "none":
            _keyring_call(lambda backend: backend.set_password(SERVICE, _entry(account), secret.reveal()), secret)
        accounts[account.name] = account
        try:
            self._write(accounts.values())
        except AccountError:
            if secret is not None and (old is None or _entry(old) != _entry(account)):
                with contextlib.suppress(AccountError):
                    _forget(account)
            raise
        if old is not None and old.login != "none" and (account.login == "none" or _entry(old) != _entry(account)):
            _forget(old)

    def remove(self, name: str) -> None:
        """Forgets the profile and its secret."""
        account = self.get(name)
        self._write(known for known in self.list() if known.name != name)
        if account.login != "none":
            _forget(account)

    def secret(self, account: Account) -> Secret | None:
        """The secret stored for exactly this account, user name, host and port; None where there is none."""
        if account.login == "none":
            return None
        text = _keyring_call(lambda backend: backend.get_password(SERVICE, _entry(account)))
        return None if text is None else Secret(text)

    def _write(self, accounts: Iterable[Account]) -> None:
        document = {"version": _VERSION, "accounts": [_to_json(account) for account in accounts]}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        temporary: str | None = None
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            # mkstemp makes the file 0600 where that means something; replacing is atomic on every system.
            handle, temporary = tempfile.mkstemp(prefix=".accounts-", suffix=".json", dir=self.path.parent)
            with os.fdopen(handle, "w", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(temporary).replace(self.path)
        except OSError as problem:
            if temporary is not None:
                Path(temporary).unlink(missing_ok=True)
            raise AccountError(f"{self.path} cannot be written: {_reason(problem)}.") from None


def _to_json(account: Account) -> dict[str, object]:
    return {
        "name": account.name,
        "host": account.host,
        "port": account.port,
        "security": account.security,
        "username": account.username,
        "from": account.sender,
        "ca": None if account.ca is None else str(account.ca),
        "login": account.login,
    }


def _from_json(entry: Mapping[str, object]) -> Account:
    def text(key: str) -> str | None:
        value = entry.get(key)
        if value is not None and not isinstance(value, str):
            raise ValueError(f"{key} is not text")
        return value

    port = entry["port"]
    if not isinstance(port, int):
        raise ValueError("port is not a number")
    ca = text("ca")
    return Account(
        name=text("name") or "",
        host=text("host") or "",
        port=port,
        security=cast("Security", text("security")),
        username=text("username"),
        sender=text("from"),
        ca=Path(ca) if ca else None,
        login=cast("Login", text("login")),
    )


def _entry(account: Account) -> str:
    """The keyring's user name for an account. Read from its end it is unambiguous, whatever the user name holds."""
    return f"{account.username}@{account.host.lower()}:{account.port} ({account.name})"


def _forget(account: Account) -> None:
    from keyring.errors import PasswordDeleteError

    def delete(backend: "KeyringBackend") -> None:
        # Backends say "there was none" with the same error as "it cannot be deleted": look again.
        with contextlib.suppress(PasswordDeleteError):
            backend.delete_password(SERVICE, _entry(account))
        if backend.get_password(SERVICE, _entry(account)) is not None:
            raise PasswordDeleteError("it is still there")

    try:
        _keyring_call(delete)
    except AccountError as problem:
        raise AccountError(
            f"The password of {_entry(account)} is still in the keyring. {problem.message}",
            hint=f"Delete the entry {_entry(account)!r} of {SERVICE!r} with the keyring's own program.",
        ) from None


_T = TypeVar("_T")


def _keyring_call(call: "Callable[[KeyringBackend], _T]", secret: Secret | None = None) -> _T:
    """What `call` gives with the system's keyring. Everything that a backend raises becomes an `AccountError`.

    A backend may quote the secret that it failed to store; `secret` is blanked in its words.
    """
    problem: str
    try:
        backend = _backend()
        if backend is not None:
            return call(backend)
    except Exception as error:  # noqa: BLE001 - backends raise what D-Bus, the Keychain and ctypes do, not only KeyringError
        reason = _reason(error)
        if secret:
            reason = reason.replace(secret.reveal(), "***")
        problem = f"The system's keyring cannot be used: {reason}."
    else:
        problem = "This system has no keyring that keeps a password safe."
    # Raised out here, so that no frame of a backend that held the password stays chained to it.
    raise AccountError(problem, hint=_KEYRING_HINT)


def _backend() -> "KeyringBackend | None":
    """The best real keyring, or None. A file in the home directory is not one, encrypted or not."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    for candidate in candidates:
        module = type(candidate).__module__
        if not module.startswith(("keyring.backends.fail", "keyring.backends.null", "keyrings.alt")):
            return candidate
    return None


def _reason(problem: BaseException) -> str:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split()).rstrip(".")
