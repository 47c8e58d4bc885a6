"""invite-tui: personal invitations in bulk, safely. Importing this costs nothing."""

__version__ = "0.1.0"
