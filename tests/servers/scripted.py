"""A server that speaks exact bytes, for what no real one would say: split, malformed, oversized or injected replies."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from enum import Enum
from types import TracebackType
from typing import Self


class Step(Enum):
    """What a script does besides speaking."""

    READ = "wait for one line of the client"
    TLS = "become a TLS server"
    HANG = "fall silent until the client goes away"


Line = bytes | Step | Callable[[bytes], bytes]


class ScriptedServer:
    """Plays `script` to every connection on 127.0.0.1, one after the other, and hangs up: `bytes` are sent as they are,
    and what a function makes of the line that was read last.

    `received` holds every line read, of all connections, without its CRLF.
    """

    host = "127.0.0.1"

    def __init__(self, script: Sequence[Line], context: ssl.SSLContext | None = None) -> None:
        self.received: list[bytes] = []
        self.is_silent = threading.Event()
        """Set once it has fallen silent."""
        self._script = script
        self._context = context
        self._listener = socket.create_server((self.host, 0))
        self._listener.settimeout(0.05)
        self.port: int = self._listener.getsockname()[1]
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="scripted server", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._thread.join(10)
        self._listener.close()

    def _serve(self) -> None:
        while not self._stopped.is_set():
            with contextlib.suppress(OSError), contextlib.ExitStack() as open_sockets:
                connection, _ = self._listener.accept()
                self._play(open_sockets.enter_context(connection), open_sockets)

    def _play(self, connection: socket.socket, open_sockets: contextlib.ExitStack) -> None:
        connection.settimeout(20)
        lines = connection.makefile("rb")
        for step in self._script:
            if isinstance(step, bytes):
                connection.sendall(step)
            elif not isinstance(step, Step):
                connection.sendall(step(self.received[-1]))
            elif step is Step.READ:
                self.received.append(lines.readline().rstrip(b"\r\n"))
            elif step is Step.TLS:
                assert self._context is not None
                connection = open_sockets.enter_context(self._context.wrap_socket(connection, server_side=True))
                lines = connection.makefile("rb")
            else:
                self._hang(connection)

    def _hang(self, connection: socket.socket) -> None:
        self.is_silent.set()
        connection.settimeout(0.05)
        while not self._stopped.is_set():
            with contextlib.suppress(TimeoutError):
                if not connection.recv(65536):
                    return
