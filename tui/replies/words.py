"""What somebody wrote themselves in a mail: without what they quote, and with the signature apart."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

from tui.audit.reading import Mail
from tui.clean import body_text

_LOOKED_AT = 100_000  # characters of a body
_LONGEST = 4_000  # characters of a person's own words that are kept

# "On 3 May 2027, Consultation team <c@...> wrote:", which mail programs break over up to three lines.
_ATTRIBUTION = re.compile(
    r"(?:On|Am|Le|El|Il|Op|Em|Den|W dniu)\b.{3,400}"
    r"(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|escreveu|skrev|napisał)\b.{0,120}:",
    re.IGNORECASE,
)
_DIVIDER = re.compile(
    r"[-_*]{2,}\s*(?:original message|original appointment|forwarded message|reply message|ursprüngliche nachricht|"
    r"originalnachricht|originaltermin|weitergeleitete nachricht|message d.origine|message transféré|mensaje original|"
    r"messaggio originale|oorspronkelijk bericht|mensagem original)\b.*|_{10,}|-{10,}",
    re.IGNORECASE,
)
_FROM = re.compile(r"\*?(?:From|Von|De|Da|Van|Från|Fra|Od)\s?:\*?\s?\S", re.IGNORECASE)
_SENT = re.compile(
    r"\*?(?:Sent|Date|Gesendet|Datum|Envoyé|Enviado|Enviada|Inviato|Verzonden|Skickat|Sendt|To|An|À|Para|A|Aan)\s?:",
    re.IGNORECASE,
)
_CLOSING = re.compile(
    r"(?:(?:with )?(?:kind|best|warm|many|kindest)?\s*(?:regards|wishes|thanks)|yours(?: sincerely| faithfully)?|"
    r"sincerely|cheers|mit freundlichen gr(?:ü|ue)(?:ß|ss)en|(?:viele|beste|liebe|herzliche) gr(?:ü|ue)(?:ß|ss)e|mfg|"
    r"(?:bien )?cordialement|bien à vous|(?:un )?saludos?(?: cordiales)?|atentamente|cordiali saluti|distinti saluti|"
    r"met vriendelijke groet(?:en)?)[\s,.!]*",
    re.IGNORECASE,
)
_DEVICE = re.compile(
    r"(?:sent from my|sent from outlook|get outlook for|von meinem|envoyé de mon|enviado desde)\b", re.IGNORECASE
)

_TAG_NAME = re.compile(r"/?([a-zA-Z][a-zA-Z0-9]{0,20})")
_LONGEST_TAG = 2_000  # characters
_BLOCKS = frozenset(["p", "div", "br", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6", "table", "ul", "ol", "hr"])
_UNREAD = frozenset(["script", "style", "head", "title"])
_QUOTING = re.compile(
    r"gmail_quote|gmail_attr|divRplyFwdMsg|appendonsend|yahoo_quoted|moz-cite-prefix|OutlookMessageHeader|mail-editor-"
    r"reference-message-container",
)


@dataclass(frozen=True, slots=True)
class Words:
    """Somebody's own words, and their signature: both as plain lines."""

    body: str
    signature: str

    @property
    def all(self) -> str:
        return "\n".join(filter(None, (self.body, self.signature)))


def words_of(mail: Mail) -> Words:
    """The person's own words in a mail; blank where it has no text."""
    for kind in ("text", "html"):
        for part in mail.parts:
            if part.where == kind and not part.is_file and part.inner is None:
                text = part.text()[:_LOOKED_AT]
                return own_words(text if kind == "text" else text_of_html(text))
    return Words("", "")


def own_words(text: str) -> Words:
    """The text without quoted lines and all below them that nobody marked as quoted, split from its signature."""
    body: list[str] = []
    signature: list[str] = []
    into = body
    lines = body_text(text[:_LOOKED_AT]).split("\n")
    at = 0
    while at < len(lines):
        line = lines[at].strip()
        quoted = _attribution(lines, at)
        if quoted:
            at += quoted
            rest = next((one.strip() for one in lines[at:] if one.strip()), "")
            if not rest.startswith(">"):
                break
            continue
        if _DIVIDER.fullmatch(line) or _is_header_block(lines, at):
            break
        if not line.startswith(">"):
            if into is body and (line == "--" or _DEVICE.match(line) or (_CLOSING.fullmatch(line) and any(body))):
                into = signature
            into.append(line)
        at += 1
    return Words(_tidy(body), _tidy(signature))


def _attribution(lines: list[str], at: int) -> int:
    """How many lines from here on say who wrote what is quoted below; 0 where they do not."""
    if not lines[at].strip()[:1].isalpha():
        return 0
    for count in (1, 2, 3):
        joined = " ".join(line.strip() for line in lines[at : at + count])
        if _ATTRIBUTION.fullmatch(joined):
            return count
    return 0


def _is_header_block(lines: list[str], at: int) -> bool:
    """Whether the headers of what is quoted begin here, as Outlook writes them."""
    if not _FROM.match(lines[at].strip()):
        return False
    return any(_SENT.match(line.strip()) for line in lines[at + 1 : at + 5])


def text_of_html(markup: str) -> str:
    """The text of an HTML body down to where a mail program's quotation begins. One pass, whatever the markup."""
    out: list[str] = []
    markup = markup[:_LOOKED_AT]
    unread = 0
    for text, tag in _pieces(markup):
        if not unread:
            out.append(html.unescape(text).replace("\n", " ").replace("\r", ""))
        found = _TAG_NAME.match(tag)
        name = found[1].lower() if found else ""
        if name == "blockquote" or _QUOTING.search(tag):
            break
        if name in _UNREAD:
            unread = max(0, unread + (-1 if tag.startswith("/") else 1))
        if name in _BLOCKS:
            out.append("\n")
    return "".join(out)


def _pieces(markup: str) -> Iterator[tuple[str, str]]:
    """Each text with the tag after it, without its brackets; comments are no tags and no text."""
    at = 0
    while (begin := markup.find("<", at)) >= 0:
        is_comment = markup.startswith("<!--", begin)
        closing = "-->" if is_comment else ">"
        end = markup.find(closing, begin, None if is_comment else begin + _LONGEST_TAG)
        if is_comment and end < 0:
            break
        if end < 0:
            yield markup[at : begin + 1], ""  # no tag: a sign for "less than"
            at = begin + 1
            continue
        yield markup[at:begin], "" if is_comment else markup[begin + 1 : end]
        at = end + len(closing)
    else:
        yield markup[at:], ""


def _tidy(lines: list[str]) -> str:
    text = re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()
    return text if len(text) <= _LONGEST else text[: _LONGEST - 1] + "…"
