"""An attendee, the event and the wording in; the bytes of one message out. Pure and deterministic."""

from tui.invitation.composer import Composer, Composition, Revision, Uncomposable
from tui.invitation.wording import Wording
from tui.invitation.wording import load as load_wording

__all__ = ["Composer", "Composition", "Revision", "Uncomposable", "Wording", "load_wording"]
