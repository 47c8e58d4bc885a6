"""HTML that somebody wrote with Jinja2 in it (a layout, NAME.html.j2), made safe to fill values into.

Autoescaping keeps a value out of the markup only between tags and within quoted attributes; and it knows nothing of
where a link leads. Both are settled here, once, from the source.
"""

import html
import re

from jinja2 import TemplateSyntaxError

from tui.invitation.markdown import CHECKED_LINK, Protected

START_TAG = re.compile(r"<([a-zA-Z][\w-]*)((?:[^<>\"']|\"[^\"]*\"|'[^']*')*)>")
ATTRIBUTE = re.compile(r"([^\s=<>\"'/]+)(\s*=\s*)(\"[^\"]*\"|'[^']*'|[^\s\"'>]+)")
_LEADS_SOMEWHERE = frozenset({"href", "src", "action", "formaction", "background", "poster", "cite", "xlink:href"})
_CODE = frozenset({"style", "srcdoc", "srcset"})
_UNCLOSED = re.compile(r"<[a-zA-Z][^<>]*")
_DANGEROUS = re.compile(r"(?:javascript|vbscript|data):", re.IGNORECASE)
_RAW_TEXT = re.compile(r"<(script|style)\b[^>]*>(.*?)</\1", re.IGNORECASE | re.DOTALL)


def compile_markup(source: str) -> str:
    """The source, with each link that holds a value checked when it is filled in.

    TemplateSyntaxError, with the line, where a value stands where it could become markup or code, and where a link is
    to javascript:, vbscript: or data:.
    """
    return _Markup(source).compiled


class _Markup:
    def __init__(self, source: str) -> None:
        self._protected = Protected(source)
        source = self._protected.source
        for found in _RAW_TEXT.finditer(source):
            self._refuse_value(found[2], f"cannot stand within <{found[1].lower()}>", found.start())
        for found in _UNCLOSED.finditer(START_TAG.sub(lambda found: " " * len(found[0]), source)):
            self._refuse_value(found[0], "must stand in an attribute, between quotes", found.start())
        self.compiled = self._protected.restore(START_TAG.sub(self._tag, source))

    def _tag(self, found: re.Match[str]) -> str:
        name, rest = found.groups()
        self._refuse_value(name + ATTRIBUTE.sub("", rest), "must stand in an attribute, between quotes", found.start())
        return f"<{name}{ATTRIBUTE.sub(lambda attribute: self._attribute(attribute, found.start()), rest)}>"

    def _attribute(self, found: re.Match[str], at: int) -> str:
        name, equals, value = found.groups()
        kind = name.lower()
        if value[0] not in "\"'":
            self._refuse_value(value, f"in {name} needs quotes around it", at)
        if kind.startswith("on") or kind in _CODE:
            self._refuse_value(value, f"cannot stand in {name}", at)
        if kind not in _LEADS_SOMEWHERE:
            return found[0]
        if _DANGEROUS.match(re.sub(r"[\s\x00-\x20]", "", html.unescape(value.strip("\"'")))):
            raise self._refusal(f"{name} must begin with https://, http:// or mailto:", at)
        if not self._protected.has_value(value):
            return found[0]
        begin, end = (self._protected.word("s", part) for part in CHECKED_LINK)
        return f"{name}{equals}{value[0]}{begin}{value[1:-1]}{end}{value[0]}"

    def _refuse_value(self, text: str, why: str, at: int) -> None:
        if self._protected.has_value(text):
            raise self._refusal(f"a value {why}", at)

    def _refusal(self, why: str, at: int) -> TemplateSyntaxError:
        return TemplateSyntaxError(why, self._protected.restore(self._protected.source[:at]).count("\n") + 1)
