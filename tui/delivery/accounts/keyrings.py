"""Where secrets are kept: the system's keyring, or an encrypted file where there is none; never plain text.

Only this room knows keyring.
"""

import contextlib
import hashlib
import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar, final

from tui.delivery.accounts.profile import Secret
from tui.errors import AccountError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "invite-tui"
"""The name under which the keyring files our secrets."""

PART = 1_200
"""Characters in one entry of a keyring that does not say how many it takes (`longest_entry`).

Windows takes 2,560 bytes of UTF-16, which are 1,280 characters.
"""

PASSPHRASE = "INVITE_TUI_KEYRING_PASSPHRASE"  # noqa: S105 - its name
"""The variable that opens the encrypted file; only the environment is asked, no `.env`."""

LEAST_PASSPHRASE = 8

_MOST_PARTS = 64
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt", "keyrings.cryptfile")
_HINT = (
    "Install and unlock a keyring (GNOME Keyring, KWallet, KeePassXC with its Secret Service; macOS and Windows have "
    f"one). On a server an encrypted file does instead: set {PASSPHRASE} to its passphrase, or run the command on a "
    "terminal. Or give the password in the environment: INVITE_TUI_SMTP_PASSWORD, with INVITE_TUI_SMTP_HOST."
)

_NOWHERE = "This system has no keyring that keeps a password safe."

_T = TypeVar("_T")


@final
class Vault:
    """Secrets under names. Every method raises `AccountError` where there is nowhere safe to keep them."""

    def __init__(self, file: Callable[[], Path]) -> None:
        """`file` says where the encrypted file is, or would be."""
        self._file = file

    def keep(self, entry: str, secret: Secret) -> None:
        """Stores `secret`, in place of what was there."""
        self._call(lambda backend: _set(backend, entry, secret.reveal()), secret)

    def find(self, entry: str) -> Secret | None:
        text = self._call(lambda backend: backend.get_password(SERVICE, entry))
        return None if text is None else Secret(text)

    def drop(self, entry: str) -> None:
        """Forgets the entry; that there is none is no error."""
        self._call(lambda backend: _delete(backend, entry))

    def keep_long(self, entry: str, secret: Secret) -> None:
        """Stores what may be longer than one entry of a keyring takes: a head, and parts that it names.

        The head is written last, so that whatever happens meanwhile the old secret or the new one is there, whole.
        """

        def write(backend: "KeyringBackend") -> None:
            text = secret.reveal()
            mark = _mark(text)
            old = _head(backend.get_password(SERVICE, entry))
            if len(text) > _MOST_PARTS * PART:
                raise ValueError("a token of that length is none")
            size = int(getattr(backend, "longest_entry", PART))
            count = -(-len(text) // size)
            for at in range(count):
                _set(backend, _part(entry, mark, at), text[at * size : (at + 1) * size])
            _set(backend, entry, f"{count} {mark}")
            if old is not None and old[1] != mark:
                _delete_parts(backend, entry, old)

        self._call(write, secret)

    def find_long(self, entry: str) -> Secret | None:
        """What `keep_long` stored; None where a part of it is missing."""

        def read(backend: "KeyringBackend") -> Secret | None:
            head = _head(backend.get_password(SERVICE, entry))
            if head is None:
                return None
            count, mark = head
            text = "".join(backend.get_password(SERVICE, _part(entry, mark, at)) or "" for at in range(count))
            return Secret(text) if _mark(text) == mark else None

        return self._call(read)

    def drop_long(self, entry: str) -> None:
        def delete(backend: "KeyringBackend") -> None:
            head = _head(backend.get_password(SERVICE, entry))
            if head is not None:
                _delete_parts(backend, entry, head)
            _delete(backend, entry)

        self._call(delete)

    def wants_passphrase(self) -> bool:
        """Whether there is no keyring, and nothing yet that opens the encrypted file which does instead."""
        return not os.environ.get(PASSPHRASE) and _system_keyring() is None

    def must_be_there(self) -> None:
        """Raises `AccountError` where nothing could be kept now."""
        if self.wants_passphrase():
            raise AccountError(_NOWHERE, hint=_HINT)

    def has_file(self) -> bool:
        return self._file().exists()

    def unlock(self, passphrase: Secret) -> None:
        """Opens the encrypted file, or makes it, for the rest of this process."""
        self._call(lambda _: None, passphrase=passphrase)

    def _call(
        self,
        call: "Callable[[KeyringBackend], _T]",
        secret: Secret | None = None,
        *,
        passphrase: Secret | None = None,
    ) -> _T:
        """What `call` gives with the keyring. Everything that a backend raises becomes an `AccountError`.

        A backend may quote the secret that it failed to store; `secret` is blanked in its words.
        """
        problem: str
        hint = _HINT
        try:
            backend = _system_keyring() or self._encrypted_file(passphrase)
            if backend is not None:
                return call(backend)
        except Exception as error:  # not only KeyringError: D-Bus, the Keychain and ctypes have their own
            if isinstance(error, AccountError):
                raise
            reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
            reason = " ".join(str(reason).split()).rstrip(".")
            if secret:
                reason = reason.replace(secret.reveal(), "***")
            problem = f"The system's keyring cannot be used: {reason}."
        else:
            problem = _NOWHERE
        # Raised out here, so that no frame of a backend that held the password stays chained to it.
        raise AccountError(problem, hint=hint)

    def _encrypted_file(self, passphrase: Secret | None) -> "KeyringBackend | None":
        passphrase = passphrase or Secret(os.environ.get(PASSPHRASE, ""))
        if not passphrase:
            return None
        path = self._file()
        if not path.exists() and len(passphrase.reveal().strip()) < LEAST_PASSPHRASE:
            raise AccountError(
                f"A passphrase of fewer than {LEAST_PASSPHRASE} characters keeps nothing safe; nothing was stored.",
                hint=f"Choose a longer one for {path}.",
            )
        import keyring

        from tui.delivery.accounts.encrypted import EncryptedFile, WrongPassphraseError

        try:
            backend: KeyringBackend = EncryptedFile(path, passphrase)
        except WrongPassphraseError:
            raise AccountError(
                f"{path} does not open with this passphrase.",
                hint=f"Give the one with which it was made ({PASSPHRASE}, or on the terminal). Whoever has lost it "
                "deletes the file and adds the accounts anew.",
            ) from None
        # The library's own register, so that the passphrase is worked with once in a process.
        keyring.set_keyring(backend)
        return backend


def _mark(text: str) -> str:
    """Tells one long secret from the next."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _head(text: str | None) -> tuple[int, str] | None:
    count, _, mark = (text or "").partition(" ")
    if not (count.isascii() and count.isdigit() and len(count) < 4 and int(count) <= _MOST_PARTS):
        return None
    return int(count), mark


def _part(entry: str, mark: str, at: int) -> str:
    return f"{entry} part={mark}/{at}"


def _delete_parts(backend: "KeyringBackend", entry: str, head: tuple[int, str]) -> None:
    count, mark = head
    for at in range(count):
        _delete(backend, _part(entry, mark, at))


def _set(backend: "KeyringBackend", entry: str, text: str) -> None:
    from keyring.errors import PasswordSetError

    backend.set_password(SERVICE, entry, text)
    # KWallet's says nothing where the wallet did not take it. Our own does, and each look costs it a run of Argon2.
    if not getattr(backend, "says_what_fails", False) and backend.get_password(SERVICE, entry) != text:
        raise PasswordSetError("it did not keep what it was given")


def _delete(backend: "KeyringBackend", entry: str) -> None:
    from keyring.errors import PasswordDeleteError

    # Backends say "there was none" with the same error as "it cannot be deleted": look again.
    with contextlib.suppress(PasswordDeleteError):
        backend.delete_password(SERVICE, entry)
    if backend.get_password(SERVICE, entry) is not None:
        raise PasswordDeleteError("it is still there")


def _system_keyring() -> "KeyringBackend | None":
    """The best real keyring, or None. One that keeps plain text, or nothing, is none.

    Nor is the library's own encrypted file: it asks for its passphrase whenever it likes. Ours is, once it is open.
    """
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    return next((one for one in candidates if not _is_refused(type(one))), None)


def _is_refused(kind: type) -> bool:
    return kind.__module__.startswith(_REFUSED) or "plaintext" in kind.__name__.lower()
