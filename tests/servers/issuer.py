"""An OAuth 2.0 issuer of one's own: codes with PKCE, device codes, refreshing, introspection, and a person who agrees.

RFC 6749, 7636, 8414, 8628 and 7662 as far as a mail program meets them, strictly: what a real issuer would refuse, this
one refuses. It also answers at the paths of Microsoft's, for a tenant of any name.
"""

import base64
import hashlib
import json
import secrets
import ssl
import threading
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Self
from urllib.parse import parse_qs, urlencode, urlsplit

from tests.servers.authority import Authority

Form = dict[str, str]


class _RefusedError(Exception):
    def __init__(self, error: str, description: str = "", status: int = 400) -> None:
        super().__init__(error)
        self.error = error
        self.description = description
        self.status = status


@dataclass
class _Grant:
    """What somebody has agreed to."""

    username: str
    client: str
    scope: str
    challenge: str = ""
    redirect: str = ""


@dataclass
class _Device:
    grant: _Grant
    user_code: str
    is_agreed: bool = False
    is_declined: bool = False
    polled: float = 0.0


@dataclass
class Behaviour:
    """What can be changed while it runs. `lifetime` is how long an access token is said to be good, in seconds; it is
    honoured for an hour all the same, so that no test depends on how fast the machine is."""

    username: str = "organiser@department.example"
    lifetime: int = 3600
    rotates: bool = False
    refresh_length: int = 64
    interval: int = 1
    secret: str | None = None
    metadata: dict[str, object] = field(default_factory=dict)
    """Laid over the metadata that it publishes; None takes an entry out."""


class Issuer:
    """`with Issuer() as issuer: ...`. With an `authority` it speaks TLS, as localhost."""

    client_id = "invite-tui-tests"

    def __init__(self, authority: Authority | None = None) -> None:
        self.behaviour = Behaviour()
        self.requests: list[tuple[str, Form]] = []
        """Path and form of each request, in order."""
        self._lock = threading.Lock()
        self._codes: dict[str, _Grant] = {}
        self._devices: dict[str, _Device] = {}
        self._access: dict[str, tuple[_Grant, float]] = {}
        self._refresh: dict[str, _Grant] = {}
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self._scheme, self._host = "http", "127.0.0.1"
        if authority is not None:
            self._scheme, self._host = "https", "localhost"
            self._server.socket = authority.server_context("localhost").wrap_socket(
                self._server.socket, server_side=True, do_handshake_on_connect=False
            )
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{self._scheme}://{self._host}:{self._server.server_address[1]}"

    @property
    def introspection(self) -> str:
        return f"{self.url}/introspect"

    def reset(self) -> None:
        """As it was at first: nobody has agreed to anything, nothing was asked."""
        with self._lock:
            for state in (self._codes, self._devices, self._access, self._refresh):
                state.clear()
        self.behaviour = Behaviour()
        self.requests.clear()

    def token(self, username: str | None = None) -> str:
        """An access token out of nothing, for who wants one without the ceremony."""
        return str(self._tokens(_Grant(username or self.behaviour.username, self.client_id, "mail"))["access_token"])

    def refresh_token(self, username: str | None = None) -> str:
        return str(self._tokens(_Grant(username or self.behaviour.username, self.client_id, "mail"))["refresh_token"])

    def revoke(self) -> None:
        """The person, or an administrator, takes everything back."""
        with self._lock:
            self._refresh.clear()
            self._access.clear()

    def browse(self, url: str) -> str:
        """A person opens `url` in a browser and agrees; the page that they end on. HTTP errors are raised."""
        with urllib.request.urlopen(url, timeout=20) as page:
            text: bytes = page.read()
        return text.decode()

    def answer_device(self, user_code: str, *, agrees: bool = True) -> None:
        """A person types the code on another machine, and agrees or does not."""
        with self._lock:
            for device in self._devices.values():
                if device.user_code == user_code:
                    device.is_agreed, device.is_declined = agrees, not agrees
                    return
        raise KeyError(user_code)

    # --- what it answers -----------------------------------------------------------------------------------------

    def metadata(self, path: str) -> dict[str, object]:
        tenant = path.partition("/v2.0/")[0] if "/v2.0/" in path else ""
        oauth = f"{self.url}{tenant}/oauth2/v2.0" if tenant else self.url
        found: dict[str, object] = {
            "issuer": f"{self.url}{tenant}/v2.0" if tenant else self.url,
            "authorization_endpoint": f"{oauth}/authorize",
            "token_endpoint": f"{oauth}/token",
            "device_authorization_endpoint": f"{oauth}/devicecode",
            "introspection_endpoint": self.introspection,
            "response_types_supported": ["code"],
            "code_challenge_methods_supported": ["S256"],
            "scopes_supported": ["openid", "email", "offline_access", "mail"],
        }
        found |= self.behaviour.metadata
        return {name: value for name, value in found.items() if value is not None}

    def authorize(self, form: Form) -> str:
        """Where the browser is sent back to."""
        if form.get("response_type") != "code" or form.get("code_challenge_method") != "S256":
            raise _RefusedError("invalid_request", "a code with PKCE, or nothing")
        target = urlsplit(form["redirect_uri"])
        if target.scheme != "http" or target.hostname not in ("127.0.0.1", "localhost"):
            raise _RefusedError("invalid_request", "this client is on its user's machine")
        code = secrets.token_urlsafe(24)
        with self._lock:
            self._codes[code] = _Grant(
                self.behaviour.username,
                form["client_id"],
                form.get("scope", ""),
                form["code_challenge"],
                form["redirect_uri"],
            )
        return f"{form['redirect_uri']}?{urlencode({'code': code, 'state': form.get('state', '')})}"

    def device(self, form: Form) -> dict[str, object]:
        code, shown = secrets.token_urlsafe(24), f"{secrets.randbelow(10**8):08d}"
        grant = _Grant(self.behaviour.username, form["client_id"], form.get("scope", ""))
        with self._lock:
            self._devices[code] = _Device(grant, shown)
        return {
            "device_code": code,
            "user_code": shown,
            "verification_uri": f"{self.url}/device",
            "expires_in": 900,
            "interval": self.behaviour.interval,
            "message": f"To sign in, open {self.url}/device and enter the code {shown}.",
        }

    def exchange(self, form: Form) -> dict[str, object]:
        if form.get("client_id") != self.client_id:
            raise _RefusedError("invalid_client", "nobody knows this client", 401)
        if self.behaviour.secret is not None and form.get("client_secret") != self.behaviour.secret:
            raise _RefusedError("invalid_client", "client_secret is missing", 401)
        return self._tokens(self._granted(form))

    def _granted(self, form: Form) -> _Grant:
        with self._lock:
            match form.get("grant_type"):
                case "authorization_code":
                    grant = self._codes.pop(form["code"], None)
                    digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
                    proof = base64.urlsafe_b64encode(digest).rstrip(b"=").decode()
                    if grant is None or grant.challenge != proof or grant.redirect != form.get("redirect_uri"):
                        raise _RefusedError("invalid_grant", "no such code, or not for you")
                    return grant
                case "refresh_token":
                    grant = self._refresh.get(form["refresh_token"])
                    if grant is None:
                        raise _RefusedError("invalid_grant", "AADSTS700082: The refresh token has expired.")
                    if self.behaviour.rotates:
                        del self._refresh[form["refresh_token"]]
                    return grant
                case "urn:ietf:params:oauth:grant-type:device_code" | "device_code":
                    return self._device_granted(form["device_code"])
        raise _RefusedError("unsupported_grant_type")

    def _device_granted(self, code: str) -> _Grant:
        device = self._devices.get(code)
        if device is None:
            raise _RefusedError("expired_token")
        if device.is_declined:
            raise _RefusedError("access_denied", "The person said no.")
        if not device.is_agreed:
            raise _RefusedError("authorization_pending")
        del self._devices[code]
        return device.grant

    def _tokens(self, grant: _Grant) -> dict[str, object]:
        access = secrets.token_urlsafe(48)
        refresh = secrets.token_urlsafe(self.behaviour.refresh_length)[: self.behaviour.refresh_length]
        with self._lock:
            self._access[access] = grant, time.monotonic() + 3600
            self._refresh[refresh] = grant
        return {
            "token_type": "Bearer",
            "access_token": access,
            "refresh_token": refresh,
            "expires_in": self.behaviour.lifetime,
            "scope": grant.scope,
        }

    def introspect(self, token: str) -> dict[str, object]:
        with self._lock:
            found = self._access.get(token)
        if found is None or found[1] < time.monotonic():
            return {"active": False}
        return {"active": True, "username": found[0].username, "scope": found[0].scope, "client_id": found[0].client}


def _handler(issuer: Issuer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            parts = urlsplit(self.path)
            form = {name: values[-1] for name, values in parse_qs(parts.query).items()}
            issuer.requests.append((parts.path, form))
            if "/.well-known/" in parts.path:
                self._json(200, issuer.metadata(parts.path))
            elif parts.path.endswith("/authorize"):
                self._answer(lambda: self._redirect(issuer.authorize(form)))
            else:
                self._json(404, {"error": "not_found"})

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length", 0))
            body = self.rfile.read(length).decode()
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            path = urlsplit(self.path).path
            issuer.requests.append((path, form))
            name = path.rpartition("/")[2]
            if name == "token":
                self._answer(lambda: self._json(200, issuer.exchange(form)))
            elif name == "devicecode":
                self._answer(lambda: self._json(200, issuer.device(form)))
            elif name == "introspect":
                self._json(200, issuer.introspect(form.get("token", "")))
            else:
                self._json(404, {"error": "not_found"})

        def _answer(self, work: Callable[[], None]) -> None:
            try:
                work()
            except _RefusedError as refusal:
                self._json(refusal.status, {"error": refusal.error, "error_description": refusal.description})
            except KeyError as absent:
                self._json(400, {"error": "invalid_request", "error_description": f"{absent} is missing"})

        def _redirect(self, target: str) -> None:
            self.send_response(302)
            self.send_header("Location", target)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def _json(self, status: int, document: dict[str, object]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Cache-Control", "no-store")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class calls it that
            pass

        def handle(self) -> None:
            try:
                super().handle()
            except (ConnectionError, ssl.SSLError):
                self.close_connection = True

    return Handler
