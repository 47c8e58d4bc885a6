"""Logging in where answers are read: one attempt, by password or token, on a channel that is secret.

Nothing here imports imaplib or opens a connection: who reads mail does, and hands its client over for the login.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from tui.delivery import sasl
from tui.delivery.accounts.profile import (
    ENVIRONMENT_ACCOUNT,
    Account,
    Credential,
    Secret,
    Security,
)
from tui.errors import AccountError
from tui.hosts import is_loopback

if TYPE_CHECKING:
    import ssl
    from imaplib import IMAP4


@dataclass(frozen=True, slots=True)
class ImapLogin:
    """An IMAP server and who logs in there.

    `security` "tls" is TLS from the start, "starttls" after STARTTLS, "none" allowed for this machine alone.
    """

    host: str
    port: int
    security: Security
    username: str
    credential: Credential = field(repr=False)
    ca: Path | None = None

    @classmethod
    def of(cls, account: Account, credential: Credential | None) -> "ImapLogin":
        """Where and how the answers to `account` are read. Raises `AccountError` where nothing is known of that."""
        if account.imap is None:
            raise AccountError(
                f"Account {account.name} says nothing of an IMAP server, so no answers can be read with it.",
                hint=(
                    "Set INVITE_TUI_IMAP_HOST as well."
                    if account.name == ENVIRONMENT_ACCOUNT
                    else f"Name one: `invite-tui account login {account.name} --imap-host HOST`."
                )
                + " Or read files: --mailbox PATH.",
            )
        if account.username is None or not credential:
            raise AccountError(
                f"Nothing is known that would log {account.name} in at {account.imap.host}.",
                hint=f"Sign in again: `invite-tui account login {account.name}`.",
            )
        imap = account.imap
        return cls(imap.host, imap.port, imap.security, account.username, credential, account.ca)

    @property
    def where(self) -> str:
        return f"{self.host} port {self.port}"

    def tls_context(self) -> "ssl.SSLContext":
        """For TLS and STARTTLS: verifies the certificate and the host's name. Raises `AccountError` for a bad CA file.

        A client must be told the name, `ssl_context=..., host=login.host`; imaplib and imap-tools do.
        """
        from tui.delivery.tls import client_context

        return client_context(self.ca)

    def authenticate(self, client: "IMAP4") -> str:
        """Logs in on `client`, which must be on its secret channel already, and says by what mechanism.

        One attempt with the best mechanism that the server offers. Raises `AccountError` in one sentence where it
        offers none, refuses, or the sign-in is no longer valid; `OSError` and imaplib's own `abort` where the
        connection breaks.
        """
        import ssl

        if self.security != "none" and not isinstance(client.sock, ssl.SSLSocket):
            raise AccountError(f"The channel to {self.where} is not encrypted; no login is attempted.")
        if self.security == "none" and not is_loopback(str(client.sock.getpeername()[0]).partition("%")[0]):
            # "localhost" is what a file on this machine says it is.
            raise AccountError(f"{self.host} is not this machine; no login is attempted without encryption.")
        offered = {str(word).upper().removeprefix("AUTH=") for word in client.capabilities if "=" in str(word)}
        secret = self.credential if isinstance(self.credential, Secret) else self.credential.token()
        is_token = not isinstance(self.credential, Secret)
        mechanism = next((name for name in (sasl.TOKENS if is_token else ("PLAIN",)) if name in offered), None)
        if mechanism is None and is_token:
            raise AccountError(
                f"{self.where} takes no sign-in by token (neither XOAUTH2 nor OAUTHBEARER).",
                hint="Check the IMAP host; the provider may want a password of its own for mail programs.",
            )
        if mechanism is None and "LOGINDISABLED" in client.capabilities:
            raise AccountError(f"{self.where} offers no login by password that this program knows.")
        reason: str
        try:
            if mechanism is None:
                client.login(self.username, secret.reveal())
            else:
                answers = sasl.Exchange(mechanism, self.username, secret, self.host, self.port)
                client.authenticate(mechanism, answers)
        except client.abort:
            raise
        except (client.error, UnicodeEncodeError) as problem:
            reason = sasl.blanked(" ".join(str(problem).split()), self.username, secret, self.host, self.port)[:300]
        else:
            return mechanism or "LOGIN"
        # Raised out here so that no frame that held the secret stays chained to it.
        raise AccountError(
            f"{self.where} refused the login of {self.username}: {reason}",
            hint="Check user name and password; many providers want IMAP switched on, or a password for programs.",
        )
