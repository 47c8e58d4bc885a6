"""What an issuer says of itself: where to sign in and where tokens are made (RFC 8414, OpenID Connect Discovery)."""

from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

import requests

from tui.delivery.accounts.profile import OAuth, is_secure_url
from tui.delivery.oauth.http import get_json, unreachable
from tui.errors import AccountError

GOOGLE = "https://accounts.google.com"
GOOGLE_SCOPES = ("https://mail.google.com/",)

MICROSOFT = {
    "login.microsoftonline.com": "https://outlook.office.com",
    "login.microsoftonline.us": "https://outlook.office365.us",
    "login.partner.microsoftonline.cn": "https://partner.outlook.cn",
}
"""Where organisations sign in at Microsoft, and whose mail that is."""

_WISHES = ("openid", "email", "offline_access", "mail", "smtp", "imap")
"""Of an issuer that we know nothing about, these scopes are asked for as far as it knows them."""


@dataclass(frozen=True, slots=True)
class Metadata:
    """`name` is how the issuer is called in sentences; endpoints are https, or on this machine.

    `device` is None where it offers no codes for other machines, `says_who` where its answers name it (RFC 9207).
    """

    issuer: str
    name: str
    token: str
    authorize: str | None
    device: str | None
    scopes: tuple[str, ...]
    methods: tuple[str, ...]
    says_who: bool
    is_microsoft: bool

    @property
    def asks_again(self) -> bool:
        """Whether a person who has agreed before must be asked again, or there will be no refresh token.

        Google's way, and OpenID Connect's. Microsoft would ask people who may not agree by themselves."""
        return not self.is_microsoft and (self.issuer == GOOGLE or "offline_access" in self.scopes)


def issuer_of(oauth: OAuth) -> str:
    return GOOGLE if oauth.issuer == "google" else oauth.issuer


def name_of(oauth: OAuth) -> str:
    return {"google": "Google", "microsoft": "Microsoft"}.get(oauth.issuer) or urlsplit(oauth.issuer).netloc


def discover(session: requests.Session, oauth: OAuth, *, reads: bool) -> Metadata:
    """Asks the issuer; `reads` whether answers are to be read too.

    Raises `AccountError` where it cannot be asked, or is not who it should be.
    """
    issuer, name = issuer_of(oauth), name_of(oauth)
    try:
        said = next((found for url in _places(issuer) if (found := get_json(session, url)) is not None), None)
    except (requests.RequestException, OSError) as problem:
        raise unreachable(problem, name) from None
    if said is None:
        raise AccountError(
            f"{issuer} says nowhere how to sign in there.",
            hint="The address of an issuer is the one before /.well-known/openid-configuration.",
        )
    if str(said.get("issuer", "")).rstrip("/") != issuer.rstrip("/"):
        # RFC 8414 §3.3: else one issuer could answer for another, and collect its codes.
        raise AccountError(
            f"{issuer} calls itself {str(said.get('issuer'))[:200]!r}; it is not asked for tokens.",
            hint="Give the address by which it calls itself, if you know it to be your organisation's.",
        )
    token = _endpoint(said, "token_endpoint", name)
    if token is None:
        raise AccountError(f"{name} says nowhere where its tokens are made.")
    return Metadata(
        issuer=issuer,
        name=name,
        token=token,
        authorize=_endpoint(said, "authorization_endpoint", name),
        # Google's has no mail for other machines, whatever it says.
        device=None if issuer == GOOGLE else _endpoint(said, "device_authorization_endpoint", name),
        scopes=_scopes(oauth, _texts(said, "scopes_supported"), reads=reads),
        methods=_texts(said, "token_endpoint_auth_methods_supported"),
        says_who=said.get("authorization_response_iss_parameter_supported") is True,
        is_microsoft=urlsplit(issuer).hostname in MICROSOFT,
    )


def _places(issuer: str) -> tuple[str, ...]:
    """OpenID Connect puts the well-known part behind the issuer's path, RFC 8414 §3.1 before it."""
    parts = urlsplit(issuer.rstrip("/"))
    before = urlunsplit((parts.scheme, parts.netloc, f"/.well-known/oauth-authorization-server{parts.path}", "", ""))
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration", before


def _endpoint(said: dict[str, object], key: str, name: str) -> str | None:
    url = said.get(key)
    if url is None:
        return None
    if not isinstance(url, str) or not is_secure_url(url.partition("?")[0]):
        raise AccountError(f"{name} names an address that is not https ({key}), so nobody signs in there.")
    return url


def _texts(said: dict[str, object], key: str) -> tuple[str, ...]:
    found = said.get(key)
    return tuple(one for one in found if isinstance(one, str)) if isinstance(found, list) else ()


def _scopes(oauth: OAuth, known: tuple[str, ...], *, reads: bool) -> tuple[str, ...]:
    if oauth.scopes:
        return oauth.scopes
    if (mail := MICROSOFT.get(urlsplit(oauth.issuer).hostname or "")) is not None:
        reading = (f"{mail}/IMAP.AccessAsUser.All",) if reads else ()
        return (f"{mail}/SMTP.Send", *reading, "offline_access")
    if oauth.issuer == "google":
        return GOOGLE_SCOPES
    return tuple(scope for scope in _WISHES if scope in known)
