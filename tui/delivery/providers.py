"""What the large mail providers allow, as they publish it; found by the SMTP host, used as defaults. Pure data.

A number is what the provider says, None where it says none: nothing here is guessed. What `docs/providers.md` tells is
this table. A setting or the event file always wins, because many an account has limits of its own.
"""

from dataclasses import dataclass

from tui.delivery.accounts import is_loopback

MEGABYTE = 1_000_000

_BELOW = 0.9
"""Of a published rate we go this much: a steady rhythm of exactly the limit is over it whenever a clock jitters."""

_NO_RATE = 20.0
"""Messages a minute where nobody has published a rate: below the strictest of those who have."""


@dataclass(frozen=True, slots=True)
class Provider:
    """One provider's published limits of one account.

    `hosts` are SMTP host names, in which one label may be `*`. `rate` is messages a minute,
    `per_day` messages to one recipient each in any 24 hours, `recipients` of one message, `connections` at the same
    time, `size` bytes of a message as it is sent (encoded). `sources` are the pages that say so.
    """

    name: str
    hosts: tuple[str, ...] = ()
    rate: float | None = None
    per_day: int | None = None
    recipients: int | None = None
    connections: int | None = None
    size: int | None = None
    sources: tuple[str, ...] = ()

    @property
    def per_minute(self) -> float:
        """The messages a minute at which we send by default."""
        return _NO_RATE if self.rate is None else float(int(self.rate * _BELOW))


MICROSOFT_365 = Provider(
    "Microsoft 365",
    ("smtp.office365.com", "smtp-legacy.office365.com", "smtp.office365.us", "smtp.partner.outlook.cn"),
    rate=30,
    per_day=10_000,
    recipients=500,
    connections=3,
    size=35 * MEGABYTE,
    sources=(
        "https://learn.microsoft.com/office365/servicedescriptions/exchange-online-service-description/exchange-online-limits#sending-limits-1",
        "https://learn.microsoft.com/exchange/troubleshoot/send-emails/smtp-submission-improvements",
        "https://techcommunity.microsoft.com/blog/exchange/changes-coming-to-the-smtp-authenticated-submission-client-protocol/607825",
    ),
)

GMAIL = Provider(
    "Gmail",
    ("smtp.gmail.com", "smtp.googlemail.com"),
    per_day=500,
    recipients=100,
    size=25 * MEGABYTE,
    sources=("https://support.google.com/mail/answer/22839", "https://support.google.com/mail/answer/6584"),
)

GOOGLE_WORKSPACE = Provider(
    "Google Workspace",
    (),  # the same hosts as Gmail's: the user name tells them apart
    per_day=2_000,
    recipients=100,
    size=25 * MEGABYTE,
    sources=("https://support.google.com/a/answer/166852",),
)

GOOGLE_RELAY = Provider(
    "Google Workspace relay",
    ("smtp-relay.gmail.com",),
    per_day=10_000,
    recipients=100,
    size=25 * MEGABYTE,
    sources=("https://support.google.com/a/answer/2956491", "https://support.google.com/a/answer/166852"),
)

AMAZON_SES = Provider(
    "Amazon SES",
    ("email-smtp.*.amazonaws.com", "email-smtp-fips.*.amazonaws.com", "email-smtp.*.amazonaws.com.cn"),
    rate=60,
    recipients=50,
    size=40 * MEGABYTE,
    sources=("https://docs.aws.amazon.com/ses/latest/dg/quotas.html",),
)

POSTMARK = Provider(
    "Postmark",
    ("smtp.postmarkapp.com", "smtp-broadcasts.postmarkapp.com"),
    recipients=50,
    connections=10,
    size=10 * MEGABYTE,
    sources=(
        "https://postmarkapp.com/support/article/do-we-have-rate-limits-for-smtp",
        "https://postmarkapp.com/developer",
        "https://postmarkapp.com/support/article/1056-what-are-the-attachment-and-email-size-limits",
    ),
)

FASTMAIL = Provider(
    "Fastmail",
    ("smtp.fastmail.com", "smtps-proxy.fastmail.com", "smtp-proxy.fastmail.com", "smtp.messagingengine.com"),
    per_day=4_000,
    sources=("https://www.fastmail.help/hc/en-us/articles/1500000277382-Account-limits",),
)

OWN_SERVER = Provider(
    "own server",
)

LOOPBACK = Provider("this machine", rate=0.0)
"""No limit at all."""

KNOWN = (
    MICROSOFT_365,
    GMAIL,
    GOOGLE_WORKSPACE,
    GOOGLE_RELAY,
    AMAZON_SES,
    POSTMARK,
    FASTMAIL,
)

_PRIVATE_GMAIL = ("gmail.com", "googlemail.com")


def provider_of(host: str, username: str | None = None) -> Provider:
    """Whose server `host` is, `OWN_SERVER` where it is nobody's that we know; nothing is asked of the network.

    Gmail and Google Workspace share their hosts: an account is a Workspace's where its user name's domain is not
    Gmail's. Without a user name it is the stricter of the two.
    """
    if is_loopback(host):
        return LOOPBACK
    name = host.lower().rstrip(".")
    found = next((one for one in KNOWN if any(_fits(name, pattern) for pattern in one.hosts)), OWN_SERVER)
    _, at, domain = (username or "").lower().rpartition("@")
    if found is GMAIL and at and domain not in _PRIVATE_GMAIL:
        return GOOGLE_WORKSPACE
    return found


def _fits(host: str, pattern: str) -> bool:
    """Whether `host` is `pattern`, in which one label may be `*`."""
    labels, wanted = host.split("."), pattern.split(".")
    return len(labels) == len(wanted) and all(want in ("*", label) for label, want in zip(labels, wanted, strict=True))
