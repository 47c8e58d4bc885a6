"""The first sign-in of an account, with whoever its issuer is."""

from typing import Protocol

from tui.delivery.accounts.profile import Account, Secret
from tui.delivery.oauth.grants import Ceremony, Grant, Kept
from tui.errors import AccountError


class Client(Protocol):
    """This program, as an issuer sees it."""

    def sign_in(self, ceremony: Ceremony) -> Grant:
        """Has a person agree. Raises `AccountError`."""

    def renew(self, refresh: Secret) -> Grant:
        """Another access token. Raises `RevokedError`, `UnreachableError` or another `AccountError`."""


def client_of(account: Account, client_secret: Secret | None) -> Client:
    from tui.delivery.oauth import client, microsoft

    if account.oauth is None or account.username is None:
        raise AccountError(f"Account {account.name} does not sign in.")
    tenant = microsoft.tenant_of(account.oauth, account.username)
    reads = account.imap is not None
    if tenant is not None:
        return microsoft.Client(account.oauth, account.username, reads=reads, tenant=tenant)
    return client.Client(account.oauth, account.username, client_secret, reads=reads)


def sign_in(account: Account, ceremony: Ceremony, client_secret: Secret | None = None) -> tuple[Secret, Grant]:
    """Has a person agree; what the keyring is to keep, and the first grant. Raises `AccountError`."""
    grant = client_of(account, client_secret).sign_in(ceremony)
    if grant.refresh is None:
        raise AccountError("The issuer gave no refresh token, so this sign-in would last for minutes only.")
    return Kept(grant.refresh, client_secret).to_secret(), grant
