"""Making a plan's messages, and letting them go: to the outbox, or through the account."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING

from tui.errors import AccountError
from tui.folder.approving import Approving
from tui.plan import Plan

if TYPE_CHECKING:
    from tui.delivery import Account
    from tui.mailing import Control, Mailing, Question, Settled, Waiting

Tell = Callable[[int, int], object]
"""Is told how many of how many are done."""

PREPARED_FOR = 600.0
"""Seconds for which messages that were made before a question may go out after it."""


class Sending(Approving):
    _prepared: "tuple[Plan, str, Mailing, float] | None" = None

    def prepare(
        self, intended: Plan, *, note: str = "", control: "Control | None" = None, tell: Tell | None = None
    ) -> "Mailing":
        """Every message of the plan, composed and cleared; InputError or LeakError where one cannot go.

        Those that `check` has looked at are the same to the letter, so that the guard need not judge them again: once,
        and only while their Date is not a thing of the past. `control` stops it, `tell` is told how far it is: see
        `mailing.prepare`.
        """
        from tui import mailing

        imprint, self._imprint = self._imprint, None
        if imprint is None or monotonic() - imprint.since >= PREPARED_FOR:
            imprint = mailing.Imprint()
        made = mailing.prepare(
            intended, self._composer, self._roll, note=note, imprint=imprint, control=control, tell=tell
        )
        self._prepared = (intended, note, made, imprint.since)
        return made

    def _prepared_lately(self, intended: Plan, note: str) -> "Mailing | None":
        """What was prepared of this very plan before the organiser was asked: once, because its Message-IDs are, and
        only while its Date is not a thing of the past."""
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared[0] is not intended or prepared[1] != note:
            return None
        return prepared[2] if monotonic() - prepared[3] < PREPARED_FOR else None

    def rehearse(
        self,
        intended: Plan,
        *,
        note: str = "",
        outbox: Path | None = None,
        control: "Control | None" = None,
        tell: Tell | None = None,
    ) -> "Iterator[Settled]":
        """Writes the plan's messages to the outbox, as they would be sent."""
        from tui import mailing

        return mailing.rehearse(
            self.prepare(intended, note=note, control=control, tell=tell), outbox or self.outbox, control
        )

    def send(
        self,
        intended: Plan,
        *,
        control: "Control",
        command: str = "send",
        note: str = "",
        patience: float = 0.0,
        canary: int = 0,
        tell: Tell | None = None,
    ) -> "Iterator[Settled | Waiting | Question]":
        """Sends the plan through the account; blocking, to the end. `patience` and `canary`: see `mailing.Pacing`.

        ConfirmationError where the event file asks for two people, and this one is alone with it.
        """
        from tui import mailing

        account, prepared = self.ready(intended, control=control, note=note, tell=tell)
        pacing = replace(self.pacing(patience), canary=canary)
        with self.ledger_to_send() as ledger, self._quota(ledger) as quota:
            yield from mailing.send(
                prepared,
                ledger,
                self.connection,
                command=command,
                account=account.name,
                pacing=pacing,
                control=control,
                quota=quota,
            )

    def ready(
        self, intended: Plan, *, control: "Control", note: str = "", tell: Tell | None = None
    ) -> "tuple[Account, Mailing]":
        """The account and the plan's messages, composed and cleared, where nothing is in the way of sending them.

        AccountError where there is no account; ConfirmationError where the event file asks for two people, and this one
        is alone with it.
        """
        if self.unsaved:
            raise self.unsaved
        if self.account is None:
            raise AccountError("There is no account to send with.", hint="Add one with `invite-tui account add NAME`.")
        approval = self.approval(intended, note=note)
        if approval.refusal:
            raise approval.refusal
        prepared = self._prepared_lately(intended, note)
        prepared = prepared or self.prepare(intended, note=note, control=control, tell=tell)
        self._prepared = None
        prepared = replace(
            prepared,
            digest=approval.digest,
            keeps=self._event.sending.keep,
            decisions=replace(prepared.decisions, confirmed_by=approval.confirmed_by, proposed_by=approval.proposed_by),
        )
        return self.account, prepared
