"""From an address alone: where its mail is sent and read, who signs it in, and whether its domain vouches for it.

Everything here is a proposal for a person to agree to. Every look-up is optional, bounded in time and size, and what it
answers is hostile; without any, what is known of the large providers is left.
"""

from tui.delivery.discovery.alignment import Finding, alignment, differing, vouching
from tui.delivery.discovery.lookups import Lookups, NoLookups, lookups
from tui.delivery.discovery.proposing import Proposal, propose

__all__ = ["Finding", "Lookups", "NoLookups", "Proposal", "alignment", "differing", "lookups", "propose", "vouching"]
