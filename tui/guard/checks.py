"""What `clear` asks of every message, by name: a run records what its messages were cleared by."""

from collections.abc import Mapping

CHECKS: Mapping[str, str] = {
    "read back whole": "Every byte of the finished message was read back, and nothing in it could be read in two ways.",
    "one recipient": "One To, which is the recipient; one From; no Cc, no Bcc, no header that could name anybody else.",
    "one calendar attendee": "Every calendar object names one attendee, the recipient.",
    "no other address": "No address of anybody else on the list or in the ledger was found in it, in any spelling.",
    "no internal value": "No value of a column that is marked internal was found in it.",
    "nothing unopened": "Nothing in it or attached to it was left unsearched, but what the organiser has reviewed.",
}
"""Each check's name, and in a sentence what is so of a message that passed it. Names are kept for ever: they stand in
ledgers and in evidence. `Cleared` means that a message has passed them all."""
