"""The report as CSV: a row for each message, for the spreadsheet that opens it."""

import csv
import io
from collections.abc import Iterator

from tui.clean import spreadsheet_cell, visible
from tui.report.figures import Figures, outcome_of

_WHO = ("person", "name", "address", "group")
_WHAT = ("session", "action", "version", "sent by", "run", "planned", "attempted", "settled", "attempts", "outcome")
_AFTERWARDS = ("reply", "bounced", "response")
_ANONYMOUS = (*_WHO[:1], *_WHO[3:], *_WHAT, *_AFTERWARDS)
_NAMED = (*_WHO, *_WHAT, *_AFTERWARDS)


def headers(*, anonymous: bool) -> bytes:
    """The first line, by which a report is known for one."""
    return _line(_ANONYMOUS if anonymous else _NAMED, first=True)


def table(figures: Figures) -> Iterator[bytes]:
    """The lines of it. No cell is a formula, and none has a control character or a line break."""
    yield headers(anonymous=figures.anonymous)
    for guest, recorded in figures.messages:
        sent, last = recorded.sent, recorded.attempts[-1] if recorded.attempts else None
        run = figures.runs[recorded.run]
        who = (guest.name, sent.address) if not figures.anonymous else ()
        program = "another program" if run.is_adoption else "invite-tui"
        yield _line(
            (
                *(str(guest.number), *who, guest.group, sent.session, sent.action, str(sent.sequence), program),
                *(str(run.id), run.started_at, last.started_at if last else "", (last and last.settled_at) or ""),
                *(str(len(recorded.attempts)), outcome_of(recorded), last.reply if last else ""),
                *(sent.bounced or "", guest.response),
            )
        )


def _line(cells: tuple[str, ...], *, first: bool = False) -> bytes:
    out = io.StringIO()
    # All in quotes: a spreadsheet that parts cells at semicolons must not find one of them to be a formula.
    csv.writer(out, quoting=csv.QUOTE_ALL).writerow(spreadsheet_cell(visible(cell)) for cell in cells)
    return out.getvalue().encode("utf-8-sig" if first else "utf-8")
