"""Microsoft 365, by msal: a code for any machine that has a browser, and refreshing.

The tenant is the domain of the user name, which works for an organisation's own registration too, whose default is
"accounts in this organizational directory only". Who names a tenant by its issuer's URL signs in there as at any other
issuer: by a browser on this machine if there is one, for organisations that forbid codes.
"""

import logging
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import requests

from tui.delivery.accounts.profile import OAuth, Secret, is_secure_url
from tui.delivery.oauth.grants import Ceremony, Grant, Prompt, grant_of, refused
from tui.delivery.oauth.http import Careful, unreachable
from tui.errors import AccountError

if TYPE_CHECKING:
    import msal

NAME = "Microsoft"

_PERSONAL = ("outlook.", "hotmail.", "live.", "msn.")


@dataclass(frozen=True, slots=True)
class Tenant:
    """Where people of one organisation sign in, and whose mail that is."""

    authority: str
    resource: str

    def scopes(self, oauth: OAuth, *, reads: bool) -> list[str]:
        """What is asked for. Not offline_access: msal asks for it itself, and refuses it from others."""
        if oauth.scopes:
            return [scope for scope in oauth.scopes if scope not in ("openid", "profile", "offline_access")]
        sending, reading = f"{self.resource}/SMTP.Send", f"{self.resource}/IMAP.AccessAsUser.All"
        return [sending, reading] if reads else [sending]


def tenant_of(oauth: OAuth, username: str) -> Tenant | None:
    """None for an issuer that is named by its URL."""
    if oauth.issuer == "microsoft":
        domain = username.rpartition("@")[2].lower() if "@" in username else ""
        name = domain or "organizations"
        if domain.startswith(_PERSONAL):
            name = "consumers"
        return Tenant(f"https://login.microsoftonline.com/{name}", "https://outlook.office.com")
    return None


class Client:
    """What this program is to Microsoft, for one user. Every method raises `AccountError` in one sentence."""

    def __init__(
        self,
        oauth: OAuth,
        username: str,
        *,
        reads: bool,
        tenant: Tenant,
        session: requests.Session | None = None,
    ) -> None:
        self._oauth = oauth
        self._username = username
        self._tenant = tenant
        self._scopes = tenant.scopes(oauth, reads=reads)
        self._session = session or Careful()

    def sign_in(self, ceremony: Ceremony) -> Grant:
        app = self._app()
        try:
            flow = app.initiate_device_flow(scopes=self._scopes)
            if "user_code" not in flow:
                raise self._refused(flow, is_new=True)
            if not is_secure_url(str(flow["verification_uri"])):
                raise AccountError("Microsoft names an address that is not https, so nobody signs in there.")
            seconds = min(float(flow.get("expires_in", 900)), ceremony.seconds)
            deadline = time.monotonic() + seconds
            ceremony.show(Prompt(str(flow["verification_uri"]), str(flow["user_code"]), seconds))
            answer = app.acquire_token_by_device_flow(
                flow, exit_condition=lambda _: ceremony.stop.is_set() or time.monotonic() > deadline
            )
        except (requests.RequestException, OSError, ValueError, TypeError, KeyError) as problem:
            raise unreachable(problem, NAME) from None
        finally:
            self._session.close()
        if "error" in answer:
            if ceremony.stop.is_set():
                raise AccountError("The sign-in was broken off; nothing was changed.")
            if answer["error"] == "authorization_pending":
                answer = {"error": "expired_token"}
            raise self._refused(answer, is_new=True)
        return grant_of(answer, NAME)

    def renew(self, refresh: Secret) -> Grant:
        error: AccountError
        try:
            app = self._app()
            answer = app.acquire_token_by_refresh_token(refresh.reveal(), scopes=self._scopes)
        except (requests.RequestException, OSError, ValueError, TypeError, KeyError) as problem:
            error = unreachable(problem, NAME)
        else:
            self._session.close()
            if "error" not in answer:
                return grant_of(answer, NAME)
            error = self._refused(answer, is_new=False)
        # Raised out here so that no frame that held a token stays chained to it.
        raise error

    def _app(self) -> "msal.PublicClientApplication":
        import msal

        # It would log an answer that it cannot read, tokens and all, to wherever nobody has set up logging.
        logging.getLogger("msal").setLevel(logging.CRITICAL + 1)
        try:
            return msal.PublicClientApplication(
                self._oauth.client_id,
                authority=self._tenant.authority,
                http_client=self._session,
                instance_discovery=False,
            )
        except requests.RequestException as problem:
            raise unreachable(problem, NAME) from None
        except (ValueError, KeyError) as problem:
            raise AccountError(
                f"Microsoft knows no organisation {self._tenant.authority.rpartition('/')[2]}.",
                hint="Give its tenant: --oauth https://login.microsoftonline.com/TENANT/v2.0",
            ) from problem

    def _refused(self, answer: dict[str, object], *, is_new: bool) -> AccountError:
        return refused(
            str(answer.get("error") or ""),
            str(answer.get("error_description") or ""),
            issuer=NAME,
            username=self._username,
            is_new=is_new,
        )
