"""Ports that nobody has at the moment."""

import contextlib
import socket


def free_ports(count: int) -> list[int]:
    """`count` different ones on 127.0.0.1. Somebody may take one before it is used: try again then."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [one.getsockname()[1] for one in sockets]
