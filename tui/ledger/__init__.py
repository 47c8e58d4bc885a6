"""The durable record of what each attendee was sent and what became of it."""

from tui.ledger import marker
from tui.ledger.answers import Answer, Answers, Bounce, BounceKind, Place, Request, RequestKind, Response, Taken
from tui.ledger.chronicle import Attempt, Chronicle, Decision, Known, Recorded, Run
from tui.ledger.copying import Proof
from tui.ledger.databases import Changes, ForgottenError, Memory
from tui.ledger.desks import Desk
from tui.ledger.forgetting import LeftOut, reply_without_names
from tui.ledger.places import ON_NETWORK, is_on_network
from tui.ledger.quotas import Charge, Quotas
from tui.ledger.records import (
    NOT_CALLED_OFF,
    OUTCOMES,
    CalledOff,
    Correction,
    Decisions,
    Entry,
    Outcome,
    Person,
    Planned,
    Proposal,
    Sent,
)
from tui.ledger.reports import Written
from tui.ledger.servers import Server, is_address
from tui.ledger.store import (
    Fenced,
    Ledger,
    Where,
    conninfo,
    follow,
    is_there,
    move,
    must_be_free,
    open_for_run,
    open_for_work,
    open_to_note,
    open_to_read,
    prepare,
    roles_of_a_database,
    spelled,
)

__all__ = [
    "NOT_CALLED_OFF",
    "ON_NETWORK",
    "OUTCOMES",
    "Answer",
    "Answers",
    "Attempt",
    "Bounce",
    "BounceKind",
    "CalledOff",
    "Changes",
    "Charge",
    "Chronicle",
    "Correction",
    "Decision",
    "Decisions",
    "Desk",
    "Entry",
    "Fenced",
    "ForgottenError",
    "Known",
    "Ledger",
    "LeftOut",
    "Memory",
    "Outcome",
    "Person",
    "Place",
    "Planned",
    "Proof",
    "Proposal",
    "Quotas",
    "Recorded",
    "Request",
    "RequestKind",
    "Response",
    "Run",
    "Sent",
    "Server",
    "Taken",
    "Where",
    "Written",
    "conninfo",
    "follow",
    "is_address",
    "is_on_network",
    "is_there",
    "marker",
    "move",
    "must_be_free",
    "open_for_run",
    "open_for_work",
    "open_to_note",
    "open_to_read",
    "prepare",
    "reply_without_names",
    "roles_of_a_database",
    "spelled",
]
