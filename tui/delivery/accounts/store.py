"""The stored accounts: profiles in one file, their secrets in the system keyring.

A profile is no secret and may be edited; the keyring's entry is filed under all of whom the secret is for, so a profile
that was pointed at another server, or at another issuer, finds nothing there to give away.
"""

import contextlib
import dataclasses
import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import cast

from tui import files
from tui.delivery.accounts.keyrings import SERVICE, Vault
from tui.delivery.accounts.profile import (
    CONTROL,
    ENVIRONMENT_ACCOUNT,
    Account,
    Credential,
    Imap,
    Login,
    OAuth,
    Secret,
    Security,
)
from tui.errors import AccountError

_VERSION = 1


class AccountStore:
    """The stored accounts: `accounts.json` in `directory`, and their secrets in the system keyring.

    Every method raises `AccountError` for what the organiser can mend: an unreadable file, no keyring, an unknown name.
    """

    def __init__(self, directory: Path | None = None) -> None:
        """`directory` is the user's configuration directory of this program where it is None."""
        self._directory = directory
        self._vault = Vault(lambda: self.path.parent / "secrets.cfg")

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
        except (ValueError, KeyError, TypeError, AttributeError) as problem:
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
            what = "sign-in" if account.login == "oauth" else "password"
            raise AccountError(f"Account {account.name}: a login needs a {what}.")
        if secret and CONTROL.search(secret.reveal()):
            raise AccountError(f"Account {account.name}: a password holds no line breaks or control characters.")
        accounts = {known.name: known for known in self.list()}
        old = accounts.get(account.name)
        if old is not None and not replace:
            raise AccountError(
                f"There is an account named {account.name!r} already.", hint="Remove it first, or choose another name."
            )
        # The secret first: a profile without one would look ready and fail on the day of sending.
        if secret is not None and account.login != "none":
            self._keep(account, secret)
        accounts[account.name] = account
        try:
            self._write(accounts.values())
        except AccountError:
            if secret is not None and (old is None or entry_of(old) != entry_of(account)):
                with contextlib.suppress(AccountError):
                    self._forget(account)
            raise
        if old is not None and old.login != "none" and (account.login == "none" or entry_of(old) != entry_of(account)):
            self._forget(old)

    def stop_reading(self, name: str) -> Account:
        """From now on no answers are read with this account; its secret is kept for the mail server alone.

        Nothing has to be tried: the secret is for fewer than before. Returns the account as it is now. `AccountError`
        where there is no secret to be kept.
        """
        account = self.get(name)
        if account.imap is None:
            return account
        changed = dataclasses.replace(account, imap=None)
        self.add(changed, self.secret(account), replace=True)
        return changed

    def remove(self, name: str) -> None:
        """Forgets the profile and its secret."""
        account = self.get(name)
        self._write(known for known in self.list() if known.name != name)
        if account.login != "none":
            self._forget(account)

    def secret(self, account: Account) -> Secret | None:
        """The secret stored for exactly this account, user name, host and port; None where there is none."""
        if account.login == "none":
            return None
        find = self._vault.find_long if account.login == "oauth" else self._vault.find
        return find(entry_of(account))

    def credential(self, account: Account) -> Credential | None:
        """What logs `account` in now: its password, or its tokens. None where nothing is stored, or nothing needed.

        Tokens read the keyring, and ask the issuer, when the first of them is needed.
        """
        if account.login != "oauth":
            return self.secret(account)
        from tui.delivery.oauth.tokens import Tokens

        return Tokens(account, lambda: self.secret(account), lambda secret: self._keep(account, secret))

    def wants_passphrase(self) -> bool:
        """Whether the machine has no keyring, and nothing opens the encrypted file that does instead: see `unlock`."""
        return self._vault.wants_passphrase()

    def must_keep_secrets(self) -> None:
        """Raises `AccountError` where no secret could be kept now: before anybody is asked for one."""
        self._vault.must_be_there()

    def unlock(self, ask: Callable[[bool], Secret | None]) -> None:
        """Has `ask` give the passphrase of the encrypted file where the machine has no keyring, once in a process.

        `ask` is told whether the file is to be made, and may give None: then whatever needs a secret says what to do.
        Raises `AccountError` where the passphrase is not the file's.
        """
        if self._vault.wants_passphrase() and (passphrase := ask(not self._vault.has_file())):
            self._vault.unlock(passphrase)

    def _keep(self, account: Account, secret: Secret) -> None:
        keep = self._vault.keep_long if account.login == "oauth" else self._vault.keep
        keep(entry_of(account), secret)

    def _forget(self, account: Account) -> None:
        entry = entry_of(account)
        try:
            (self._vault.drop_long if account.login == "oauth" else self._vault.drop)(entry)
        except AccountError as problem:
            raise AccountError(
                f"The secret of {entry} is still in the keyring. {problem.message}",
                hint=f"Delete the entry {entry!r} of {SERVICE!r} with the keyring's own program.",
            ) from None

    def _write(self, accounts: Iterable[Account]) -> None:
        document = {"version": _VERSION, "accounts": [_to_json(account) for account in accounts]}
        text = json.dumps(document, indent=2, ensure_ascii=False) + "\n"
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            files.write(self.path, [text.encode()])
        except OSError as problem:
            raise AccountError(
                f"{self.path} cannot be written: {_reason(problem)}.",
                hint="Make room for it there, or name another folder in INVITE_TUI_CONFIG_DIR.",
            ) from None


def _to_json(account: Account) -> dict[str, object]:
    entry: dict[str, object] = {
        "name": account.name,
        "host": account.host,
        "port": account.port,
        "security": account.security,
        "username": account.username,
        "from": account.sender,
        "ca": None if account.ca is None else str(account.ca),
        "login": account.login,
    }
    if account.oauth is not None:
        entry["oauth"] = {
            "issuer": account.oauth.issuer,
            "client_id": account.oauth.client_id,
            "scopes": list(account.oauth.scopes),
        }
    if account.imap is not None:
        entry["imap"] = {"host": account.imap.host, "port": account.imap.port, "security": account.imap.security}
    return entry


def _from_json(entry: Mapping[str, object]) -> Account:
    ca = _text(entry, "ca")
    oauth, imap = _table(entry, "oauth"), _table(entry, "imap")
    return Account(
        name=_text(entry, "name") or "",
        host=_text(entry, "host") or "",
        port=_number(entry, "port"),
        security=cast("Security", _text(entry, "security")),
        username=_text(entry, "username"),
        sender=_text(entry, "from"),
        ca=Path(ca) if ca else None,
        login=cast("Login", _text(entry, "login")),
        oauth=None
        if oauth is None
        else OAuth(_text(oauth, "issuer") or "", _text(oauth, "client_id") or "", _texts(oauth, "scopes")),
        imap=None
        if imap is None
        else Imap(_text(imap, "host") or "", _number(imap, "port"), cast("Security", _text(imap, "security"))),
    )


def _text(entry: Mapping[str, object], key: str) -> str | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, str):
        raise ValueError(f"{key} is not text")
    return value


def _texts(entry: Mapping[str, object], key: str) -> tuple[str, ...]:
    value = entry.get(key, [])
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ValueError(f"{key} is not a list of texts")
    return tuple(value)


def _number(entry: Mapping[str, object], key: str) -> int:
    value = entry[key]
    if not isinstance(value, int):
        raise ValueError(f"{key} is not a number")
    return value


def _table(entry: Mapping[str, object], key: str) -> Mapping[str, object] | None:
    value = entry.get(key)
    if value is not None and not isinstance(value, dict):
        raise ValueError(f"{key} is not a table")
    return value


def entry_of(account: Account) -> str:
    """The keyring's user name for an account: everybody whom its secret is for.

    Read from its end it is unambiguous, whatever the user name holds.
    """
    entry = f"{account.username}@{account.host.lower()}:{account.port} ({account.name})"
    if account.imap is not None:
        entry += f" imap={account.imap.host.lower()}:{account.imap.port}"
    if account.oauth is not None:
        entry += f" oauth={account.oauth.client_id}@{account.oauth.issuer}"
    return entry


def _reason(problem: BaseException) -> str:
    text = getattr(problem, "strerror", None) or str(problem) or type(problem).__name__
    return " ".join(str(text).split()).rstrip(".")
