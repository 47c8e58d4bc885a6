"""The app: the organiser's screen. The only room that knows Textual; importing this package alone does not load it."""

from collections.abc import Mapping, Sequence


def run(
    files: Sequence[str],
    *,
    event: str | None = None,
    template: str | None = None,
    account: str | None = None,
    ledger: str | None = None,
    outbox: str | None = None,
    encoding: str | None = None,
    environment: Mapping[str, str] | None = None,
) -> int:
    """Show these files until the organiser quits; the exit code (contract §5). The options are `open_folder`'s."""
    from tui.app.app import InviteApp
    from tui.app.work import Opening

    app = InviteApp(
        Opening(
            files=tuple(files),
            event=event,
            template=template,
            account=account,
            ledger=ledger,
            outbox=outbox,
            encoding=encoding,
            environment=environment,
        )
    )
    app.run()
    return app.exit_code
