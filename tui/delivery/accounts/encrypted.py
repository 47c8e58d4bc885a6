"""The keyring of a machine that has none: a file, encrypted by a passphrase (keyrings.cryptfile: Argon2id, AES-GCM).

Imported only where such a file is used.
"""

import configparser
import hashlib
import io
import sys
from pathlib import Path
from typing import NoReturn

from keyring.errors import PasswordDeleteError
from keyrings.cryptfile.cryptfile import CryptFileKeyring
from keyrings.cryptfile.escape import escape

from tui import files
from tui.delivery.accounts.profile import Secret

_SETTINGS = "keyring-setting"
"""The library's own entries, which it looks up by name."""


class WrongPassphraseError(Exception):
    """The file was made with another passphrase, or it was changed by somebody without one."""


class EncryptedFile(CryptFileKeyring):  # type: ignore[misc] # the library has no types
    """One file and its passphrase. It never asks for one, and whoever reads the file learns no user and no server."""

    # RFC 9106 §4, the second recommended choice; the library's own takes a second for every entry.
    time_cost = 3
    memory_cost = 2**16
    parallelism = 4

    # Characters. An entry may be of any length, and each costs one run of Argon2: few and long ones are quick.
    longest_entry = sys.maxsize

    # What could not be kept raises, so that nobody has to look whether it was.
    says_what_fails = True

    def __init__(self, path: Path, passphrase: Secret) -> None:
        """Opens the file, or makes it. Raises `WrongPassphraseError`, and `OSError`."""
        super().__init__()
        self.file_path = str(path)
        try:
            self.keyring_key = passphrase.reveal()
        except (ValueError, AttributeError, KeyError, configparser.Error):
            raise WrongPassphraseError(f"the passphrase of {path} is another one") from None

    def get_password(self, service: str, username: str) -> str | None:
        found = super().get_password(service, _name(service, username))
        return found if isinstance(found, str) else None

    def set_password(self, service: str, username: str, password: str) -> None:
        super().set_password(service, _name(service, username), password)

    def delete_password(self, service: str, username: str) -> None:
        config = self._read()
        try:
            is_gone = config.remove_option(escape(service), escape(_name(service, username)))
        except configparser.NoSectionError:
            is_gone = False
        if not is_gone:
            raise PasswordDeleteError("not found")
        self._save(config)

    def _write_config_value(self, service: str, key: str, value: str) -> None:
        config = self._read()
        section = escape(service)
        if not config.has_section(section):
            config.add_section(section)
        config.set(section, escape(key), value)
        self._save(config)

    def _read(self) -> configparser.RawConfigParser:
        config = configparser.RawConfigParser()
        config.read(self.file_path, encoding="utf-8")
        return config

    def _save(self, config: configparser.RawConfigParser) -> None:
        """Whole or not at all: the library itself would empty the file first."""
        path = Path(self.file_path)
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        written = io.StringIO()
        config.write(written)
        files.write(path, [written.getvalue().encode()])

    def _get_new_password(self) -> NoReturn:
        raise WrongPassphraseError("there is no passphrase")


def _name(service: str, username: str) -> str:
    """Names are kept without regard to case, and readable by everybody: hashed, they are neither."""
    return username if service == _SETTINGS else hashlib.sha256(username.encode()).hexdigest()
