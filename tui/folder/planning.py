"""What a send would do, from the folder as it is."""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from tui import ledger as ledgers
from tui import plan
from tui.attendees import Attendee
from tui.errors import AccountError
from tui.folder.findings import Checked
from tui.ledger import Person
from tui.plan import Amendment, Plan


class Planning(Checked):
    def plan(self, *, only: Sequence[str] = (), skip_errors: bool = False) -> Plan:
        """What a send would do. InputError where an error is in the way; with `skip_errors` its row is left out."""
        if refusal := self.refusal(skip_errors=skip_errors):
            raise refusal
        people, off = self._standing()
        made = plan.make(
            *(self._event, self.attendees.records, people, self._sealed()),
            off=off,
            wordings=self._wording_digests,
            left_out=self._faulty_rows,
            forgotten=self.left_out(),
        )
        return made.only(only) if only else made

    def plan_reminder(
        self, *, only: Sequence[str] = (), skip_errors: bool = False, left_alone: Mapping[str, str] | None = None
    ) -> Plan:
        """A reminder to those of whom no reply has been seen. `left_alone`: see `plan.make_reminder`."""
        if refusal := self.refusal(skip_errors=skip_errors):
            raise refusal
        records = [one for one in self.attendees.records if not self._has_error(one)]
        people, off = self._standing()
        made = plan.make_reminder(
            *(self._event, records, people, self._sealed()),
            now=datetime.now(UTC),
            off=off,
            left_alone=left_alone or {},
        )
        return made.only(only) if only else made

    def plan_for(self, records: Sequence[Attendee], people: Mapping[str, Person]) -> Plan:
        """What a send would do for these alone, of whom the ledger holds `people`: to look at, not to be approved."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            off, left_out = ledger.called_off(), ledger.left_out()
        return plan.make(self._event, records, people, off=off, wordings=self._wording_digests, forgotten=left_out)

    def plan_resend(self, addresses: Sequence[str], amendment: Amendment | None = None) -> Plan:
        """The current version again, to these people alone; with what is corrected of one of them."""
        return plan.make_resend(
            *(self._event, self._listed(), self.people(), addresses, self._sealed()),
            amendment=amendment,
            wordings=self._wording_digests,
            forgotten=self.left_out(),
        )

    def plan_cancel(self, addresses: Sequence[str] | None) -> Plan:
        """These people's invitations taken back; with None everybody's."""
        return plan.make_cancel(
            *(self._event, self._listed(), self.people(), addresses, self._sealed()), forgotten=self.left_out()
        )

    def _listed(self) -> Mapping[str, Attendee]:
        return {record.key: record for record in self.attendees.records if not record.has_error}

    def _sealed(self) -> list[str]:
        """What the plan's digest covers beside the event and the attendees (contract §3).

        LedgerError where messages went out and the ledger does not know of them: no plan would be true.
        """
        self.must_have_ledger()
        with ledgers.open_to_read(self.ledger_path) as ledger:
            position = ledger.position()
        folder = self.event_path.parent.resolve()
        inside = (path for path in self._attachments() if path.resolve().is_relative_to(folder))
        files = [hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else "" for path in inside]
        sources = [source for wording in self._wordings.values() for source in wording.sources]
        try:
            account = ", ".join(self.account_names)
        except AccountError:
            account = ""  # nothing can be sent before it is said; a rehearsal needs none
        return [account, position, *sources, *files]
