"""Each command: open the folder, ask the core, print what it says."""

import argparse
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TextIO

from tui import settings, signals
from tui.cli import holding, output, two
from tui.cli.asking import typed
from tui.cli.output import say, tell
from tui.delivery.timing import moment_of
from tui.errors import AccountError, ConfirmationError, InputError, InviteError, LedgerError, UsageError
from tui.folder import Choices, Folder, open_folder
from tui.folder.places import event_path_of
from tui.mailing import Control, Question, Settled, StoppedError, Waiting
from tui.plan import Amendment, Plan

_TO_LEAVE = 2.0
"""Seconds from the second Ctrl+C to the end, at most."""

_PATIENCE_ON_A_TERMINAL = 26 * 3600.0
"""Seconds: a daily quota is over by then."""


def run(options: argparse.Namespace) -> int:
    """Runs the command and returns its exit code; whatever a user can cause ends in a sentence, not a traceback."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a character shows its escape.
        getattr(stream, "reconfigure", lambda **_: None)(errors="backslashreplace")
    command: Callable[[argparse.Namespace], int] = _COMMANDS[options.command]
    try:
        _tell_what_is_misspelt(options)
        code = command(options)
        sys.stdout.flush()
        return code
    except InviteError as error:
        return _refused(error, options)
    except KeyboardInterrupt:
        return _refused(StoppedError("Interrupted."), options)
    except OSError as error:
        if error.filename or _takes_what_is_written():
            return _refused(_in_words(error), options)
        _close_what_nobody_reads()
        if isinstance(error, BrokenPipeError):
            return 0  # whoever read our output has seen enough
        tell(f"invite-tui: the result cannot be written: {error.strerror or error}.")
        return 1
    finally:
        try:
            sys.stderr.flush()
        except (OSError, ValueError):
            # Progress that nobody hears any more must not become an exit code of its own.
            _close_what_nobody_reads(sys.stderr)


def _refused(error: InviteError, options: argparse.Namespace) -> int:
    """Says what stopped the command, also where nobody takes the document about it."""
    try:
        output.report_error(error, as_json=getattr(options, "json", False))
        sys.stdout.flush()
    except OSError:
        _close_what_nobody_reads()
        output.report_error(error, as_json=False)
    return error.exit_code


def _takes_what_is_written() -> bool:
    """Whether stdout is there and has room: what could not be written is still to be, and fails again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        return False
    return True


def _in_words(error: OSError) -> InputError:
    """What a file's failure is told as that nothing nearer to it has put into words."""
    reason = error.strerror or str(error)
    if error.filename:
        return InputError(f"{error.filename}: {reason}.", code="unreadable")
    if isinstance(error, FileNotFoundError):  # nothing but the working directory has no name
        return InputError(
            "The folder that you are in is not there any more.", hint="Go to another one.", code="missing-folder"
        )
    return InputError(f"A file cannot be read or written: {reason}.", code="unreadable")


def _close_what_nobody_reads(stream: TextIO | None = None) -> None:
    """Python would complain once more while it closes a stdout that nobody reads, or that is full."""
    stream = stream or sys.stdout
    with suppress(OSError, ValueError):
        stream.flush()
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _tell_what_is_misspelt(options: argparse.Namespace) -> None:
    said = Choices(tuple(getattr(options, "files", ())), getattr(options, "event", None))
    with suppress(OSError):  # of a folder that is gone everything else is told by who needs it
        for words in settings.misspelt([event_path_of(said).parent, Path.cwd()]):
            tell(f"caution: {words}")


def _open(options: argparse.Namespace, files: list[str] | None = None) -> Folder:
    account, also = _accounts(options)
    folder = open_folder(
        options.files if files is None else files,
        event=options.event,
        template=options.template,
        account=account,
        ledger=options.ledger,
        outbox=getattr(options, "outbox", None),
        encoding=getattr(options, "encoding", None),
        cancels=options.command == "cancel",
        also=also,
    )
    is_worded = options.template or not getattr(options, "remind", False)
    return folder if is_worded or folder.event is None else folder.worded("reminder")


def _accounts(options: argparse.Namespace) -> tuple[str | None, list[str]]:
    """The account that was named, None where none was; and all others, among which workers divide the run."""
    if "accounts" not in options:
        return options.account, []
    first, *others = options.accounts or [None]
    if others and not (options.command in ("", "plan") or options.workers or getattr(options, "propose", False)):
        raise UsageError("Only workers divide a run among several accounts.", hint="Say --workers, or name one.")
    return first, others


def _intended(options: argparse.Namespace, folder: Folder) -> Plan:
    """What `plan` and `send` are about: what everybody is owed, or a reminder."""
    only = getattr(options, "only", ())
    if not options.remind:
        return folder.plan(only=only, skip_errors=options.skip_errors)
    from tui.cli import replies

    return folder.plan_reminder(only=only, skip_errors=options.skip_errors, left_alone=replies.who_waits(folder))


def _app(options: argparse.Namespace) -> int:
    """What the app would show, where there is no terminal to show it on."""
    folder = _open(options)
    output.print_check(folder)
    if not folder.errors:
        output.print_plan(folder.plan(), folder)
    tell("The app needs a terminal; this is what it would show. `check`, `plan` and `send` work without one.")
    return 2


def _check(options: argparse.Namespace) -> int:
    folder = _open(options)
    _caution_without_ledger(folder)
    if options.json:
        output.print_json(output.check_document(folder))
    else:
        output.print_check(folder)
    return 1 if folder.errors else 0


def _caution_without_ledger(folder: Folder) -> None:
    """Who only looks at the input or at one message can go on without the record of what went out; but is told."""
    try:
        folder.must_have_ledger()
    except LedgerError as error:
        tell(f"caution: {error.message} What is shown is a first invitation; `plan` and `send` will not go on.")


def _preview(options: argparse.Namespace) -> int:
    folder = _open(options)
    records = folder.attendees.records
    wanted = folder.find(options.to) if options.to else next((one for one in records if one.withdrawn is None), None)
    if wanted is None:
        raise InputError(
            folder.errors[0].message if folder.errors else "There is no attendee to show.",
            code="problems",
            problems=folder.problems,
        )
    _caution_without_ledger(folder)
    view = folder.view(wanted, options.session)
    if options.json:
        output.print_json(output.view_document(view))
    else:
        output.print_view(view, options.part)
    return 0


def _plan(options: argparse.Namespace) -> int:
    folder = _open(options)
    made = _intended(options, folder)
    if folder.unsaved:
        tell(f"caution: {folder.unsaved.message} Before it is, there is no digest to approve. {folder.unsaved.hint}")
    if options.propose:
        two.propose(folder, made, "send")
    if options.json:
        output.print_json(output.plan_document(made, folder))
    else:
        output.print_plan(made, folder)
    return 0


def _send(options: argparse.Namespace) -> int:
    two.must_fit_together(options)
    folder = _open(options)
    moment = moment_of(options.at, folder.timezone.key, datetime.now(UTC)) if options.at else None
    if moment and folder.event and all(event.is_over(moment) for event in folder.event.each):
        raise UsageError(f"At {options.at} the event is over.", hint="Name a time before it.")
    _must_be_free(options, folder)
    made = _intended(options, folder)
    two.must_be_approved(options, made)
    for action in made.actions:
        if action.kind in ("unknown", "refused", "cancelled", "withdrawn", "removed", "forgotten"):
            tell(f"left as it is: {action.attendee.address}: {action.reason}")
    return _carry_out(options, folder, made, moment=moment)


def _must_be_free(options: argparse.Namespace, folder: Folder) -> None:
    """BusyError while another run holds the ledger: said first, because everything else is about to change."""
    if not options.dry_run:
        with suppress(AccountError):
            if folder.account_name:
                folder.must_be_free()


def _name_left_out(folder: Folder) -> None:
    """Names the rows that are left out, and writes them with their problems to problems.csv."""
    rows = output.left_out(folder)
    path = folder.event_path.parent / "problems.csv"
    try:
        output.write_problems(path, rows)
    except OSError as error:
        raise InputError(
            f"{path} cannot be written: {error.strerror}.", hint="Nothing was sent.", code="problems-file"
        ) from None
    for record, problems in rows:
        tell(f"left out: {record.file}, line {record.line}, {record.name} {record.address}: {problems[0].message}")
    tell(f"{len(rows)} row(s) with errors are left out; they are in {path}.")


def _resend(options: argparse.Namespace) -> int:
    two.must_fit_together(options)
    folder = _open(options, options.attendees)
    _must_be_free(options, folder)
    if options.attendees and folder.errors:
        folder.plan()  # refuses, in words
    made = folder.plan_resend(options.addresses, Amendment(options.to or "", dict(options.set)))
    return _proposed_or_sent(options, folder, made)


def _cancel(options: argparse.Namespace) -> int:
    two.must_fit_together(options)
    if bool(options.addresses) == options.all:
        raise UsageError("Who is cancelled?", hint="Name addresses, or everybody with --all; not both.")
    folder = _open(options, options.attendees)
    _must_be_free(options, folder)
    if options.attendees and folder.errors:
        folder.plan()  # refuses, in words
    made = folder.plan_cancel(None if options.all else options.addresses)
    for action in made.actions:
        if action.action == "none":
            tell(f"left as it is: {action.attendee.address}: {action.reason}")
    return _proposed_or_sent(options, folder, made)


def _proposed_or_sent(options: argparse.Namespace, folder: Folder, made: Plan) -> int:
    """What was asked for by name has no `plan` of its own: it is proposed by the command that would send it."""
    if not options.propose:
        two.must_be_approved(options, made)
        return _carry_out(options, folder, made)
    two.propose(folder, made, options.command, options.note)
    if options.json:
        output.print_json(output.plan_document(made, folder, options.note))
    else:
        output.print_plan(made, folder, options.note)
    return 0


def _carry_out(options: argparse.Namespace, folder: Folder, made: Plan, *, moment: datetime | None = None) -> int:
    """Rehearses or sends a plan that has been confirmed, at that `moment`, and prints what became of it."""
    dry_run = options.dry_run or not folder.account_name
    approved = options.approve is not None
    if not dry_run:
        two.must_be_enough(options, folder, made)
        from tui.cli.account import unlock_for

        unlock_for(folder)
        for caution in output.cautions_of(folder):
            tell(f"caution: {caution}")
    note = getattr(options, "note", "")
    if not dry_run and not approved and options.confirm is None:
        # What cannot be sent is said before anybody is asked to confirm it.
        folder.prepare(made, note=note, tell=output.Composing())
    _confirm(options.confirm, made, folder, approved=approved, dry_run=dry_run)
    if getattr(options, "skip_errors", False) and folder.errors:
        _name_left_out(folder)
    if dry_run and not options.dry_run:
        tell("There is no account, so this is a rehearsal: the messages go to the outbox and nothing is sent.")
    control = Control(can_ask=holding.can_ask())
    if not dry_run and made.to_send:
        folder, made = _hold(options, folder, made, control, moment)
        if options.workers:
            from tui.cli import remote

            with _interruptible(control):
                return remote.hand_over(options, folder, made, control)
    settled: list[Settled] = []
    began = time.monotonic()
    if not dry_run and folder.account and made.to_send:
        forecast = output.forecast_of(folder, len(made.to_send))
        words = f" {forecast.in_words}" if forecast and forecast.in_words else ""
        tell(f"Sending through {folder.account.name}, {folder.account.host}:{folder.account.port}.{words}")
    if dry_run:
        with _interruptible(control):
            run = folder.rehearse(made, note=note, control=control, tell=output.Composing())
            failure = _follow(run, settled, made, control, quiet=True)
    else:
        failure = _send_all(options, folder, made, control, settled)
    settled.sort(key=lambda item: item.number)
    document = output.run_document(settled, made.digest_with(note), dry_run=dry_run)
    try:
        if options.json:
            output.print_json(document | (output.error_document(failure) if failure else {}))
        else:
            _summary(document["counts"], folder, failure, dry_run=dry_run, seconds=time.monotonic() - began)
        sys.stdout.flush()
    except OSError:
        if not control.stopped:
            raise
        _close_what_nobody_reads()  # its terminal is gone
    if failure:
        output.report_error(failure, as_json=False)
    return _code_of(settled, failure, control, dry_run=dry_run)


def _hold(
    options: argparse.Namespace, folder: Folder, made: Plan, control: Control, moment: datetime | None
) -> tuple[Folder, Plan]:
    """Waits for what --at and --undo ask. After a wait everything is read anew: ConfirmationError where it is no
    longer what was confirmed."""
    if moment:
        with _interruptible(control, b"\n"):
            holding.wait_for(moment, control)
        folder = _open(options)
        again = _intended(options, folder)
        if again.digest != made.digest:
            raise ConfirmationError(
                "The plan is no longer the one that was confirmed before the wait; nothing was sent.",
                hint="The event, the attendees, the wording or the ledger has changed meanwhile. Look at `plan` again.",
            )
        made = again
    if options.undo:
        with _interruptible(control, b"\n"):
            holding.hold(options.undo, control)
    return folder, made


def _send_all(
    options: argparse.Namespace, folder: Folder, made: Plan, control: Control, settled: list[Settled]
) -> InviteError | None:
    """Sends the plan; returns what ended it early."""
    with _interruptible(control):
        run = folder.send(
            made,
            control=control,
            command=options.command,
            note=getattr(options, "note", ""),
            patience=_patience(options.wait),
            canary=holding.canary(made, getattr(options, "canary", None)),
            tell=output.Composing(),
        )
        return _follow(run, settled, made, control, quiet=False)


def _follow(
    happenings: Iterator[Settled | Waiting | Question] | Iterator[Settled],
    settled: list[Settled],
    made: Plan,
    control: Control,
    *,
    quiet: bool,
) -> InviteError | None:
    """Shows a run as it goes, asks what it asks, and collects its outcomes; returns what ended it early."""
    countdown = output.Countdown()
    try:
        for happening in happenings:
            match happening:
                case Waiting():
                    countdown.show(happening)
                case Question():
                    holding.ask(happening, control, output.count_outcomes(item.outcome for item in settled))
                case Settled():
                    settled.append(happening)
                    _progress(happening, len(settled), len(made.to_send), quiet=quiet)
    except InviteError as error:
        return error
    return None


def _code_of(settled: list[Settled], failure: InviteError | None, control: Control, *, dry_run: bool) -> int:
    """The exit code of a run."""
    if control.stopped and any(item.outcome == "unsent" for item in settled) and not dry_run:
        return 130
    if failure:
        # 1 says that nothing was sent at all.
        return 3 if failure.exit_code == 1 and any(item.attempts for item in settled) else failure.exit_code
    if control.stopped:
        return 130
    return 3 if not dry_run and any(item.outcome != "accepted" for item in settled) else 0


def _confirm(number: int | None, made: Plan, folder: Folder, *, approved: bool, dry_run: bool) -> None:
    """The organiser's word for it. ConfirmationError where it is not for this run, UsageError where it is missing."""
    count = len(made.to_send)
    if number is not None:
        if number != count:
            raise ConfirmationError(
                f"This run would send {count} message(s), not {number}; nothing was sent.",
                hint="`invite-tui plan` says to whom.",
            )
        return
    if approved or dry_run or count == 0:
        return
    if not holding.can_ask():
        raise UsageError(f"{count} message(s) would be sent.", hint=f"Say so: --confirm {count}")
    for line in output.question(made, folder):
        tell(line)
    answer = typed().strip()
    if answer != str(count):
        raise ConfirmationError("That is not the number; nothing was sent.")


def _patience(wait: float | None) -> float:
    if wait is not None:
        return wait
    return _PATIENCE_ON_A_TERMINAL if sys.stderr.isatty() else 0.0


_STOPPING = b"\nStopping: what is in flight is settled first. Once more leaves at once.\n"


@contextmanager
def _interruptible(control: Control, words: bytes = _STOPPING) -> Iterator[None]:
    """The first signal lets what is in flight settle; a second one breaks it off, and is safe: the ledger knows."""
    leaving = threading.Timer(_TO_LEAVE, os._exit, (130,))
    leaving.daemon = True

    def stop(_number: int) -> None:
        if control.aborted:
            os._exit(130)
        if control.stopped:
            # What was in flight is recorded as it stands and the results are printed, if that takes no time.
            leaving.start()
            control.abort()
            return
        control.stop()
        with suppress(OSError):  # a terminal that was closed hears nothing
            # Written in one call: a handler may have interrupted a print.
            os.write(2, words)

    try:
        with signals.heeded(stop):
            yield
    finally:
        leaving.cancel()


def _progress(item: Settled, done: int, count: int, *, quiet: bool) -> None:
    if item.outcome == "unsent" and not item.attempts and not quiet:
        return  # not tried: the summary counts them
    words = f"  {item.reply}" if item.outcome != "accepted" else ""
    line = f"{done}/{count}  {item.outcome}  {item.action.attendee.address}{words}"
    if sys.stderr.isatty() and (quiet or item.outcome == "accepted"):
        output.tell_over(line, "" if done < count else "\n")
    elif not quiet:
        tell(line)


def _summary(
    counts: dict[str, int], folder: Folder, failure: InviteError | None, *, dry_run: bool, seconds: float
) -> None:
    if dry_run:
        if failure is None:
            say(f"Rehearsed: {sum(counts.values())} message(s) in {folder.outbox}. Nothing was sent.")
        return
    if not any(counts.values()):
        if failure is None:
            say("Nothing to send: nobody is owed a message.")
        return
    words = ", ".join(f"{count} {word}" for word, count in counts.items() if count)
    say(f"{words}, in {seconds:.1f} s.")
    mend = isinstance(failure, AccountError)
    advice = {
        "refused": "`invite-tui status` shows the server's words: correct the address, or `resend`.",
        "deferred": "They are due again: run the same command later.",
        "unknown": "They may have arrived: `resend` those who have not got theirs.",
        "unsent": f"They are still to send: {'mend the account, then ' * mend}run the same command again.",
    }
    for outcome, words in advice.items():
        if counts[outcome]:
            say(f"{counts[outcome]} {outcome}: {words}")


def _status(options: argparse.Namespace) -> int:
    folder = _open(options, [])
    folder.must_have_ledger()
    people = folder.people(history=True)
    from tui.cli import remote, replies

    if options.follow:
        return remote.follow(folder, as_json=options.json)
    if options.save is not None:
        tell(f"{folder.save_kept(Path(options.save))} message(s) that were kept are in {options.save}.")
    if options.json:
        document = output.status_document(folder, people) | two.document(folder) | remote.document(folder)
        output.print_json(document | replies.requests_document(folder))
    else:
        output.print_status(folder, people)
        two.print_people(folder)
        remote.print_standing(folder)
        replies.print_follow_up(folder, people)
    return 0


def _run(options: argparse.Namespace) -> int:
    from tui.cli import remote

    return remote.steer(options)


def _worker(options: argparse.Namespace) -> int:
    from tui.cli import remote

    return remote.work(options)


def _account(options: argparse.Namespace) -> int:
    from tui.cli import account

    return account.run(options)


def _replies(options: argparse.Namespace) -> int:
    from tui.cli import replies

    return replies.run(options)


def _report(options: argparse.Namespace) -> int:
    from tui.cli import report

    return report.run(options)


def _ledger(options: argparse.Namespace) -> int:
    from tui.cli import ledger

    return ledger.run(options)


def _forget(options: argparse.Namespace) -> int:
    from tui.cli import forget

    return forget.run(options)


def _audit(options: argparse.Namespace) -> int:
    from tui.cli import audit

    return audit.run(options)


def _repair(options: argparse.Namespace) -> int:
    from tui.cli import repair

    return repair.run(options)


def _init(options: argparse.Namespace) -> int:
    from tui import starting

    made = starting.make_event_folder(Path(options.dir), datetime.now() + timedelta(days=30))
    if options.json:
        output.print_json({"folder": options.dir, "files": made})
    else:
        say(f"Made {options.dir}: {', '.join(made)}.")
        say(f"Edit event.toml and attendees.csv there, then: invite-tui {Path(options.dir) / 'attendees.csv'}")
    return 0


_COMMANDS: dict[str, Callable[[argparse.Namespace], int]] = {
    "": _app,
    "check": _check,
    "preview": _preview,
    "plan": _plan,
    "send": _send,
    "resend": _resend,
    "cancel": _cancel,
    "status": _status,
    "run": _run,
    "worker": _worker,
    "replies": _replies,
    "report": _report,
    "forget": _forget,
    "audit": _audit,
    "account": _account,
    "repair": _repair,
    "ledger": _ledger,
    "init": _init,
}
