"""What the guard says of one message: `Cleared`, or the leaks that it found."""

from dataclasses import dataclass
from typing import NoReturn, final


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

    Only the guard can make one, nobody can change one, and delivery takes nothing else, so that no other bytes can
    reach a socket.
    """

    __slots__ = ("digest", "raw", "recipient")

    raw: bytes
    recipient: str
    digest: str

    def __init__(self, seal: object, raw: bytes, recipient: str, digest: str) -> None:
        if seal is not _SEAL:
            raise TypeError("only the guard clears a message")
        object.__setattr__(self, "raw", bytes(raw))
        object.__setattr__(self, "recipient", recipient)
        object.__setattr__(self, "digest", digest)

    def __init_subclass__(cls) -> NoReturn:
        raise TypeError("only the guard clears a message")

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{name} is what was cleared")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{name} is what was cleared")

    def __reduce__(self) -> NoReturn:
        raise TypeError("what is copied has not been cleared")
