"""Charts as SVG in a page. Their numbers stand beside them in words: a chart adds the look, never a fact."""

from collections.abc import Mapping
from html import escape

_WIDTH, _HEIGHT = 600, 100


def bar(count: int, total: int) -> str:
    """A bar as long as the share of `count` in `total`; for the eye alone, the number is in the cell before it."""
    width = 100 * count / total if total else 0
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect width="{max(width, 0.5):.2f}" height="1"/></svg>'
    )


def columns(counts: Mapping[int, int], words: str) -> str:
    """A column for each count, by its place from left to right, from 0; `words` say what is to be seen."""
    most, step = max(counts.values()), _WIDTH / (max(counts) + 1)
    width = max(step * 0.8, 1.5)
    rects = "".join(
        f'<rect x="{min(at * step + step * 0.1, _WIDTH - width):.2f}" y="{_HEIGHT - height:.2f}" width="{width:.2f}"'
        f' height="{height:.2f}"/>'
        for at, height in ((at, max(_HEIGHT * count / most, 1)) for at, count in counts.items())
    )
    return (
        f'<svg class="columns" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}" focusable="false">{rects}</svg>'
    )
