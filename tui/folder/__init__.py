"""An event folder, opened: the event, the attendees, the wording and the ledger, and all that a face can ask of them.

Both faces work through this. Opening reads everything once and writes nothing but a missing event uid. A `Folder` is
built up in layers, each of which knows those before it: what lies there (`opening`), what was sent (`records`), with
what it is sent (`account`), what the messages are made of (`materials`), what is wrong (`findings`), what a send would
do (`planning`), doing it (`sending`), and one message to look at (`viewing`).
"""

from tui.folder.places import Choices, ledger_path
from tui.folder.promise import Promise
from tui.folder.viewing import MessageView
from tui.folder.whole import Folder, open_folder

__all__ = ["Choices", "Folder", "MessageView", "Promise", "ledger_path", "open_folder"]
