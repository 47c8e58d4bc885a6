"""A way to a server on loopback that can be cut: what was sent is then neither heard nor refused."""

import selectors
import socket
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self


class Wire:
    """`with Wire(port) as wire: ...`: whoever connects to `wire.port` talks to `port`, until `cut`."""

    host = "127.0.0.1"

    def __init__(self, target: int) -> None:
        self._target = target
        self._listener = socket.create_server((self.host, 0))
        self.port = self._listener.getsockname()[1]
        self._is_whole = threading.Event()
        self._is_whole.set()
        self._is_over = False
        self._sockets: list[socket.socket] = []

    def cut(self) -> None:
        """Nothing goes through any more, and nobody is told."""
        self._is_whole.clear()

    def mend(self) -> None:
        """What was on its way arrives, late."""
        self._is_whole.set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._is_over = True
        self._is_whole.set()
        self._listener.close()
        for one in self._sockets:
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                ours, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(ours,), daemon=True).start()

    def _carry(self, ours: socket.socket) -> None:
        self._sockets.append(ours)
        self._is_whole.wait()
        with suppress(OSError, ValueError), selectors.DefaultSelector() as ready:
            theirs = socket.create_connection((self.host, self._target))
            self._sockets.append(theirs)
            ready.register(ours, selectors.EVENT_READ, theirs)
            ready.register(theirs, selectors.EVENT_READ, ours)
            while not self._is_over:
                for key, _ in ready.select(0.2):
                    data = key.fileobj.recv(65536) if isinstance(key.fileobj, socket.socket) else b""
                    self._is_whole.wait()
                    if not data:
                        ours.close()
                        theirs.close()
                        return
                    key.data.sendall(data)
