"""HTML as a person reads it, for a terminal: headings, paragraphs, lists, links; nothing that runs or loads."""

from html.parser import HTMLParser

_HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
_APART = frozenset({*_HEADINGS, "blockquote", "ol", "p", "pre", "table", "ul"})
_BLOCKS = _APART | {
    *("address", "article", "center", "dd", "div", "dl", "dt", "figure", "footer", "form", "header", "hr", "li"),
    *("main", "nav", "section", "tbody", "tfoot", "thead", "tr"),
}
_SKIPPED = frozenset({"head", "script", "style", "template", "title"})
_VOID = frozenset(
    {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
)

Piece = tuple[str, str]
"""Text and its tone: "" for plain, "strong", "quiet", "link"."""


def read_html(html: str) -> list[list[Piece]]:
    """The page as lines of pieces, an empty line between paragraphs; raw: who draws them makes them visible."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    return reader.finished()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._lines: list[list[Piece]] = []
        self._line: list[Piece] = []
        self._open: list[tuple[str, bool]] = []  # tag, and whether it hides what is in it
        self._href: list[str] = []
        self._link_text = ""

    def finished(self) -> list[list[Piece]]:
        self._break()
        while self._lines and not self._lines[-1]:
            self._lines.pop()
        return self._lines

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = {name: value or "" for name, value in attrs}
        if tag in _BLOCKS:
            self._break(apart=tag in _APART)
        if tag == "br":
            self._break()
        elif tag == "hr":
            self._lines.append([("─" * 24, "quiet")])
        elif tag == "img":
            self._say(f"[{said['alt']}]" if said.get("alt") else "", "quiet")
        elif tag == "li":
            self._line.append(("• ", "quiet"))
        elif tag in ("td", "th") and self._line:
            self._line.append(("  ", ""))
        elif tag == "a":
            self._href.append(said.get("href", ""))
            self._link_text = ""
        if tag not in _VOID:
            hidden = tag in _SKIPPED or "display:none" in said.get("style", "").replace(" ", "").lower()
            self._open.append((tag, hidden))

    def handle_endtag(self, tag: str) -> None:
        if tag == "a" and self._href:
            href = self._href.pop()
            if href and href not in (self._link_text, f"mailto:{self._link_text}"):
                self._say(f" ({href})", "quiet")
        for depth in range(len(self._open) - 1, -1, -1):
            if self._open[depth][0] == tag:
                del self._open[depth:]
                break
        if tag in _BLOCKS:
            self._break(apart=tag in _APART)

    def handle_data(self, data: str) -> None:
        if any(hidden for _, hidden in self._open):
            return
        tags = {tag for tag, _ in self._open}
        tone = "link" if self._href else "strong" if tags & {*_HEADINGS, "b", "strong", "th"} else ""
        if "pre" in tags:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self._break()
                self._say(line, tone)
            return
        words = " ".join(data.split())
        if not words:
            if data and self._line:
                self._space()
            return
        if data[0].isspace() and self._line:
            self._space()
        self._say(words, tone)
        if self._href:
            self._link_text = (self._link_text + " " + words).strip()
        if data[-1].isspace():
            self._space()

    def _say(self, text: str, tone: str) -> None:
        if text:
            self._line.append((text, tone))

    def _space(self) -> None:
        if self._line and not self._line[-1][0].endswith(" "):
            self._line.append((" ", ""))

    def _break(self, *, apart: bool = False) -> None:
        while self._line and not self._line[-1][0].strip():
            self._line.pop()
        if self._line:
            self._lines.append(self._line)
            self._line = []
        if apart and self._lines and self._lines[-1]:
            self._lines.append([])
