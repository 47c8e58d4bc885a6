"""The system's keyring: which one is good enough, and entries longer than it takes. The only user of keyring."""

import contextlib
import hashlib
from collections.abc import Callable
from typing import TYPE_CHECKING, TypeVar

from tui.delivery.accounts.profile import Secret
from tui.errors import AccountError

if TYPE_CHECKING:
    from keyring.backend import KeyringBackend

SERVICE = "invite-tui"
"""The name under which the keyring files our secrets."""

PART = 1_200
"""Characters in one entry. Windows takes 2,560 bytes of UTF-16, which are 1,280 characters."""

_MOST_PARTS = 64
_REFUSED = ("keyring.backends.fail", "keyring.backends.null", "keyrings.alt", "keyrings.cryptfile")
_ENVIRONMENT_HINT = "Or give the password in the environment: INVITE_TUI_SMTP_PASSWORD, with INVITE_TUI_SMTP_HOST."
_HINT = (
    "Install and unlock a keyring (GNOME Keyring, KWallet, KeePassXC with its Secret Service; macOS and Windows have "
    f"one). {_ENVIRONMENT_HINT}"
)


def keep(entry: str, secret: Secret) -> None:
    """Stores `secret`, in place of what was there."""
    _call(lambda backend: backend.set_password(SERVICE, entry, secret.reveal()), secret)


def find(entry: str) -> Secret | None:
    text = _call(lambda backend: backend.get_password(SERVICE, entry))
    return None if text is None else Secret(text)


def drop(entry: str) -> None:
    """Forgets the entry; that there is none is no error."""
    _call(lambda backend: _delete(backend, entry))


def keep_long(entry: str, secret: Secret) -> None:
    """Stores what may be longer than one entry of the keyring takes: a head, and parts that it names.

    The head is written last, so that whatever happens meanwhile the old secret or the new one is there, whole.
    """

    def write(backend: "KeyringBackend") -> None:
        text = secret.reveal()
        mark = hashlib.sha256(text.encode()).hexdigest()[:16]
        old = _head(backend.get_password(SERVICE, entry))
        count = -(-len(text) // PART)
        if count > _MOST_PARTS:
            raise ValueError("a token of that length is none")
        for at in range(count):
            backend.set_password(SERVICE, _part(entry, mark, at), text[at * PART : (at + 1) * PART])
        backend.set_password(SERVICE, entry, f"{count} {mark}")
        if old is not None and old[1] != mark:
            _delete_parts(backend, entry, old)

    _call(write, secret)


def find_long(entry: str) -> Secret | None:
    """What `keep_long` stored; None where a part of it is missing."""

    def read(backend: "KeyringBackend") -> Secret | None:
        head = _head(backend.get_password(SERVICE, entry))
        if head is None:
            return None
        count, mark = head
        text = "".join(backend.get_password(SERVICE, _part(entry, mark, at)) or "" for at in range(count))
        return Secret(text) if hashlib.sha256(text.encode()).hexdigest()[:16] == mark else None

    return _call(read)


def drop_long(entry: str) -> None:
    def delete(backend: "KeyringBackend") -> None:
        head = _head(backend.get_password(SERVICE, entry))
        if head is not None:
            _delete_parts(backend, entry, head)
        _delete(backend, entry)

    _call(delete)


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


def _delete(backend: "KeyringBackend", entry: str) -> None:
    from keyring.errors import PasswordDeleteError

    # Backends say "there was none" with the same error as "it cannot be deleted": look again.
    with contextlib.suppress(PasswordDeleteError):
        backend.delete_password(SERVICE, entry)
    if backend.get_password(SERVICE, entry) is not None:
        raise PasswordDeleteError("it is still there")


_T = TypeVar("_T")


def _call(call: "Callable[[KeyringBackend], _T]", secret: Secret | None = None) -> _T:
    """What `call` gives with the system's keyring. Everything that a backend raises becomes an `AccountError`.

    A backend may quote the secret that it failed to store; `secret` is blanked in its words.
    """
    problem: str
    try:
        backend = _backend()
        if backend is not None:
            return call(backend)
    except Exception as error:  # noqa: BLE001 - backends raise what D-Bus, the Keychain and ctypes do, not only KeyringError
        reason = " ".join((getattr(error, "strerror", None) or str(error) or type(error).__name__).split()).rstrip(".")
        if secret:
            reason = reason.replace(secret.reveal(), "***")
        problem = f"The system's keyring cannot be used: {reason}."
    else:
        problem = "This system has no keyring that keeps a password safe."
    # Raised out here, so that no frame of a backend that held the password stays chained to it.
    raise AccountError(problem, hint=_HINT)


def _backend() -> "KeyringBackend | None":
    """The best real keyring, or None. One that keeps plain text, or nothing, is none."""
    import keyring
    from keyring.backends.chainer import ChainerBackend

    chosen = keyring.get_keyring()
    candidates = list(chosen.backends) if isinstance(chosen, ChainerBackend) else [chosen]
    return next((one for one in candidates if not type(one).__module__.startswith(_REFUSED)), None)
