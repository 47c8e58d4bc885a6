"""Mail accounts: profiles in one file, secrets in the keyring, offered to nobody but whom they were stored for."""

from tui.delivery.accounts.keyrings import SERVICE
from tui.delivery.accounts.profile import (
    DEFAULT_IMAP_PORT,
    DEFAULT_PORT,
    ENVIRONMENT_ACCOUNT,
    Account,
    Bearer,
    Credential,
    Imap,
    Login,
    OAuth,
    Secret,
    Security,
    account_from_settings,
)
from tui.delivery.accounts.store import AccountStore
from tui.hosts import is_loopback

__all__ = [
    "DEFAULT_IMAP_PORT",
    "DEFAULT_PORT",
    "ENVIRONMENT_ACCOUNT",
    "SERVICE",
    "Account",
    "AccountStore",
    "Bearer",
    "Credential",
    "Imap",
    "Login",
    "OAuth",
    "Secret",
    "Security",
    "account_from_settings",
    "is_loopback",
]
