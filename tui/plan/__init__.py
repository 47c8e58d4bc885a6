"""The plan: the event, the attendees and what the ledger holds; one action for each, with its reason. Pure."""

from tui.plan.actions import Action, Kind, Plan, Verb
from tui.plan.making import Amendment, make, make_cancel, make_reminder, make_resend, named
from tui.plan.people import clashes, known
from tui.plan.sessions import find_session, session_problems, sessions_of
from tui.plan.versions import changes_told, event_of, facts_of, uid_of

__all__ = [
    "Action",
    "Amendment",
    "Kind",
    "Plan",
    "Verb",
    "changes_told",
    "clashes",
    "event_of",
    "facts_of",
    "find_session",
    "known",
    "make",
    "make_cancel",
    "make_reminder",
    "make_resend",
    "named",
    "session_problems",
    "sessions_of",
    "uid_of",
]
