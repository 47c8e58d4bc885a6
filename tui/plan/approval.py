"""A second pair of eyes: a plan that one person has proposed is sent by another.

It keeps people from mistakes, not from each other: a name is what somebody's own computer says.
"""

import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

from tui.clean import one_line
from tui.errors import ConfirmationError
from tui.ledger import Proposal


@dataclass(frozen=True, slots=True)
class Approval:
    """Who stands behind a plan when `confirmed_by` sends it: `proposed_by` is somebody else, "" where nobody else has
    looked at it. `is_own`: it was they who proposed it. `is_needed`: nothing is sent by one person alone."""

    digest: str
    confirmed_by: str
    proposed_by: str
    is_own: bool
    is_needed: bool

    @property
    def refusal(self) -> ConfirmationError | None:
        """Why this person may not send it."""
        if not self.is_needed or self.proposed_by:
            return None
        if self.is_own:
            return ConfirmationError(
                f"You ({self.confirmed_by}) have proposed this plan yourself, and the event file asks for two people; "
                "nothing was sent.",
                hint=f"Somebody else sends it: the same command with --approve {self.digest}, or s in the app.",
                code="two-people",
            )
        return ConfirmationError(
            "The event file asks for two people ([sending] two_people), and nobody else has proposed this plan; "
            "nothing was sent.",
            hint="One proposes it: `invite-tui plan ATTENDEES.csv --propose`, `resend` and `cancel` with --propose, or "
            "s in the app. Another sends it with --approve DIGEST, or s in the app.",
            code="two-people",
        )


def approval_of(digest: str, proposals: Sequence[Proposal], who: str, *, is_needed: bool) -> Approval:
    """Of the plan with this digest, when `who` sends it."""
    names = [one.name for one in proposals if one.digest == digest]
    others = [name for name in names if not is_same(name, who)]
    return Approval(digest, who, others[0] if others else "", bool(names) and not others, is_needed)


def is_same(one: str, other: str) -> bool:
    """Whether two names are one person's: case, width and white space say nothing."""
    return _folded(one) == _folded(other)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFKC", one_line(name)).casefold()
