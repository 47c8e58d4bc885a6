"""`python -m tui` is `invite-tui`."""

import sys

from tui.cli import main

sys.exit(main())
