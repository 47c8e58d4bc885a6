"""What the keyrings of other systems do, for keyring's own backends of them: the calls that those make, and the limits.

Of Windows: wincred.h (2,560 bytes of a secret, 513 characters of a user name, one credential a target) as pywin32 has
it; of macOS: the Keychain as `keyring.backends.macOS.api` has it; of KDE: the D-Bus interface org.kde.KWallet.
"""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any, Protocol

import keyring.backend
import keyring.backends.kwallet
import keyring.backends.macOS
import keyring.backends.Windows
import pytest


class SystemKeyring(Protocol):
    """`backend` is keyring's own; `entries` are what the system has, and nothing is taken while it `is_locked`."""

    backend: keyring.backend.KeyringBackend
    entries: dict[Any, Any]
    is_locked: bool


def _made(kind: Callable[[], keyring.backend.KeyringBackend]) -> keyring.backend.KeyringBackend:
    return kind()


class _Win32Error(Exception):
    def __init__(self, number: int, function: str, words: str) -> None:
        super().__init__(number, function, words)
        self.winerror, self.funcname, self.strerror = number, function, words


class Windows:
    """The Credential Locker."""

    CRED_TYPE_GENERIC, CRED_PERSIST_ENTERPRISE = 1, 3

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: dict[str, dict[str, Any]] = {}
        self.is_locked = False
        monkeypatch.setattr(keyring.backends.Windows, "win32cred", self, raising=False)
        monkeypatch.setattr(keyring.backends.Windows, "pywintypes", SimpleNamespace(error=_Win32Error), raising=False)
        self.backend = _made(keyring.backends.Windows.WinVaultKeyring)

    def CredRead(self, *, Type: int, TargetName: str) -> dict[str, Any]:  # noqa: N802, N803 - wincred.h calls them so
        if TargetName not in self.entries:
            raise _Win32Error(1168, "CredRead", "Element not found.")
        return self.entries[TargetName]

    def CredWrite(self, credential: dict[str, Any], flags: int) -> None:  # noqa: N802 - as above
        blob = credential["CredentialBlob"].encode("utf-16-le")
        if self.is_locked:
            raise _Win32Error(1312, "CredWrite", "A specified logon session does not exist.")
        if len(blob) > 2560 or len(credential["UserName"]) > 513 or len(credential["TargetName"]) > 32_767:
            raise _Win32Error(1783, "CredWrite", "The stub received bad data.")
        self.entries[credential["TargetName"]] = credential | {"CredentialBlob": blob}

    def CredDelete(self, *, Type: int, TargetName: str) -> None:  # noqa: N802, N803 - as above
        if self.entries.pop(TargetName, None) is None:
            raise _Win32Error(1168, "CredDelete", "Element not found.")


class MacOS:
    """The Keychain."""

    class Error(Exception):
        """A status other than zero."""

    class NotFound(Error):
        """errSecItemNotFound."""

    class KeychainDenied(Error):
        """The user said no."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.is_locked = False
        monkeypatch.setattr(keyring.backends.macOS, "api", self, raising=False)
        self.backend = _made(keyring.backends.macOS.Keyring)

    def set_generic_password(self, keychain: str | None, service: str, username: str, password: str) -> None:
        if self.is_locked:
            raise self.KeychainDenied(-128, "User interaction is not allowed.")
        self.entries[service, username] = password

    def find_generic_password(self, keychain: str | None, service: str, username: str) -> str:
        if (service, username) not in self.entries:
            raise self.NotFound(-25300, "Item not found")
        return self.entries[service, username]

    def delete_generic_password(self, keychain: str | None, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise self.NotFound(-25300, "Item not found")


class KWallet:
    """The wallet of KDE. It says by a number that it took nothing, to which keyring does not listen."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.entries: dict[tuple[str, str], str] = {}
        self.is_locked = False
        self.backend = _made(keyring.backends.kwallet.DBusKeyring).with_properties(handle=1, iface=self)

    def isOpen(self, handle: int) -> bool:  # noqa: N802 - org.kde.KWallet calls them so
        return True

    def hasEntry(self, handle: int, folder: str, key: str, appid: str) -> bool:  # noqa: N802 - as above
        return (folder, key) in self.entries

    def readPassword(self, handle: int, folder: str, key: str, appid: str) -> str:  # noqa: N802 - as above
        return self.entries.get((folder, key), "")

    def writePassword(self, handle: int, folder: str, key: str, value: str, appid: str) -> int:  # noqa: N802 - as above
        if self.is_locked:
            return -1
        self.entries[folder, key] = value
        return 0

    def removeEntry(self, handle: int, folder: str, key: str, appid: str) -> int:  # noqa: N802 - as above
        return 0 if self.entries.pop((folder, key), None) is not None else -3
