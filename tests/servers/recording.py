"""An SMTP server that records what reaches it, and misbehaves where it is told to."""

import asyncio
import functools
import itertools
import re
import threading
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, AnyStr, Literal, Self

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

from tests.servers.authority import Authority

Stage = Literal["CONNECT", "EHLO", "STARTTLS", "AUTH", "MAIL", "RCPT", "DATA", "BODY", "DOT", "STORED"]
"""Where a server can misbehave. CONNECT is instead of the greeting, a verb instead of the reply to it, BODY right after
354, DOT instead of storing the message, STORED after storing it but instead of saying so."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message that the server took: `data` is what came before the dot, unstuffed, with its CRLFs."""

    mail_from: str
    rcpt_tos: tuple[str, ...]
    data: bytes
    options: tuple[str, ...]
    user: str | None
    tls: bool
    connection: int


@dataclass(slots=True)
class _Rule:
    stage: Stage
    reply: str | None
    then: Literal["go on", "drop", "hang"]
    to: str | None
    after: int
    times: int | None


class RecordingServer:
    """aiosmtpd on 127.0.0.1, in a thread: `with RecordingServer(authority) as server: ...`.

    By default it is what an organiser's server is: STARTTLS, a login required, PIPELINING and SMTPUTF8 offered.
    """

    host = "127.0.0.1"

    def __init__(
        self,
        authority: Authority,
        *,
        security: Literal["starttls", "tls", "none"] = "starttls",
        names: tuple[str, ...] = ("localhost", "127.0.0.1"),
        login: tuple[str, str] | None = ("organiser", "correct horse"),
        mechanisms: tuple[str, ...] = ("PLAIN", "LOGIN"),
        pipelining: bool = True,
        smtputf8: bool = True,
        size: int | None = 32 * 1024 * 1024,
    ) -> None:
        self.ca = authority.pem
        self.security = security
        self.username, self.password = login or ("", "")
        self.messages: list[Message] = []
        """What was stored, in order."""
        self.transcript: list[tuple[int, str]] = []
        """Every command line as it came, with the number of its connection (an answer to a challenge is no command)."""
        self.connections = 0
        """How many were made so far."""
        self.is_silent = threading.Event()
        """Set once it has fallen silent, as it was told to `hang`."""
        self._rules: list[_Rule] = []
        self._context = authority.server_context(*names)
        self._login_required = login is not None
        self._excluded = [name for name in ("PLAIN", "LOGIN") if name not in mechanisms]
        self._extensions = ["PIPELINING", "ENHANCEDSTATUSCODES"] if pipelining else ["ENHANCEDSTATUSCODES"]
        self._smtputf8 = smtputf8
        self._size = size
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="smtp server", daemon=True)
        self._numbers = itertools.count(1)
        self._transports: list[asyncio.WriteTransport] = []
        self.port = 0

    # What a test says before it connects. `to` limits a rule to one recipient (from RCPT on), `after` lets so many
    # through first, `times` is how often it holds (None: always). The first rule that matches wins.

    def say(
        self,
        stage: Stage,
        reply: str,
        *,
        close: bool = False,
        to: str | None = None,
        after: int = 0,
        times: int | None = None,
    ) -> None:
        """Answer `reply` ("550 5.1.1 No such user") at `stage` instead of going on; with `close` hang up after it."""
        self._rules.append(_Rule(stage, reply, "drop" if close else "go on", to, after, times))

    def drop(self, stage: Stage, *, to: str | None = None, after: int = 0, times: int | None = None) -> None:
        """Reset the connection at `stage`, without a word."""
        self._rules.append(_Rule(stage, None, "drop", to, after, times))

    def hang(self, stage: Stage, *, to: str | None = None, after: int = 0, times: int | None = None) -> None:
        """Fall silent at `stage` until the client goes away."""
        self._rules.append(_Rule(stage, None, "hang", to, after, times))

    def behave(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def verbs(self, connection: int | None = None) -> list[str]:
        """The commands that came, without their arguments, of one connection or of all."""
        return [line.split(" ", 1)[0] for number, line in self.transcript if connection in (None, number)]

    def __enter__(self) -> Self:
        self._thread.start()
        context = self._context if self.security == "tls" else None
        self._listener = asyncio.run_coroutine_threadsafe(
            self._loop.create_server(lambda: _Connection(self), self.host, 0, ssl=context), self._loop
        ).result(10)
        self.port = self._listener.sockets[0].getsockname()[1]
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        asyncio.run_coroutine_threadsafe(self._stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()

    async def _stop(self) -> None:
        self._listener.close()
        for transport in self._transports:
            if not transport.is_closing():
                transport.abort()
        tasks = asyncio.all_tasks() - {asyncio.current_task()}
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _rule(self, stage: Stage, recipients: list[str]) -> _Rule | None:
        for rule in self._rules:
            if rule.stage != stage or (rule.to is not None and rule.to not in recipients) or rule.times == 0:
                continue
            if rule.after:
                rule.after -= 1
                continue
            if rule.times is not None:
                rule.times -= 1
            return rule
        return None


class _Connection(SMTP):
    """One client. Every command passes `_serve`, every reply `push`."""

    def __init__(self, server: RecordingServer) -> None:
        self._server = server
        super().__init__(
            self,
            hostname="mail.test",
            ident="ESMTP",
            data_size_limit=server._size,
            enable_SMTPUTF8=server._smtputf8,
            tls_context=server._context if server.security == "starttls" else None,
            auth_required=server._login_required,
            auth_exclude_mechanism=server._excluded,
            authenticator=self._authenticate_user,
            loop=server._loop,
        )
        # Implicit TLS is a channel that aiosmtpd does not know of, and a test may ask for none at all. As an argument
        # this would be a warning for every connection.
        self._auth_require_tls = server.security == "starttls"
        self._smtp_methods = {
            verb: functools.partial(self._serve, verb, method) for verb, method in self._smtp_methods.items()
        }
        self._greeted = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if self.transport is None:
            self._number = next(self._server._numbers)
            self._server.connections = self._number
            assert isinstance(transport, asyncio.WriteTransport)
            self._server._transports.append(transport)
        super().connection_made(transport)

    async def push(self, status: AnyStr) -> None:
        if not self._greeted:
            self._greeted = True
            if await self._misbehaved("CONNECT"):
                return
        await super().push(status)
        if str(status).startswith("354"):
            await self._misbehaved("BODY")

    async def _serve(self, verb: Any, method: Callable[[str | None], Awaitable[None]], arg: str | None) -> None:
        self._server.transcript.append((self._number, verb if arg is None else f"{verb} {arg}"))
        to = re.match(r"TO:\s*<([^>]*)>", arg or "", re.IGNORECASE) if verb == "RCPT" else None
        if not await self._misbehaved(verb, [to[1]] if to else None):
            await method(arg)

    async def handle_exception(self, error: Exception) -> str:
        return f"451 4.3.0 This server has a bug: {error!r}"

    async def handle_EHLO(  # noqa: N802 - aiosmtpd looks for this name
        self, server: SMTP, session: Session, envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        return [replies[0], *(f"250-{extension}" for extension in self._server._extensions), *replies[1:]]

    async def handle_DATA(  # noqa: N802 - likewise
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if refusal := await self._misbehaved("DOT", reply_later=True):
            return refusal
        assert isinstance(envelope.content, bytes)
        self._server.messages.append(
            Message(
                mail_from=envelope.mail_from or "",
                rcpt_tos=tuple(envelope.rcpt_tos),
                data=envelope.content,
                options=tuple(envelope.mail_options),
                user=session.auth_data if session.authenticated else None,
                tls=session.ssl is not None or self._server.security == "tls",
                connection=self._number,
            )
        )
        return (
            await self._misbehaved("STORED", reply_later=True)
            or f"250 2.0.0 Ok: queued as {len(self._server.messages)}"
        )

    def _authenticate_user(
        self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: LoginPassword
    ) -> AuthResult:
        if (data.login.decode(), data.password.decode()) == (self._server.username, self._server.password):
            return AuthResult(success=True, auth_data=self._server.username)
        return AuthResult(success=False, handled=False)

    async def _misbehaved(
        self, stage: Stage, recipients: list[str] | None = None, *, reply_later: bool = False
    ) -> str | None:
        """Do what the rule for this stage says; the reply that was given, or is to be given, in its place."""
        if recipients is None:
            recipients = self.envelope.rcpt_tos if self.envelope else []
        rule = self._server._rule(stage, recipients)
        if rule is None:
            return None
        if rule.reply is not None and not (reply_later and rule.then == "go on"):
            await super().push(rule.reply)
        if rule.then == "drop":
            assert isinstance(self.transport, asyncio.WriteTransport)
            # A reply must arrive before the end does; without one, the reset is the point.
            self.transport.close() if rule.reply else self.transport.abort()
        if rule.then == "hang":
            self._server.is_silent.set()
        if rule.then != "go on":
            await asyncio.Event().wait()  # aiosmtpd cancels this task when the connection is gone
        return rule.reply
