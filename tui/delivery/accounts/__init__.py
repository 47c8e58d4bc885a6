"""Mail accounts: profiles in one file, secrets in the system keyring, offered to nobody but whom they were stored for."""

from tui.delivery.accounts.store import (
    DEFAULT_PORT,
    ENVIRONMENT_ACCOUNT,
    SERVICE,
    Account,
    AccountStore,
    Login,
    Secret,
    Security,
    account_from_settings,
    is_loopback,
)

__all__ = [
    "DEFAULT_PORT",
    "ENVIRONMENT_ACCOUNT",
    "SERVICE",
    "Account",
    "AccountStore",
    "Login",
    "Secret",
    "Security",
    "account_from_settings",
    "is_loopback",
]
