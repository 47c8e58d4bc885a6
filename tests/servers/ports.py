"""Ports that nobody has at the moment."""

import contextlib
import socket
from abc import ABC, abstractmethod
from types import TracebackType
from typing import Self


def free_ports(count: int) -> list[int]:
    """`count` different ones on 127.0.0.1. Somebody may take one before it is used: try again then."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]


class PortTakenError(Exception):
    """Somebody has taken a port before it was used; says what the server says."""


class OnFreePorts(ABC):
    """A server that is started where it is entered, on other ports where somebody takes the first ones."""

    def __enter__(self) -> Self:
        for attempt in range(3):
            try:
                self._start()
                return self
            except PortTakenError:
                if attempt == 2:
                    raise
        raise AssertionError

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._stop()

    @abstractmethod
    def _start(self) -> None:
        """PortTakenError where somebody has one of its ports."""

    @abstractmethod
    def _stop(self) -> None: ...
