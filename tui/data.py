"""Where the files that travel with the program are: in an installed wheel and in a checkout."""

from pathlib import Path

_HERE = Path(__file__).parent


def templates() -> Path:
    """The folder of the wordings that ship."""
    return _shipped("templates")


def samples() -> Path:
    """The folder of the sample event. Read-only where the program was installed: copy it before working in it."""
    return _shipped("samples")


def _shipped(name: str) -> Path:
    # A wheel carries them inside the package; in a checkout they lie beside it, where an organiser looks for them.
    installed = _HERE / "_data" / name
    return installed if installed.is_dir() else _HERE.parent / name
