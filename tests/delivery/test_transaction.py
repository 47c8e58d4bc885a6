"""One message, one recipient: exact bytes, the true outcome whatever breaks, and nothing left over for the next."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Self

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.delivery.helpers import (
    SENDER,
    account_at,
    cleared,
    connect_to,
    connect_to_script,
    once_silent,
    raw_message,
    runs_out,
)
from tests.servers.authority import Authority
from tests.servers.postfix import Postfix
from tests.servers.recording import RecordingServer, Stage
from tests.servers.scripted import ScriptedServer, Step
from tui.delivery.accounts import Account, Secret, Security
from tui.delivery.connection import Connection, _has_whole_breaks, _on_the_wire
from tui.delivery.faults import Fault, Outcome, Receipt
from tui.guard.cleared import Cleared

StartSmtp = Callable[..., RecordingServer]
Script = list[bytes | Step]


@pytest.fixture(params=[True, False], ids=["pipelining", "lock-step"])
def server(request: pytest.FixtureRequest, start_smtp: StartSmtp) -> RecordingServer:
    return start_smtp(pipelining=request.param)


@pytest.fixture
def connection(server: RecordingServer) -> Iterator[Connection]:
    with connect_to(server) as opened:
        yield opened


def fault_of(result: Receipt | Fault) -> Fault:
    assert isinstance(result, Fault), result
    return result


def hello(*offers: str) -> Script:
    """A server's opening lines, until the first command of a message."""
    lines = ["mail.test", *offers]
    text = "".join(f"250-{line}\r\n" for line in lines[:-1]) + f"250 {lines[-1]}\r\n"
    return [b"220 hi\r\n", Step.READ, text.encode()]


def assert_each_reached_its_own_recipient(server: RecordingServer) -> None:
    for message in server.messages:
        [recipient] = message.rcpt_tos
        assert f"To: {recipient}\r\n".encode() in message.data


class TestBytes:
    def test_arrive_as_they_were_cleared(self, server: RecordingServer, connection: Connection) -> None:
        raw = raw_message(body=b".\r\n..\r\n.dots\r\nend.\r\n\r\n.\r\n")
        assert connection.deliver(cleared(raw=raw)) == Receipt("250 2.0.0 Ok: queued as 1")
        [message] = server.messages
        assert message.data == raw
        assert (message.mail_from, message.rcpt_tos) == (SENDER, ("ana@example.org",))

    @pytest.mark.parametrize(
        "body",
        [
            b"",
            b".\r\n",
            b"\r\n.\r\n",
            b".\r\n.\r\n.\r\n",
            b"\r\n.\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<evil@example.org>\r\nDATA\r\n",
            b"x" * 998 + b"\r\n",
            b"." * 990 + b"\r\n",
            "Grüße\r\n".encode(),
            b"".join(b"line %d of a long message\r\n.\r\n" % number for number in range(100_000)),
        ],
        ids=["empty", "dot", "early end", "dots", "smuggled commands", "long line", "dot line", "8 bit", "long"],
    )
    def test_survive_whatever_stands_in_them(
        self, server: RecordingServer, connection: Connection, body: bytes
    ) -> None:
        raw = raw_message(body=body)
        assert isinstance(connection.deliver(cleared(raw=raw)), Receipt)
        assert [message.data for message in server.messages] == [raw]

    def test_without_a_last_line_break_get_one(self, server: RecordingServer, connection: Connection) -> None:
        connection.deliver(cleared(raw=raw_message(body=b"no end")))
        assert server.messages[0].data.endswith(b"\r\nno end\r\n")

    @given(st.lists(st.sampled_from([b".", b"\r\n", b"a", b" ", b"..", b"\r\n.\r\n"]), max_size=20))
    def test_hold_no_end_before_their_end(self, parts: list[bytes]) -> None:
        raw = b"".join(parts)
        wire = b"".join(_on_the_wire(raw))
        content, end, rest = (b"\r\n" + wire).partition(b"\r\n.\r\n")
        assert (end, rest) == (b"\r\n.\r\n", b"")
        lines = content.split(b"\r\n")[1:]
        unstuffed = b"\r\n".join(line.removeprefix(b".") for line in lines)
        assert unstuffed == raw.removesuffix(b"\r\n")

    @pytest.mark.parametrize("break_", [b"\n", b"\r", b"\r\r\n", b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r"])
    def test_with_a_bare_line_break_never_leave(
        self, server: RecordingServer, connection: Connection, break_: bytes
    ) -> None:
        with pytest.raises(ValueError, match="bare"):
            connection.deliver(cleared(raw=raw_message(body=b"a" + break_ + b"b\r\n")))
        assert "MAIL" not in server.verbs()

    @given(st.lists(st.sampled_from([b"\r", b"\n", b"\r\n", b"a"]), max_size=12))
    def test_have_breaks_that_are_whole_or_are_found_out(self, parts: list[bytes]) -> None:
        raw = b"".join(parts)
        assert _has_whole_breaks(raw) == (raw.count(b"\r\n") == raw.count(b"\r") == raw.count(b"\n"))

    @pytest.mark.parametrize("message", [raw_message(), (raw_message(), "ana@example.org"), None])
    def test_that_nobody_cleared_are_a_type_error(
        self, server: RecordingServer, connection: Connection, message: object
    ) -> None:
        with pytest.raises(TypeError, match="cleared"):
            connection.deliver(message)  # type: ignore[arg-type]  # what must not be
        assert "MAIL" not in server.verbs()

    def test_that_look_cleared_are_a_type_error(self, server: RecordingServer, connection: Connection) -> None:
        class LooksCleared:
            raw, recipient, digest = raw_message(), "ana@example.org", ""

        with pytest.raises(TypeError):
            connection.deliver(LooksCleared())  # type: ignore[arg-type]  # likewise
        with pytest.raises(TypeError):
            Cleared(object(), raw_message(), "ana@example.org", "")
        assert "MAIL" not in server.verbs()


class TestEnvelope:
    @pytest.mark.parametrize(
        "recipient",
        [
            "ana@example.org>\r\nRCPT TO:<evil@example.org",
            "ana@example.org\nRCPT TO:<evil@example.org>",
            "ana@example.org> NOTIFY=NEVER",
            "<ana@example.org>",
            "ana @example.org",
            "ana@example.org\x00",
            "ana@example.org\x85evil",
            "ana@example.org\u2028evil",
            "",
        ],
    )
    def test_never_holds_a_recipient_that_is_more_than_one_word(
        self, server: RecordingServer, connection: Connection, recipient: str
    ) -> None:
        with pytest.raises(ValueError, match="recipient"):
            connection.deliver(cleared(recipient, raw_message()))
        assert "MAIL" not in server.verbs()
        assert isinstance(connection.deliver(cleared()), Receipt)

    def test_asks_for_what_the_server_offers(self) -> None:
        script = hello("PIPELINING", "SIZE 99999", "8BITMIME", "DSN")
        script += [Step.READ] * 3 + [b"550 no\r\n550 no\r\n503 no\r\n", Step.READ]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            message = cleared("o'hara+x=1@example.org", raw_message("o'hara@example.org"))
            fault_of(connection.deliver(message))
            mail, rcpt = (line.decode() for line in server.received[1:3])
        size = len(message.raw)
        assert mail == f"MAIL FROM:<{SENDER}> SIZE={size} RET=HDRS ENVID=o'hara@department.example"
        assert rcpt == ("RCPT TO:<o'hara+x=1@example.org> NOTIFY=FAILURE,DELAY ORCPT=rfc822;o'hara+2Bx+3D1@example.org")

    def test_asks_for_nothing_that_is_not_offered(self) -> None:
        with ScriptedServer([*hello(), Step.READ, b"550 no\r\n", Step.READ]) as server:
            with connect_to_script(server) as connection:
                fault_of(connection.deliver(cleared()))
            assert server.received[1] == f"MAIL FROM:<{SENDER}>".encode()

    def test_a_message_id_that_is_folded_or_absent_does_no_harm(self) -> None:
        folded = b"From: a@b\r\nTo: ana@example.org\r\nMessage-ID:\r\n <folded+=id@x>\r\n\r\nMessage-ID: <other@x>\r\n"
        absent = b"From: a@b\r\nTo: ana@example.org\r\n\r\nMessage-ID: <other@x>\r\n"
        for raw, parameter in ((folded, b" RET=HDRS ENVID=folded+2B+3Did@x"), (absent, b" RET=HDRS")):
            with ScriptedServer([*hello("DSN"), Step.READ, b"550 no\r\n", Step.READ]) as server:
                with connect_to_script(server) as connection:
                    connection.deliver(cleared(raw=raw))
                assert server.received[1] == f"MAIL FROM:<{SENDER}>".encode() + parameter

    def test_a_message_larger_than_the_server_takes_is_not_begun(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(size=1000)
        with connect_to(server) as connection:
            fault = fault_of(connection.deliver(cleared(raw=raw_message(body=b"x" * 998 + b"\r\n"))))
            assert (fault.outcome, fault.alike) == ("refused", True)
            assert isinstance(connection.deliver(cleared()), Receipt)
        assert server.verbs().count("MAIL") == 1

    def test_a_non_ascii_address_needs_smtputf8(self, start_smtp: StartSmtp) -> None:
        to = "zoë@example.org"
        server = start_smtp()
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(cleared(to)), Receipt)
        assert server.messages[0].rcpt_tos == (to,)
        assert "SMTPUTF8" in server.messages[0].options
        without = start_smtp(smtputf8=False)
        with connect_to(without) as connection:
            fault = fault_of(connection.deliver(cleared(to)))
            assert (fault.outcome, fault.scope, fault.alike) == ("refused", "message", False)
        assert "MAIL" not in without.verbs()

    def test_an_8_bit_message_needs_8bitmime(self) -> None:
        with ScriptedServer([*hello(), Step.READ]) as server:
            with connect_to_script(server) as connection:
                fault = fault_of(connection.deliver(cleared(raw=raw_message(body=b"\xc3\xbc\r\n"))))
            assert (fault.outcome, fault.alike) == ("refused", True)
            assert not any(line.startswith(b"MAIL") for line in server.received)


REPLIES: list[tuple[str, Outcome]] = [
    ("550 5.1.1 User unknown", "refused"),
    ("450 4.2.0 Greylisted", "deferred"),
    ("550 5.4.5 Daily user sending limit exceeded", "deferred"),
    ("530 5.7.0 Authentication required", "unsent"),
]


class TestFailure:
    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
    @pytest.mark.parametrize(("reply", "outcome"), REPLIES)
    def test_is_settled_and_leaves_nothing_for_the_next_message(
        self, server: RecordingServer, connection: Connection, stage: Stage, reply: str, outcome: Outcome
    ) -> None:
        assert isinstance(connection.deliver(cleared("ana@example.org")), Receipt)
        server.say(stage, reply, times=1)
        fault = fault_of(connection.deliver(cleared("bo@example.org")))
        if (stage, outcome) == ("MAIL", "refused"):
            outcome = "unsent"  # who is refused there is the sender
        assert (fault.outcome, fault.reply, fault.stage) == (outcome, reply, stage.lower())
        assert isinstance(connection.deliver(cleared("cy@example.org")), Receipt)
        assert [message.rcpt_tos for message in server.messages] == [("ana@example.org",), ("cy@example.org",)]
        assert_each_reached_its_own_recipient(server)

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT"])
    @pytest.mark.parametrize("how", ["421", "421 and open", "drop", "hang", "junk", "out of place"])
    def test_that_breaks_the_connection_is_settled_and_the_next_message_goes_out_on_another(
        self, start_smtp: StartSmtp, server: RecordingServer, stage: Stage, how: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        runs_out(monkeypatch, server.is_silent)
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(cleared("ana@example.org")), Receipt)
            match how:
                case "421":
                    server.say(stage, "421 4.3.2 Shutting down", close=True, times=1)
                case "421 and open":
                    server.say(stage, "421 4.3.2 Shutting down", times=1)
                case "drop":
                    server.drop(stage, times=1)
                case "hang":
                    server.hang(stage, times=1)
                case "junk":
                    server.say(stage, "gibberish", times=1)
                case _:
                    server.say(stage, "334 out of place", times=1)
            if stage == "DATA" and how == "out of place":
                server.behave()
                server.say(stage, "250 out of place", times=1)
            result = connection.deliver(cleared("bo@example.org"))
            if stage == "MAIL":
                # The server was about to hang up since the last message; nothing of this one had been said.
                assert isinstance(result, Receipt)
            else:
                lost: Outcome = "unknown" if stage == "DOT" else "unsent"
                assert fault_of(result).outcome == ("deferred" if how.startswith("421") else lost)
                assert fault_of(result).scope == "connection"
            assert isinstance(connection.deliver(cleared("cy@example.org")), Receipt)
        recipients = [message.rcpt_tos[0] for message in server.messages]
        assert recipients == [
            "ana@example.org",
            *(["bo@example.org"] if stage == "MAIL" else []),
            "cy@example.org",
        ]
        assert_each_reached_its_own_recipient(server)
        assert server.connections == 2

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
    def test_on_a_fresh_connection_is_not_tried_again_by_itself(self, server: RecordingServer, stage: Stage) -> None:
        server.drop(stage)
        with connect_to(server) as connection:
            fault = fault_of(connection.deliver(cleared()))
        assert (fault.outcome, fault.scope) == ("unsent", "connection")
        assert server.connections == 1

    def test_after_the_message_was_stored_is_unknown(self, server: RecordingServer, connection: Connection) -> None:
        server.drop("STORED", times=1)
        assert fault_of(connection.deliver(cleared())).outcome == "unknown"
        assert len(server.messages) == 1

    def test_to_hear_in_time_whether_it_was_stored_is_unknown(
        self, server: RecordingServer, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        server.hang("STORED", times=1)
        runs_out(monkeypatch, server.is_silent)
        with connect_to(server) as connection:
            fault = fault_of(connection.deliver(cleared()))
        assert (fault.outcome, fault.stage) == ("unknown", "dot")
        assert "in time" in fault.reply

    def test_right_after_the_server_agreed_is_never_taken_for_success(
        self, server: RecordingServer, connection: Connection
    ) -> None:
        server.drop("BODY", times=1)
        fault = fault_of(connection.deliver(cleared()))
        assert fault.outcome in ("unsent", "unknown")
        assert server.messages == []

    def test_before_the_final_dot_was_written_is_unsent(self) -> None:
        # The server hangs up with most of the message still on this side.
        big = raw_message(body=b"0123456789abcdef\r\n" * 2_000_000)
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n", Step.READ]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            fault = fault_of(connection.deliver(cleared(raw=big)))
        assert (fault.outcome, fault.scope, fault.stage) == ("unsent", "connection", "body")

    def test_before_the_final_dot_was_written_through_tls_is_unsent(self, authority: Authority) -> None:
        big = raw_message(body=b"0123456789abcdef\r\n" * 2_000_000)
        script: Script = [b"220 hi\r\n", Step.READ, b"250-hi\r\n250 STARTTLS\r\n", Step.READ, b"220 go\r\n", Step.TLS]
        script += [Step.READ, b"250 hi\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ]
        script += [b"354 go\r\n", Step.READ]
        with (
            ScriptedServer(script, authority.server_context("127.0.0.1")) as server,
            connect_to_script(server, security="starttls", ca=authority.pem) as connection,
        ):
            fault = fault_of(connection.deliver(cleared(raw=big)))
        assert (fault.outcome, fault.scope, fault.stage) == ("unsent", "connection", "body")

    def test_of_a_server_that_stops_reading_is_unsent(self, monkeypatch: pytest.MonkeyPatch) -> None:
        big = raw_message(body=b"0123456789abcdef\r\n" * 2_000_000)
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        # Step.HANG reads and forgets; this one sits still.
        with _SilentAfter(script) as server:
            runs_out(monkeypatch, server.is_silent)
            account = Account("test", "127.0.0.1", server.port, "none", login="none")
            with Connection(account, None, sender=SENDER, timeout=20) as connection:
                fault = fault_of(connection.deliver(cleared(raw=big)))
        assert (fault.outcome, fault.stage) == ("unsent", "body")

    def test_in_the_middle_of_a_message_is_what_the_server_last_said(self, monkeypatch: pytest.MonkeyPatch) -> None:
        big = raw_message(body=b"0123456789abcdef\r\n" * 2_000_000)
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n", Step.READ]
        for last, outcome in ((b"552 5.3.4 too big\r\n", "refused"), (b"250 taken\r\n", "unsent")):
            with _SilentAfter([*script, last]) as server, monkeypatch.context() as patched:
                runs_out(patched, server.is_silent)
                account = Account("test", "127.0.0.1", server.port, "none", login="none")
                with Connection(account, None, sender=SENDER, timeout=20) as connection:
                    fault = fault_of(connection.deliver(cleared(raw=big)))
            assert (fault.outcome, fault.stage) == (outcome, "body")

    @pytest.mark.parametrize(
        ("reply", "outcome"),
        [
            (b"", "unknown"),
            (b"250", "unknown"),
            (b"250-first\r\n", "unknown"),
            (b"25", "unknown"),
            (b"\r\n", "unknown"),
            (b"250-a\r\n550 b\r\n", "unknown"),
            (b"999 what\r\n", "unknown"),
            (b"354 more\r\n", "unknown"),
            (b"250 " + b"x" * 100_000, "unknown"),
            (b"250-\r\n" * 1_000 + b"250 ok\r\n", "unknown"),
            (b"\xff\xfe\x00junk\r\n", "unknown"),
            (b"451 4.3.0 \xff\xfe\x1b]52;c;x\x07 later\r\n", "deferred"),
            (b"554-5.7.1 no\r\n554 5.7.1 and no\r\n", "refused"),
        ],
    )
    def test_at_the_dot_by_an_odd_reply(self, reply: bytes, outcome: Outcome) -> None:
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        script += [Step.READ] * 7 + [reply]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            fault = fault_of(connection.deliver(cleared()))
            assert server.received[-1] == b"."
        assert (fault.outcome, fault.stage) == (outcome, "dot")
        assert len(fault.reply) <= 500
        assert "\n" not in fault.reply

    def test_is_no_failure_when_the_reply_comes_byte_by_byte_in_many_lines(self) -> None:
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        script += [Step.READ] * 7
        script += [bytes([byte]) for byte in b"250-2.0.0 Ok\r\n250-2.0.0 queued\r\n250 2.0.0 as 1\r\n"]
        with ScriptedServer([*script, Step.READ]) as server, connect_to_script(server) as connection:
            assert connection.deliver(cleared()) == Receipt("250 2.0.0 Ok queued as 1")

    def test_of_the_account_that_hangs_up_at_the_dot_closes_the_connection_too(
        self, server: RecordingServer, connection: Connection
    ) -> None:
        server.say("DOT", "421 4.7.0 Too many messages, slow down", times=1)
        assert fault_of(connection.deliver(cleared())).pause
        assert isinstance(connection.deliver(cleared("bo@example.org")), Receipt)
        assert server.connections == 2

    def test_a_reset_that_is_not_confirmed_closes_the_connection(self) -> None:
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"550 no\r\n", Step.READ, b"500 what\r\n", Step.READ]
        with ScriptedServer(script) as server:
            with connect_to_script(server) as connection:
                assert fault_of(connection.deliver(cleared())).outcome == "refused"
                assert fault_of(connection.deliver(cleared("bo@example.org"))).outcome == "refused"
            verbs = [line.split(b" ")[0].split(b":")[0] for line in server.received if line]
        assert verbs == [b"ehlo", b"MAIL", b"RCPT", b"RSET", b"ehlo", b"MAIL", b"RCPT", b"QUIT"]


class _SilentAfter:
    """Plays a script once, then neither reads nor speaks nor hangs up."""

    def __init__(self, script: Script) -> None:
        self._script = script
        self.is_silent, self._stop = threading.Event(), threading.Event()

    def __enter__(self) -> Self:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, client.makefile("rb") as lines:
            for step in self._script:
                if isinstance(step, bytes):
                    client.sendall(step)
                else:
                    lines.readline()
            self.is_silent.set()
            self._stop.wait(60)


class TestPipelining:
    OFFER = "PIPELINING"

    def test_says_the_envelope_in_one_write(self, start_smtp: StartSmtp) -> None:
        # The answer to MAIL comes only after all three commands did.
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, b"250 ok\r\n250 ok\r\n354 go\r\n"]
        script += [Step.READ] * 7 + [b"250 2.0.0 taken\r\n", Step.READ]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            assert connection.deliver(cleared()) == Receipt("250 2.0.0 taken")

    def test_never_ends_a_message_that_has_no_recipient(self) -> None:
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, b"250 ok\r\n550 5.1.1 no\r\n354 go\r\n"]
        with ScriptedServer([*script, Step.READ]) as server:
            with connect_to_script(server) as connection:
                for name in ("ana", "bo"):
                    fault = fault_of(connection.deliver(cleared(f"{name}@example.org")))
                    assert (fault.outcome, fault.reply, fault.stage) == ("refused", "550 5.1.1 no", "rcpt")
            assert not {b".", b"RSET", b"QUIT"} & set(server.received)
            assert [line for line in server.received if line.startswith(b"RCPT")] == [
                b"RCPT TO:<ana@example.org>",
                b"RCPT TO:<bo@example.org>",
            ]
            assert server.received.count(b"ehlo [127.0.0.1]") == 2

    @pytest.mark.parametrize(
        "answers",
        [b"250 ok\r\n250 ok\r\n354 go\r\n250 taken\r\n", b"250 ok\r\n250 ok\r\n354 go\r\n2"],
    )
    def test_an_answer_too_many_is_not_taken_for_a_receipt(self, answers: bytes) -> None:
        with ScriptedServer([*hello(self.OFFER), Step.READ, Step.READ, Step.READ, answers, Step.READ]) as server:
            with connect_to_script(server) as connection:
                fault = fault_of(connection.deliver(cleared()))
            assert (fault.outcome, fault.scope) == ("unsent", "connection")
            assert not any(line.startswith(b"From:") for line in server.received)

    def test_the_first_refusal_is_the_one_that_counts(self) -> None:
        answers = b"451 4.3.0 later\r\n503 5.5.1 need MAIL\r\n503 5.5.1 need RCPT\r\n"
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, answers, Step.READ, b"250 ok\r\n", Step.READ]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            fault = fault_of(connection.deliver(cleared()))
        assert (fault.outcome, fault.reply) == ("deferred", "451 4.3.0 later")

    def test_a_refusal_is_kept_when_the_connection_breaks_after_it(self) -> None:
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, b"250 ok\r\n550 5.1.1 no\r\n"]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            assert fault_of(connection.deliver(cleared())).reply == "550 5.1.1 no"


class _InTurn(ScriptedServer):
    """Plays another script to each connection."""

    def __init__(self, *scripts: Script) -> None:
        super().__init__([])
        self._scripts = iter(scripts)

    def _play(self, connection: socket.socket, open_sockets: contextlib.ExitStack) -> None:
        self._script = next(self._scripts)
        super()._play(connection, open_sockets)


class TestLookAhead:
    """The next message's envelope goes out behind the dot: one round trip each, and nothing mixed up."""

    OFFER = "PIPELINING"
    ENVELOPE = b"250 ok\r\n250 ok\r\n354 go\r\n"
    LINES = len(raw_message().split(b"\r\n"))
    """Of a message on the wire, with its dot."""

    @staticmethod
    def deliver_all(connection: Connection, people: list[str]) -> dict[str, Receipt | Fault]:
        """As a run does: each message announces the next one."""
        letters = [cleared(f"{name}@example.org") for name in people]
        behind = [*letters[1:], None]
        return {
            name: connection.deliver(letter, on_body=lambda after=after: after)  # type: ignore[misc]  # mypy infers no default's type
            for name, letter, after in zip(people, letters, behind, strict=True)
        }

    def test_a_message_costs_one_round_trip(self) -> None:
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, self.ENVELOPE]
        # Each answer comes only after the next envelope has.
        for _ in range(3):
            script += [Step.READ] * (self.LINES + 3) + [b"250 taken\r\n" + self.ENVELOPE]
        script += [Step.READ] * self.LINES + [b"250 taken\r\n", Step.READ, b"221 bye\r\n"]
        with ScriptedServer(script) as server:
            with connect_to_script(server) as connection:
                results = self.deliver_all(connection, ["ana", "bo", "cy", "di"])
            assert set(results.values()) == {Receipt("250 taken")}
            assert [line[8:] for line in server.received if line.startswith(b"RCPT")] == [
                b"<%b@example.org>" % name for name in (b"ana", b"bo", b"cy", b"di")
            ]
            assert server.received.count(b"ehlo [127.0.0.1]") == 1

    def test_is_not_done_where_the_server_wants_one_thing_after_the_other(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(pipelining=False)
        with connect_to(server) as connection:
            results = self.deliver_all(connection, ["ana", "bo"])
        assert all(isinstance(result, Receipt) for result in results.values())
        assert server.verbs()[-7:] == ["MAIL", "RCPT", "DATA", "MAIL", "RCPT", "DATA", "QUIT"]

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA", "DOT", "STORED"])
    @pytest.mark.parametrize("how", ["450 4.2.0 Later", "550 5.1.1 No", "421 4.3.2 Bye", "drop", "junk", "334 what"])
    def test_whatever_becomes_of_one_message_the_next_one_goes_to_its_own_recipient(
        self, start_smtp: StartSmtp, stage: Stage, how: str
    ) -> None:
        server = start_smtp(security="none", login=None)
        # The third: by then envelopes go ahead.
        if how == "drop":
            server.drop(stage, after=2, times=1)
        else:
            server.say(stage, how, close=how.startswith("421"), after=2, times=1)
        people = [f"p{number}" for number in range(8)]
        with connect_to(server) as connection:
            results = self.deliver_all(connection, people)
        assert_each_reached_its_own_recipient(server)
        arrived = [message.rcpt_tos[0].partition("@")[0] for message in server.messages]
        accepted = [name for name, result in results.items() if isinstance(result, Receipt)]
        assert arrived == sorted(set(arrived)), "nobody twice, and in order"
        failed = {name: fault_of(result) for name, result in results.items() if name not in accepted}
        assert set(failed) <= {"p2"}
        unsure = {name for name, fault in failed.items() if fault.outcome == "unknown" or stage == "STORED"}
        assert set(arrived) == set(accepted) | (unsure if stage == "STORED" else set())
        if stage == "DOT" and how[0] in "45" and how[:3] != "421":
            assert server.connections == 2, "the next envelope was said already: no reset can take it back"

    def test_an_envelope_that_is_not_followed_by_its_message_is_left_by_closing(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(security="none", login=None)
        letters = {name: cleared(f"{name}@example.org") for name in ("ana", "bo", "cy", "di")}
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(letters["ana"], on_body=lambda: letters["bo"]), Receipt)
            assert isinstance(connection.deliver(letters["cy"], on_body=lambda: letters["di"]), Receipt)
            connection.leave()
            assert isinstance(connection.deliver(letters["bo"], on_body=lambda: letters["di"]), Receipt)
        assert [message.rcpt_tos[0][:2] for message in server.messages] == ["an", "cy", "bo"]
        assert_each_reached_its_own_recipient(server)
        assert server.connections == 3 and "QUIT" not in server.verbs()

    def test_never_ends_a_message_that_has_no_recipient(self) -> None:
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, self.ENVELOPE]
        script += [Step.READ] * (self.LINES + 3) + [b"250 taken\r\n250 ok\r\n550 5.1.1 no\r\n354 go\r\n", Step.READ]
        with ScriptedServer(script) as server:
            with connect_to_script(server) as connection:
                results = self.deliver_all(connection, ["ana", "bo"])
                assert fault_of(results["bo"]).outcome == "refused"
            assert server.received.count(b".") == 1 and server.received.count(b"Dear Ana") == 1

    def test_after_a_failure_each_message_goes_alone_until_one_is_taken(self, start_smtp: StartSmtp) -> None:
        server = start_smtp(security="none", login=None)
        server.say("DOT", "451 4.7.1 Greylisted", after=1, times=4)
        with connect_to(server) as connection:
            results = self.deliver_all(connection, [f"p{number}" for number in range(10)])
        assert sum(isinstance(result, Receipt) for result in results.values()) == 6
        assert server.connections == 2, "four failures in a row cost one connection, and three resets"
        assert server.verbs().count("RSET") == 3

    @pytest.mark.parametrize("reply", ["", "554 SMTP synchronization error", "503 5.5.1 Nested MAIL", "500 What?"])
    def test_a_server_that_cannot_do_what_it_offers_is_asked_one_thing_after_the_other(
        self, reply: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        plain: Script = [Step.READ] * 3 + [self.ENVELOPE] + [Step.READ] * self.LINES + [b"250 taken\r\n"]
        script = [*hello(self.OFFER), Step.READ, Step.READ, Step.READ, self.ENVELOPE]
        script += [Step.READ] * (self.LINES + 3) + [b"250 taken\r\n" + (f"{reply}\r\n".encode() if reply else b"")]
        second = [*hello(self.OFFER), *plain, *plain, *plain, Step.READ]
        with _InTurn([*script, Step.HANG], second) as server, connect_to_script(server) as connection:
            runs_out(monkeypatch, server.is_silent)
            assert set(self.deliver_all(connection, ["ana", "bo", "cy", "di"]).values()) == {Receipt("250 taken")}
            assert server.received.count(b"ehlo [127.0.0.1]") == 2

    @pytest.mark.parametrize("gone", ["before the dot", "with the dot"])
    def test_a_write_that_fails_behind_the_dot_is_no_proof_that_nothing_arrived(
        self, start_smtp: StartSmtp, monkeypatch: pytest.MonkeyPatch, gone: str
    ) -> None:
        server = start_smtp(security="none", login=None)
        letter, after = cleared(), cleared("bo@example.org")
        count = len(b"".join(_on_the_wire(letter.raw))) - (3 if gone == "before the dot" else 0)

        class Torn:
            """A socket that fails when so many bytes have gone; no kernel can be told to."""

            def __init__(self, sock: socket.socket) -> None:
                self._sock = sock
                self.is_torn = False

            def __getattr__(self, name: str) -> object:
                return getattr(self._sock, name)

            def send(self, data: memoryview) -> int:
                if self.is_torn:
                    self._sock.shutdown(socket.SHUT_WR)
                    raise ConnectionResetError
                self.is_torn = bytes(data[:5]) == b"From:"
                return self._sock.send(data[:count] if self.is_torn else data)

        with connect_to(server) as connection:
            connection.deliver(cleared("cy@example.org"))
            client = connection._client
            assert client is not None
            monkeypatch.setattr(client, "sock", Torn(client.channel))
            result = connection.deliver(letter, on_body=lambda: after)
        if gone == "before the dot":
            assert fault_of(result).outcome == "unsent" and len(server.messages) == 1
        else:
            assert isinstance(result, Receipt) and len(server.messages) == 2


class TestBetweenMessages:
    def test_a_limit_per_connection_is_met_by_another_connection(self, server: RecordingServer) -> None:
        server.say("MAIL", "421 4.7.0 Too many messages in this session", close=True, after=2, times=1)
        with connect_to(server) as connection:
            for number in range(4):
                assert isinstance(connection.deliver(cleared(f"p{number}@example.org")), Receipt)
        assert [message.connection for message in server.messages] == [1, 1, 2, 2]

    @pytest.mark.parametrize("farewell", [b"", b"421 4.4.2 Idle too long\r\n", b"250 an answer too many\r\n"])
    def test_a_server_that_hung_up_or_lost_count_is_called_again(self, farewell: bytes) -> None:
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        script += [Step.READ] * 7 + [b"250 taken\r\n" + farewell]
        with ScriptedServer(script) as server, connect_to_script(server) as connection:
            assert connection.deliver(cleared()) == Receipt("250 taken")
            assert connection.deliver(cleared("bo@example.org")) == Receipt("250 taken")
            assert server.received.count(b"ehlo [127.0.0.1]") == 2

    def test_a_server_that_is_gone_is_a_fault_and_no_exception(self) -> None:
        script = [*hello(), Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"354 go\r\n"]
        script += [Step.READ] * 7 + [b"250 taken\r\n"]
        with ScriptedServer(script) as server:
            connection = connect_to_script(server)
            assert isinstance(connection.deliver(cleared()), Receipt)
        fault = fault_of(connection.deliver(cleared("bo@example.org")))
        assert (fault.outcome, fault.scope, fault.stage) == ("unsent", "connection", "connect")
        assert "takes no connections" in fault.reply

    def test_a_throttle_is_not_met_by_another_connection(self, server: RecordingServer) -> None:
        server.say("MAIL", "421 4.7.0 Too many connections, slow down", close=True, after=1, times=1)
        with connect_to(server) as connection:
            assert isinstance(connection.deliver(cleared()), Receipt)
            assert fault_of(connection.deliver(cleared("bo@example.org"))).pause
        assert server.connections == 1

    def test_opening_and_closing_twice_does_no_harm(self, server: RecordingServer) -> None:
        connection = connect_to(server)
        connection.close()
        connection.open()
        connection.open()
        connection.close()
        connection.close()
        assert server.connections == 1
        assert isinstance(connection.deliver(cleared()), Receipt)
        connection.close()
        assert server.connections == 2


class TestOnBody:
    def test_is_called_once_when_the_server_has_agreed_and_nothing_has_left(
        self, server: RecordingServer, connection: Connection
    ) -> None:
        seen: list[tuple[str, int]] = []
        connection.deliver(cleared(), on_body=lambda: seen.append((server.verbs()[-1], len(server.messages))))
        assert seen == [("DATA", 0)]

    @pytest.mark.parametrize("stage", ["MAIL", "RCPT", "DATA"])
    def test_is_not_called_for_a_message_that_is_not_taken(
        self, server: RecordingServer, connection: Connection, stage: Stage
    ) -> None:
        server.say(stage, "451 4.3.0 Later")
        connection.deliver(cleared(), on_body=lambda: pytest.fail("called"))

    @pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
    def test_that_fails_ends_the_attempt_before_anything_was_sent(
        self, server: RecordingServer, connection: Connection, error: type[BaseException]
    ) -> None:
        def fail() -> None:
            raise error

        with pytest.raises(error):
            connection.deliver(cleared(), on_body=fail)
        assert isinstance(connection.deliver(cleared("bo@example.org")), Receipt)
        assert [message.rcpt_tos for message in server.messages] == [("bo@example.org",)]


class TestAbort:
    @pytest.mark.parametrize(("stage", "outcome"), [("MAIL", "unsent"), ("DATA", "unsent"), ("DOT", "unknown")])
    @pytest.mark.parametrize("security", ["starttls", "none"])
    def test_ends_a_wait_at_once_with_the_true_outcome(
        self, start_smtp: StartSmtp, stage: Stage, outcome: Outcome, security: str
    ) -> None:
        server = start_smtp(security=security, login=None)
        server.hang(stage)
        connection = connect_to(server, timeout=60)
        connection.open()
        with once_silent(server.is_silent, connection.abort):
            started = time.monotonic()
            fault = fault_of(connection.deliver(cleared()))
            assert time.monotonic() - started < 30
        assert fault.outcome == outcome

    def test_is_for_good(self, server: RecordingServer, connection: Connection) -> None:
        connection.abort()
        assert fault_of(connection.deliver(cleared())).outcome == "unsent"
        assert server.connections == 1

    def test_reaches_a_session_that_is_being_opened(self) -> None:
        with ScriptedServer([Step.HANG]) as server:
            connection = connect_to_script(server, timeout=60)
            with once_silent(server.is_silent, connection.abort):
                started = time.monotonic()
                assert fault_of(connection.deliver(cleared())).outcome == "unsent"
                assert time.monotonic() - started < 30

    def test_writes_nothing_in_the_clear(self, authority: Authority) -> None:
        # The server stops reading in the middle of an encrypted message; what arrives afterwards is still TLS.
        big = raw_message(body=b"SECRET-SECRET-SECRET\r\n" * 2_000_000)
        relay = _Relay()
        script: Script = [b"220 hi\r\n", Step.READ, b"250 hi\r\n", Step.READ, b"250 ok\r\n", Step.READ, b"250 ok\r\n"]
        script = [Step.TLS, *script, Step.READ, b"354 go\r\n", Step.HANG]
        with ScriptedServer(script, authority.server_context("127.0.0.1")) as server, relay.to(server.port) as port:
            account = Account("test", "127.0.0.1", port, "tls", ca=authority.pem, login="none")
            connection = Connection(account, None, sender=SENDER, timeout=60)
            connection.open()
            threading.Timer(0.05, connection.abort).start()
            fault = fault_of(connection.deliver(cleared(raw=big)))
        assert fault.outcome in ("unsent", "unknown")
        assert b"SECRET" not in relay.seen

    def test_takes_the_encryption_off_for_no_moment(
        self, authority: Authority, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        # As the other thread may see it: abort() has begun, and the socket is not shut down yet.
        relay = _Relay()
        script: Script = [Step.TLS, *hello(), Step.HANG]
        with ScriptedServer(script, authority.server_context("127.0.0.1")) as server, relay.to(server.port) as port:
            account = Account("test", "127.0.0.1", port, "tls", ca=authority.pem, login="none")
            connection = Connection(account, None, sender=SENDER, timeout=5)
            connection.open()
            client = connection._client
            assert client is not None
            with monkeypatch.context() as patched:
                patched.setattr(socket.socket, "shutdown", lambda *_: None)
                connection.abort()
                client.write(b"SECRET\r\n")
            connection.close()
        assert relay.seen
        assert b"SECRET" not in relay.seen


class _Relay:
    """Passes bytes on to a port of this machine and keeps those of the client."""

    def __init__(self) -> None:
        self.seen = bytearray()

    def to(self, port: int) -> "_Relay":
        self._target = port
        return self

    def __enter__(self) -> int:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._threads = [threading.Thread(target=self._serve, daemon=True)]
        self._threads[0].start()
        port: int = self._listener.getsockname()[1]
        return port

    def __exit__(self, *_: object) -> None:
        for thread in self._threads:
            thread.join(5)
        self._listener.close()

    def _serve(self) -> None:
        client, _ = self._listener.accept()
        with client, socket.create_connection(("127.0.0.1", self._target)) as server:
            back = threading.Thread(target=self._pump, args=(server, client, None), daemon=True)
            back.start()
            self._pump(client, server, self.seen)
            back.join(5)

    @staticmethod
    def _pump(source: socket.socket, target: socket.socket, seen: bytearray | None) -> None:
        try:
            while data := source.recv(65536):
                if seen is not None:
                    seen += data
                target.sendall(data)
            target.shutdown(socket.SHUT_WR)
        except OSError:
            return


def test_several_connections_are_several_threads(server: RecordingServer) -> None:
    def run(thread: int) -> list[Receipt | Fault]:
        with connect_to(server) as connection:
            return [connection.deliver(cleared(f"t{thread}n{number}@example.org")) for number in range(25)]

    with ThreadPoolExecutor(4) as pool:
        results = [result for batch in pool.map(run, range(4)) for result in batch]
    assert all(isinstance(result, Receipt) for result in results)
    assert len({message.rcpt_tos for message in server.messages}) == 100
    assert_each_reached_its_own_recipient(server)


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_real_postfix_takes_refuses_and_defers_on_one_connection(postfix: Postfix, security: Security) -> None:
    people = ["ana", "nobody", "bo", "later", "cy"]
    with Connection(account_at(postfix, security), Secret(postfix.password), sender=SENDER, timeout=10) as connection:
        results = [connection.deliver(cleared(f"{name}@example.org")) for name in people]
    outcomes = [result.outcome if isinstance(result, Fault) else "accepted" for result in results]
    assert outcomes == ["accepted", "refused", "accepted", "deferred", "accepted"]
    mailboxes = postfix.mailboxes()
    assert sorted(mailboxes) == [f"{name}@example.org" for name in ("ana", "bo", "cy")]
    for address, [message] in mailboxes.items():
        assert message.endswith(raw_message(address))
