"""HTTP to an issuer: encrypted, in time, not without end, and where it was meant to go."""

import time
from typing import TYPE_CHECKING

import requests

from tui.delivery.accounts.profile import is_secure_url
from tui.delivery.oauth.grants import UnreachableError
from tui.errors import AccountError

if TYPE_CHECKING:
    from collections.abc import Callable

MOST_BYTES = 1_000_000
CONNECTING, READING, ALTOGETHER = 15.0, 30.0, 60.0
"""Seconds: until there is a connection, between two pieces of the answer, for the whole answer."""


class Careful(requests.Session):
    """A session that follows nobody elsewhere: a redirect would carry a token or a code along."""

    patience = CONNECTING, READING
    altogether = ALTOGETHER

    def send(self, request: requests.PreparedRequest, **options: object) -> requests.Response:
        url = (request.url or "").partition("?")[0]
        if not is_secure_url(url):
            raise requests.exceptions.InvalidURL(f"{url} is no secure address")
        settled = options | {"allow_redirects": False, "stream": True, "timeout": self.patience}
        answer = super().send(request, **settled)
        try:
            answer._content = _whole(answer, self.altogether)
        finally:
            answer.close()
        return answer


class Brief(Careful):
    """For what can be done without."""

    patience = 5.0, 5.0
    altogether = 10.0


def _whole(answer: requests.Response, seconds: float) -> bytes:
    deadline = time.monotonic() + seconds
    content = b""
    # Not iter_content(): that waits for a full piece, so a server that sends byte by byte would hold it for ever.
    read: Callable[..., bytes] = answer.raw.read1
    while piece := read(65_536, decode_content=True):
        content += piece
        if len(content) > MOST_BYTES:
            raise requests.exceptions.ContentDecodingError("an answer without end")
        if time.monotonic() > deadline:
            raise requests.exceptions.ReadTimeout("it takes too long to answer")
    return content


def unreachable(problem: Exception, issuer: str) -> AccountError:
    """A failed request in one sentence."""
    match problem:
        case requests.exceptions.SSLError():
            return AccountError(
                f"The certificate of {issuer} is not to be trusted, so nobody signs in there.",
                hint="Check this machine's clock, and whether a proxy on the way opens what is encrypted.",
            )
        case requests.exceptions.Timeout():
            reason = "it does not answer in time"
        case requests.exceptions.ProxyError():
            reason = "the proxy does not let it through"
        case requests.exceptions.ConnectionError():
            reason = "there is no connection to it"
        case requests.exceptions.InvalidURL():
            return AccountError(f"{issuer} names an address that is not https, so nobody signs in there.")
        case _:
            reason = "what it answers cannot be understood"
    return UnreachableError(f"{issuer} cannot be asked: {reason}.", hint="Check that this machine is online.")


def get_json(session: requests.Session, url: str) -> dict[str, object] | None:
    """The JSON object at `url`, None where there is none. Raises what requests does."""
    answer = session.get(url, headers={"Accept": "application/json"})
    if answer.status_code != 200:
        return None
    try:
        found = answer.json()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None
