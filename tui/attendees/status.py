"""What a cell says of somebody who is not coming: "Cancelled by attendee", "denied", a date under UNSUB_TIME.

Waiting is not withdrawing: "pending", "waitlisted", "unpaid" and "tentative" are people who want to come. Neither is a
"no-show": it is said of somebody who was expected.
"""

import re
import unicodedata
from functools import lru_cache

# Compared folded: without case, accents and punctuation, words one space apart.
_WITHDRAWN = frozenset(
    {
        *("no", "not attending", "not going", "not coming", "will not attend", "wont attend", "cant attend"),
        *("cannot attend", "unable to attend", "cant make it", "cant go", "opted out", "opt out", "unsubscribed"),
        *("cancelled", "canceled", "cancel", "cancellation", "withdrawn", "withdrew", "refunded", "void", "voided"),
        *("declined", "decline", "denied", "rejected", "refused", "revoked", "deleted", "removed", "blocked"),
        # Eventbrite: the ticket is another event's now; the order was begun and never finished.
        *("not approved", "transferred", "abandoned", "rejectedbyorganizer"),
        *("cleaned", "archived"),  # Mailchimp: the mailbox refuses mail; the contact was put away
        *("nein", "storniert", "abgesagt", "abgemeldet", "abgelehnt", "erstattet", "nimmt nicht teil"),
        *("non", "annule", "annulee", "refuse", "refusee", "rembourse", "remboursee", "desinscrit", "desinscrite"),
        *("cancelado", "cancelada", "rechazado", "rechazada", "reembolsado", "reembolsada", "no asistira"),
        *("annullato", "annullata", "cancellato", "cancellata", "rifiutato", "rifiutata", "rimborsato", "rimborsata"),
        *("nee", "geannuleerd", "afgemeld", "afgewezen", "geweigerd", "terugbetaald"),
        *("nie", "anulowano", "anulowane", "anulowany", "anulowana", "odwołano", "odrzucono", "odrzucone"),
        *("nao", "recusado", "recusada", "rejeitado", "rejeitada"),
    }
)
# The same at the beginning of a longer phrase: "Cancelled by attendee", "Refunded (12 April)", "No, I cannot come".
_WITHDRAWN_PHRASE = re.compile(
    r"(?:cancell?ed|withdrawn|withdrew|refunded|declined|denied|rejected|deleted|unsubscribed|storniert|abgesagt"
    r"|not (?:attending|going|coming)|no i (?:cant|cannot|wont|will not|am not|m not|do not|dont))\b"
)
# In a column that is filled in only where somebody withdrew, what says that they did not.
_NOTHING = frozenset({"", "no", "n", "false", "0", "none", "null", "na", "never", "nein", "non", "nee", "nie", "nao"})
_NO_SUM = re.compile(r"[^1-9]*0[^1-9]*")  # "£0.00", 0000-00-00


@lru_cache(maxsize=1024)
def means_withdrawn(status: str) -> bool:
    """Whether `status`, the cell of a status column, says that the person is not coming."""
    words = _folded(status)
    return words in _WITHDRAWN or _WITHDRAWN_PHRASE.match(words) is not None


@lru_cache(maxsize=1024)
def is_filled(cell: str) -> bool:
    """Whether `cell`, of a column such as "Cancelled" or UNSUB_TIME, says that it happened: a yes, a date, a reason."""
    words = _folded(cell)
    return words not in _NOTHING and not _NO_SUM.fullmatch(words)


def _folded(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold().replace("'", "").replace("\u2019", ""))
    return " ".join("".join(char if char.isalnum() else " " for char in plain if not _is_mark(char)).split())


def _is_mark(char: str) -> bool:
    return unicodedata.combining(char) != 0
