"""What was sent to whom, and what became of it: as figures, as a page, as a table, and as evidence."""

from tui.report.evidence import Chain, lines
from tui.report.figures import Figures, figures
from tui.report.page import page
from tui.report.producing import Produced, produce
from tui.report.table import table
from tui.report.verifying import Flaw, Verdict, verify
from tui.report.whereabouts import Noted, noted, on_this_machine, register_of, tell_others
from tui.report.writing import Kind, kind_of, must_be_writable, write

__all__ = [
    "Chain",
    "Figures",
    "Flaw",
    "Kind",
    "Noted",
    "Produced",
    "Verdict",
    "figures",
    "kind_of",
    "lines",
    "must_be_writable",
    "noted",
    "on_this_machine",
    "page",
    "produce",
    "register_of",
    "table",
    "tell_others",
    "verify",
    "write",
]
