"""What another program gave away, and what this one can prove: from choosing the mail to the folder for its repair."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from tui.app import leaking
from tui.app.pages import field_line, text_line
from tui.app.words import count
from tui.clean import visible
from tui.errors import InviteError

if TYPE_CHECKING:
    from tui.app.app import InviteApp
    from tui.app.pages import Line
    from tui.app.screens.exposure import Exposure
    from tui.app.screens.form import Form
    from tui.repair import Repaired
    from tui.report import Kind

OTHER = "other"
_KINDS: "dict[Kind, tuple[str, str]]" = {
    "evidence": ("Write the evidence file", "evidence.jsonl"),
    "html": ("Write a report to read", "report.html"),
    "csv": ("Write a report for a spreadsheet", "report.csv"),
}


class Leaks:
    """The part of the app that looks at other programs' mails and writes reports. `_open` is the dialog that waits."""

    def __init__(self, app: "InviteApp") -> None:
        self._app = app
        self._open: Form | None = None
        self._repairs: str = ""  # the message that is being repaired
        self._exposure: Exposure | None = None

    # Another program's mail

    def choose_mail(self) -> None:
        from tui.app.screens.start import Mails

        folder = self._app.state.folder
        here = [Path.cwd(), *([folder.event_path.parent] if folder is not None else [])]
        self._app.push_screen(Mails(here), self.mail_chosen)

    def mail_chosen(self, answer: str | None) -> None:
        """ "mail PATH", or "other" for one that is to be named."""
        what, _, path = (answer or "").partition(" ")
        if what == OTHER:
            self._ask("mail")
        elif what == "mail":
            self.audit(path)

    def audit(self, path: str) -> None:
        self._app.busy(f"Looking into {path} ...")
        self._app.in_thread("audit", partial(leaking.audit_mails, self._app.post_message, path, self._app.state.folder))

    def audited(self, event: leaking.Audited) -> None:
        from tui.app.screens.exposure import Exposure

        self._done()
        self._repairs = event.path
        self._exposure = Exposure(event)
        self._app.push_screen(self._exposure, self._exposure_read)

    def _exposure_read(self, answer: str | None) -> None:
        if answer == "repair":
            self._ask("repair")

    def repaired(self, event: leaking.RepairMade) -> None:
        from tui.app.screens.dialog import PageDialog

        self._done()
        made = event.made
        self._app.open_other(str(made.folder / "attendees.csv"), anew=True)
        self._app.push_screen(PageDialog("What to do now", _what_to_do(made)))

    # Reports

    def report(self, kind: "Kind") -> None:
        self._ask(kind)

    def kept(self) -> None:
        self._ask("kept")

    def saved(self, event: leaking.KeptSaved) -> None:
        self._done()
        self._app.say(f"Wrote {count(event.number, 'message')} to {event.directory}.")

    def verify(self) -> None:
        self._ask("verify")

    def written(self, event: leaking.ReportWritten) -> None:
        from tui.app.screens.dialog import PageDialog

        self._done()
        if not event.seal:
            more = event.caution or ("A browser opens it." if event.path.suffix == ".html" else None)
            self._app.say(f"Wrote {event.path}.", more, severity="warning" if event.caution else "information")
            return
        lines = [
            text_line(f"Wrote {visible(str(event.path))}.", "strong"),
            text_line(),
            text_line("Its seal", "label"),
            text_line(event.seal, "good"),
            text_line(),
            text_line(
                "Keep the seal elsewhere, on paper or in a mail: only by it can evidence that was made anew be told."
            ),
        ]
        lines += [text_line(), text_line(visible(event.caution), "care")] if event.caution else []
        self._app.push_screen(PageDialog("Evidence", lines))

    def verified(self, event: leaking.Verified) -> None:
        from tui.app.screens.dialog import PageDialog

        self._done()
        flaw, verdict = event.verdict.flaw, event.verdict
        lines: list[Line] = []
        if flaw is not None:
            lines.append(text_line(f"▲ {visible(event.path)} does not hold.", "bad"))
            lines.append(field_line(f"Line {flaw.line}", flaw.reason))
        else:
            lines.append(
                text_line(f"✓ {visible(event.path)} holds: {verdict.lines:,} lines, complete and unbroken.", "good")
            )
            there = (
                "It agrees with this event's ledger."
                if verdict.ledger == "agrees"
                else "There is no ledger to compare it with."
            )
            lines += [text_line(there), text_line(), text_line("Its seal", "label"), text_line(verdict.seal)]
        lines += [text_line(visible(note)) for note in verdict.notes]
        self._app.push_screen(PageDialog("Evidence", lines))

    # The questions

    def _ask(self, what: str) -> None:
        from tui.app.screens.form import Blank, Form

        folder = self._app.state.folder
        home = folder.event_path.parent if folder is not None else Path()
        if what == "mail":
            said = "An .eml, .msg or mbox file, a Maildir, or a folder of them, from any program."
            form = Form("Judge a mail", said, [Blank("mail", "File")], "Look into it", busy="Looking into it ...")
        elif what == "repair":
            name = f"{Path(self._repairs).stem}-repair"
            said = (
                "Makes an event folder with everybody whom the mail exposed, the old calendar entry, an apology to edit"
                " and a record for the data protection officer. Nothing is sent."
            )
            form = Form("Repair", said, [Blank("repair", "New folder", name)], "Make it", busy="Making it ...")
        elif what == "kept":
            said = "The messages themselves, one file each, where the event file says [sending] keep = true."
            blanks = [Blank("kept", "New folder", str(home / "kept"))]
            form = Form("Write the kept messages", said, blanks, "Write them", busy="Writing them ...")
        elif what == "verify":
            said = "Reads evidence through, and compares it with the ledger of the event that is open."
            blanks = [Blank("verify", "Evidence", str(home / "evidence.jsonl")), Blank("seal", "Seal", hint="optional")]
            form = Form("Check evidence", said, blanks, "Check it", busy="Reading it ...")
        else:
            kind = next(one for one in _KINDS if one == what)
            title, file = _KINDS[kind]
            people = (("", "with names and addresses"), ("anonymous", "without names and addresses"))
            blanks = [Blank(kind, "File", str(home / file)), Blank("people", "People", choices=people)]
            said = "What was sent to whom, when, and what the server said. An earlier report of the name is replaced."
            form = Form(title, said, blanks, "Write it", busy="Writing it ...")
        self._open = form
        self._app.push_screen(form, self._closed)

    def _closed(self, _: None) -> None:
        self._open = None

    def filled(self, values: Mapping[str, str]) -> None:
        """What the open form asks for is done in a thread."""
        app, post = self._app, self._app.post_message
        what, value = next(iter(values.items()))
        if self._open is None:
            return
        if not value.strip():
            self._open.refuse("Name it first.")
        elif what == "mail":
            self.audit(value.strip())
        elif what == "repair":
            app.in_thread("repair", partial(leaking.make_repair, post, self._repairs, value.strip()))
        elif what == "verify":
            app.in_thread(
                "report", partial(leaking.verify_evidence, post, value.strip(), values["seal"], app.state.folder)
            )
        elif what == "kept" and app.state.folder is not None:
            app.in_thread("report", partial(leaking.save_kept, post, app.state.folder, value.strip()))
        elif app.state.folder is not None:
            kind = next(one for one in _KINDS if one == what)
            anonymous = values["people"] == "anonymous"
            job = partial(leaking.write_report, post, app.state.folder, kind, value.strip(), anonymous=anonymous)
            app.in_thread("report", job)

    def failed(self, error: InviteError) -> None:
        self._app.busy("")
        if self._open is not None:
            self._open.refuse(error)
        else:
            self._app.say(error.message, error.hint, severity="error")

    def _done(self) -> None:
        self._app.busy("")
        if self._open is not None:
            form, self._open = self._open, None
            form.dismiss(None)


def _what_to_do(made: "Repaired") -> "list[Line]":
    accident, entry = made.accident, made.accident.entry
    people = len(accident.people)
    steps = [f"Give {made.folder / 'breach-record.md'} to your data protection officer: the 72 hours may be running."]
    if entry is not None and entry.keeper:
        steps.append(f"Cancel the meeting in {entry.keeper}, where it is kept: nothing sent from here can close it.")
    else:
        steps.append("Close the online meeting where it was made, if there is one: nothing sent from here can.")
    steps.append("Read templates/cancellation.md and templates/correction.md in the folder: change what is not so.")
    if made.to_cancel:
        steps.append(f"T takes the old entry back: {made.to_cancel} cancellations, once you have typed the number.")
    else:
        steps.append("There is no old calendar entry to take back; fill start, end and timezone in.")
    steps.append("Put the new meeting's link and time into event.toml, press F5, then s sends the new invitations.")
    lines = [
        text_line(f"“{visible(accident.subject)}” exposed {people:,} people to each other.", "strong"),
        text_line(f"This is the folder for its repair: {visible(str(made.folder))}"),
        text_line(),
    ]
    lines += [field_line(f"{number}.", step, width=4) for number, step in enumerate(steps, 1)]
    lines += [text_line(), text_line("The line on top says who is still owed the new invitation.", "quiet")]
    return lines
