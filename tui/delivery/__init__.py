"""Delivery: hands cleared messages to a mail server, one recipient each, and says what became of them.

Names are imported when they are first used: smtplib and ssl cost 35 ms, keyring 100, and most commands send nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tui.delivery.accounts import Account, AccountStore, Secret, account_from_settings
    from tui.delivery.connection import Connection, probe
    from tui.delivery.faults import Fault, Receipt
    from tui.delivery.imap import ImapLogin
    from tui.delivery.pacing import Pace, backoff

__all__ = [
    "Account",
    "AccountStore",
    "Connection",
    "Fault",
    "ImapLogin",
    "Pace",
    "Receipt",
    "Secret",
    "account_from_settings",
    "backoff",
    "probe",
]

_HOME = {
    "Account": "accounts",
    "AccountStore": "accounts",
    "Connection": "connection",
    "Fault": "faults",
    "ImapLogin": "imap",
    "Pace": "pacing",
    "Receipt": "faults",
    "Secret": "accounts",
    "account_from_settings": "accounts",
    "backoff": "pacing",
    "probe": "connection",
}


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
