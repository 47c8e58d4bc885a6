"""What the large providers publish about their mail servers. Pure data; sources stand in docs/accounts.md."""

from dataclasses import dataclass

from tui.delivery.accounts.profile import Imap, Security


@dataclass(frozen=True, slots=True)
class Preset:
    """One provider: where to send and read, and how its customers' domains show that they are its customers.

    `domains` are those of its own addresses, `exchangers` endings of the MX hosts of domains that it serves. `oauth`
    is who signs in ("microsoft", "google"), None for a password; `password` says what kind of one, where that is not
    the usual. `spf` is what a domain's record includes, `selectors` the names of its DKIM keys.
    """

    name: str
    host: str
    port: int
    security: Security
    imap: Imap | None
    domains: tuple[str, ...] = ()
    exchangers: tuple[str, ...] = ()
    oauth: str | None = None
    password: str = ""
    spf: str | None = None
    selectors: tuple[str, ...] = ()


_APP_PASSWORD = "It takes a password for programs only, made in the account's security settings."  # noqa: S105  # words

MICROSOFT_365 = Preset(
    "Microsoft 365",
    "smtp.office365.com",
    587,
    "starttls",
    Imap("outlook.office365.com"),
    exchangers=(".mail.protection.outlook.com", ".mx.microsoft"),
    oauth="microsoft",
    password="Passwords work only where the administrator has left them on (docs/accounts.md).",  # noqa: S106  # words
    spf="spf.protection.outlook.com",
    selectors=("selector1", "selector2"),
)

OUTLOOK_COM = Preset(
    "Outlook.com",
    "smtp-mail.outlook.com",
    587,
    "starttls",
    Imap("outlook.office365.com"),
    domains=("outlook.com", "hotmail.com", "live.com", "msn.com", "hotmail.co.uk", "outlook.de", "hotmail.fr"),
    oauth="microsoft",
    password="Passwords no longer work there.",  # noqa: S106  # words
)

GOOGLE = Preset(
    "Google",
    "smtp.gmail.com",
    587,
    "starttls",
    Imap("imap.gmail.com"),
    domains=("gmail.com", "googlemail.com"),
    exchangers=(".google.com", ".googlemail.com"),
    oauth="google",
    password=_APP_PASSWORD,
    spf="_spf.google.com",
    selectors=("google",),
)

FASTMAIL = Preset(
    "Fastmail",
    "smtp.fastmail.com",
    465,
    "tls",
    Imap("imap.fastmail.com"),
    domains=("fastmail.com", "fastmail.fm"),
    exchangers=(".messagingengine.com",),
    password=_APP_PASSWORD,
    spf="spf.messagingengine.com",
    selectors=("fm1", "fm2", "fm3"),
)

YAHOO = Preset(
    "Yahoo",
    "smtp.mail.yahoo.com",
    465,
    "tls",
    Imap("imap.mail.yahoo.com"),
    domains=("yahoo.com", "yahoo.co.uk", "ymail.com"),
    password=_APP_PASSWORD,
)

ICLOUD = Preset(
    "iCloud",
    "smtp.mail.me.com",
    587,
    "starttls",
    Imap("imap.mail.me.com"),
    domains=("icloud.com", "me.com", "mac.com"),
    exchangers=(".mail.icloud.com",),
    password=_APP_PASSWORD,
    spf="icloud.com",
    selectors=("sig1",),
)

KNOWN = (MICROSOFT_365, OUTLOOK_COM, GOOGLE, FASTMAIL, YAHOO, ICLOUD)


def of_domain(domain: str) -> Preset | None:
    """Whose own addresses end in `domain`."""
    return next((preset for preset in KNOWN if domain in preset.domains), None)


def of_exchanger(host: str) -> Preset | None:
    """Who takes the mail of a domain whose MX is `host`."""
    name = host.lower().rstrip(".")
    return next((preset for preset in KNOWN if name.endswith(preset.exchangers)), None)


def of_host(host: str) -> Preset | None:
    """Whose SMTP server `host` is."""
    name = host.lower().rstrip(".")
    return next((preset for preset in KNOWN if name == preset.host), None)
