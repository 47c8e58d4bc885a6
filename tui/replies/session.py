"""An IMAP session: imaplib's for imap-tools, on a channel that is verified first, and whose every word can be heard.

Imported only where a mailbox is opened: imap-tools costs more than most commands.
"""

import ssl
from collections.abc import Callable
from imaplib import IMAP4, IMAP4_SSL
from typing import TYPE_CHECKING, Literal

from imap_tools import BaseMailBox

from tui.delivery import Secret, sasl

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

    from tui.delivery import ImapLogin

Hear = Callable[[str], object]

_TIMEOUT = 60.0  # seconds for any one reply
_MOST_BYTES = 100_000_000
"""Of one literal: more than any server takes as a message, whatever it was asked for."""

_TLS_PORT = 993


class Session(BaseMailBox):
    """A connection to where `login` leads, not logged in yet. Raises `OSError` and imaplib's errors."""

    def __init__(self, login: "ImapLogin", hear: Hear | None = None) -> None:
        self._login, self._hear = login, hear
        super().__init__()

    def blanked(self, text: str) -> str:
        """`text` without the secret that was said: a server may repeat it wherever it likes."""
        return self.client.blanked(text) if isinstance(self.client, _Client) else text

    def _get_mailbox_client(self) -> IMAP4:
        login = self._login
        if login.security == "tls":
            return _Encrypted(login.host, login.port, self._hear, login.tls_context())
        if login.security == "starttls" and login.port == _TLS_PORT:
            raise ValueError(f"port {_TLS_PORT} speaks TLS from the start, which is security tls")
        client = _Client(login.host, login.port, self._hear)
        if login.security == "starttls":
            client.starttls(login.tls_context())
        return client


class _Client(IMAP4):
    """Tells `hear` every line that is said, ours after ">", the server's after "<", with secrets blanked; of a message,
    which no line is, its size."""

    _blank: Callable[[str], str] | None = None
    _is_secret = False

    def __init__(self, host: str, port: int, hear: Hear | None) -> None:
        self._hear = hear  # first: the server begins to speak at once
        super().__init__(host, port, timeout=_TIMEOUT)

    def login(self, user: str, password: str) -> tuple[Literal["OK"], list[bytes]]:
        self._blank = lambda text: sasl.blanked(text, user, Secret(password))
        self._is_secret = True
        try:
            return super().login(user, password)
        finally:
            self._is_secret = False

    def authenticate(self, mechanism: str, authobject: Callable[[bytes], bytes | None]) -> tuple[str, str]:
        if isinstance(authobject, sasl.Exchange):
            self._blank = authobject.blanked
        self._is_secret = True
        try:
            return super().authenticate(mechanism, authobject)
        finally:
            self._is_secret = False

    def blanked(self, text: str) -> str:
        return self._blank(text) if self._blank else text

    def send(self, data: "ReadableBuffer") -> None:
        if self._hear is not None and (words := bytes(data).decode("utf-8", "replace").rstrip("\r\n")):
            if self._is_secret:
                # Of a login the command and its mechanism are all that anybody else may know.
                known = words.split(" ")[: 3 if " AUTHENTICATE " in words else 2] if " " in words else []
                words = " ".join(known if " ".join(known) == words else [*known, "***"])
            self._hear(f"> {words}")
        super().send(data)

    def readline(self) -> bytes:
        line = super().readline()
        if self._hear is not None:
            words = line.decode("utf-8", "replace").rstrip("\r\n")
            self._hear(f"< {self.blanked(words)}")
        return line

    def read(self, size: int) -> bytes:
        if size > _MOST_BYTES:
            raise self.abort(f"a message of {size:,} bytes is none")
        if self._hear is not None:
            self._hear(f"< ({size:,} bytes)")
        return super().read(size)


class _Encrypted(_Client, IMAP4_SSL):
    """The same over TLS from the start."""

    def __init__(self, host: str, port: int, hear: Hear | None, context: ssl.SSLContext) -> None:
        self._hear = hear
        IMAP4_SSL.__init__(self, host, port, ssl_context=context, timeout=_TIMEOUT)
