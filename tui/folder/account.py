"""With what an event folder's messages are sent: the account, its limits, and how long it takes."""

import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from tui import ledger as ledgers
from tui import settings
from tui.delivery import AccountStore, account_from_settings
from tui.delivery.pacing import DAY, Quota
from tui.delivery.providers import LOOPBACK, Provider, provider_of
from tui.errors import AccountError, LedgerError
from tui.folder.records import Recorded

if TYPE_CHECKING:
    from tui.delivery import Account, Connection, ImapLogin, Secret
    from tui.delivery.accounts import Credential
    from tui.delivery.timing import Forecast
    from tui.mailing import Pacing

_CLOCKS_DIFFER = timedelta(minutes=5)
"""Two clocks that differ by less are one clock that was put right."""


class WithAccount(Recorded):
    @cached_property
    def settings(self) -> settings.Settings:
        """What the environment says. AccountError where it makes no sense: that stops who sends, not who looks."""
        return settings.load([self.event_path.parent, Path.cwd()], self._environment)

    @cached_property
    def account_name(self) -> str:
        """The account that a send would use, "" where there is none and every send is a rehearsal."""
        named = self.choices.account or (self.event.sending.account if self.event else None)
        if named or self.settings.smtp:
            return named or "env"
        if self.settings.default_account:
            return self.settings.default_account
        stored = self._store.list()
        if len(stored) > 1:
            raise AccountError(
                "There are several accounts, and nothing says which one to use.",
                hint="Name one with --account, in [sending] of the event file, or in INVITE_TUI_ACCOUNT: "
                + ", ".join(account.name for account in stored),
            )
        return stored[0].name if stored else ""

    @property
    def account_names(self) -> Sequence[str]:
        """The account of a send, and all others among which workers divide it; none where every send is a rehearsal.

        Whoever names one in place of the event file's names all.
        """
        sending = self.event.sending if self.event and not self.choices.account else None
        also = sending.also if sending else self.choices.also
        return [name for name in dict.fromkeys((self.account_name, *also)) if name]

    @cached_property
    def account(self) -> "Account | None":
        """The account that a send would use, None where every send is a rehearsal. AccountError where it is unknown."""
        return self._login[0] if self.account_name else None

    @cached_property
    def _login(self) -> "tuple[Account, Secret | None]":
        if self.account_name == "env":
            if not self.settings.smtp:
                raise AccountError(
                    "There is no account “env”: INVITE_TUI_SMTP_HOST is not set.",
                    hint="Set it in the environment or in .env, or name a stored account.",
                )
            if self.settings.conflict:
                raise self.settings.conflict
            return account_from_settings(self.settings.smtp)
        account = self._store.get(self.account_name)
        return account, None

    @cached_property
    def _credential(self) -> "Credential | None":
        """What logs a stored account in, the same for every connection: they share its tokens."""
        return self._store.credential(self._login[0])

    @property
    def imap_login(self) -> "ImapLogin":
        """Where and how the account's answers are read. AccountError where nothing is known of that."""
        from tui.delivery import ImapLogin

        if self.account is None:
            raise AccountError(
                "There is no account whose mailbox could be read.",
                hint="Add one with `invite-tui account add NAME --imap-host HOST`, or set INVITE_TUI_IMAP_HOST beside "
                "INVITE_TUI_SMTP_HOST. Or read files: --mailbox PATH.",
            )
        return ImapLogin.of(self.account, self._login[1] or self._credential)

    @cached_property
    def _store(self) -> AccountStore:
        return AccountStore(self.settings.config_dir)

    @property
    def per_day(self) -> tuple[int | None, str]:
        """The messages that the account may send in 24 hours, None where there is no limit, and who says so."""
        said = self.settings.per_day if self.settings.per_day is not None else self._event.sending.per_day
        return (self.provider.per_day, self.provider.name) if said is None else (said or None, "what was set")

    @property
    def provider(self) -> Provider:
        """Whose mail server the account is at. AccountError where the account is unknown."""
        return provider_of(self.account.host, self.account.username) if self.account else LOOPBACK

    def pacing(self, patience: float = 0.0) -> "Pacing":
        from tui import mailing

        said, sending = self.settings, self._event.sending
        per_minute = said.per_minute if said.per_minute is not None else sending.per_minute
        return mailing.Pacing(
            connections=said.connections or sending.connections or 1,
            per_minute=self.provider.per_minute if per_minute is None else per_minute,
            retries=said.retries,
            backoff=said.backoff,
            patience=patience,
        )

    def forecast(self, count: int) -> "Forecast":
        """How long a send of so many messages would take from now, when it ends, and what of it is over a quota."""
        from tui.delivery.timing import forecast

        now = datetime.now(UTC)
        per_day, whose = self.per_day
        with ledgers.open_to_read(self.ledger_path) as ledger:
            sent = ledger.sent_since(self.account_name, now - timedelta(days=1)) if per_day else 0
            if per_day and ledger.quotas is not None:
                sent = max(sent, ledger.quotas.spent(self.account_name))
        return forecast(
            count,
            per_minute=self.pacing().per_minute,
            begins_at=now.astimezone(self.timezone),
            provider=whose,
            per_day=per_day,
            sent_lately=sent,
        )

    @contextmanager
    def _quota(self, ledger: "ledgers.Ledger") -> Iterator[Quota | None]:
        """What the account may send in any 24 hours, with what this ledger knows of, or all of a database that events
        share; None where there is no limit. For one run."""
        per_day, whose = self.per_day
        if not per_day:
            yield None
        elif ledger.quotas is not None:
            with closing(_SharedQuota(ledger.quotas, self.account_name, per_day, whose)) as quota:
                yield quota
        else:
            now = datetime.now(UTC)
            left = ledger.departures(self.account_name, now - timedelta(seconds=DAY), per_day)
            # By a clock that was set back since, some may be still to come.
            yield Quota(per_day, (max(0.0, (now - at).total_seconds()) for at in left), whose=whose)

    @property
    def cautions(self) -> tuple[str, ...]:
        """What the organiser should know before a send, a sentence each: the clock, the disk, the accounts."""
        return tuple(self._cautions())

    def _cautions(self) -> Iterator[str]:
        now = datetime.now(UTC)
        with ledgers.open_to_read(self.ledger_path) as ledger:
            newest = ledger.newest()
        if newest and newest > now + _CLOCKS_DIFFER:
            yield (
                f"This machine's clock says {now:%Y-%m-%d %H:%M} UTC, and the ledger already has an entry of"
                f" {newest:%Y-%m-%d %H:%M}: one of them is wrong. Set the clock right before you send."
            )
        if isinstance(self.ledger_path, Path) and ledgers.is_on_network(self.ledger_path):
            yield ledgers.ON_NETWORK.format(self.ledger_path.name)
        for name in self.account_names[1:]:
            if self.sender_of(name) is None:
                yield f"There is no account “{name}” here: a worker on another machine has to have it."
        allowed, asked = self.provider.connections, self.pacing().connections
        if allowed and asked > allowed:
            yield f"{asked} connections are set, and {self.provider.name} allows {allowed}: the others will be refused."

    @property
    def sender(self) -> str:
        """Who sends, for the mail servers: whoever cannot deliver a message says so to this address."""
        return self._sender_with(self._login[0])

    def sender_of(self, name: str) -> str | None:
        """The same of an account by its name; None where there is none of that name here."""
        here = [account for account in self._store.list() if account.name == name]
        if name == "env" and self.settings.smtp:
            here = [account_from_settings(self.settings.smtp)[0]]
        return self._sender_with(here[0]) if here else None

    def _sender_with(self, account: "Account") -> str:
        return account.sender or (self._event.message.sender or self._event.organizer).email

    def connection(self) -> "Connection":
        from tui.delivery import Connection

        account, secret = self._login
        return Connection(account, secret or self._credential, sender=self.sender, timeout=self.settings.timeout)


class _SharedQuota(Quota):
    """An account's quota over all events of a database: charged a few messages at a time, before they leave."""

    _FEW = 50

    def __init__(self, quotas: "ledgers.Quotas", account: str, per_day: int, whose: str) -> None:
        super().__init__(per_day, (), whose=whose)
        self._quotas, self._account = quotas, account
        self._charge: ledgers.Charge | None = None
        self._taken, self._full_until = 0, 0.0

    def wait(self) -> float:
        """LedgerError where that cannot be asked."""
        if self._charge is not None and self._taken < self._charge.room:
            return 0.0
        if (seconds := self._full_until - time.monotonic()) > 0:
            return seconds
        self._settle()
        self._charge, self._taken = self._quotas.charge(self._account, self.per_day, self._FEW), 0
        if not self._charge.room:
            self._full_until = time.monotonic() + self._charge.full_for
        return self._charge.full_for

    def take(self) -> None:
        self._taken += 1

    def give_back(self) -> None:
        self._taken -= 1

    def close(self) -> None:
        """What was charged and has not left is the account's again."""
        with suppress(LedgerError):  # it is for a day, where the database is gone
            self._settle()

    def _settle(self) -> None:
        if self._charge is not None:
            self._quotas.settle(self._charge.id, max(0, self._taken))
