"""Two people for one plan: who proposes it, and who may send it."""

from collections.abc import Sequence

from tui import ledger as ledgers
from tui.folder.planning import Planning
from tui.ledger import Proposal
from tui.plan import Plan
from tui.plan.approval import Approval, approval_of


class Approving(Planning):
    @property
    def needs_two(self) -> bool:
        """Whether nothing is sent that one person has not proposed and another approved."""
        return self._event.sending.two_people

    def proposals(self) -> Sequence[Proposal]:
        """Every plan that was proposed, oldest first, whatever became of it."""
        with ledgers.open_to_read(self.ledger_path) as ledger:
            return ledger.proposals()

    def open_proposals(self) -> Sequence[Proposal]:
        """Those that may still be approved: whatever was sent since has made another plan of every earlier one."""
        with self.chronicle() as chronicle:
            runs = [*chronicle.runs.values()]
        last, sent = max((run.started_at for run in runs), default=""), {run.digest for run in runs}
        return [one for one in self.proposals() if one.at >= last and one.digest not in sent]

    def propose(self, intended: Plan, command: str, *, note: str = "") -> Proposal:
        """Records that this person wants another to approve the plan. BusyError while a run holds the ledger."""
        digest, who = intended.digest_with(note), self.settings.who
        if self.unsaved:
            raise self.unsaved
        with self.ledger_to_write() as ledger:
            ledger.propose(digest, command, len(intended.to_send), who)
            return next(one for one in ledger.proposals() if (one.digest, one.name) == (digest, who))

    def approval(self, intended: Plan, *, note: str = "") -> Approval:
        """Who stands behind the plan, if this person sends it."""
        digest = intended.digest_with(note)
        return approval_of(digest, self.proposals(), self.settings.who, is_needed=self.needs_two)
