"""How the mail of an address is set up, as far as anybody says."""

from dataclasses import dataclass

import idna

from tui.delivery.accounts.profile import Imap, Security
from tui.delivery.discovery import autoconfig, presets
from tui.delivery.discovery.lookups import Lookups, Service
from tui.delivery.discovery.presets import Preset
from tui.errors import AccountError

MOZILLA = "https://autoconfig.thunderbird.net/v1.1"


@dataclass(frozen=True, slots=True)
class Proposal:
    """Settings for an account, to be agreed to. `source` is who says so; `preset` the provider, if it is known.

    `is_own` is false where a server lies outside the address's domain and nobody vouches for that but DNS (RFC 6186
    §6): the person should look twice.
    """

    host: str
    port: int
    security: Security
    username: str
    imap: Imap | None
    oauth: str | None
    source: str
    preset: Preset | None = None
    is_own: bool = True


def domain_of(address: str) -> str | None:
    """The domain of an address, as DNS spells it; None where there is none."""
    domain = address.rpartition("@")[2].strip().rstrip(".").lower() if "@" in address else ""
    try:
        return idna.encode(domain, uts46=True).decode("ascii") if domain else None
    except idna.IDNAError:
        return None


def propose(address: str, ask: Lookups) -> Proposal | None:
    """The best proposal: a provider known here, DNS, the domain's page, Mozilla's list. None where nobody knows."""
    domain = domain_of(address)
    if domain is None:
        return None
    preset = presets.of_domain(domain)
    if preset is not None:
        return _from_preset(preset, address, f"{preset.name} publishes these settings")
    hosts = ask.mx(domain)
    preset = presets.of_exchanger(hosts[0]) if hosts else None
    if preset is not None:
        return _from_preset(preset, address, f"{preset.name} takes the mail of {domain}")
    return _from_services(domain, address, ask) or _from_pages(domain, address, ask)


def _from_preset(preset: Preset, address: str, source: str) -> Proposal:
    return Proposal(
        preset.host, preset.port, preset.security, address, preset.imap, preset.oauth, source, preset=preset
    )


def _from_services(domain: str, address: str, ask: Lookups) -> Proposal | None:
    """RFC 6186, and RFC 8314 §5.1 for TLS from the start, which comes first."""
    sending = _service(domain, ask, (("_submissions", "tls"), ("_submission", "starttls")))
    if sending is None:
        return None
    reading = _service(domain, ask, (("_imaps", "tls"), ("_imap", "starttls")))
    hosts = [server.host for server in (sending, reading) if server is not None]
    return Proposal(
        sending.host,
        sending.port,
        sending.security,
        address,
        reading,
        None,
        f"the DNS of {domain} says so",
        is_own=all(host == domain or host.endswith(f".{domain}") for host in hosts),
    )


def _service(domain: str, ask: Lookups, kinds: tuple[tuple[str, Security], ...]) -> Imap | None:
    for name, security in kinds:
        # "." as the host says that the service is not offered.
        found = [one for one in ask.srv(f"{name}._tcp.{domain}") if one.host]
        for one in sorted(found, key=_rank):
            try:
                return Imap(one.host, one.port, security)
            except AccountError:
                continue
    return None


def _rank(service: Service) -> tuple[int, int]:
    return service.priority, -service.weight


def _from_pages(domain: str, address: str, ask: Lookups) -> Proposal | None:
    pages = {
        f"https://autoconfig.{domain}/mail/config-v1.1.xml": domain,
        f"https://{domain}/.well-known/autoconfig/mail/config-v1.1.xml": domain,
        f"{MOZILLA}/{domain}": "Mozilla's list",
    }
    for url, who in pages.items():
        page = ask.page(url)
        sending, reading = autoconfig.parse(page, address) if page else (None, None)
        if sending is None:
            continue
        preset = presets.of_host(sending.host)
        return Proposal(
            sending.host,
            sending.port,
            sending.security,
            sending.username,
            None if reading is None else Imap(reading.host, reading.port, reading.security),
            preset.oauth if preset else None,
            f"{who} says so",
            preset=preset,
        )
    return None
