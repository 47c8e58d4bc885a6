"""What the spelling of a host says."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Whether `host` is this machine by its very spelling: 127.0.0.0/8, ::1 or "localhost". Nothing is resolved."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
