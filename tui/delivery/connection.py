"""The only SMTP: one session with one server, many messages, each with one recipient.

smtplib words EHLO and reads what it offers. The channel, the login, the reading of replies and the mail transaction are
ours: a server must not keep us waiting or fill us up for ever, one refusal must be one attempt, and what became of a
message depends on how far it had come. Until its final dot is written the server cannot have it; after that only the
reply tells (RFC 1047).

With PIPELINING the next message's MAIL, RCPT and DATA go out behind the dot of the one before it (RFC 2920 §3.1 allows
the content to be the first of a group), so that a message costs one round trip. An envelope that went ahead and is not
followed by its message is ended by closing the connection: after DATA there is no other way back.
"""

import base64
import contextlib
import hmac
import io
import re
import smtplib
import socket
import ssl
import time
from collections.abc import Callable, Sequence
from functools import partial
from types import TracebackType
from typing import TYPE_CHECKING, NoReturn, Self, final

from tui.delivery import sasl
from tui.delivery.accounts import Account, Credential, Secret, is_loopback
from tui.delivery.faults import (
    MOST_REPLY_BYTES,
    MOST_REPLY_LINES,
    Fault,
    MalformedReplyError,
    NotOpenError,
    Receipt,
    Reply,
    Stage,
    judge,
    lost,
    parse_reply,
)
from tui.delivery.oauth.grants import UnreachableError
from tui.delivery.steps import Aside, Steps, Wait, finish
from tui.delivery.tls import client_context, distrusted
from tui.errors import AccountError
from tui.guard.cleared import Cleared

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

PATIENCE: dict[Stage, float] = {
    "connect": 30.0,
    "greeting": 300.0,
    "ehlo": 300.0,
    "starttls": 300.0,
    "auth": 300.0,
    "reset": 300.0,
    "mail": 300.0,
    "rcpt": 300.0,
    "data": 120.0,
    "body": 180.0,
    "dot": 600.0,
    "quit": 5.0,
}
"""Seconds for one whole reply (in `body`: for one write), RFC 5321 §4.5.3.2. Connecting has no limit there, but nobody
should look at an unreachable server for minutes; and at QUIT everything is settled."""

# The name of this machine is nobody's business, and the sender's own domain in a stranger's EHLO looks forged to spam
# filters. RFC 5321 §4.1.4 asks a client without a public name for an address literal; mail programs send this one.
_LOCAL_NAME = "[127.0.0.1]"

_CHUNK = 65_536
_MOST_KNOWN = 32
_LONGEST_KNOWN = 200
_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
_ENVELOPE: tuple[Stage, ...] = ("mail", "rcpt", "data")
_OUT_OF_STEP = re.compile(r"^50[03]|synchroni|pipelin|sequence|in time", re.IGNORECASE)
_UNSAFE_IN_PATH = re.compile(r"[\x00-\x20\x7f-\x9f<>\u2028\u2029]")
_MESSAGE_ID = re.compile(rb"\r\nMessage-ID:[ \t]*(?:\r\n[ \t]+)?<([!-;=?-~]+)>[ \t]*\r\n")
_NOT_XTEXT = re.compile(r"[^!-*,-<>-~]")


class _Client(smtplib.SMTP):
    """smtplib's client on a socket that we opened, with a reader that no server can hold up or fill up."""

    def __init__(self, sock: socket.socket) -> None:
        super().__init__(local_hostname=_LOCAL_NAME)
        sock.setblocking(False)
        self.sock: socket.socket | None = sock
        self.last = Reply(0)
        self.last_lines: Sequence[bytes] = ()
        """The last reply, and as it came."""
        self.secrets: tuple[str, ...] = ()
        self.written = 0
        """Bytes of the last `write` that have gone out."""
        self.hear: Callable[[str], None] | None = None
        """Is told every line that is said, without secrets: ours after ">", the answers after "<"."""
        self.is_secret = False
        """Whether what we say now is for the server alone."""
        self._seconds = 0.0
        self._buffer = bytearray()
        self._known: dict[bytes, Reply] = {}
        """Replies of one line, understood: most of a server's are the same few."""
        self._agreements: set[bytes] = set()
        """Answers to a whole envelope, to the letter, each of which was a yes."""

    @property
    def channel(self) -> socket.socket:
        if self.sock is None:
            raise ConnectionError("not connected")
        return self.sock

    def be_patient(self, seconds: float) -> None:
        """`seconds` for each reply, and for each write, from now on."""
        self._seconds = seconds

    def is_quiet(self) -> bool:
        """Whether the server has said nothing that was not read yet: no answer, no farewell, no end of the stream."""
        if self._buffer:
            return False
        try:
            self._buffer += self.channel.recv(_CHUNK)
        except _NOT_YET:
            return True
        except OSError:
            return False
        return False

    def has_answer(self) -> bool:
        """Whether an answer, or a part of one, has come that was not read yet. Never waits."""
        return not self.is_quiet() and bool(self._buffer)

    def write(self, data: bytes) -> None:
        finish(self.writing(data))

    def writing(self, data: bytes) -> Steps[None]:
        """All of `data`. When this raises, the server cannot have got more than `written` bytes of it."""
        if self.hear is not None:
            self._repeat(self.hear, data)
        view = memoryview(data)
        self.written, size = 0, len(view)
        channel = self.channel
        deadline = time.monotonic() + self._seconds
        while self.written < size:
            try:
                # Not sendall(): it does not tell how far it came.
                self.written += channel.send(view[self.written : self.written + _CHUNK])
            except _NOT_YET as problem:
                yield Wait(channel.fileno(), deadline, not isinstance(problem, ssl.SSLWantReadError))
            else:
                if self.written < size:
                    deadline = time.monotonic() + self._seconds

    def has_agreed(self) -> bool:
        """Whether all that has been read and not looked at is, to the letter, answers to an envelope that were a yes
        before; then they are taken as read. Never waits."""
        if not self._buffer or self.hear is not None or bytes(self._buffer) not in self._agreements:
            return False
        self._buffer.clear()
        return True

    def remember(self, agreement: bytes) -> None:
        """Takes up what a server says to an envelope when it agrees: most say the same to each."""
        if len(agreement) <= len(_ENVELOPE) * _LONGEST_KNOWN:
            if len(self._agreements) >= _MOST_KNOWN:
                self._agreements.clear()
            self._agreements.add(agreement)

    def read(self) -> Reply:
        return finish(self.reading())

    def reading(self) -> Steps[Reply]:
        """The next reply, whole and in time. Raises `OSError`, or `MalformedReplyError` for what is none."""
        # The time is the reply's, not each packet's: a server that sends byte by byte gets no more of it.
        deadline = time.monotonic() + self._seconds
        lines: list[bytes] = []
        room = MOST_REPLY_BYTES
        buffer = self._buffer
        while not lines or lines[-1][3:4] == b"-":
            searched = 0
            while (end := buffer.find(b"\n", searched)) < 0:
                searched = len(buffer)
                if searched > room:
                    raise MalformedReplyError("a reply without end")
                try:
                    data = self.channel.recv(_CHUNK)
                except _NOT_YET as problem:
                    yield Wait(self.channel.fileno(), deadline, isinstance(problem, ssl.SSLWantWriteError))
                    continue
                if not data:
                    raise ConnectionResetError("the server closed it")
                buffer += data
                # A line that is whole counts, however late: it may be this machine that stood still, not the server.
                if time.monotonic() >= deadline and b"\n" not in data:
                    raise TimeoutError
            lines.append(bytes(buffer[: end + 1]))
            del buffer[: end + 1]
            room -= len(lines[-1])
            if len(lines) > MOST_REPLY_LINES:
                raise MalformedReplyError("a reply without end")
        reply = self._known.get(lines[0]) if len(lines) == 1 else None
        if reply is None:
            reply = self._understood(lines)
        self.last, self.last_lines = reply, lines
        if self.hear is not None:
            for at, line in enumerate(reply.lines, 1):
                self.hear(f"< {reply.code}{' ' if at == len(reply.lines) else '-'}{line}")
        return reply

    def send(self, s: "ReadableBuffer | str") -> None:
        """For what smtplib says itself: EHLO and HELO."""
        self.write(s.encode("ascii") if isinstance(s, str) else bytes(s))

    def _repeat(self, hear: Callable[[str], None], data: bytes) -> None:
        words = data.decode("utf-8", "replace").rstrip("\r\n")
        if self.is_secret:
            # Of a login the mechanism is all that anybody else may know: a digest of the password is a secret too.
            named = words.split(" ")[:2] if words.startswith("AUTH ") else []
            words = " ".join(named) if words == " ".join(named) else " ".join([*named, "***"])
        hear(f"> {words}")

    def keep_secret(self, secrets: tuple[str, ...]) -> None:
        """Blanks these wherever the server says them, from now on."""
        self.secrets = secrets
        self._known.clear()

    def _understood(self, lines: list[bytes]) -> Reply:
        reply = parse_reply(lines)
        if any(secret in line for line in reply.lines for secret in self.secrets):
            reply = Reply(reply.code, tuple(self._without_secrets(line) for line in reply.lines))
        elif len(lines) == 1 and len(lines[0]) < _LONGEST_KNOWN:
            if len(self._known) >= _MOST_KNOWN:
                self._known.clear()
            self._known[lines[0]] = reply
        return reply

    def _without_secrets(self, line: str) -> str:
        for secret in self.secrets:
            line = line.replace(secret, "***")
        return line

    def ask(self, line: bytes) -> Reply:
        """One command, one answer, nothing after it.

        What follows the answer to STARTTLS in the clear was put there by somebody in between (CVE-2011-0411).
        """
        self.write(line + b"\r\n")
        return self.only_reply()

    def only_reply(self) -> Reply:
        """A reply with nothing after it."""
        reply = self.read()
        if self._buffer:
            raise MalformedReplyError("more than one answer to one command")
        return reply

    def getreply(self) -> tuple[int, bytes]:
        """For what smtplib asks itself: EHLO and HELO."""
        reply = self.only_reply()
        return reply.code, "\n".join(reply.lines).encode()


@final
class Connection:
    """A session with an account's server that opens itself again when the server hangs up between two messages.

    One thread uses it at a time, and one may use many in turn, step by step. Only `abort` may be called from another.
    `timeout`, in seconds, is the patience with any one reply, instead of `PATIENCE`. Stopping between two messages is
    the caller's affair: nothing here looks at signals.
    """

    def __init__(
        self,
        account: Account,
        credential: Credential | None,
        *,
        sender: str,
        timeout: float | None = None,
        hear: Callable[[str], None] | None = None,
    ) -> None:
        """`sender` is the envelope's: bounces go there. Raises `AccountError` where it cannot be one.

        Where `credential` is a bearer of tokens the session is renewed before the token that opened it expires. `hear`
        is told every line that is said, secrets blanked.
        """
        if timeout is not None and timeout <= 0:
            raise ValueError("a time-out is more than 0 seconds")
        if not sender or _UNSAFE_IN_PATH.search(sender):
            raise AccountError(f"{sender!r} is no address to send from.", hint="See `from` of the account.")
        self.account = account
        self.sender = sender
        self._credential = credential
        self._timeout = timeout
        self._context: ssl.SSLContext | None = None
        self._client: _Client | None = None
        self._stage: Stage = "connect"
        self._is_used = False
        self._must_reset = False
        self._is_aborted = False
        self._ahead: Cleared | None = None
        """Whose envelope has been said, and not been answered yet."""
        self._takes_ahead = True
        self._is_cautious = False
        self._conversation: list[str] = []
        self._hear = hear

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def conversation(self) -> tuple[str, ...]:
        """How the session was opened, a line for each step, without secrets. Replies in it are the server's words."""
        return tuple(self._conversation)

    def open(self) -> None:
        """Connects, secures the channel and logs in, once. Raises `AccountError` in one sentence."""
        if self._client is not None:
            return
        self._conversation = []
        self._stage = "connect"
        try:
            self._connect()
        except AccountError:
            self._drop()
            raise
        except (OSError, MalformedReplyError) as problem:
            error = self._in_one_sentence(problem)
            self._drop()
        except BaseException:
            self._drop()
            raise
        else:
            return
        # Raised out here so that no frame that held the password stays chained to it.
        raise error

    def close(self) -> None:
        """Says QUIT if there is anybody to say it to, and closes. Never raises for what the server does."""
        client = self._client
        if client is not None and not self._is_aborted and self._ahead is None:
            with contextlib.suppress(OSError, MalformedReplyError):
                self._begin(client, "quit")
                reply = client.ask(b"QUIT")
                self._conversation.append(f"closed: {reply.text}")
        self._drop()

    def abort(self) -> None:
        """From any thread: breaks the conversation off at once, and for good.

        Whoever waits in `deliver` gets the fault that is true: `unsent` before the final dot, `unknown` after it.
        """
        self._is_aborted = True
        client = self._client
        sock = client.sock if client is not None else None
        if sock is not None:
            with contextlib.suppress(OSError):
                # Not sock.shutdown(): on a TLS socket that takes the encryption off first, and a write that is under
                # way in the other thread would go on in the clear.
                socket.socket.shutdown(sock, socket.SHUT_RDWR)

    @property
    def offers_smtputf8(self) -> bool:
        """Whether the server of the open session takes addresses beyond ASCII (RFC 6531)."""
        return self._client is not None and "smtputf8" in self._client.esmtp_features

    def deliver(self, message: Cleared, *, on_body: Callable[[], Cleared | None] | None = None) -> Receipt | Fault:
        """Hands one cleared message to the server, for its one recipient, byte for byte, and says what became of it.

        `on_body` is called once, after the server has agreed to take the message and before the first byte of it
        leaves; what it raises ends the attempt (nothing was sent) and is raised again. It may return the message that
        will be delivered next: its envelope then goes out behind this one's dot where the server allows, and is
        answered in the same round trip. If another one is delivered instead, or none, the session is ended first.
        Raises `TypeError` for anything that is not `Cleared`, `ValueError` where bytes or recipient cannot be spoken in
        SMTP without meaning something else. When any other exception leaves this method, the outcome is `unknown` if
        `on_body` had been called.
        """
        return finish(self.delivering(message, on_body=lambda: _at_once(on_body)))

    def delivering(self, message: Cleared, *, on_body: Callable[[], Steps[Cleared | None]]) -> Steps[Receipt | Fault]:
        """`deliver`, step by step: for who holds several conversations in one thread. `on_body` may take steps too."""
        if self._ahead is None or message is not self._ahead:
            _check(message)
        try:
            result = yield from self._deliver(message, on_body)
        except BaseException:
            self._drop()
            raise
        return result

    def is_answered(self) -> bool:
        """Whether the envelope that went ahead has been answered already, at least in part. Never waits."""
        return self._ahead is not None and self._client is not None and self._client.has_answer()

    def leave(self) -> None:
        """Takes back the envelope that went ahead, if there is one: its message is not to go out now."""
        if self._ahead is not None:
            self._drop()

    def _deliver(self, message: Cleared, on_body: Callable[[], Steps[Cleared | None]]) -> Steps[Receipt | Fault]:
        client: _Client | Fault
        if self._client is not None and (self._ahead is message or self._is_at_rest(self._client)):
            client = self._client
        else:
            client = yield Aside(partial(self._ready, message))
        if isinstance(client, Fault):
            return client
        is_stale, was_ahead = self._is_used, self._ahead is not None
        result = yield from self._transact(client, message, on_body)
        if self._is_aborted or not isinstance(result, Fault) or result.stage != "mail":
            return result
        hung_up = is_stale and result.scope == "connection"
        if (was_ahead and self._is_out_of_step(result)) or hung_up:
            # It was about to hang up since the last message (a limit per connection, an idle time-out); this one had
            # not begun.
            client = yield Aside(partial(self._ready, message))
            result = client if isinstance(client, Fault) else (yield from self._transact(client, message, on_body))
        return result

    def _is_out_of_step(self, fault: Fault) -> bool:
        """Whether the server may have meant how the envelope came, and not the envelope: then it is said once more, by
        itself, on another connection, and never ahead again."""
        if fault.pause or _OUT_OF_STEP.search(fault.reply) is None:
            return False
        self._takes_ahead = False
        self._drop()
        return True

    def try_sender(self) -> None:
        """Names the sender to the server and takes it back; raises `AccountError` where it may not send from there.

        Whether a server wants a login at all is learned no earlier.
        """
        client = self._client
        if client is None:
            raise AccountError(f"{self._where}: there is no session.")
        try:
            self._begin(client, "mail")
            reply = client.ask(f"MAIL FROM:<{self.sender}>".encode())
            self._must_reset = True
            self._expect(reply)
        except (OSError, MalformedReplyError) as problem:
            error = self._in_one_sentence(problem)
            self._drop()
            raise error from None
        self._conversation.append(f"sender: {self.sender}: {reply.text}")
        if not self._reset(client):
            self._drop()

    # --- the session ---------------------------------------------------------------------------------------------

    def _is_at_rest(self, client: _Client) -> bool:
        """Whether the session waits for a message, and there is nothing else to do first."""
        return self._ahead is None and not self._must_reset and not self._is_spent and client.is_quiet()

    def _ready(self, message: Cleared) -> _Client | Fault:
        """A session on which nothing of another message is left, or why there is none."""
        client = self._client
        if client is not None and self._ahead is message:
            return client
        self.leave()
        if self._is_spent:
            self.close()
        client = self._client
        if client is not None and (self._must_reset or not client.is_quiet()) and not self._reset(client):
            self._drop()
        if self._client is None:
            try:
                self.open()
            except NotOpenError as problem:
                return problem.fault
            except AccountError as problem:
                return Fault("unsent", "account", problem.message, "connect", hint=problem.hint)
        if self._client is None:
            return lost("connect", "the connection was closed")
        return self._client

    def _reset(self, client: _Client) -> bool:
        """Whether the server has confirmed that it forgot the last envelope."""
        if not self._must_reset or not client.is_quiet():
            return False
        try:
            self._begin(client, "reset")
            self._must_reset = client.ask(b"RSET").code != 250
        except (OSError, MalformedReplyError):
            return False
        return not self._must_reset

    def _begin(self, client: _Client, stage: Stage) -> None:
        self._stage = stage
        # An abort that came while the socket was being put into TLS has shut nothing down.
        if self._is_aborted:
            raise ConnectionAbortedError("it was broken off")
        client.be_patient(self._patience(stage))

    def _patience(self, stage: Stage) -> float:
        if self._timeout is None:
            return PATIENCE[stage]
        return min(self._timeout, PATIENCE["quit"]) if stage == "quit" else self._timeout

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()
        self._ahead = None
        self._is_used = self._must_reset = False

    def _connect(self) -> None:
        account = self.account
        secret = self._needed_secret()
        context = self._tls_context() if account.security != "none" else None
        if self._is_aborted:
            raise ConnectionAbortedError("it was broken off")
        sock = socket.create_connection((account.host, account.port), timeout=self._patience("connect"))
        self._client = client = _Client(sock)
        client.hear = self._hear
        peer = str(sock.getpeername()[0])
        if context is None and not is_loopback(peer.partition("%")[0]):
            # "localhost" is what a file on this machine says it is.
            self._give_up(f"{account.host} is {peer}, which is not this machine; mail there would travel unencrypted.")
        self._begin(client, "greeting")
        # Commands are small, and each waits for its answer: Nagle's algorithm would only add the peer's delayed ACK.
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._conversation.append(f"connected: {account.host} port {account.port} ({peer})")
        if account.security == "tls" and context is not None:
            self._encrypt(client, context)
            self._begin(client, "greeting")
        greeting = client.only_reply()
        self._expect(greeting)
        self._conversation.append(f"greeting: {greeting.text}")
        self._hello(client)
        if account.security == "starttls" and context is not None:
            self._start_tls(client, context)
        if secret is not None:
            self._log_in(client, secret)

    def _needed_secret(self) -> Secret | None:
        account, credential = self.account, self._credential
        if account.login == "none":
            return None
        if not credential:
            what = "sign-in" if account.login == "oauth" else "password"
            self._give_up(
                f"No {what} is known for account {account.name} ({account.username} at {account.host}).",
                hint=f"`invite-tui account login {account.name}` stores one.",
            )
        if isinstance(credential, Secret):
            return credential
        try:
            return credential.token()
        except UnreachableError as problem:
            fault = Fault("unsent", "connection", problem.message, "connect", hint=problem.hint)
            raise NotOpenError(problem.message, fault, hint=problem.hint) from None

    @property
    def _is_spent(self) -> bool:
        """Whether the token that opened the session is about to expire, and many a server ends the session with it."""
        if self._client is None or self._credential is None or isinstance(self._credential, Secret):
            return False
        return self._credential.is_due()

    def _tls_context(self) -> ssl.SSLContext:
        if self._context is None:
            self._context = client_context(self.account.ca)
        return self._context

    def _encrypt(self, client: _Client, context: ssl.SSLContext) -> None:
        """TLS on the client's socket: a certificate from a trusted authority, made out to the account's host."""
        # The handshake apart from the wrapping, so that abort() finds the socket that waits.
        channel = context.wrap_socket(client.channel, server_hostname=self.account.host, do_handshake_on_connect=False)
        client.sock = channel
        self._begin(client, "starttls")
        channel.settimeout(self._patience("starttls"))
        channel.do_handshake()
        channel.setblocking(False)
        cipher = channel.cipher()
        self._conversation.append(f"secure channel: {channel.version()}, {cipher[0] if cipher else 'no cipher'}")

    def _hello(self, client: _Client) -> None:
        self._begin(client, "ehlo")
        code, _ = client.ehlo()
        if 500 <= code < 600 and self.account.security != "starttls":
            client.helo()
        self._expect(client.last)
        offers = " ".join(client.last.lines[1:])
        self._conversation.append(f"offers: {offers}"[:500])

    def _start_tls(self, client: _Client, context: ssl.SSLContext) -> None:
        where = self._where
        if not client.has_extn("starttls"):
            self._give_up(
                f"{where} offers no STARTTLS, so there is no secure channel, and nothing was said to it.",
                hint="If the provider has a port for TLS (465 as a rule), use security tls. Else a network in between "
                "may be taking the offer away.",
            )
        self._begin(client, "starttls")
        self._expect(client.ask(b"STARTTLS"))
        self._encrypt(client, context)
        # What was offered in the clear counts for nothing (RFC 3207 §4.2).
        self._hello(client)

    def _log_in(self, client: _Client, secret: Secret) -> None:
        """One attempt with one mechanism: trying the others after a refusal is how accounts get locked."""
        account = self.account
        offered = client.esmtp_features.get("auth", "").upper().split()
        known = sasl.TOKENS if account.login == "oauth" else sasl.PASSWORDS
        mechanism = next((name for name in known if name in offered), None)
        self._begin(client, "auth")
        if mechanism is None:
            offer = " ".join(offered)[:100] or "none"
            self._give_up(
                f"{self._where} offers no login that this program knows (it offers: {offer}).",
                hint="Check host, port and security; a server on this machine may need no login.",
            )
        if not isinstance(client.sock, ssl.SSLSocket) and not is_loopback(account.host):
            self._give_up(f"The channel to {self._where} is not encrypted; no login is attempted.")
        username = account.username or ""
        client.keep_secret(sasl.spellings(username, secret, account.host, account.port))
        client.is_secret = True
        reply = _authenticate(client, mechanism, account, secret)
        client.is_secret = False
        self._expect(reply)
        self._conversation.append(f"login: {username} by {mechanism}: {reply.text}")

    @property
    def _where(self) -> str:
        return f"{self.account.host} port {self.account.port}"

    def _expect(self, reply: Reply) -> None:
        """Raises unless `reply` is the yes of the current stage."""
        fault = judge(self._stage, reply)
        if fault is None:
            return
        hint = fault.hint
        match self._stage:
            case "auth" if fault.stop and self.account.login == "oauth":
                words = f"{self._where} refused the sign-in of {self.account.username}"
                hint = (
                    "Whoever signed in must be that user, and may have to be allowed to send by SMTP: docs/accounts.md "
                    f"says by whom. Then sign in again: `invite-tui account login {self.account.name}`."
                )
            case "auth" if fault.stop:
                words = f"{self._where} refused the login of {self.account.username}"
            case "auth":
                words = f"{self._where} cannot log {self.account.username} in now"
            case "mail":
                words = f"{self._where} takes no mail from {self.sender}"
            case "starttls":
                words = f"{self._where} refuses a secure channel"
            case _:
                words = f"{self._where} refuses the session"
        is_passing = fault.outcome == "deferred"
        raise NotOpenError(f"{words}: {fault.reply}", fault, hint=hint, is_passing=is_passing)

    def _give_up(self, message: str, *, hint: str | None = None) -> NoReturn:
        """For what no second attempt will change."""
        raise NotOpenError(message, Fault("unsent", "account", message, self._stage, hint=hint), hint=hint)

    def _in_one_sentence(self, problem: OSError | MalformedReplyError) -> AccountError:
        where, hint, is_final, is_passing = self._where, None, False, False
        match problem:
            case ssl.SSLCertVerificationError():
                is_final = True
                message, hint = distrusted(where, problem)
            case ssl.SSLError() if not isinstance(problem, ssl.SSLEOFError | ssl.SSLZeroReturnError):
                is_final = True
                message = f"No secure channel to {where}: {(problem.reason or 'TLS failed').replace('_', ' ').lower()}."
                hint = "Security tls and starttls are different ports, as a rule 465 and 587."
            case socket.gaierror():
                message = f"There is no address for the server name {self.account.host}."
                hint = "Check its spelling, and that this machine is online."
            case ConnectionRefusedError():
                message = f"{where} takes no connections."
                hint = "Check host and port, and that the server runs."
            case TimeoutError() if self._stage == "connect":
                message = f"{where} cannot be reached: no answer within {self._patience('connect'):g} seconds."
                hint = "Check host and port; many networks block port 25."
            case TimeoutError():
                message = f"{where} did not answer within {self._patience(self._stage):g} seconds ({self._stage})."
                if self._stage == "greeting" and self.account.security != "tls":
                    hint = "A port that is silent at first may want security tls."
            case MalformedReplyError():
                message = f"What answers at {where} does not speak SMTP: {problem}"
            case _:
                message = f"The connection to {where} broke off ({self._stage}): {problem.strerror or problem}."
                # Who is not reached at all is more often misspelled than away.
                is_passing = self._stage != "connect"
        fault = Fault("unsent", "account" if is_final else "connection", message, self._stage, hint=hint)
        return NotOpenError(message, fault, hint=hint, is_passing=is_passing)

    # --- one message ---------------------------------------------------------------------------------------------

    def _transact(
        self, client: _Client, message: Cleared, on_body: Callable[[], Steps[Cleared | None]]
    ) -> Steps[Receipt | Fault]:
        if self._ahead is message:
            self._ahead = None
            fault = yield from self._envelope(client, None)
        else:
            commands = self._commands(client, message)
            if isinstance(commands, Fault):
                return commands
            self._is_used = True
            fault = yield from self._envelope(client, commands)
        if fault is None and not client.is_quiet():
            # An answer too many would be taken for the answer to the dot.
            fault = lost("data", "the server spoke out of turn")
        if fault is not None:
            return self._failed(fault)
        following = yield from on_body()
        return (yield from self._body(client, message.raw, following))

    def _failed(self, fault: Fault) -> Fault:
        """Sees to it that nothing of this envelope is left for the next message."""
        self._is_cautious |= fault.stage == "dot"
        if fault.scope == "connection":
            self._drop()
        elif self._client is not None:
            # The next envelope is said already: only another connection is as good as a reset.
            self.leave()
            self._must_reset = self._client is not None
        return fault

    def _commands(self, client: _Client, message: Cleared) -> tuple[bytes, bytes, bytes] | Fault:
        """MAIL, RCPT and DATA with the extensions that the server offers, or why this message cannot be sent there."""
        raw, recipient = message.raw, message.recipient
        offers = client.esmtp_features
        mail, rcpt = f"MAIL FROM:<{self.sender}>", f"RCPT TO:<{recipient}>"
        if "size" in offers:
            limit = offers["size"].split()[0] if offers["size"].split() else ""
            if limit.isascii() and limit.isdigit() and 0 < int(limit[:18]) < len(raw):
                words = f"the message has {len(raw)} bytes, and the server takes {limit[:18]} at most"
                return Fault("refused", "message", words, "mail", alike=True)
            mail += f" SIZE={len(raw)}"
        is_ascii = recipient.isascii() and self.sender.isascii()
        if not raw.isascii() or not is_ascii:
            if "8bitmime" not in offers and not raw.isascii():
                return Fault("refused", "message", "the server takes 7-bit text only (no 8BITMIME)", "mail", alike=True)
            if not is_ascii or not _headers(raw).isascii():
                if "smtputf8" not in offers:
                    words = "the server takes ASCII addresses only (no SMTPUTF8)"
                    return Fault("refused", "message", words, "mail", alike=recipient.isascii())
                mail += " SMTPUTF8"
            if "8bitmime" in offers:
                mail += " BODY=8BITMIME"
        if "dsn" in offers:
            # RFC 3461. Headers are enough to know the message by, and a bounce that carries less shows less.
            mail += " RET=HDRS"
            found = _MESSAGE_ID.search(_headers(raw))
            identity = _xtext(found[1].decode("ascii")) if found else ""
            if 0 < len(identity) <= 100:
                mail += f" ENVID={identity}"
            rcpt += " NOTIFY=FAILURE,DELAY"
            if recipient.isascii():
                rcpt += f" ORCPT=rfc822;{_xtext(recipient)}"
        return f"{mail}\r\n".encode(), f"{rcpt}\r\n".encode(), b"DATA\r\n"

    def _envelope(self, client: _Client, commands: tuple[bytes, bytes, bytes] | None) -> Steps[Fault | None]:
        """Speaks the envelope (None: it went ahead); None when the server waits for the message.

        With PIPELINING (RFC 2920) in one write. DATA is then said before RCPT is answered, and a server may agree to it
        although it refused the recipient: the connection is closed rather than an empty message ended with a dot.
        """
        if commands is None and not self._is_aborted and client.has_agreed():
            self._stage = _ENVELOPE[-1]
            return None
        is_pipelined = client.has_extn("pipelining")
        first: Fault | None = None
        said = b""
        for at, stage in enumerate(_ENVELOPE):
            try:
                self._begin(client, stage)
                if commands is not None and not is_pipelined:
                    yield from client.writing(commands[at])
                elif commands is not None and stage == "mail":
                    yield from client.writing(b"".join(commands))
                reply = yield from client.reading()
            except (OSError, MalformedReplyError) as problem:
                self._drop()
                return first or judge(stage, self._why(problem))
            said += b"".join(client.last_lines)
            fault = judge(stage, reply)
            first = first or fault
            if reply.code == 421 or (stage == "data" and fault is None and first is not None):
                self._drop()
            if self._client is None or (first is not None and not is_pipelined):
                break
        if first is None and is_pipelined:
            client.remember(said)
        return first

    def _body(self, client: _Client, raw: bytes, following: Cleared | None) -> Steps[Receipt | Fault]:
        content = _on_the_wire(raw)
        ahead = self._said_ahead(client, following) if following is not None else ()
        client.written = 0
        try:
            self._begin(client, "body")
            yield from client.writing(b"".join((*content, *ahead)))
        except OSError as problem:
            is_whole = client.written >= sum(map(len, content))
            return (yield from self._broken_off(client, problem, is_whole=is_whole))
        if ahead:
            self._ahead = following
        try:
            self._begin(client, "dot")
            reply = yield from client.reading()
        except (OSError, MalformedReplyError) as problem:
            fault = judge("dot", self._why(problem))
        else:
            fault = judge("dot", reply)
            if fault is None:
                self._is_cautious = False
                return Receipt(reply.text)
            if reply.code == 421:
                self._drop()
        return self._failed(fault or lost("dot", "the connection was lost"))

    def _said_ahead(self, client: _Client, following: Cleared) -> Sequence[bytes]:
        """The next message's envelope, where it may go out behind this one's dot; else nothing.

        After a failure each message goes alone until the server takes one: another failure then costs a reset, and not
        a connection with its login.
        """
        _check(following)
        if not client.has_extn("pipelining") or not self._takes_ahead or self._is_cautious or self._is_spent:
            return ()
        commands = self._commands(client, following)
        return () if isinstance(commands, Fault) else commands

    def _broken_off(self, client: _Client, problem: OSError, *, is_whole: bool) -> Steps[Receipt | Fault]:
        """What became of a message whose write failed. Where the dot had gone out already, only a reply can tell."""
        stage: Stage = "dot" if is_whole else "body"
        words = yield from self._last_words(client)
        self._drop()
        if is_whole and words is not None and judge(stage, words) is None:
            return Receipt(words.text)
        return self._failed(judge(stage, words or self._why(problem)) or lost(stage, "the connection was lost"))

    def _why(self, problem: OSError | MalformedReplyError) -> BaseException:
        """What broke a conversation: `problem`, or this side."""
        return ConnectionAbortedError("it was broken off from this side") if self._is_aborted else problem

    def _last_words(self, client: _Client) -> Steps[Reply | None]:
        """What the server said before it hung up in the middle of a message, if it can still be heard."""
        try:
            client.be_patient(min(1.0, self._patience("body")))
            return (yield from client.reading())
        except (OSError, MalformedReplyError):
            return None


def probe(
    account: Account,
    credential: Credential | None,
    *,
    sender: str | None = None,
    timeout: float | None = None,
    hear: Callable[[str], None] | None = None,
) -> tuple[str, ...]:
    """Tries an account without sending anything: connects, logs in, names the sender if given, takes that back, quits.

    How it went, one line a step, secrets blanked; `hear` is told the whole conversation while it goes on, also of one
    that fails. Raises `AccountError` at the first step that fails.
    """
    sender = sender or account.sender
    connection = Connection(account, credential, sender=sender or "probe@invalid", timeout=timeout, hear=hear)
    with connection:
        if sender:
            connection.try_sender()
    return connection.conversation


def _at_once(on_body: Callable[[], Cleared | None] | None) -> Steps[Cleared | None]:
    """What needs no steps, as what may take some."""
    yield from ()
    return on_body() if on_body is not None else None


def _check(message: Cleared) -> None:
    """SMTP ends a line, a command and a message with line breaks: none may stand where it means nothing."""
    if not isinstance(message, Cleared):
        raise TypeError("only what the guard has cleared is delivered")
    raw = message.raw
    if not message.recipient or _UNSAFE_IN_PATH.search(message.recipient):
        raise ValueError("a recipient that would not stay one word in a command")
    if not _has_whole_breaks(raw):
        raise ValueError("a message with a bare carriage return or line feed, which servers end it at (SMTP smuggling)")


def _has_whole_breaks(raw: bytes) -> bool:
    """Whether every line break is CR LF, and there is no half of one. This takes half the time of counting them."""
    looked = io.IncrementalNewlineDecoder(None, translate=False)
    looked.decode(raw.decode("latin-1"), final=True)
    return looked.newlines in (None, "\r\n")


def _on_the_wire(raw: bytes) -> Sequence[bytes]:
    """`raw` with its dots doubled at the start of lines and the final dot (RFC 5321 §4.5.2); the rest untouched. In
    pieces, to be put together with what goes out behind them."""
    stuffed = raw.replace(b"\r\n.", b"\r\n..")
    end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
    return (b".", stuffed, end) if stuffed.startswith(b".") else (stuffed, end)


def _headers(raw: bytes) -> bytes:
    end = raw.find(b"\r\n\r\n")
    return raw if end < 0 else raw[: end + 2]


def _xtext(text: str) -> str:
    """RFC 3461 §4."""
    return _NOT_XTEXT.sub(lambda found: f"+{ord(found[0]):02X}", text)


def _b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode("ascii")


def _authenticate(client: _Client, mechanism: str, account: Account, secret: Secret) -> Reply:
    """The server's last word on the login: RFC 4954, and what the mechanisms say (`sasl`)."""
    username = account.username or ""
    if mechanism in ("PLAIN", *sasl.TOKENS):
        words = sasl.first_words(mechanism, username, secret, account.host, account.port)
        reply = client.ask(b"AUTH " + mechanism.encode() + b" " + base64.b64encode(words))
        if reply.code != 334 or mechanism == "PLAIN":
            return reply
        # A token that is refused is refused in two steps: why, and after our acknowledgement the no.
        why = sasl.refusal(_challenge(reply))
        reply = client.ask(base64.b64encode(sasl.acknowledgement(mechanism)))
        return Reply(reply.code, (*reply.lines, f"({why})")) if why else reply
    reply = client.ask(b"AUTH " + mechanism.encode())
    if mechanism == "LOGIN":
        for word in (Secret(username), secret):
            if reply.code != 334:
                return reply
            reply = client.ask(_b64(word.reveal()).encode())
        return reply
    if reply.code != 334:
        return reply
    answer = hmac.new(secret.reveal().encode(), _challenge(reply), "md5").hexdigest()  # RFC 2195
    return client.ask(_b64(f"{username} {answer}").encode())


def _challenge(reply: Reply) -> bytes:
    try:
        return base64.b64decode("".join(reply.lines), validate=True)
    except ValueError:
        raise MalformedReplyError("a challenge that is no base64") from None
