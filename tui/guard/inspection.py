"""What the guard asks of every message, and the only place where one is cleared."""

from collections.abc import Iterable, Iterator
from hashlib import blake2b, sha256

from tui.guard import cleared
from tui.guard.cleared import Cleared, Leak
from tui.guard.findings import Found
from tui.guard.form import calendars, envelope
from tui.guard.likeness import Known
from tui.guard.mailboxes import keys
from tui.guard.reading import Reading, Unreadable, read
from tui.guard.roll import Roll
from tui.guard.searching import OfRoll, around_parts, in_headers, in_part
from tui.guard.values import Spoken


def clear(raw: bytes, recipient: str, roll: Roll, own_words: str = "") -> Cleared | tuple[Leak, ...]:
    """The message, cleared for `recipient` alone; or every leak that was found in it.

    `own_words` is what stands in the recipient's own columns that are not internal, a line each, the name first: an
    internal value that is also there is theirs to see. The same bytes for the same recipient are read once: the second
    time, in the moment before they go out, their digest is compared with that of what was cleared.
    """
    digest = sha256(raw).hexdigest()
    mark = blake2b(f"{digest}\x00{recipient}\x00{own_words}".encode("utf-8", "surrogatepass"), digest_size=16).digest()
    if mark not in roll.cleared:
        known = roll.likeness.known(raw, recipient, own_words, roll)
        if not known.whole:
            try:
                message = read(raw)
                leaks = _leaks(message, recipient, roll, own_words, known)
            except Unreadable as error:
                return (Leak(error.where, error.what, f"The message cannot be read back safely: {error.what}."),)
            if leaks:
                return leaks
            roll.likeness.learn(raw, message, recipient, own_words, roll)
        roll.cleared.add(mark)
    return Cleared(cleared._SEAL, raw, recipient, digest)


def _leaks(message: Reading, recipient: str, roll: Roll, own_words: str, known: Known) -> tuple[Leak, ...]:
    found = tuple(_found(message, OfRoll(roll, recipient), known))
    leaks = (
        *envelope(message, recipient),
        *calendars(message, recipient),
        *_people_and_values(found, recipient, own_words),
        *_unopened(found, roll),
    )
    return tuple(dict.fromkeys(leaks))


def _found(message: Reading, search: OfRoll, known: Known) -> Iterator[Found]:
    """Each place of the message in which something was found, and what of the roll it is."""
    if not known.headers:
        yield from in_headers(message, search)
    yield from around_parts(message, search)
    for part in message.parts:
        if part.at not in known.bodies:
            yield from in_part(part, search)


def _people_and_values(places: Iterable[Found], recipient: str, own_words: str) -> Iterator[Leak]:
    """Nobody else's address and no internal value, in any header, part, file name, or gap between parts."""
    mine = frozenset(keys(recipient))
    own: Spoken | None = None
    for found in places:
        for key in sorted(found.people - mine):
            yield Leak(found.where, key, f"{key}, another attendee's address, is in it.")
        for value in sorted(found.values):
            own = own or Spoken(own_words)
            if not own.holds(value):
                said = value.partition(":")[2] or value
                yield Leak(found.where, said, f"“{said}”, from a column that is marked internal, is in it.")


def _unopened(places: Iterable[Found], roll: Roll) -> Iterator[Leak]:
    """Nothing that cannot be looked into, unless the organiser says that it was reviewed."""
    for found in places:
        if found.unopened and found.digest not in roll.reviewed:
            name = found.where.partition("/")[0]
            advice = f'Look into it, and if it may go to everybody write reviewed = ["{name}@{found.digest}"]'
            what = f"It cannot be searched: {found.unopened}. {advice} under [message]."
            yield Leak(found.where, found.unopened, what)
