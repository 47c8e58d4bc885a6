"""The whole folder: all the layers, and the ways to open one."""

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from typing import TYPE_CHECKING

from tui.folder.places import Choices
from tui.folder.viewing import Viewing

if TYPE_CHECKING:
    from tui.invitation import Wording

_OF_THE_WORDING = (
    *("_wording_problems", "_wording_digests", "_composer", "_roll", "_roll_of_nobody", "_columns_where"),
    *("problems", "errors", "_by_record", "_faulty_rows"),
)
"""What is remembered of a folder and would be another thing with another wording."""


class Folder(Viewing):
    """See `open_folder`. Everything that is read is read once; what the ledger holds is asked anew each time."""

    def anew(self) -> "Folder":
        """The same choices, and everything read again."""
        return Folder(self.choices, self._environment)

    def worded(self, template: str) -> "Folder":
        """The same folder, whose invitations and updates have this wording. InputError where there is no such one.

        Nothing is read again but the wording: a long list is shared with this folder.
        """
        from tui.invitation import load_wording

        wording = load_wording(template, self.event_path.parent, None)
        return self._with({**self._wordings, "invite": wording, "update": wording})

    def through(self, accounts: Sequence[str]) -> "Folder":
        """The same folder, sent with these accounts: the first, and for workers the others as well.

        AccountError where the first is unknown.
        """
        first, *also = accounts
        other = copy(self)
        for name in ("account_name", "account", "_login", "_credential"):
            other.__dict__.pop(name, None)
        other.choices = replace(self.choices, account=first, also=tuple(also))
        other._prepared = None
        other.account  # noqa: B018  # an unknown one is said now
        return other

    def with_wording_texts(self, texts: Mapping[str, Sequence[str]]) -> "Folder":
        """The same folder, with wordings that are nowhere in it: see `wording_texts`."""
        from tui.invitation import Wording

        return self._with({action: Wording.of(each) for action, each in texts.items()})

    def _with(self, wordings: "Mapping[str, Wording]") -> "Folder":
        other = copy(self)
        for name in _OF_THE_WORDING:
            other.__dict__.pop(name, None)
        other._prepared = None
        other.__dict__["_wordings"] = wordings
        return other


def open_folder(  # noqa: PLR0913  # as many as the command line has
    files: Sequence[str],
    *,
    event: str | None = None,
    template: str | None = None,
    account: str | None = None,
    ledger: str | None = None,
    outbox: str | None = None,
    encoding: str | None = None,
    cancels: bool = False,
    also: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> Folder:
    """The event folder of these attendee files (none: the event and the ledger alone).

    InputError where a file is missing or unreadable; what is wrong inside the files is in `problems`.
    """
    said = (event, template, account, ledger, outbox, encoding, cancels, tuple(also))
    return Folder(Choices(tuple(files), *said), environment)
