"""Where the browser comes back to: one port of this machine, for one answer, for a while (RFC 8252 §7.3)."""

import hmac
import socket
import time
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlsplit

from tui.delivery.oauth.grants import Ceremony
from tui.errors import AccountError

_MOST_BYTES = 16_384
_PATIENCE = 5.0
"""Seconds for one request: browsers open connections that they may never use."""

_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>invite-tui</title>
<body style="font: 1.2rem system-ui; margin: 4rem auto; max-width: 32rem"><p>{words}</p></body></html>
"""


class Receiver:
    """`with Receiver(state) as receiver:` it listens on 127.0.0.1 from then on, and on `wait` for the one answer.

    `name` is how the browser calls this machine.
    """

    def __init__(self, state: str, name: str = "127.0.0.1") -> None:
        self._state = state
        self._name = name

    def __enter__(self) -> Self:
        self._server = socket.create_server(("127.0.0.1", 0))
        self._server.settimeout(0.5)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()

    @property
    def url(self) -> str:
        """Without a path, as it is registered: a browser adds the "/" by itself."""
        return f"http://{self._name}:{self._server.getsockname()[1]}"

    def wait(self, ceremony: Ceremony, issuer: str) -> dict[str, str]:
        """The parameters with which the browser came back.

        Raises `AccountError` where they belong to another sign-in, where nobody comes in time, and when stopped.
        """
        deadline = time.monotonic() + ceremony.seconds
        while time.monotonic() < deadline:
            if ceremony.stop.is_set():
                raise AccountError("The sign-in was broken off; nothing was changed.")
            try:
                connection, _ = self._server.accept()
            except TimeoutError:
                continue
            with connection:
                try:
                    answer = self._answer(connection)
                except OSError:
                    continue
            if answer is not None:
                if not hmac.compare_digest(answer.get("state", "").encode(), self._state.encode()):
                    raise AccountError(
                        f"The browser came back with the answer to another sign-in than this one at {issuer}.",
                        hint="Run the command again, and open the address that it shows.",
                    )
                return answer
        raise AccountError(
            f"Nobody signed in at {issuer} in time, so nothing was changed.", hint="Run the command again."
        )

    def _answer(self, connection: socket.socket) -> dict[str, str] | None:
        """The parameters of a request that comes back from the issuer; None for anything else that browsers ask."""
        connection.settimeout(_PATIENCE)
        deadline = time.monotonic() + _PATIENCE
        head = b""
        while b"\r\n\r\n" not in head and b"\n\n" not in head:
            piece = connection.recv(4_096)
            head += piece
            if not piece or len(head) > _MOST_BYTES or time.monotonic() > deadline:
                return None
        line = head.split(b"\n", 1)[0].decode("latin-1").split()
        if len(line) != 3 or line[0] != "GET":
            return self._say(connection, "405 Method Not Allowed", "Nothing to see here.")
        target = urlsplit(line[1])
        # Who asks by another name is a page that had its name moved to this machine (DNS rebinding).
        if target.path != "/" or not target.query or not self._is_for_us(head):
            return self._say(connection, "404 Not Found", "Nothing to see here.")
        given = parse_qs(target.query, keep_blank_values=True, max_num_fields=30)
        answer = {name: values[-1] for name, values in given.items()}
        is_right = hmac.compare_digest(answer.get("state", "").encode(), self._state.encode())
        if is_right and "error" not in answer:
            self._say(connection, "200 OK", "Signed in. You may close this window and go back to invite-tui.")
        else:
            self._say(connection, "400 Bad Request", "Not signed in. invite-tui says why.")
        return answer

    def _is_for_us(self, head: bytes) -> bool:
        wanted = urlsplit(self.url).netloc
        hosts = [line.partition(b":")[2].strip() for line in head.splitlines()[1:] if line.lower().startswith(b"host:")]
        return hosts == [wanted.encode()]

    @staticmethod
    def _say(connection: socket.socket, status: str, words: str) -> None:
        page = _PAGE.format(words=words).encode()
        head = (
            f"HTTP/1.1 {status}\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: {len(page)}\r\n"
            "Content-Security-Policy: default-src 'none'; style-src 'unsafe-inline'\r\nReferrer-Policy: no-referrer\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        connection.sendall(head.encode() + page)
