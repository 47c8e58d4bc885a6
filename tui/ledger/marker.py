"""The file beside an event that says that messages went out, and which ledger holds the record of them.

A folder that was copied without its ledger, or with an older one, would otherwise look as if nobody had been invited:
the next send would invite everybody a second time. The file holds no name and no address.
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from tui.errors import LedgerError
from tui.ledger.store import Ledger, Where, is_there, open_to_read, spelled

_WORDS = """\
# Messages of this event went out. {name} holds the record of them: keep it with the event.
# Without it everybody would be invited once more. Delete this file only if that is what you want.
"""


@dataclass(frozen=True, slots=True)
class Marker:
    """What the file says: the ledger's identity, where it was, and how many attempts it has known at least."""

    ledger: str
    path: str
    attempts: int


def check(marker: Path, ledger_path: Where) -> None:
    """LedgerError where `marker` says that messages went out, and `ledger_path` is not the record of it."""
    said = _read(marker)
    if said is None:
        return
    if not is_there(ledger_path):
        raise _refusal(
            f"Messages of this event went out, and the record of them is missing: {spelled(ledger_path)}.", marker
        )
    with open_to_read(ledger_path) as ledger:
        _compare(said, ledger, marker, ledger_path)


@contextmanager
def kept(marker: Path, ledger: Ledger, ledger_path: Where, *, is_handed_over: bool = False) -> Iterator[None]:
    """Has `marker` say, while a run sends and after it, that `ledger` is the record of what went out; checks it before.

    A run that never tried a message leaves no marker, unless it `is_handed_over`: then others are about to. Where it
    cannot be written the run goes on: the ledger knows.
    """
    said = _read(marker)
    if said is not None:
        _compare(said, ledger, marker, ledger_path)
    identity = ledger.identity()
    is_beside = isinstance(ledger_path, Path) and ledger_path.parent == marker.parent
    path = ledger_path.name if is_beside else spelled(ledger_path)
    with suppress(OSError):
        _write(marker, Marker(identity, path, ledger.attempts()))
    is_out = False
    try:
        yield
        is_out = is_handed_over
    finally:
        with suppress(OSError, LedgerError):
            attempts = ledger.attempts()
            _write(marker, Marker(identity, path, attempts)) if attempts or is_out else marker.unlink(missing_ok=True)


def _compare(said: Marker, ledger: Ledger, marker: Path, ledger_path: Where) -> None:
    attempts, place = ledger.attempts(), spelled(ledger_path)
    if not said.ledger and attempts:
        return  # somebody has edited the file; a ledger that knows of messages is not the empty one that it warns of
    if said.ledger != ledger.identity():
        raise _refusal(f"Messages of this event went out, and {place} is not the record of them.", marker)
    if attempts < said.attempts:
        raise _refusal(
            f"{place} is older than what went out: it knows of {attempts} attempts, and there were at least"
            f" {said.attempts}.",
            marker,
        )


def _refusal(message: str, marker: Path) -> LedgerError:
    return LedgerError(
        message,
        hint="Restore the newest ledger, or name it with --ledger. Only if everybody is to be sent to as if nothing "
        f"had gone out: delete {marker}.",
        code="ledger-missing",
    )


def _read(marker: Path) -> Marker | None:
    """What stands in the file; None where there is none. What cannot be understood says that messages went out."""
    try:
        lines = marker.read_text(encoding="utf-8", errors="replace").splitlines()
    except FileNotFoundError:
        return None
    except OSError:
        lines = []
    values = {key.strip(): value.strip() for key, equals, value in (line.partition("=") for line in lines) if equals}
    attempts = values.get("attempts", "")
    is_number = attempts.isascii() and attempts.isdigit() and len(attempts) < 16
    return Marker(values.get("id", ""), values.get("ledger", ""), int(attempts) if is_number else 0)


def _write(marker: Path, said: Marker) -> None:
    """Whole, or not at all."""
    text = f"{_WORDS.format(name=said.path)}ledger = {said.path}\nid = {said.ledger}\nattempts = {said.attempts}\n"
    beside = marker.with_name(f"{marker.name}-new")
    try:
        beside.write_text(text, encoding="utf-8", errors="replace")
        beside.replace(marker)
    except OSError:
        beside.unlink(missing_ok=True)
        raise
