"""A style sheet written into the tags that it is about, for the mail programs that ignore one.

css-inline only says which declarations a tag gets: they are written into the template as it stands, so whatever Jinja2
has between and within the tags stays where it is. Rules that depend on the reader's screen or on a tag's surroundings
stay in the sheet. Done once per run, from the source.
"""

import html
import re
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from itertools import accumulate, count

from jinja2 import TemplateSyntaxError

from tui.invitation.markdown import Protected
from tui.invitation.markup import ATTRIBUTE, START_TAG

_SHEET = re.compile(r"[ \t]*<style\b([^>]*)>(.*?)</style\s*>\n?", re.IGNORECASE | re.DOTALL)
_NO_TAGS = re.compile(r"<!--.*?-->|<(script|style)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
_UNSEEN = frozenset({"head", "meta", "title", "style", "link", "script", "base"})
_CONTENT = re.compile(r"\{\{[-+]?\s*content\s*[-+]?\}\}")
_MARKER = "data-tag"
_PIECE = re.compile(
    r"/\*.*?(?:\*/|\Z)|<!--|-->"
    r"|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'"
    r"|\((?:[^()\"']|\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*')*\)"
    r"|[{};]|[^{};\"'(/<-]+|.",
    re.DOTALL,
)
# What a tag is beside, how many there are of it, and what is done with it are known when the message is read.
_LATE = re.compile(r"[:+~]")
# css-inline goes down into the tags by recursion, and a thread's stack is small.
_DEEPEST = 150
_VOID = frozenset({"br", "hr", "img", "meta", "link", "input", "col", "area", "base", "wbr", "source", "embed"})
_GROUPS = ("@media", "@supports")


def inline_styles(page: str, content: str) -> tuple[str, str]:
    """`page` and the `content` that it surrounds, both Jinja2 templates of HTML, with the page's styles in their tags.

    Within a tag the sheet's declarations stand before its own, so its own win. What stays in the sheet is important, as
    it would lose against the tag's otherwise. A sheet with Jinja2 in it or for other media than the screen is left as
    it is. Nothing is ever fetched. TemplateSyntaxError where a style sheet cannot be read.
    """
    if not _SHEET.search(page):
        return page, content
    around, inside = Protected(page), Protected(content)
    plain: list[str] = []
    has_late_classes = any(_depends(found, around) for found in START_TAG.finditer(_NO_TAGS.sub("", around.source)))

    def without_plain_rules(found: re.Match[str]) -> str:
        if around.has_part(found[0]) or not _is_for_the_screen(found[1]):
            return found[0]
        try:
            early, late = _sorted_rules(found[2], keep_all=has_late_classes)
        except ValueError as error:
            line = around.line(around.source.count("\n", 0, found.start()))
            raise TemplateSyntaxError(f"the style sheet that begins here cannot be read: {error}", line) from None
        plain.extend(early)
        return f"<style{found[1]}>\n{late}\n</style>\n" if late else ""

    around.source = _SHEET.sub(without_plain_rules, around.source)
    if plain:
        found = _styles(_document(around, inside), "\n".join(plain))
        around.source = _with_tags(around.source, "p", _styled(found))
        inside.source = _with_tags(inside.source, "c", _styled(found))
    # Each has got a line end more from being read.
    return around.restore(around.source)[:-1], inside.restore(inside.source)[:-1]


def _depends(tag: re.Match[str], page: Protected) -> bool:
    """Whether it is seen only when the page is filled in which rules the tag gets."""
    rest = tag[2]
    named = [value for name, _, value in ATTRIBUTE.findall(rest) if name.lower() in ("class", "id")]
    return any(map(page.has_part, (*named, ATTRIBUTE.sub("", rest))))


def _is_for_the_screen(attributes: str) -> bool:
    media = [value.strip("\"'").lower() for name, _, value in ATTRIBUTE.findall(attributes) if name.lower() == "media"]
    return all(one in ("", "all", "screen") for one in media)


# --- which tag gets what ----------------------------------------------------------------------------------------------


def _document(around: Protected, inside: Protected) -> str:
    """The page with its content in it and each tag marked; without Jinja2, sheets, and what leads anywhere."""
    content = inside.is_word.sub("", _with_tags(inside.source, "c", _marked))

    def filled(found: re.Match[str]) -> str:
        return content if _CONTENT.fullmatch(around.restore(found[0])) else ""

    page = _NO_TAGS.sub("", _with_tags(around.source, "p", _marked))
    return around.is_word.sub(filled, page)


def _with_tags(source: str, kind: str, change: Callable[[str, str, str], str]) -> str:
    """The source with each start tag changed: `change(number, name, attributes)`, by a number that no other tag has."""
    numbers = count()

    def one(found: re.Match[str]) -> str:
        return change(f"{kind}{next(numbers)}", found[1], found[2])

    return START_TAG.sub(one, source)


def _marked(number: str, name: str, attributes: str) -> str:
    if name.lower() == "link":
        return ""
    kept = ATTRIBUTE.sub(lambda found: "" if found[1].lower() in ("style", "href", "src") else found[0], attributes)
    return f'<{name} {_MARKER}="{number}"{kept}>'


def _styles(document: str, css: str) -> dict[str, str]:
    """The declarations of each marked tag that has some, as css-inline finds them."""
    import css_inline

    deep = list(accumulate(_step(found[1], found[2]) for found in re.finditer(r"<(/?)([a-zA-Z][\w-]*)", document)))
    if max(deep, default=0) > _DEEPEST:
        raise TemplateSyntaxError(f"tags within tags are more than {_DEEPEST} deep, or not closed", 1)
    inliner = css_inline.CSSInliner(inline_style_tags=False, extra_css=css, load_remote_stylesheets=False)
    try:
        reader = _Styles()
        reader.feed(inliner.inline(document))
        reader.close()
    except css_inline.InlineError as error:
        raise TemplateSyntaxError(f"the style sheet cannot be read: {error}", 1) from None
    return reader.found


def _step(closing: str, name: str) -> int:
    return 0 if name.lower() in _VOID else -1 if closing else 1


class _Styles(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = dict(attrs)
        number, style = known.get(_MARKER), known.get("style")
        if number and style and tag not in _UNSEEN:
            self.found[number] = style.strip().rstrip(";")


def _styled(styles: dict[str, str]) -> Callable[[str, str, str], str]:
    def change(number: str, name: str, attributes: str) -> str:
        if number not in styles:
            return f"<{name}{attributes}>"
        style = html.escape(styles[number].replace('"', "'"), quote=False)
        others = attributes
        for found in ATTRIBUTE.finditer(attributes):
            if found[1].lower() == "style":
                own = found[3].strip("\"'") if found[3][0] in "\"'" else found[3]
                style = f"{style};{own}".replace('"', "'")
                others = attributes[: found.start()].rstrip() + attributes[found.end() :]
        end = " /" if others.rstrip().endswith("/") else ""
        return f'<{name}{others.rstrip().removesuffix("/").rstrip()} style="{style}"{end}>'

    return change


# --- the sheet --------------------------------------------------------------------------------------------------------


def _sorted_rules(css: str, *, keep_all: bool) -> tuple[list[str], str]:
    """The rules that can be written into tags, and the sheet that is left."""
    early: list[str] = []
    late: list[str] = []
    for prelude, block in _rules(css):
        if block is None or prelude.startswith("@"):
            late.append(_important(prelude, block))
            continue
        # Commas within brackets do not part selectors.
        selectors = [prelude] if re.search(r"[(\[\"']", prelude) else prelude.split(",")
        now = ",".join(one.strip() for one in selectors if not _LATE.search(one))
        then = prelude if keep_all else ", ".join(one.strip() for one in selectors if _LATE.search(one))
        if now:
            early.append(f"{now} {{{block}}}")
        if then:
            late.append(_important(then, block))
    return early, "\n".join(late)


def _rules(css: str) -> Iterator[tuple[str, str | None]]:
    """What is before each block, and the block; None for a statement that has none. Comments are left out.

    ValueError where a block has no end.
    """
    prelude, block, depth = "", "", 0
    for piece in _PIECE.findall(css):
        if piece.startswith(("/*", "<!--", "-->")):
            continue
        if piece == "{" and not depth:
            depth, block = 1, ""
        elif piece == "}" and depth == 1:
            yield " ".join(prelude.split()), block.strip()
            depth, prelude = 0, ""
        elif depth:
            depth += (piece == "{") - (piece == "}")
            block += piece
        elif piece == ";":
            yield f"{' '.join(prelude.split())};", None
            prelude = ""
        else:
            prelude += piece
    if depth:
        raise ValueError("a { is not closed")


def _important(prelude: str, block: str | None) -> str:
    """A rule that stays in the sheet."""
    if block is None:
        return prelude
    if prelude.startswith("@") and not prelude.lower().startswith(_GROUPS):
        return f"{prelude} {{ {block} }}"  # a font, key frames: important means nothing there
    if prelude.startswith("@"):
        inside = "\n".join(f"  {_important(*rule)}" for rule in _rules(block))
        return f"{prelude} {{\n{inside}\n}}"
    declarations: list[str] = [""]
    for piece in _PIECE.findall(block):
        if piece == ";":
            declarations.append("")
        elif not piece.startswith("/*"):
            declarations[-1] += piece
    said = (" ".join(one.split()) for one in declarations)
    last = "; ".join(one if one.lower().endswith("!important") else f"{one} !important" for one in said if one)
    return f"{prelude} {{ {last} }}"
