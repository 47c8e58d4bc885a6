"""Any issuer, by authlib: a code with PKCE, a code for another machine, and refreshing."""

import secrets
import time
from collections.abc import Mapping
from typing import cast

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tui.delivery.accounts.profile import OAuth, Secret, is_secure_url
from tui.delivery.oauth.grants import Ceremony, Grant, Prompt, grant_of, refused
from tui.delivery.oauth.http import Careful, unreachable
from tui.delivery.oauth.loopback import Receiver
from tui.delivery.oauth.metadata import Metadata, discover
from tui.errors import AccountError

_DEVICE = "urn:ietf:params:oauth:grant-type:device_code"
_SLOWER = 5.0
"""Seconds that RFC 8628 §3.5 adds at "slow_down"."""


class _Session(Careful, OAuth2Session):  # type: ignore[misc] # authlib has no types
    pass


class Client:
    """What this program is to one issuer, for one user. Every method raises `AccountError` in one sentence."""

    def __init__(self, oauth: OAuth, username: str, secret: Secret | None, *, reads: bool) -> None:
        self._reads = reads
        self._oauth = oauth
        self._username = username
        self._secret = secret

    def sign_in(self, ceremony: Ceremony) -> Grant:
        """By a browser if one is near, else by a code where the issuer offers that, else by a browser all the same."""
        with Careful() as session:
            metadata = discover(session, self._oauth, reads=self._reads)
        if metadata.device is not None and not ceremony.is_browser_near:
            grant = self._by_code(metadata, metadata.device, ceremony)
        elif metadata.authorize is not None:
            grant = self._by_browser(metadata, metadata.authorize, ceremony)
        elif metadata.device is not None:
            grant = self._by_code(metadata, metadata.device, ceremony)
        else:
            raise AccountError(f"{metadata.name} offers no way to sign in that this program knows.")
        if grant.refresh is None:
            raise AccountError(
                f"{metadata.name} gave no refresh token, so this sign-in would last for minutes only.",
                hint="Name the scope that grants it: --scope offline_access, as a rule, beside those for mail.",
            )
        return grant

    def renew(self, refresh: Secret) -> Grant:
        with Careful() as session:
            metadata = discover(session, self._oauth, reads=self._reads)
        with self._session(metadata) as session:
            answer = self._ask(metadata, False, session.refresh_token, metadata.token, refresh_token=refresh.reveal())
        return grant_of(answer, metadata.name)

    def _session(self, metadata: Metadata) -> "_Session":
        method = "none"
        if self._secret is not None:
            # RFC 8414 §2: without a word of the issuer's it is the basic one.
            is_posted = "client_secret_post" in metadata.methods
            method = "client_secret_post" if is_posted else "client_secret_basic"
        return _Session(  # type: ignore[call-arg]  # as above
            client_id=self._oauth.client_id,
            client_secret=None if self._secret is None else self._secret.reveal(),
            token_endpoint_auth_method=method,
            scope=" ".join(metadata.scopes) or None,
            code_challenge_method="S256",
        )

    def _by_browser(self, metadata: Metadata, authorize: str, ceremony: Ceremony) -> Grant:
        """RFC 8252: a redirect to this machine, with PKCE (RFC 7636)."""
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        # Microsoft's registrations take no 127.0.0.1 (RFC 8252 §8.3 would have it the other way round).
        name = "localhost" if metadata.is_microsoft else "127.0.0.1"
        with self._session(metadata) as session, Receiver(state, name) as receiver:
            session.redirect_uri = receiver.url
            extra = {"access_type": "offline"} if self._oauth.issuer == "google" else {}
            if metadata.asks_again:
                extra["prompt"] = "consent"
            url, _ = session.create_authorization_url(
                authorize, state=state, code_verifier=verifier, login_hint=self._username, **extra
            )
            ceremony.show(Prompt(str(url), None, ceremony.seconds))
            answer = receiver.wait(ceremony, metadata.name)
            self._check_sender(answer, metadata)
            if "error" in answer:
                raise refused(
                    answer["error"],
                    answer.get("error_description", ""),
                    issuer=metadata.name,
                    username=self._username,
                    is_new=True,
                )
            if not answer.get("code"):
                raise AccountError(f"The browser came back from {metadata.name} without a code.")
            tokens = self._ask(
                metadata,
                True,
                session.fetch_token,
                metadata.token,
                grant_type="authorization_code",
                code=answer["code"],
                code_verifier=verifier,
                redirect_uri=receiver.url,
            )
        return grant_of(tokens, metadata.name)

    @staticmethod
    def _check_sender(answer: Mapping[str, str], metadata: Metadata) -> None:
        """RFC 9207: an answer of another issuer is not to be redeemed at this one."""
        named = answer.get("iss")
        if (named is None and metadata.says_who) or (named is not None and named != metadata.issuer):
            raise AccountError(f"The browser came back from somebody who is not {metadata.name}.")

    def _by_code(self, metadata: Metadata, device: str, ceremony: Ceremony) -> Grant:
        """RFC 8628: the person types a code on a machine that has a browser."""
        with self._session(metadata) as session:
            prompt, code, interval = self._begin(metadata, device, ceremony)
            deadline = time.monotonic() + prompt.seconds
            ceremony.show(prompt)
            while time.monotonic() < deadline:
                if ceremony.stop.wait(interval):
                    raise AccountError("The sign-in was broken off; nothing was changed.")
                try:
                    answer = session.fetch_token(metadata.token, grant_type=_DEVICE, device_code=code.reveal())
                except OAuthError as problem:
                    if problem.error == "slow_down":
                        interval += _SLOWER
                    elif problem.error != "authorization_pending":
                        raise self._refused(problem, metadata, is_new=True) from None
                except requests.Timeout:
                    interval = min(interval * 2, 60.0)  # RFC 8628 §3.5
                except (requests.RequestException, OSError, ValueError) as problem:
                    raise unreachable(problem, metadata.name) from None
                else:
                    return grant_of(answer, metadata.name)
        raise refused("expired_token", "", issuer=metadata.name, username=self._username, is_new=True)

    def _begin(self, metadata: Metadata, device: str, ceremony: Ceremony) -> tuple[Prompt, Secret, float]:
        form = {"client_id": self._oauth.client_id, "scope": " ".join(metadata.scopes)}
        try:
            with Careful() as session:
                answer = session.post(device, data=form, headers={"Accept": "application/json"})
            said = answer.json()
        except (requests.RequestException, OSError, ValueError, RecursionError) as problem:
            raise unreachable(problem, metadata.name) from None
        if not isinstance(said, dict):
            raise unreachable(ValueError(), metadata.name)
        if "error" in said:
            raise refused(
                str(said["error"]),
                str(said.get("error_description") or ""),
                issuer=metadata.name,
                username=self._username,
                is_new=True,
            )
        code, shown, url = (said.get(key) for key in ("device_code", "user_code", "verification_uri"))
        if not (isinstance(code, str) and isinstance(shown, str) and isinstance(url, str) and is_secure_url(url)):
            raise AccountError(f"What {metadata.name} answered is no code to sign in with.")
        seconds, interval = _number(said.get("expires_in"), 900.0), _number(said.get("interval"), 5.0)
        return Prompt(url, shown, min(seconds, ceremony.seconds)), Secret(code), min(max(interval, 1.0), 60.0)

    def _ask(
        self, metadata: Metadata, is_new: bool, call: object, *words: object, **options: object
    ) -> Mapping[str, object]:
        """What the token endpoint answers to one of authlib's calls."""
        error: AccountError
        try:
            return cast("Mapping[str, object]", call(*words, **options))  # type: ignore[operator]  # a method of authlib's
        except OAuthError as problem:
            error = self._refused(problem, metadata, is_new=is_new)
        except (requests.RequestException, OSError, ValueError, RecursionError) as problem:
            error = unreachable(problem, metadata.name)
        # Raised out here so that no frame that held a token stays chained to it.
        raise error

    def _refused(self, problem: OAuthError, metadata: Metadata, *, is_new: bool) -> AccountError:
        return refused(
            str(problem.error),
            str(problem.description or ""),
            issuer=metadata.name,
            username=self._username,
            is_new=is_new,
        )


def _number(said: object, usual: float) -> float:
    return float(said) if isinstance(said, int | float) and 0 < said < 1e6 else usual
