"""`invite-tui account add` on a terminal: an address is enough, everything else is proposed and agreed to."""

import argparse
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, cast, get_args

from tui.cli.asking import agree, ask, hidden
from tui.cli.output import tell
from tui.delivery import Account, Secret
from tui.delivery.accounts import DEFAULT_IMAP_PORT, DEFAULT_PORT, Imap, OAuth, Security
from tui.delivery.discovery import Lookups, Proposal, propose, vouching
from tui.delivery.discovery.proposing import domain_of
from tui.errors import InputError, InviteError

if TYPE_CHECKING:
    from tui.delivery.accounts import Login

_ISSUERS = {"microsoft": "Microsoft", "google": "Google"}


def ask_for(options: argparse.Namespace, look: Lookups) -> Account:
    """The account that the person agrees to; what the options say is not asked. `UsageError` where the input ends."""
    address = options.username or ask("Your e-mail address")
    tell("Looking up how its mail is set up ...")
    proposal = propose(address, look)
    if proposal is not None and _agrees_to(proposal, address):
        host, port, security = proposal.host, proposal.port, proposal.security
    else:
        if proposal is None:
            tell(f"Nobody says how the mail of {address} is set up; your provider's help does.")
        host, port, security = _server("The server that takes mail to send", "starttls", DEFAULT_PORT)
        proposal = None
    oauth = _oauth(options, proposal)
    username = proposal.username if proposal is not None else ask("User name", address)
    login: Login = "oauth" if oauth else "password"
    return Account(
        name=options.name,
        host=host,
        port=port if options.port is None else options.port,
        security=options.security or security,
        username=username,
        sender=options.sender or (address if "@" in address and address != username else None),
        ca=Path(options.ca) if options.ca else None,
        login=login,
        oauth=oauth,
        imap=_imap(options, proposal),
    )


def _agrees_to(proposal: Proposal, address: str) -> bool:
    tell(f"{proposal.source}:")
    tell(f"  it is sent through {proposal.host}:{proposal.port} ({proposal.security})")
    if proposal.imap is not None:
        tell(f"  it is read at {proposal.imap.host}:{proposal.imap.port} ({proposal.imap.security})")
    if proposal.username != address:
        tell(f"  the user name is {proposal.username}")
    if not proposal.is_own:
        tell(f"  These servers lie outside {domain_of(address)}: make sure that they are your provider's.")
    return agree("Is that right?")


def _oauth(options: argparse.Namespace, proposal: Proposal | None) -> OAuth | None:
    issuer = options.oauth or (proposal.oauth if proposal is not None else None)
    if issuer is None:
        if proposal is not None and proposal.preset is not None and proposal.preset.password:
            tell(proposal.preset.password)
        return None
    name = _ISSUERS.get(issuer, issuer)
    if not options.oauth:
        tell(f"{name} wants programs to sign in. That needs a client id of your organisation's (docs/accounts.md).")
        if not agree(f"Sign in with {name}? (n: a password)"):
            if proposal is not None and proposal.preset is not None and proposal.preset.password:
                tell(proposal.preset.password)
            return None
    return OAuth(issuer, options.client_id or ask("Client id"), tuple(options.scope))


def _imap(options: argparse.Namespace, proposal: Proposal | None) -> Imap | None:
    if options.imap_host:
        security: Security = options.imap_security or "tls"
        return Imap(options.imap_host, options.imap_port or DEFAULT_IMAP_PORT[security], security)
    if not agree(
        "Should invite-tui read the answers there too?" if proposal else "Should invite-tui read the answers?"
    ):
        return None
    if proposal is not None and proposal.imap is not None:
        return proposal.imap
    return Imap(*_server("The server on which mail is read (IMAP)", "tls", DEFAULT_IMAP_PORT))


def _server(question: str, usual: Security, ports: Mapping[Security, int]) -> tuple[str, int, Security]:
    host = ask(question)
    while (security := ask("Security: starttls, tls, or none (this machine only)", usual)) not in get_args(Security):
        tell(f"“{security}” is none of them.")
    port = ports[cast("Security", security)]
    while not ((text := ask("Port", str(port))).isascii() and text.isdigit() and 1 <= int(text[:6]) <= 65_535):
        tell(f"“{text}” is no port.")
    return host, int(text), cast("Security", security)


def client_secret(account: Account) -> Secret | None:
    """What some issuers want beside the client id, and never a person's own secret."""
    if account.oauth is None or account.oauth.issuer == "microsoft":
        return None
    text = hidden("Client secret (Enter: there is none)")
    return Secret(text) if text else None


def tell_vouching(account: Account, look: Lookups) -> None:
    """Says whether mail in the name of this account, and of the event in this folder, will be believed."""
    caution, findings = vouching(account, _organizer(), look)
    if caution:
        tell(f"caution: {caution}")
    for finding in findings:
        sign = {True: "good", False: "caution", None: "open"}[finding.is_good]
        tell(f"{sign}: {finding.what}: {finding.words}")


def _organizer() -> str | None:
    """Whose event it is in this folder; None where there is none that can be read."""
    from tui.event import load

    path = Path("event.toml")
    if not path.is_file():
        return None
    try:
        event, _ = load(path, path.name)
    except InputError:
        return None
    return event.organizer.email if event is not None else None


def offer_trial(account: Account) -> None:
    """Offers a message to oneself. That it fails is said, and undoes nothing."""
    address = account.sender or account.username or ""
    if "@" not in address or not agree(f"Send a test message to {address}?", usual=False):
        return
    from tui.trial import send_to_oneself

    try:
        reply = send_to_oneself(account, address)
    except InviteError as problem:
        tell(f"The test message was not sent: {problem.message}")
        if problem.hint:
            tell(f"  {problem.hint}")
    else:
        tell(f"Sent: {reply}. Look whether it has come, and not among the spam.")
