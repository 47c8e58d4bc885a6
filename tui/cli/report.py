"""`report`: what was sent to whom and what became of it, for people, spreadsheets, and a data protection officer."""

import argparse
import re
from contextlib import ExitStack
from pathlib import Path

from tui import report
from tui.cli.output import print_json, say, tell
from tui.errors import InputError, UsageError
from tui.folder import ledger_path, open_folder
from tui.ledger import is_there, open_to_read
from tui.report import Figures, Kind, Verdict

_ANSWERS = {"none": "no reply seen"}
_SEAL = re.compile(r"[0-9a-f]{64}")


def run(options: argparse.Namespace) -> int:
    """Writes what was asked for and says the figures; or verifies, 1 where the evidence does not hold."""
    if options.verify is not None:
        return _verify(options)
    if options.seal is not None:
        raise UsageError("--seal is what --verify compares with.", hint="Give --verify EVIDENCE as well.")
    folder = open_folder([], event=options.event, ledger=options.ledger)
    folder.must_have_ledger()
    paths = _paths(options)
    made = report.produce(folder, paths, anonymous=options.anonymous)
    if made.caution:
        tell(made.caution)
    if options.json:
        files = {kind: str(path) for kind, path in paths.items()}
        print_json({**made.figures.document(), "files": files, "seal": made.seal})
    else:
        _summary(made.figures, paths, made.seal)
    return 0


def _paths(options: argparse.Namespace) -> dict[Kind, Path]:
    """Where to write what. UsageError where two are to go into one file."""
    asked: dict[Kind, str | None] = {"html": options.html, "csv": options.csv, "evidence": options.evidence}
    paths = {kind: Path(path) for kind, path in asked.items() if path is not None}
    if len({path.absolute() for path in paths.values()}) < len(paths):
        raise UsageError("Two reports cannot go into one file.", hint="Name a file for each.")
    return paths


def _summary(figures: Figures, paths: dict[Kind, Path], seal: str | None) -> None:
    say(figures.about.title)
    say(figures.when or figures.about.start)
    if figures.promise and figures.promise.in_words:
        say(figures.promise.in_words)
    if not figures.guests:
        say("Nothing has been sent yet.")
    else:
        people, messages, runs = len(figures.guests), len(figures.messages), len(figures.runs)
        say(f"{_of(people, 'person', 'people')}, {_of(messages, 'message')} in {_of(runs, 'run')}:")
        say("  " + ", ".join(f"{count} {state}" for state, count in figures.states.items() if count))
        for group, counts in figures.groups.items():
            words = ", ".join(f"{count} {state}" for state, count in counts.items() if count)
            say(f"  {group or ('other, or none' if figures.anonymous else 'no group')}: {words}")
        if answers := ", ".join(
            f"{count} {_ANSWERS.get(one, one)}" for one, count in figures.responses.items() if count
        ):
            say(f"  Answers: {answers}")
    for path in paths.values():
        say(f"Wrote {path}.")
    if seal:
        say(f"Seal of the evidence: {seal}")
        tell("Keep the seal elsewhere, on paper or in a mail: only by it can evidence that was made anew be told.")


def _of(count: int, one: str, many: str = "") -> str:
    return f"{count} {one if count == 1 else many or one + 's'}"


def _verify(options: argparse.Namespace) -> int:
    if options.html or options.csv or options.evidence or options.anonymous:
        raise UsageError("--verify only reads.", hint="Leave --html, --csv, --evidence and --anonymous out.")
    seal = None if options.seal is None else "".join(options.seal.split()).lower()
    if seal is not None and not _SEAL.fullmatch(seal):
        raise UsageError("That is no seal: a seal is 64 digits and letters from a to f.", hint="It was printed once.")
    # No event is needed: whoever was given the evidence may have nothing else.
    path = ledger_path(event=options.event, ledger=options.ledger)
    there = is_there(path)
    if options.ledger is not None and not there:
        raise InputError(f"There is no ledger {options.ledger}.", hint="Check the name.", code="missing-file")
    with ExitStack() as opened:
        chronicle = opened.enter_context(opened.enter_context(open_to_read(path)).chronicle()) if there else None
        verdict = report.verify(Path(options.verify), chronicle, seal)
    if options.json:
        _print_verdict(verdict)
    else:
        _say_verdict(options.verify, verdict, sealed=seal is not None, there=there)
    return 1 if verdict.flaw else 0


def _print_verdict(verdict: Verdict) -> None:
    flaw = verdict.flaw
    print_json(
        {
            "holds": flaw is None,
            "line": flaw and flaw.line,
            "reason": flaw and flaw.reason,
            "lines": verdict.lines,
            "seal": verdict.seal or None,
            "ledger": verdict.ledger,
            "notes": list(verdict.notes),
        }
    )


def _say_verdict(name: str, verdict: Verdict, *, sealed: bool, there: bool) -> None:
    if verdict.flaw:
        say(f"{name} does not hold.")
        say(f"Line {verdict.flaw.line}: {verdict.flaw.reason}")
    else:
        say(f"{name} holds: {_of(verdict.lines, 'line')}, complete and unbroken.")
        say("It agrees with the ledger." if there else "There is no ledger here to compare it with.")
        say(f"Its seal{' is the one that you gave' * sealed}: {verdict.seal}")
    for note in verdict.notes:
        say(note)
