"""What the guard says of one message: `Cleared`, or the leaks that it found."""

from dataclasses import dataclass
from typing import final


@dataclass(frozen=True, slots=True)
class Leak:
    """Something in a message that its recipient must not see.

    `where` is a header's name, `text`, `html`, `calendar`, or an attachment's file name; `what` the exposed value.
    """

    where: str
    what: str
    message: str


_SEAL = object()


@final
class Cleared:
    """One message that the guard has inspected: exact bytes, their SHA-256, and their one recipient.

    Only the guard can make one, and delivery takes nothing else, so that no other bytes can reach a socket.
    """

    __slots__ = ("digest", "raw", "recipient")

    def __init__(self, seal: object, raw: bytes, recipient: str, digest: str) -> None:
        if seal is not _SEAL:
            raise TypeError("only the guard clears a message")
        self.raw = raw
        self.recipient = recipient
        self.digest = digest
