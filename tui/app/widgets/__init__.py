"""The parts of the screen. Each speaks through its own messages, and is shown new facts; none asks the core."""
