"""Charts as SVG in a page. Their numbers stand beside them in words: a chart adds the look, never a fact."""

from collections.abc import Mapping, Sequence
from html import escape

_WIDTH, _HEIGHT = 600, 100


def bar(count: int, total: int) -> str:
    """A bar as long as the share of `count` in `total`; for the eye alone, the number is in the cell before it."""
    width = 100 * count / total if total else 0
    return (
        '<svg class="bar" viewBox="0 0 100 1" preserveAspectRatio="none" aria-hidden="true" focusable="false">'
        f'<rect width="{max(width, 0.5):.2f}" height="1"/></svg>'
    )


def columns(stacks: Mapping[int, Sequence[int]], words: str) -> str:
    """A column for each place from left to right, from 0, of one or several counts upon each other; `words` say what is
    to be seen. The parts are told apart by their shade (`part-0` and on) and by a line between them."""
    most, step = max(map(sum, stacks.values())), _WIDTH / (max(stacks) + 1)
    width = max(step * 0.8, 1.5)
    rects = []
    for at, counts in stacks.items():
        left, top = min(at * step + step * 0.1, _WIDTH - width), float(_HEIGHT)
        for number, count in enumerate(counts):
            if count:
                height = max(_HEIGHT * count / most, 1)
                top = max(top - height, 0)
                rects.append(
                    f'<rect class="part-{number}" x="{left:.2f}" y="{top:.2f}" width="{width:.2f}"'
                    f' height="{height:.2f}"/>'
                )
    return (
        f'<svg class="columns" viewBox="0 0 {_WIDTH} {_HEIGHT}" preserveAspectRatio="none" role="img"'
        f' aria-label="{escape(words)}" focusable="false">{"".join(rects)}</svg>'
    )


def swatch(number: int) -> str:
    """The shade of a part, beside its name; for the eye alone."""
    return (
        '<svg class="swatch" viewBox="0 0 1 1" aria-hidden="true" focusable="false">'
        f'<rect class="part-{number}" width="1" height="1"/></svg>'
    )
