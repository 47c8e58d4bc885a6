"""Writing a mailing to a folder instead of a socket."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

from tui.clean import file_name
from tui.errors import InputError
from tui.mailing.control import Control
from tui.mailing.letters import Mailing, Settled


def rehearse(mailing: Mailing, outbox: Path, control: Control | None = None) -> Iterator[Settled]:
    """Writes every message to `outbox`, one file each, in place of what an earlier rehearsal left there.

    InputError where that is not possible.
    """
    try:
        outbox.mkdir(mode=0o700, parents=True, exist_ok=True)
        for old in outbox.iterdir():
            if re.fullmatch(r"\d{4,}-.*\.eml", old.name):
                old.unlink()
        width = max(4, len(str(len(mailing.letters))))
        for number, letter in enumerate(mailing.letters):
            if control and not control.may_go_on():
                return
            path = outbox / f"{number + 1:0{width}}-{file_name(letter.action.attendee.address)}.eml"
            with open(path, "wb", opener=lambda name, flags: os.open(name, flags, 0o600)) as file:
                file.write(mailing.clear(letter).raw)
            yield Settled(mailing.letters, number, "unsent", str(outbox / path.name), 0)
    except OSError as error:
        raise InputError(
            f"The rehearsal cannot be written to {outbox}: {error.strerror}.",
            hint="Name another folder with --outbox, or free some space.",
            code="outbox",
        ) from None
