"""Contents: any file, read by what is in it and not by what it is called, for everything that a recipient could find.

What no parser here sees: a picture's pixels (a scanned page, a photographed list), sound and film, text drawn as lines,
and what is encrypted. Pictures count as read all the same; everything else that cannot be read is `Unopened`.
"""

from tui.contents.findings import Passage, Unopened
from tui.contents.looking import look_into

__all__ = ["Passage", "Unopened", "look_into"]
