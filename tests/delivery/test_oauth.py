"""Signing in: with an issuer of our own that is strict, a person who agrees, and real servers that take the tokens."""

import base64
import socket
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from tests.delivery.helpers import cleared
from tests.servers.authority import Authority
from tests.servers.dovecot import Dovecot
from tests.servers.issuer import Issuer
from tests.servers.postfix import Postfix
from tests.servers.scripted import ScriptedServer, Step
from tui.delivery import Account, Connection, Receipt, Secret, probe
from tui.delivery.accounts import Imap, OAuth
from tui.delivery.oauth import Grant, Prompt, Tokens, metadata, sign_in
from tui.delivery.oauth.client import Client
from tui.delivery.oauth.grants import Ceremony, Kept, RevokedError, UnreachableError
from tui.delivery.oauth.http import Careful
from tui.delivery.oauth.microsoft import Client as MicrosoftClient
from tui.delivery.oauth.microsoft import Tenant, tenant_of
from tui.errors import AccountError

USER = "organiser@department.example"


def account_at(issuer: Issuer, server: Postfix | None = None, *, imap: Imap | None = None) -> Account:
    return Account(
        "work",
        server.host if server else "127.0.0.1",
        server.port if server else 2525,
        "starttls" if server else "none",
        USER,
        ca=server.ca if server else None,
        login="oauth",
        oauth=OAuth(issuer.url, issuer.client_id),
        imap=imap,
    )


class Person:
    """Whoever sits there: is shown what to do, and does `act` with it on a thread of their own."""

    def __init__(self, act: Callable[[Prompt], object]) -> None:
        self._act = act
        self.prompt: Prompt | None = None
        self.problem: BaseException | None = None
        self._thread: threading.Thread | None = None

    def show(self, prompt: Prompt) -> None:
        self.prompt = prompt
        self._thread = threading.Thread(target=self._do, args=(prompt,))
        self._thread.start()

    def _do(self, prompt: Prompt) -> None:
        try:
            self._act(prompt)
        except OSError as problem:
            if isinstance(problem, urllib.error.HTTPError):
                problem.close()
            self.problem = problem

    def ceremony(self, *, near: bool, seconds: float = 30, stop: threading.Event | None = None) -> Ceremony:
        return Ceremony(self.show, stop or threading.Event(), near, seconds)

    def done(self) -> "Person":
        if self._thread is not None:
            self._thread.join(30)
        return self

    @property
    def shown(self) -> Prompt:
        self.done()
        assert self.prompt is not None
        return self.prompt


def nobody(_: Prompt) -> None:
    """Does not come."""


def tokens_of(account: Account, kept: Secret, *, first: Grant | None = None) -> tuple[Tokens, list[Secret]]:
    """The account's tokens, and what its keyring holds, the newest last."""
    held = [kept]
    return Tokens(account, lambda: held[-1], held.append, first=first), held


class TestByBrowser:
    def test_a_person_agrees_and_the_server_takes_the_token(
        self, issuer: Issuer, submission: Postfix, dovecot: Dovecot
    ) -> None:
        account = account_at(issuer, submission)
        person = Person(lambda prompt: issuer.browse(prompt.url))
        kept, first = sign_in(account, person.ceremony(near=True))
        assert person.done().problem is None
        tokens, _ = tokens_of(account, kept, first=first)
        lines = probe(account, tokens, sender=USER)
        assert any(line.startswith(f"login: {USER} by XOAUTH2: 235") for line in lines)
        assert first.access.reveal() not in "\n".join(lines)

    def test_the_request_has_pkce_a_state_and_a_port_of_this_machine(self, issuer: Issuer) -> None:
        person = Person(lambda prompt: issuer.browse(prompt.url))
        sign_in(account_at(issuer), person.ceremony(near=True))
        asked = {name: values[0] for name, values in parse_qs(urlsplit(person.shown.url).query).items()}
        assert asked["code_challenge_method"] == "S256"
        assert len(asked["code_challenge"]) == 43
        assert len(asked["state"]) >= 32
        assert asked["scope"].split() == ["openid", "email", "offline_access", "mail"]
        assert (asked["login_hint"], asked["prompt"]) == (USER, "consent")
        redirect = urlsplit(asked["redirect_uri"])
        assert (redirect.scheme, redirect.hostname) == ("http", "127.0.0.1")
        [exchanged] = [form for path, form in issuer.requests if path == "/token"]
        assert exchanged["redirect_uri"] == asked["redirect_uri"]
        assert exchanged["code_verifier"] not in person.shown.url
        # And afterwards nobody listens there.
        with pytest.raises(OSError, match="refused"):
            socket.create_connection(("127.0.0.1", redirect.port or 0), timeout=5)

    def test_an_answer_to_another_sign_in_ends_it(self, issuer: Issuer) -> None:
        def forge(prompt: Prompt) -> None:
            back = parse_qs(urlsplit(prompt.url).query)["redirect_uri"][0]
            issuer.browse(f"{back}?code=stolen&state=made-up")

        person = Person(forge)
        with pytest.raises(AccountError, match="another sign-in"):
            sign_in(account_at(issuer), person.ceremony(near=True))
        assert isinstance(person.done().problem, urllib.error.HTTPError)
        assert [path for path, _ in issuer.requests if path == "/token"] == []

    def test_what_else_a_browser_asks_is_not_the_answer(self, issuer: Issuer) -> None:
        seen: list[object] = []

        def browse(prompt: Prompt) -> None:
            back = parse_qs(urlsplit(prompt.url).query)["redirect_uri"][0]
            port = urlsplit(back).port or 0
            # A connection that is opened and never used, a favicon, another method, a page under another name.
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
            for request in (
                urllib.request.Request(f"{back}/favicon.ico"),
                urllib.request.Request(f"{back}?code=1&state=2", method="POST", data=b""),
                urllib.request.Request(f"{back}?code=1&state=2", headers={"Host": f"evil.example:{port}"}),
            ):
                try:
                    urllib.request.urlopen(request, timeout=20)
                except urllib.error.HTTPError as problem:
                    seen.append(problem.code)
                    problem.close()
            issuer.browse(prompt.url)

        person = Person(browse)
        kept, _ = sign_in(account_at(issuer), person.ceremony(near=True))
        assert person.done().problem is None
        assert seen == [404, 405, 404]
        assert Kept.from_secret(kept) is not None

    def test_nobody_coming_is_a_sentence(self, issuer: Issuer) -> None:
        with pytest.raises(AccountError, match="in time"):
            sign_in(account_at(issuer), Person(nobody).ceremony(near=True, seconds=0.2))

    @pytest.mark.parametrize("near", [True, False])
    def test_it_can_be_broken_off(self, issuer: Issuer, near: bool) -> None:
        stop = threading.Event()
        person = Person(lambda _: stop.set())
        with pytest.raises(AccountError, match="broken off"):
            sign_in(account_at(issuer), person.ceremony(near=near, stop=stop))
        person.done()

    def test_a_person_who_says_no_is_a_sentence(self, issuer: Issuer) -> None:
        def decline(prompt: Prompt) -> None:
            asked = parse_qs(urlsplit(prompt.url).query)
            issuer.browse(f"{asked['redirect_uri'][0]}?error=access_denied&state={asked['state'][0]}")

        person = Person(decline)
        with pytest.raises(AccountError, match="told not to let this program in"):
            sign_in(account_at(issuer), person.ceremony(near=True))
        person.done()

    def test_an_answer_in_the_name_of_another_issuer_is_not_redeemed(self, issuer: Issuer) -> None:
        def mix_up(prompt: Prompt) -> None:
            asked = parse_qs(urlsplit(prompt.url).query)
            issuer.browse(f"{asked['redirect_uri'][0]}?code=x&state={asked['state'][0]}&iss=https%3A%2F%2Fevil.example")

        person = Person(mix_up)
        with pytest.raises(AccountError, match="somebody who is not"):
            sign_in(account_at(issuer), person.ceremony(near=True))
        person.done()
        assert [path for path, _ in issuer.requests if path == "/token"] == []

    def test_a_client_secret_is_sent_where_the_issuer_wants_one(self, issuer: Issuer) -> None:
        issuer.behaviour.secret = "not so secret"
        issuer.behaviour.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
        account = account_at(issuer)
        person = Person(lambda prompt: issuer.browse(prompt.url))
        with pytest.raises(AccountError, match="does not take this client id"):
            sign_in(account, person.ceremony(near=True))
        person.done()
        kept, _ = sign_in(account, person.ceremony(near=True), Secret("not so secret"))
        person.done()
        tokens, _ = tokens_of(account, kept)
        assert tokens.token().reveal() in issuer._access


class TestByCode:
    def test_a_machine_without_a_browser_is_given_a_code(self, issuer: Issuer, submission: Postfix) -> None:
        account = account_at(issuer, submission)
        person = Person(lambda prompt: issuer.answer_device(prompt.code or ""))
        kept, _ = sign_in(account, person.ceremony(near=False))
        assert person.shown.url == f"{issuer.url}/device"
        tokens, _ = tokens_of(account, kept)
        assert any("by XOAUTH2: 235" in line for line in probe(account, tokens))

    def test_a_person_who_says_no_is_a_sentence(self, issuer: Issuer) -> None:
        person = Person(lambda prompt: issuer.answer_device(prompt.code or "", agrees=False))
        with pytest.raises(AccountError, match="told not to let this program in"):
            sign_in(account_at(issuer), person.ceremony(near=False))
        person.done()

    def test_an_issuer_without_codes_shows_an_address_all_the_same(self, issuer: Issuer) -> None:
        issuer.behaviour.metadata = {"device_authorization_endpoint": None}
        person = Person(lambda prompt: issuer.browse(prompt.url))
        sign_in(account_at(issuer), person.ceremony(near=False))
        assert person.shown.code is None


class TestMicrosoft:
    """With msal itself, at an issuer that has Microsoft's paths and speaks TLS."""

    def test_signs_in_with_a_code_and_asks_for_mail_only(self, authority: Authority) -> None:
        with Issuer(authority) as issuer:
            client = self._client(issuer, authority, reads=True)
            person = Person(lambda prompt: issuer.answer_device(prompt.code or ""))
            grant = client.sign_in(person.ceremony(near=True))
            assert person.done().problem is None
            [asked] = [form for path, form in issuer.requests if path.endswith("/devicecode")]
            assert set(asked["scope"].split()) == {
                "https://outlook.office.com/SMTP.Send",
                "https://outlook.office.com/IMAP.AccessAsUser.All",
                "openid",
                "profile",
                "offline_access",
            }
            assert grant.refresh is not None
            again = client.renew(grant.refresh)
            assert again.access.reveal() != grant.access.reveal()
            issuer.revoke()
            with pytest.raises(RevokedError, match="no longer valid: AADSTS700082") as caught:
                client.renew(grant.refresh)
            assert "Sign in again" in (caught.value.hint or "")
            assert grant.refresh.reveal() not in f"{caught.value!r} {caught.value.__context__!r}"

    def test_asks_for_sending_alone_where_nothing_is_read(self, authority: Authority) -> None:
        with Issuer(authority) as issuer:
            client = self._client(issuer, authority, reads=False)
            person = Person(lambda prompt: issuer.answer_device(prompt.code or "", agrees=False))
            with pytest.raises(AccountError, match="told not to"):
                client.sign_in(person.ceremony(near=False))
            person.done()
            [asked] = [form for path, form in issuer.requests if path.endswith("/devicecode")]
            assert "IMAP" not in asked["scope"]

    def test_can_be_broken_off(self, authority: Authority) -> None:
        with Issuer(authority) as issuer:
            stop = threading.Event()
            person = Person(lambda _: stop.set())
            with pytest.raises(AccountError, match="broken off"):
                self._client(issuer, authority, reads=False).sign_in(person.ceremony(near=False, stop=stop))
            person.done()

    def test_a_certificate_that_nobody_vouches_for_ends_it(self, authority: Authority) -> None:
        with Issuer(authority) as issuer:
            tenant = Tenant(f"{issuer.url}/department.example", "https://outlook.office.com")
            client = MicrosoftClient(OAuth("microsoft", issuer.client_id), USER, reads=False, tenant=tenant)
            with pytest.raises(AccountError, match="certificate"):
                client.sign_in(Person(nobody).ceremony(near=False))
            assert issuer.requests == []

    @pytest.mark.parametrize(
        ("issuer", "username", "authority"),
        [
            ("microsoft", "ana@department.example", "https://login.microsoftonline.com/department.example"),
            ("microsoft", "ana@outlook.com", "https://login.microsoftonline.com/consumers"),
            ("microsoft", "ana", "https://login.microsoftonline.com/organizations"),
        ],
    )
    def test_knows_where_an_organisation_signs_in(self, issuer: str, username: str, authority: str) -> None:
        tenant = tenant_of(OAuth(issuer, "id"), username)
        assert tenant is not None
        assert tenant.authority == authority

    @pytest.mark.parametrize("reads", [True, False])
    def test_a_tenant_that_is_named_signs_in_by_browser_as_its_registration_allows(
        self, issuer: Issuer, monkeypatch: pytest.MonkeyPatch, reads: bool
    ) -> None:
        monkeypatch.setitem(metadata.MICROSOFT, "127.0.0.1", "https://outlook.office.com")
        person = Person(lambda prompt: issuer.browse(prompt.url))
        sign_in(account_at(issuer, imap=Imap("imap.example.org") if reads else None), person.ceremony(near=True))
        asked = parse_qs(urlsplit(person.shown.url).query)
        scopes = {"https://outlook.office.com/SMTP.Send", "offline_access"}
        assert set(asked["scope"][0].split()) == scopes | (
            {"https://outlook.office.com/IMAP.AccessAsUser.All"} if reads else set()
        )
        assert asked["redirect_uri"][0].startswith("http://localhost:")
        assert "prompt" not in asked

    @staticmethod
    def _client(issuer: Issuer, authority: Authority, *, reads: bool) -> MicrosoftClient:
        session = Careful()
        session.verify = str(authority.pem)
        session.trust_env = False
        tenant = Tenant(f"{issuer.url}/department.example", "https://outlook.office.com")
        oauth = OAuth("microsoft", issuer.client_id)
        return MicrosoftClient(oauth, USER, reads=reads, tenant=tenant, session=session)


class TestIssuer:
    @pytest.mark.parametrize(
        ("metadata", "words"),
        [
            ({"issuer": "https://evil.example"}, "calls itself"),
            ({"token_endpoint": "http://evil.example/token"}, "not https"),
            ({"token_endpoint": "https://user@evil.example/token"}, "not https"),
            ({"token_endpoint": None}, "where its tokens are made"),
            ({"token_endpoint": ["x"]}, "not https"),
            ({"authorization_endpoint": "javascript:alert(1)"}, "not https"),
            ({"authorization_endpoint": None, "device_authorization_endpoint": None}, "no way to sign in"),
        ],
    )
    def test_that_is_not_to_be_trusted_is_asked_for_nothing(
        self, issuer: Issuer, metadata: dict[str, object], words: str
    ) -> None:
        issuer.behaviour.metadata = metadata
        with pytest.raises(AccountError, match=words):
            sign_in(account_at(issuer), Person(nobody).ceremony(near=True))
        assert all("/.well-known/" in path for path, _ in issuer.requests)

    def test_that_is_no_issuer_or_not_there_is_a_sentence(self, issuer: Issuer) -> None:
        lost = OAuth(f"{issuer.url}/nowhere", "id")
        with pytest.raises(AccountError, match="calls itself"):
            Client(lost, USER, None, reads=False).sign_in(Person(nobody).ceremony(near=True))
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        with pytest.raises(UnreachableError, match="no connection"):
            Client(OAuth(f"http://127.0.0.1:{port}", "id"), USER, None, reads=False).renew(Secret("r"))

    @pytest.mark.parametrize(
        "url", ["http://login.example.org", "https://user@example.org", "ftp://x", "https://x?y", "", "https://a b"]
    )
    def test_must_be_https(self, url: str) -> None:
        with pytest.raises(AccountError, match="nobody to sign in with"):
            OAuth(url, "id")

    def test_that_redirects_is_not_followed(self, issuer: Issuer) -> None:
        # The authorization endpoint redirects; as a token endpoint it would carry the refresh token along.
        issuer.behaviour.metadata = {"token_endpoint": f"{issuer.url}/authorize"}
        with pytest.raises(AccountError):
            Client(OAuth(issuer.url, issuer.client_id), USER, None, reads=False).renew(Secret("r"))
        assert [path for path, _ in issuer.requests][-1] == "/authorize"


class TestTokens:
    def test_are_kept_in_memory_and_asked_for_once(self, issuer: Issuer) -> None:
        tokens, held = tokens_of(account_at(issuer), Kept(Secret(issuer.refresh_token())).to_secret())
        found = {tokens.token().reveal() for _ in range(5)}
        assert len(found) == 1
        assert len([path for path, _ in issuer.requests if path == "/token"]) == 1
        assert len(held) == 1 or Kept.from_secret(held[-1]) is not None

    def test_several_connections_ask_once(self, issuer: Issuer) -> None:
        tokens, _ = tokens_of(account_at(issuer), Kept(Secret(issuer.refresh_token())).to_secret())
        found: list[str] = []
        threads = [threading.Thread(target=lambda: found.append(tokens.token().reveal())) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert (len(found), len(set(found))) == (8, 1)
        assert len([path for path, _ in issuer.requests if path == "/token"]) == 1

    def test_an_issuer_that_gives_another_refresh_token_each_time_is_remembered(self, issuer: Issuer) -> None:
        issuer.behaviour.rotates = True
        issuer.behaviour.lifetime = 1
        account = account_at(issuer)
        tokens, held = tokens_of(account, Kept(Secret(issuer.refresh_token())).to_secret())
        first = tokens.token().reveal()
        wait_until(tokens.is_due)
        assert tokens.token().reveal() != first
        assert len({secret.reveal() for secret in held}) == 3
        # The next run begins with what was kept last.
        assert tokens_of(account, held[-1])[0].token()

    def test_another_run_may_have_used_the_refresh_token_up(self, issuer: Issuer) -> None:
        issuer.behaviour.rotates = True
        account = account_at(issuer)
        tokens, held = tokens_of(account, Kept(Secret("used up")).to_secret())
        entries = [held[0], Kept(Secret(issuer.refresh_token())).to_secret()]
        tokens._load = lambda: entries.pop(0) if len(entries) > 1 else entries[0]
        assert tokens.token()

    def test_that_were_revoked_are_one_sentence(self, issuer: Issuer) -> None:
        account = account_at(issuer)
        refresh = issuer.refresh_token()
        issuer.revoke()
        tokens, _ = tokens_of(account, Kept(Secret(refresh)).to_secret())
        with pytest.raises(RevokedError, match="no longer valid") as caught:
            tokens.token()
        assert caught.value.exit_code == 4
        assert "\n" not in caught.value.message
        assert refresh not in f"{caught.value!r} {caught.value.__cause__!r} {caught.value.__context__!r}"

    def test_that_nobody_keeps_are_a_sentence(self, issuer: Issuer) -> None:
        account = account_at(issuer)
        for kept in (None, Secret("{}"), Secret("[]"), Secret('{"refresh": 1}'), Secret("x")):
            with pytest.raises(AccountError, match="Nobody has signed in"):
                Tokens(account, lambda kept=kept: kept, lambda _: None).token()  # type: ignore[misc]  # mypy infers no default's type


class TestSending:
    def test_a_session_is_renewed_before_its_token_ends(self, issuer: Issuer, submission: Postfix) -> None:
        issuer.behaviour.lifetime = 2
        account = account_at(issuer, submission)
        tokens, _ = tokens_of(account, Kept(Secret(issuer.refresh_token())).to_secret())
        connection = Connection(account, tokens, sender=USER)
        with connection:
            following = [cleared(f"p{at}@example.org") for at in range(3)]
            assert isinstance(connection.deliver(following[0], on_body=lambda: None), Receipt)
            issuer.behaviour.lifetime = 3600
            wait_until(tokens.is_due)
            assert isinstance(connection.deliver(following[1], on_body=lambda: following[2]), Receipt)
            assert isinstance(connection.deliver(following[2]), Receipt)
        assert len(submission.mailboxes()) == 3
        # Two sessions, each with a token of its own, both honoured.
        introspected = [form["token"] for path, form in issuer.requests if path == "/introspect"]
        assert len(set(introspected)) == 2

    def test_a_sign_in_that_was_revoked_in_mid_run_sends_nothing_more(
        self, issuer: Issuer, submission: Postfix
    ) -> None:
        issuer.behaviour.lifetime = 2
        account = account_at(issuer, submission)
        tokens, _ = tokens_of(account, Kept(Secret(issuer.refresh_token())).to_secret())
        with Connection(account, tokens, sender=USER) as connection:
            assert isinstance(connection.deliver(cleared("a@example.org")), Receipt)
            issuer.revoke()
            wait_until(tokens.is_due)
            fault = connection.deliver(cleared("b@example.org"))
            assert not isinstance(fault, Receipt)
            assert (fault.outcome, fault.scope) == ("unsent", "account")
            assert "no longer valid" in fault.reply
        assert list(submission.mailboxes()) == ["a@example.org"]

    @pytest.mark.parametrize("mechanism", ["XOAUTH2", "OAUTHBEARER"])
    def test_a_token_that_the_server_refuses_is_tried_once_and_says_why(
        self, issuer: Issuer, submission: Postfix, dovecot: Dovecot, mechanism: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("tui.delivery.sasl.TOKENS", (mechanism,))
        account = account_at(issuer, submission)
        token = "made-up-" + "x" * 40
        tokens, _ = tokens_of(account, Secret(""), first=Grant(Secret(token), 3600, None))
        already = dovecot.log().count("Introspection failed")
        with pytest.raises(AccountError, match="refused the sign-in") as caught:
            probe(account, tokens)
        assert "(status " in caught.value.message
        assert token not in f"{caught.value!r} {caught.value.__context__!r}"
        assert dovecot.log().count("Introspection failed") <= already + 1

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN", "XOAUTH2", "OAUTHBEARER"])
    def test_a_server_that_knows_one_way_to_log_in_alone_is_logged_in_to_by_it(
        self, issuer: Issuer, submission: Postfix, dovecot: Dovecot, mechanism: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        is_password = mechanism in ("PLAIN", "LOGIN")
        monkeypatch.setattr(f"tui.delivery.sasl.{'PASSWORDS' if is_password else 'TOKENS'}", (mechanism,))
        account = account_at(issuer, submission)
        credential: Secret | Tokens = tokens_of(account, Kept(Secret(issuer.refresh_token())).to_secret())[0]
        if is_password:
            account = replace(account, login="password", oauth=None)
            credential = Secret(dovecot.password)
        lines = probe(account, credential)
        assert any(line.startswith(f"login: {USER} by {mechanism}: 235") for line in lines), lines

    def test_a_server_without_either_gets_no_token(self, issuer: Issuer, postfix: Postfix) -> None:
        account = replace(account_at(issuer, postfix))
        tokens, _ = tokens_of(account, Kept(Secret(issuer.refresh_token())).to_secret())
        with pytest.raises(AccountError, match="offers no login that this program knows"):
            probe(account, tokens)


class TestHostileServer:
    TOKEN = "ya29." + "t0ken" * 20
    HELLO = (b"220 hi\r\n", Step.READ, b"250-hi\r\n250 AUTH XOAUTH2 PLAIN\r\n", Step.READ)

    def said_by(self, *script: bytes | Step) -> tuple[AccountError, list[str], list[bytes]]:
        """What comes of a login there: the error, the conversation as it is shown, and what the server was told."""
        heard: list[str] = []
        with ScriptedServer((*self.HELLO, *script)) as server:
            account = Account(
                "work", server.host, server.port, "none", USER, login="oauth", oauth=OAuth("google", "id")
            )
            tokens, _ = tokens_of(account, Secret(""), first=Grant(Secret(self.TOKEN), 3600, None))
            with pytest.raises(AccountError) as caught:
                probe(account, tokens, timeout=20, hear=heard.append)
            return caught.value, heard, server.received

    @pytest.mark.parametrize("is_encoded", [True, False])
    def test_that_repeats_the_token_shows_it_to_nobody(self, is_encoded: bool) -> None:
        words = f"user={USER}\1auth=Bearer {self.TOKEN}\1\1".encode()
        echo = base64.b64encode(words) if is_encoded else self.TOKEN.encode()
        error, heard, received = self.said_by(b"535 5.7.8 no: " + echo + b"\r\n")
        assert received[1] == b"AUTH XOAUTH2 " + base64.b64encode(words)
        shown = f"{error!r} {error.hint} {heard}"
        assert self.TOKEN not in shown
        assert base64.b64encode(words).decode() not in shown
        assert "> AUTH XOAUTH2 ***" in heard

    @pytest.mark.parametrize(
        "challenge", [b"not base64!", b"eyJ", base64.b64encode(b"[1, 2"), base64.b64encode(b'{"status": {"a": 1}}')]
    )
    def test_that_says_why_in_no_way_is_refused_all_the_same(self, challenge: bytes) -> None:
        error, _, received = self.said_by(b"334 " + challenge + b"\r\n", Step.READ, b"535 5.7.8 no\r\n")
        assert "\n" not in error.message
        assert error.exit_code == 4
        assert len([line for line in received if line.startswith(b"AUTH")]) == 1

    def test_that_says_why_is_answered_with_an_empty_line(self) -> None:
        challenge = base64.b64encode(b'{"status":"401","schemes":"bearer","scope":"https://mail.google.com/"}')
        error, _, received = self.said_by(b"334 " + challenge + b"\r\n", Step.READ, b"535 5.7.8 no\r\n")
        assert received[2] == b""
        assert "(status 401, scope https://mail.google.com/)" in error.message


def wait_until(happened: Callable[[], bool], seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.05)
