"""Charts as SVG in a page. Their numbers stand beside them in words: a chart adds the look, never a fact."""

from collections.abc import Sequence
from html import escape

_WIDTH, _HEIGHT = 600, 100


def bar(count: int, total: int) -> str:
    """A bar as long as the share of `count` in `total`; for the eye alone, the number is in the cell before it."""
    width = 100 * count / total if total else 0
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect width="{max(width, 0.5):.2f}" height="1"/></svg>'
    )


def columns(counts: Sequence[int], words: str) -> str:
    """A column for each count, from left to right; `words` say what is to be seen."""
    most, step = max(counts), _WIDTH / len(counts)
    rects = "".join(
        f'<rect x="{at * step + step * 0.1:.2f}" y="{_HEIGHT - (height := max(_HEIGHT * count / most, 1)):.2f}"'
        f' width="{step * 0.8:.2f}" height="{height:.2f}"/>'
        for at, count in enumerate(counts)
    )
    return (
        f'<svg class="columns" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}" focusable="false">{rects}</svg>'
    )
