"""Opening a session: the channel is secret or there is none, the login is tried once, and nobody learns the secret."""

import base64
import socket
import ssl
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Self

import pytest

from tests.delivery.helpers import SENDER, account_at, account_of, cleared, connect_to, connect_to_script, runs_out
from tests.servers.authority import Authority
from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer, Stage
from tests.servers.scripted import ScriptedServer, Step
from tui.delivery.accounts import Account, Secret, Security
from tui.delivery.connection import Connection, probe
from tui.delivery.faults import Fault, Receipt
from tui.errors import AccountError

StartSmtp = Callable[..., RecordingServer]
Script = list[bytes | Step]

OFFERS_TLS: Script = [b"220 hi\r\n", Step.READ, b"250-hi\r\n250 STARTTLS\r\n", Step.READ]


def refusal(connection: Connection) -> AccountError:
    """Why the session was not opened."""
    with pytest.raises(AccountError) as caught, connection:
        pass
    assert caught.value.exit_code == 4
    return caught.value


class TestChannel:
    def test_is_encrypted_before_the_login_and_before_any_address(self, smtp_server: RecordingServer) -> None:
        with connect_to(smtp_server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
        assert smtp_server.verbs() == ["EHLO", "STARTTLS", "EHLO", "AUTH", "MAIL", "RCPT", "DATA", "QUIT"]
        assert smtp_server.messages[0].tls

    def test_is_encrypted_from_the_first_byte(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(security="tls")
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
        assert server.messages[0].tls

    def test_does_without_encryption_on_this_machine_alone(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(security="none", login=None)
        with Connection(account_of(server, host="localhost"), None, sender=SENDER, timeout=20) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)

    def test_does_not_believe_that_localhost_is_here(self, monkeypatch: pytest.MonkeyPatch) -> None:
        # There is no other machine in a test: the socket says that its peer is one.
        monkeypatch.setattr("socket.create_connection", lambda *_, **__: _Elsewhere())
        account = Account("test", "localhost", 25, "none", login="none")
        assert "192.0.2.1" in refusal(Connection(account, None, sender=SENDER)).message

    def test_is_not_opened_without_starttls(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(security="none", login=None)
        account = replace(account_of(server), security="starttls")
        error = refusal(Connection(account, None, sender=SENDER, timeout=20))
        assert "STARTTLS" in error.message
        assert server.verbs() == ["EHLO"]

    def test_is_not_opened_when_starttls_is_refused(self, smtp_server: RecordingServer) -> None:
        smtp_server.say("STARTTLS", "454 4.7.0 TLS not available")
        assert "454 4.7.0 TLS not available" in refusal(connect_to(smtp_server)).message
        assert smtp_server.verbs() == ["EHLO", "STARTTLS"]

    def test_is_not_opened_when_the_offer_is_taken_away_on_the_way(self) -> None:
        script: Script = [b"220 hi\r\n", Step.READ, b"250-hi\r\n250-XXXXXXXA\r\n250 AUTH PLAIN\r\n", Step.READ]
        with ScriptedServer(script) as server:
            error = refusal(connect_to_script(server, security="starttls", login=("ana", "geheim12")))
        assert "STARTTLS" in error.message
        assert [line for line in server.received if line] == [b"ehlo [127.0.0.1]"]

    def test_takes_nothing_that_was_slipped_in_before_the_encryption(self, authority: Authority) -> None:
        script: Script = [*OFFERS_TLS, b"220 go\r\n250-evil\r\n250 AUTH PLAIN\r\n", Step.TLS]
        with ScriptedServer(script, authority.server_context("127.0.0.1")) as server:
            connection = connect_to_script(server, security="starttls", login=("a", "geheim12"), ca=authority.pem)
            assert "more than one answer" in refusal(connection).message

    def test_forgets_what_was_offered_in_the_clear(self, authority: Authority) -> None:
        script: Script = [
            b"220 hi\r\n",
            Step.READ,
            b"250-hi\r\n250-STARTTLS\r\n250 AUTH PLAIN\r\n",
            Step.READ,
            b"220 go\r\n",
            Step.TLS,
            Step.READ,
            b"250 hi\r\n",
            Step.READ,
        ]
        with ScriptedServer(script, authority.server_context("127.0.0.1")) as server:
            connection = connect_to_script(server, security="starttls", login=("a", "geheim12"), ca=authority.pem)
            assert "offers no login" in refusal(connection).message
        assert not any(line.lower().startswith(b"auth") for line in server.received)

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_wants_a_certificate_made_out_to_the_host(self, start_smtp: StartSmtp, security: str) -> None:
        server = start_smtp(security=security, names=("other.example.org",))
        error = refusal(connect_to(server))
        assert "certificate" in error.message
        assert "mismatch" in error.message
        assert "AUTH" not in server.verbs()

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_wants_a_certificate_of_a_trusted_authority(self, start_smtp: StartSmtp, security: str) -> None:
        server = start_smtp(security=security)
        account = replace(account_of(server), ca=None)
        error = refusal(Connection(account, Secret(server.password), sender=SENDER, timeout=20))
        assert "certificate" in error.message
        assert error.hint is not None
        assert "INVITE_TUI_SMTP_CA" in error.hint
        assert "AUTH" not in server.verbs()

    def test_trusts_the_given_authority_instead_of_all_others(
        self, smtp_server: RecordingServer, tmp_path: Path
    ) -> None:
        stranger = Authority(tmp_path)
        account = account_of(smtp_server, ca=stranger.pem)
        assert "certificate" in refusal(Connection(account, Secret("x"), sender=SENDER, timeout=20)).message

    @pytest.mark.filterwarnings("ignore::DeprecationWarning")  # an old version is what is asked for
    def test_wants_tls_1_2_or_later(self, authority: Authority) -> None:
        context = authority.server_context("127.0.0.1")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT@SECLEVEL=0")
        with ScriptedServer([*OFFERS_TLS, b"220 go\r\n", Step.TLS], context) as server:
            error = refusal(connect_to_script(server, security="starttls", ca=authority.pem))
        assert "No secure channel" in error.message

    @pytest.mark.parametrize("content", [None, b"", b"-----BEGIN CERTIFICATE-----\nnonsense\n"])
    def test_wants_a_ca_file_that_is_one(
        self, smtp_server: RecordingServer, tmp_path: Path, content: bytes | None
    ) -> None:
        path = tmp_path / "ca.pem"
        if content is not None:
            path.write_bytes(content)
        account = account_of(smtp_server, ca=path)
        assert str(path) in refusal(Connection(account, Secret("x"), sender=SENDER, timeout=20)).message
        assert smtp_server.connections == 0


class _Elsewhere(socket.socket):
    def getpeername(self) -> tuple[str, int]:
        return ("192.0.2.1", 25)


class TestNoConnection:
    def test_an_unknown_name_is_said_to_be_one(self) -> None:
        account = Account("test", "mail.invalid", 587, login="none")
        assert "mail.invalid" in refusal(Connection(account, None, sender=SENDER, timeout=20)).message

    def test_a_port_that_nobody_listens_on_is_named(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        account = Account("test", "127.0.0.1", port, "none", login="none")
        error = refusal(Connection(account, None, sender=SENDER, timeout=20))
        assert f"127.0.0.1 port {port} takes no connections" in error.message

    @pytest.mark.parametrize(
        ("script", "words"),
        [
            ([Step.HANG], "did not answer within 20 seconds (greeting)"),
            ([b"22"], "broke off (greeting)"),
            ([], "broke off (greeting)"),
            ([b"HTTP/1.1 400 Bad Request\r\n\r\n"], "does not speak SMTP"),
            ([b"\x15\x03\x01\x00\x02\x02\x46\n"], "does not speak SMTP"),
            ([b"554 5.7.1 no access for you\r\n"], "554 5.7.1 no access for you"),
            ([b"421 4.3.2 closing\r\n"], "421 4.3.2 closing"),
            ([b"220 hi\r\n", Step.READ, Step.HANG], "did not answer within 20 seconds (ehlo)"),
            ([b"220 hi\r\n", Step.READ], "broke off (ehlo)"),
            ([b"220 hi\r\n", Step.READ, b"250-hi\r\n550 no\r\n"], "does not speak SMTP"),
            ([b"220 hi\r\n", Step.READ, b"502 no\r\n", Step.READ, b"502 no\r\n"], "502 no"),
            ([b"220 hi\r\n", Step.READ, b"421 bye\r\n"], "421 bye"),
            ([b"220 " + b"x" * 100_000], "does not speak SMTP"),
            ([b"220-more\r\n" * 1000], "does not speak SMTP"),
        ],
    )
    def test_a_server_that_misbehaves_is_one_sentence(
        self, script: Script, words: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        with ScriptedServer(script) as server:
            runs_out(monkeypatch, server.is_silent)
            error = refusal(connect_to_script(server))
        assert words in error.message
        assert len(error.message) < 700
        assert "\n" not in error.message

    def test_time_runs_for_the_whole_reply(self) -> None:
        # Every byte comes in time, the reply never does.
        with _DripServer() as server:
            account = Account("test", "127.0.0.1", server.port, "none", login="none")
            started = time.monotonic()
            assert "(greeting)" in refusal(Connection(account, None, sender=SENDER, timeout=0.3)).message
            assert time.monotonic() - started < 20

    def test_a_reply_that_is_whole_counts_however_late_it_is_read(self, monkeypatch: pytest.MonkeyPatch) -> None:
        is_late = threading.Event()

        class Clock:
            """Jumps as for a machine that stood still while the answer came."""

            @staticmethod
            def monotonic() -> float:
                return time.monotonic() + (3600.0 if is_late.is_set() else 0.0)

        def answer(_: bytes) -> bytes:
            time.sleep(0.1)
            is_late.set()
            return b"250 hi\r\n"

        with ScriptedServer([b"220 hi\r\n", Step.READ, answer, Step.READ, b"221 bye\r\n"]) as server:
            monkeypatch.setattr("tui.delivery.connection.time", Clock)
            with connect_to_script(server):
                assert is_late.is_set()

    def test_speaks_to_a_server_that_knows_only_helo(self) -> None:
        script: Script = [
            b"220 hi\r\n",
            Step.READ,
            b"502 5.5.2 no such command\r\n",
            Step.READ,
            b"250 hi\r\n",
            Step.READ,
            b"221 bye\r\n",
        ]
        with ScriptedServer(script) as server:
            with connect_to_script(server):
                pass
            assert server.received == [b"ehlo [127.0.0.1]", b"helo [127.0.0.1]", b"QUIT"]

    @pytest.mark.parametrize("stage", ["CONNECT", "EHLO", "STARTTLS", "AUTH"])
    def test_a_connection_that_breaks_at_any_stage_is_one_sentence(
        self, smtp_server: RecordingServer, stage: Stage
    ) -> None:
        smtp_server.drop(stage)
        assert "broke off" in refusal(connect_to(smtp_server)).message

    @pytest.mark.parametrize("stage", ["EHLO", "STARTTLS", "AUTH"])
    def test_a_server_that_falls_silent_at_any_stage_is_left(
        self, smtp_server: RecordingServer, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        smtp_server.hang(stage)
        runs_out(monkeypatch, smtp_server.is_silent)
        assert f"did not answer within 20 seconds ({stage.lower()})" in refusal(connect_to(smtp_server)).message

    def test_a_handshake_that_never_ends_is_left(self, authority: Authority) -> None:
        with ScriptedServer([*OFFERS_TLS, b"220 go\r\n", Step.HANG]) as server:
            error = refusal(connect_to_script(server, security="starttls", ca=authority.pem, timeout=1))
        assert "(starttls)" in error.message

    def test_does_not_tell_the_name_of_this_machine(self, smtp_server: RecordingServer) -> None:
        with connect_to(smtp_server):
            pass
        assert {line for _, line in smtp_server.transcript if line.startswith("EHLO")} == {"EHLO [127.0.0.1]"}


class _DripServer:
    """Greets with a byte every 20 ms, without end."""

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client:
            try:
                while True:
                    client.sendall(b"2")
                    time.sleep(0.02)
            except OSError:
                return


class TestLogin:
    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_uses_what_the_server_offers(self, start_smtp: StartSmtp, mechanism: str) -> None:
        server = start_smtp(mechanisms=(mechanism,))
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
        assert server.messages[0].user == "organiser"
        assert [line.split()[1] for _, line in server.transcript if line.startswith("AUTH")] == [mechanism]

    def test_answers_a_challenge(self) -> None:
        # The example of RFC 2195 §2.
        challenge = base64.b64encode(b"<1896.697170952@postoffice.reston.mci.net>")
        script: Script = [
            b"220 hi\r\n",
            Step.READ,
            b"250-hi\r\n250 AUTH CRAM-MD5\r\n",
            Step.READ,
            b"334 " + challenge + b"\r\n",
            Step.READ,
            b"235 ok\r\n",
            Step.READ,
        ]
        with ScriptedServer(script) as server:
            with connect_to_script(server, login=("tim", "tanstaaftanstaaf")):
                pass
            assert server.received[1] == b"AUTH CRAM-MD5"
            assert base64.b64decode(server.received[2]) == b"tim b913a602c7eda7a495b4e6e7334d3890"

    @pytest.mark.parametrize("mechanisms", [("PLAIN", "LOGIN"), ("LOGIN",)])
    def test_is_tried_once(self, start_smtp: StartSmtp, mechanisms: tuple[str, ...]) -> None:
        server = start_smtp(mechanisms=mechanisms)
        error = refusal(connect_to(server, password="wrong-password"))
        assert "refused the login of organiser: 535 5.7.8" in error.message
        assert server.verbs().count("AUTH") == 1
        assert server.connections == 1

    def test_that_is_refused_in_mid_run_is_tried_once_and_stops_it(self, smtp_server: RecordingServer) -> None:
        with connect_to(smtp_server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
            smtp_server.drop("MAIL", times=1)
            smtp_server.say("AUTH", "535 5.7.139 SmtpClientAuthentication is disabled")
            fault = connection.deliver(cleared("bo@example.org"))
        assert isinstance(fault, Fault)
        assert (fault.outcome, fault.stop, fault.stage) == ("unsent", True, "auth")
        assert "5.7.139" in fault.error().message
        assert smtp_server.verbs().count("AUTH") == 2
        assert len(smtp_server.messages) == 1

    def test_that_cannot_be_checked_just_now_does_not_stop_a_run(self, smtp_server: RecordingServer) -> None:
        with connect_to(smtp_server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
            smtp_server.drop("MAIL", times=1)
            smtp_server.say("AUTH", "454 4.7.0 Temporary authentication failure", times=1)
            fault = connection.deliver(cleared("bo@example.org"))
            assert isinstance(fault, Fault)
            assert (fault.outcome, fault.scope, fault.stop) == ("deferred", "connection", False)
            assert isinstance(connection.deliver(cleared("bo@example.org")), Receipt)

    def test_is_missed_at_the_first_message_when_none_is_given(self, smtp_server: RecordingServer) -> None:
        account = replace(account_of(smtp_server), username=None, login="none")
        with Connection(account, None, sender=SENDER, timeout=20) as connection:
            fault = connection.deliver(cleared())
        assert isinstance(fault, Fault)
        assert (fault.outcome, fault.stop) == ("unsent", True)
        assert smtp_server.messages == []

    def test_needs_a_password(self, smtp_server: RecordingServer) -> None:
        error = refusal(Connection(account_of(smtp_server), None, sender=SENDER, timeout=20))
        assert "No password" in error.message
        assert smtp_server.connections == 0

    def test_needs_an_offer(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(mechanisms=())
        account = replace(account_of(server), username="ana", login="password")
        assert "offers no login" in refusal(Connection(account, Secret("geheim12"), sender=SENDER, timeout=20)).message

    @pytest.mark.parametrize(
        "script",
        [
            [b"334 not base64 !\r\n"],
            [b"334 \r\n", Step.READ, b"334 \r\n"],
            [b"250-a\r\n535 b\r\n"],
            [],
        ],
    )
    def test_by_a_challenge_that_makes_no_sense_fails_in_one_sentence(self, script: Script) -> None:
        opening: Script = [b"220 hi\r\n", Step.READ, b"250-hi\r\n250 AUTH CRAM-MD5\r\n", Step.READ]
        with ScriptedServer([*opening, *script]) as server:
            assert refusal(connect_to_script(server, login=("ana", "geheim12"))).message


class TestSecret:
    PASSWORD = "correct horse battery staple"

    def forms(self) -> list[str]:
        plain = base64.b64encode(f"\0organiser\0{self.PASSWORD}".encode()).decode()
        return [self.PASSWORD, base64.b64encode(self.PASSWORD.encode()).decode(), plain]

    @pytest.mark.parametrize("mechanism", ["PLAIN", "LOGIN"])
    def test_is_in_no_exception_no_chained_one_and_no_local_of_their_frames(
        self, start_smtp: StartSmtp, mechanism: str
    ) -> None:
        server = start_smtp(mechanisms=(mechanism,))
        for ruin in ("nothing", "drop", "junk"):
            if ruin == "drop":
                server.drop("AUTH", times=1)
            elif ruin == "junk":
                server.say("AUTH", "junk")
            error = refusal(connect_to(server, password=self.PASSWORD))
            with_locals = "".join(traceback.TracebackException.from_exception(error, capture_locals=True).format())
            shown = f"{error!r} {error.__context__!r} {error.__cause__!r} {error.hint} {vars(error)} {with_locals}"
            for form in self.forms():
                # The test's own frame knows it.
                assert form not in shown.replace(f"password = '{self.PASSWORD}'", "")

    def test_that_the_server_repeats_is_blanked(self) -> None:
        whole, password, _ = self.forms()[2], self.forms()[0], self.forms()[1]
        script: Script = [
            b"220 hi\r\n",
            Step.READ,
            b"250-hi\r\n250 AUTH PLAIN\r\n",
            Step.READ,
            f"535 5.7.8 {whole} or {password} is wrong\r\n".encode(),
        ]
        with ScriptedServer(script) as server:
            connection = connect_to_script(server, login=("organiser", self.PASSWORD))
            error = refusal(connection)
        assert error.message.endswith("535 5.7.8 *** or *** is wrong")
        assert not any(form in str(connection.conversation) for form in self.forms())

    def test_is_blanked_in_receipts_too(self) -> None:
        script: Script = [b"220 hi\r\n", Step.READ, b"250-hi\r\n250 AUTH PLAIN\r\n", Step.READ, b"235 ok\r\n"]
        script += [Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        script += [Step.READ] * 7 + [f"250 took it from {self.PASSWORD}\r\n".encode(), Step.READ]
        with ScriptedServer(script) as server, connect_to_script(server, login=("a", self.PASSWORD)) as connection:
            assert connection.deliver(cleared()) == Receipt("250 took it from ***")


class TestProbe:
    def test_tells_the_conversation_and_sends_nothing(self, smtp_server: RecordingServer) -> None:
        lines = probe(account_of(smtp_server), Secret(smtp_server.password), sender=SENDER, timeout=20)
        assert [line.partition(":")[0] for line in lines] == [
            "connected",
            "greeting",
            "offers",
            "secure channel",
            "offers",
            "login",
            "sender",
            "closed",
        ]
        assert smtp_server.verbs()[-3:] == ["MAIL", "RSET", "QUIT"]
        assert smtp_server.messages == []
        assert smtp_server.password not in " ".join(lines)

    def test_finds_that_a_login_is_wanted(self, smtp_server: RecordingServer) -> None:
        account = replace(account_of(smtp_server), username=None, login="none", sender=SENDER)
        with pytest.raises(AccountError, match=r"takes no mail from organizer@department\.example: 530"):
            probe(account, None, timeout=20)

    def test_finds_a_wrong_password(self, smtp_server: RecordingServer) -> None:
        with pytest.raises(AccountError, match="refused the login"):
            probe(account_of(smtp_server), Secret("wrong"), timeout=20)

    @pytest.mark.parametrize("security", ["starttls", "tls"])
    def test_a_real_postfix(self, postfix: Postfix, security: Security) -> None:
        account = account_at(postfix, security)
        lines = probe(account, Secret(postfix.password), sender=SENDER, timeout=10)
        assert lines[-1].startswith("closed: 221 2.0.0")
        with pytest.raises(AccountError, match=r"refused the login of organiser: 535 5\.7\.8"):
            probe(account, Secret("wrong"), timeout=10)


class TestSender:
    @pytest.mark.parametrize("sender", ["", "a@b>\r\nRCPT TO:<evil@example.org", "a b@c", "<a@b>", "a@b\x00"])
    def test_that_would_not_stay_one_word_is_refused(self, smtp_server: RecordingServer, sender: str) -> None:
        with pytest.raises(AccountError):
            connect_to(smtp_server, sender=sender)

    @pytest.mark.parametrize("timeout", [0, -1])
    def test_and_patience_is_some_time(self, smtp_server: RecordingServer, timeout: float) -> None:
        with pytest.raises(ValueError, match="time-out"):
            connect_to(smtp_server, timeout=timeout)
