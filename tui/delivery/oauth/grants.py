"""What comes of a sign-in, and what can be wrong with one."""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Event

from tui.delivery.accounts.profile import Secret
from tui.errors import AccountError

_LEAST, _MOST = 1.0, 86_400.0
_USUAL = 3_600.0


@dataclass(frozen=True, slots=True)
class Grant:
    """An access token for `seconds`, and what the next ones are asked for with (None: there will be none)."""

    access: Secret
    seconds: float
    refresh: Secret | None


@dataclass(frozen=True, slots=True)
class Prompt:
    """What the person must do: open `url`, on any machine and enter `code` there, or without one on this machine.

    It counts for `seconds`. Both are the issuer's words.
    """

    url: str
    code: str | None
    seconds: float


@dataclass(frozen=True, slots=True)
class Ceremony:
    """How a sign-in and its person meet: `show` is called once, `stop` is set by who wants to break it off.

    `is_browser_near` says whether a browser on this machine can be taken for granted; `seconds` is how long the person
    has at most.
    """

    show: Callable[[Prompt], None]
    stop: Event
    is_browser_near: bool
    seconds: float = 900.0


def is_browser_near() -> bool:
    """Whether a browser can be taken for granted on the machine at which the user sits."""
    if os.environ.get("SSH_CONNECTION"):
        return False
    named = any(os.environ.get(name) for name in ("BROWSER", "DISPLAY", "WAYLAND_DISPLAY"))
    return named or sys.platform in ("win32", "darwin")


@dataclass(frozen=True, slots=True)
class Kept:
    """What is in the keyring of an account that signs in."""

    refresh: Secret
    client_secret: Secret | None = None

    def to_secret(self) -> Secret:
        entry = {"refresh": self.refresh.reveal()}
        if self.client_secret:
            entry["client_secret"] = self.client_secret.reveal()
        return Secret(json.dumps(entry))

    @classmethod
    def from_secret(cls, secret: Secret) -> "Kept | None":
        """None for what `to_secret` has not written."""
        try:
            entry = json.loads(secret.reveal())
            refresh, client_secret = entry["refresh"], entry.get("client_secret")
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
        if not isinstance(refresh, str) or not refresh or not isinstance(client_secret, str | None):
            return None
        return cls(Secret(refresh), Secret(client_secret) if client_secret else None)


class RevokedError(AccountError):
    """The issuer honours the sign-in no longer: the person has to sign in again."""


class UnreachableError(AccountError):
    """The issuer cannot be asked now; the sign-in may be as good as ever."""


def grant_of(answer: Mapping[str, object], issuer: str) -> Grant:
    """The tokens in an issuer's answer (RFC 6749 §5.1). Raises `AccountError` where there is none."""
    access, refresh, seconds = answer.get("access_token"), answer.get("refresh_token"), answer.get("expires_in")
    if not isinstance(access, str) or not _is_token(access):
        raise AccountError(f"What {issuer} answered holds no access token.")
    if refresh is not None and (not isinstance(refresh, str) or not _is_token(refresh)):
        raise AccountError(f"What {issuer} answered holds no refresh token that could be one.")
    try:
        lasting = float(seconds) if isinstance(seconds, str | int | float) else _USUAL
    except ValueError:
        lasting = _USUAL
    # max() last: of a NaN it gives the other one.
    return Grant(Secret(access), max(_LEAST, min(lasting, _MOST)), Secret(refresh) if refresh else None)


def _is_token(text: str) -> bool:
    # It stands in one line of SMTP and of IMAP.
    return 0 < len(text) <= 20_000 and text.isascii() and text.isprintable() and " " not in text


def refused(error: str, description: str, *, issuer: str, username: str, is_new: bool) -> AccountError:
    """An issuer's error (RFC 6749 §5.2, RFC 8628 §3.5) in one sentence; `is_new` while somebody signs in.

    Of the description the first line only: Microsoft's goes on with trace ids.
    """
    lines = [" ".join(line.split()) for line in description.splitlines() if line.strip()]
    words = (lines[0][:300] if lines else error[:100]).rstrip(".")
    match error:
        case "invalid_grant" | "interaction_required" | "consent_required" | "login_required" if not is_new:
            return RevokedError(
                f"The sign-in of {username} at {issuer} is no longer valid: {words}.",
                hint="Sign in again: `invite-tui account login NAME`.",
            )
        case "access_denied" | "authorization_declined":
            return AccountError(f"{issuer} was told not to let this program in as {username}: {words}.")
        case "expired_token" | "code_expired":
            return AccountError(
                f"Nobody signed in at {issuer} in time, so nothing was changed.", hint="Run the command again."
            )
        case "invalid_client" | "unauthorized_client":
            return AccountError(
                f"{issuer} does not take this client id: {words}.",
                hint="Whoever registered it finds in docs/accounts.md what it must allow.",
            )
        case "temporarily_unavailable" | "server_error" | "slow_down":
            return UnreachableError(f"{issuer} cannot be asked for a token now: {words}.", hint="Try again later.")
    return AccountError(
        f"{issuer} refused the sign-in of {username}: {words}.", hint="docs/accounts.md says what has to be allowed."
    )
