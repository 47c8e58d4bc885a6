"""Two people for one send, on the command line: one proposes a plan, the other approves it by its digest."""

import argparse

from tui.cli.output import say, tell
from tui.errors import ConfirmationError, UsageError
from tui.folder import Folder
from tui.plan import Plan


def must_fit_together(options: argparse.Namespace) -> None:
    """UsageError where more than one of --confirm, --approve and --propose is said."""
    said = [
        f"--{word}" for word in ("confirm", "approve", "propose") if getattr(options, word, None) not in (None, False)
    ]
    if getattr(options, "propose", False) and options.dry_run:
        said.append("--dry-run")
    if len(said) > 1:
        raise UsageError(f"{said[0]} and {said[1]} exclude each other.", hint="Use the one that you mean.")


def propose(folder: Folder, made: Plan, command: str, note: str = "") -> None:
    """Records the proposal, and tells how another approves it."""
    made_by = folder.propose(made, command, note=note)
    tell(f"Proposed by {made_by.name}: {made_by.messages} message(s). Nothing was sent.")
    tell(
        f"  Somebody else sends it, by the same command with --approve {made_by.digest}"
        + (" (`send` instead of `plan`)." if command == "send" else " instead of --propose.")
    )


def must_be_approved(options: argparse.Namespace, made: Plan) -> None:
    """ConfirmationError where --approve names another plan than this one."""
    if options.approve is not None and options.approve.strip().lower() != made.digest_with(
        getattr(options, "note", "")
    ):
        raise ConfirmationError(
            "The plan is no longer the one that was approved; nothing was sent.",
            hint="The event, the attendees, the wording or the ledger has changed. Run `plan` and approve it again.",
        )


def must_be_enough(options: argparse.Namespace, folder: Folder, made: Plan) -> None:
    """ConfirmationError where two people are asked for and this is one."""
    if not (folder.needs_two and made.to_send):
        return
    approval = folder.approval(made, note=getattr(options, "note", ""))
    if approval.refusal:
        raise approval.refusal
    if options.approve is None:
        raise ConfirmationError(
            "The event file asks for two people ([sending] two_people), so a number is not enough; nothing was sent.",
            hint=f"Look at the plan, and approve what {approval.proposed_by} has proposed: --approve {approval.digest}",
            code="two-people",
        )


def document(folder: Folder) -> dict[str, object]:
    """Every run with who stands behind it, and the plans that wait for somebody's approval, where two people act."""
    with folder.chronicle() as chronicle:
        runs = [*chronicle.runs.values()]
    asked = folder.event is not None and folder.needs_two
    if not (asked or folder.proposals() or any(run.proposed_by for run in runs)):
        return {}
    return {
        "runs": [
            {
                "run": run.id,
                "command": run.command,
                "account": run.account,
                "started_at": run.started_at,
                "digest": run.digest,
                "confirmed_by": run.confirmed_by or None,
                "proposed_by": run.proposed_by or None,
            }
            for run in runs
        ],
        "proposals": [
            {
                "digest": one.digest,
                "command": one.command,
                "messages": one.messages,
                "proposed_by": one.name,
                "proposed_at": one.at,
            }
            for one in folder.open_proposals()
        ],
    }


def print_people(folder: Folder) -> None:
    """Which runs two people stand behind, and what waits for somebody's approval."""
    with folder.chronicle() as chronicle:
        runs = [run for run in chronicle.runs.values() if run.proposed_by]
    for run in runs:
        say(f"{run.command} of {run.started_at}: proposed by {run.proposed_by}, approved by {run.confirmed_by}.")
    for one in folder.open_proposals():
        say(
            f"{one.name} has proposed a {one.command} of {one.messages} message(s) at {one.at}; nobody has approved it."
        )
        say(f"  --approve {one.digest}")
