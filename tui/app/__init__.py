"""The app: the organiser's screen. The only room that knows Textual; importing this package alone does not load it."""

import gc
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from tui.clean import visible

TURN = 0.001
"""Seconds that a thread waits for the interpreter before whoever has it must let go: a fifth of what Python takes.

Beside a thread at work a key has three such waits: the terminal's reader, the screen, the terminal's writer."""


def run(  # noqa: PLR0913  # as many as the command line has
    files: Sequence[str],
    *,
    event: str | None = None,
    template: str | None = None,
    account: str | None = None,
    also: Sequence[str] = (),
    ledger: str | None = None,
    outbox: str | None = None,
    encoding: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Show these files until the organiser quits; the exit code (contract §5). The options are `open_folder`'s."""
    # The collector would walk every class of the toolkit again and again before the first picture: a quarter of the
    # time until then. It is back when the files are read.
    gc.disable()
    sys.setswitchinterval(TURN)
    from tui.app.app import InviteApp
    from tui.app.work import Opening

    app = InviteApp(
        Opening(
            files=tuple(files),
            event=event,
            template=template,
            account=account,
            also=tuple(also),
            ledger=ledger,
            outbox=outbox,
            encoding=encoding,
            environment=environment,
        )
    )
    try:
        app.run()
    finally:
        gc.enable()
    if app.last_words:
        with suppress(OSError):  # the terminal may be gone
            print(visible(app.last_words), file=sys.stderr, flush=True)
    return app.exit_code
