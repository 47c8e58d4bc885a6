"""What people write who ask for another address, or to be taken off, in their languages: cues for a guess, no grammar.

Each is a regular expression, without regard to case, whose repetitions are bounded: a mail is a stranger's.
"""

# ruff: noqa: RUF001  # letters of other scripts are what this is about

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. `moved` says by itself that an address is another one; `send` does so beside an address that is
    new, unless `others` says that it is somebody else's; `leave` asks to be taken off, or says that they cannot come.
    `not_this` stands just before an address that is not to be used, `this` before the one that is.
    """

    moved: str
    send: str
    others: str
    leave: str
    not_this: str
    this: str


def _moved(adjectives: str, nouns: str, changed: str) -> str:
    """“A new address”, “address new”, “my address has changed”."""
    return (
        rf"(?:{adjectives})\s+(?:{nouns})|(?:{nouns})\s+(?:{adjectives})\b|(?:{nouns})\b[^.!?\n]{{0,40}}\b(?:{changed})"
    )


def _cannot(cannot: str, attend: str) -> str:
    """“I cannot come”: who cannot open a link asks for something else."""
    return rf"(?:{cannot})\b[^.!?\n]{{0,40}}\b(?:{attend})\b"


_IN: Mapping[str, Phrases] = {
    "en": Phrases(
        moved=r"(?:new|other|another|different|correct|right|wrong|old|personal|private|home|work|alternative|updated?|"
        r"current)\s+(?:e-?mail|address|mail\s?box|account|inbox)"
        r"|(?:e-?mail|address|mailbox)\s+(?:address\s+)?(?:has|have|is|was)\s+(?:now\s+|been\s+)?"
        r"(?:changed?|wrong|incorrect|misspel\w+|out of date|no longer)"
        r"|change\s+(?:of|my|the|our)\s+(?:e-?mail|address)"
        r"|(?:use|send|resend|re-send|forward|redirect|update|change|correct)\b[^.!?\n]{0,80}\b(?:e-?mail|address|instead)"
        r"|no longer (?:use|check|read|have|monitor)|instead of this|this (?:mailbox|address|inbox) (?:is|will)"
        r"|access to (?:this|that|my) (?:mailbox|account|inbox|e-?mail)|typo in my|spelled? wrong|misspel\w+",
        send=r"use|send|resend|re-send|forward|redirect|replace|invite me|reach me|write|mail|prefer|is better|"
        r"out of date|my (?:\w+ ){0,2}(?:e-?mail|address|mail ?box|account)",
        others=r"colleagues?|assistant|as well|also|too|in addition|cc|copy",
        leave=r"withdraw|unsubscribe|opt[ -]out|drop out|remove me|take me off|delete my|have to cancel|must cancel|"
        r"cancel(?:ling)? my (?:registration|place|booking|invitation|attendance|seat|ticket|spot)|"
        r"(?:can.?t|cannot|can not|won.?t|will not|unable to|not able to|not be able to|no longer able to|not going to)"
        r"\s+"
        r"(?:now\s+|be\s+|to\s+)?(?:attend|come|make it|join you|participate|be there|take part)|"
        r"no longer (?:attend|wish|want|interested|coming|need)|not (?:be )?(?:attending|coming|joining)|"
        r"(?:don.?t|do not|stop) (?:invit|email|e-mail|mail|contact|writ|send)\w*",
        not_this=r"\bnot?\b|\bn.t\b|instead of|rather than|\bold\b|\bwrong\b|no longer|stop",
        this=r"\bto|\buse|\bis(?: now)?|\bnew|instead|\bat|\bvia|correct|right",
    ),
    "de": Phrases(
        moved=_moved(
            r"neue[nr]?|andere[nr]?|falsche[nr]?|private[nr]?|richtige[nr]?|korrekte[nr]?",
            r"(?:e-?mail-?)?adresse|e-?mail|mail",
            r"geändert|gewechselt|veraltet|falsch|lautet",
        )
        + r"|meine\s+(?:neue|andere|private)|nicht mehr (?:erreichbar|gültig|aktiv)|schreibfehler|tippfehler"
        r"|(?:bitte|einladung)[^.!?\n]{0,60}\b(?:adresse|e-?mail)\b",
        send=r"sende?n?|sendet|schicken?|schickt|nutzen|verwenden|erreichbar|meine (?:\w+ )?(?:e-?mail|adresse)",
        others=r"kolleg\w+|auch|zusätzlich|ebenfalls",
        leave=_cannot(r"(?:kann|können|werde|werden)", r"nicht (?:teilnehmen|kommen|dabei sein|dabei)")
        + r"|nicht (?:teilnehmen|kommen|dabei sein)|abmelden|absagen|von der liste|keine (?:weiteren )?(?:e-?)?mails|"
        r"nicht mehr (?:einladen|anschreiben)",
        not_this=r"statt|anstatt|anstelle|nicht|\balte[nr]?\b",
        this=r"\ban|lautet|\bneue?|verwenden|nutzen|\bunter",
    ),
    "fr": Phrases(
        moved=_moved(
            r"autre|nouvelle|bonne|nouveau", r"adresse|e-?mail|courriel|mail", r"a changé|changée?|erronée?|incorrecte?"
        )
        + r"|changement d.adresse|changer (?:mon|d.)\s?adresse|à cette adresse",
        send=r"(?:r?en)?voy\w+|utilis\w+|écri\w+|mon (?:adresse|e-?mail|courriel)",
        others=r"aussi|également|collègues?",
        leave=_cannot(
            r"ne (?:pourrai|peux|pourrons|serai|serons)\b[^.!?\n]{0,20}\bpas",
            r"venir|assister|participer|être|présente?s?|libre",
        )
        + r"|(?:me )?désinscri\w+|(?:me )?retire[rz](?:[- ]moi)?|annuler ma|ne plus (?:recevoir|souhaite)",
        not_this=r"au lieu de|plutôt que|ancienne",
        this=r"\bà|nouvelle|\bsur|plutôt|utiliser",
    ),
    "es": Phrases(
        moved=_moved(
            r"otr[ao]|nuev[ao]|correct[ao]",
            r"direcci[oó]n|correo|e-?mail",
            r"(?:ha )?cambiad[oa]|equivocad[oa]|incorrect[oa]",
        ),
        send=r"(?:re)?env[ií]\w+|mand\w+|usar?|utili[cz]\w+|mi (?:nuevo |nueva )?(?:correo|direcci[oó]n)",
        others=r"también|compañer\w+|colegas?",
        leave=_cannot(r"no (?:podr[eé]|puedo|podemos|podremos)", r"asistir|ir|venir|participar|estar|acudir")
        + r"|dar(?:me)? de baja|b[oó]rr\w+me|cancelar mi",
        not_this=r"en lugar de|en vez de|antigu[oa]",
        this=r"\ba|nuev[oa]|\bes",
    ),
    "it": Phrases(
        moved=_moved(
            r"altro|nuov[oa]|corrett[oa]", r"indirizzo|e-?mail|posta|casella", r"cambiat[oa]|sbagliat[oa]|errat[oa]"
        ),
        send=r"(?:re)?invi\w+|mand\w+|us(?:are?|ate|i)|utilizz\w+|scriv\w+|mio (?:nuovo )?indirizzo",
        others=r"anche|collegh\w+|collega",
        leave=_cannot(r"non (?:posso|potrò|riesco|potremo|riuscirò)", r"partecipare|venire|esserci|essere")
        + r"|cancell\w+mi|disiscriv\w+|toglie\w+mi|dalla lista",
        not_this=r"invece di|al posto di|vecchi[oa]",
        this=r"\ba|nuov[oa]|\bè",
    ),
    "nl": Phrases(
        moved=_moved(
            r"ander|nieuwe?|juiste|verkeerde?",
            r"(?:e-?mail)?adres|e-?mail|mailadres",
            r"gewijzigd|veranderd|verkeerd|onjuist",
        ),
        send=r"stuur|sturen|gebruik\w*|mail(?:en)?|mijn (?:nieuwe )?(?:e-?mail)?adres",
        others=r"ook|collega\w*",
        leave=_cannot(r"(?:kan|kunnen|zal)\b[^.!?\n]{0,20}\bniet", r"aanwezig|komen|deelnemen|bij zijn")
        + r"|afmelden|uitschrijven|van de lijst",
        not_this=r"in plaats van|\bniet\b|\boude\b",
        this=r"\bnaar|nieuwe|\bis|gebruik",
    ),
    "pt": Phrases(
        moved=_moved(
            r"outro|nov[oa]|corret[oa]", r"endereço|e-?mail|correio", r"mudou|alterad[oa]|errad[oa]|incorret[oa]|trocou"
        ),
        send=r"(?:re)?envi\w+|mand\w+|us(?:ar?|em|e)|utiliz\w+|meu (?:novo )?(?:e-?mail|endereço)",
        others=r"também|colegas?",
        leave=_cannot(
            r"não (?:poderei|posso|vou poder|conseguirei|consigo|poderemos)",
            r"comparecer|participar|ir|estar|assistir|vir",
        )
        + r"|retir\w+ da lista|cancelar (?:a )?minha|remov\w+-?me",
        not_this=r"em vez de|em lugar de|antig[oa]",
        this=r"\bpara|nov[oa]|\bé",
    ),
    "pl": Phrases(
        moved=_moved(r"nowy|inny|nowego|prawidłowy", r"adres\w*|e-?mail|mail", r"zmieni\w+|nieaktualn\w+|błędn\w+")
        + r"|zmieni\w+ [^.!?\n]{0,20}(?:adres|e-?mail|mail)",
        send=r"wysła\w*|wyślij\w*|przesła\w*|prześlij\w*|używ\w+|mój (?:nowy )?(?:adres|e-?mail)",
        others=r"także|również|też|koleg\w+|koleżan\w+",
        leave=_cannot(
            r"nie (?:mogę|będę mógł|będę mogła|możemy|dam rady)",
            r"(?:wziąć )?udział\w*|przyjść|uczestniczyć|być|przybyć",
        )
        + r"|nie wezmę udziału|proszę [^.!?\n]{0,30}(?:usunąć|wypisać)|rezygnuj\w+",
        not_this=r"zamiast|\bstar(?:y|ego|ym)\b",
        this=r"\bna(?: adres)?|nowy|\bto",
    ),
    "sv": Phrases(
        moved=_moved(r"ny|nya|annan|rätt|fel", r"(?:e-?post)?adress|e-?post|mejl|mail", r"ändrad|ändrats|bytt|fel"),
        send=r"skicka\w*|använd\w*|min (?:nya )?(?:e-?post|adress|mejl|mail)",
        others=r"också|även|kolleg\w+",
        leave=_cannot(r"kan\b[^.!?\n]{0,20}\binte", r"komma|delta|närvara|vara med")
        + r"|avanmäl\w+|ta bort mig|från listan",
        not_this=r"i stället för|istället för|\bgamla\b",
        this=r"\btill|\bnya?|\bär",
    ),
    "da, nb": Phrases(
        moved=_moved(
            r"ny|nye|anden|annen|rigtige?|riktige?|forkert|feil",
            r"(?:e-?(?:mail|post))?-?adresse|e-?mail|e-?post|mail",
            r"ændret|endret|skiftet|byttet|forkert|feil",
        ),
        send=r"send\w*|brug\w*|bruk\w*|min (?:nye )?(?:e-?mail|e-?post|adresse|mail)",
        others=r"også|kolleg\w+",
        leave=_cannot(r"kan\b[^.!?\n]{0,30}\bikke", r"komme|deltage|delta|være med")
        + r"|afmeld\w*|avmeld\w*|framelde|fra listen",
        not_this=r"i stedet for|\bgamle\b",
        this=r"\btil|\bnye?|\ber",
    ),
    "fi": Phrases(
        moved=_moved(
            r"uusi|uuden|toinen|väärä|oikea", r"(?:sähköposti)?osoit\w+|sähköposti\w*", r"vaihtunut|muuttunut|väärä"
        ),
        send=r"lähett\w+|lähetä\w*|käytt\w+",
        others=r"myös|kollega\w*",
        leave=_cannot(r"en (?:pääse|voi|pysty)\b", r"tul\w+|osallistu\w+|paikalle|mukaan")
        + r"|perua osallistumi\w+|poist\w+ (?:minut|listalta)",
        not_this=r"sijaan|vanha",
        this=r"osoitteeseen|uusi|\bon",
    ),
    "cs, sk": Phrases(
        moved=_moved(
            r"nov[áýéou]+|jin[áýéou]+|správn\w+", r"adres\w+|e-?mail\w*", r"změnil\w*|zmenil\w*|nesprávn\w+|neplatn\w+"
        ),
        send=r"pošl\w+|poslat|použ\w+|zašl\w+|zaslat",
        others=r"také|taky|kolega|kolegyně|tiež",
        leave=_cannot(
            r"nemohu|nemůžu|nebudu moci|nemôžem|nebudem môcť|nemůžeme",
            r"(?:z)?účastnit|zúčastniť|přijít|prísť|dorazit|přijet",
        )
        + r"|odhlásit|odhlásiť|ze seznamu|zo zoznamu",
        not_this=r"\bmísto|namiesto|\bstar(?:ý|á|é|ou|ého|ej)\b",
        this=r"\bna|nov\w+|\bje",
    ),
    "uk, ru": Phrases(
        moved=_moved(
            r"нов\w+|друг\w+|інш\w+|правильн\w+",
            r"адрес\w*|почт\w*|пошт\w*|e-?mail",
            r"(?:из|з)мени\w+|змінил\w+|неверн\w+|невірн\w+|неправильн\w+",
        ),
        send=r"(?:при|ото|ви|пере)\w*(?:шл|сл)\w+|(?:на|від)діш?л\w+|использу\w+|використ\w+",
        others=r"также|тоже|також|коллег\w+|колег\w+",
        leave=_cannot(
            r"не (?:смогу|могу|сможем|зможу|можу|зможемо)", r"при\w+|участвовать|быть|бути|взять участие|взяти участь"
        )
        + r"|(?:удалите|вычеркните|видаліть|викресліть) мен\w|отменить (?:регистрацию|участие)|скасувати",
        not_this=r"вместо|замість|стар\w+",
        this=r"\bна|нов\w+",
    ),
    "tr": Phrases(
        moved=_moved(
            r"yeni|başka|doğru|yanlış", r"(?:e-?posta )?adres\w*|e-?posta\w*|e-?mail\w*", r"değişti|yanlış|hatalı"
        ),
        send=r"gönder\w+|kullan\w+",
        others=r"ayrıca|meslektaş\w*",
        leave=r"kat[ıi]lam[ıi]yor\w*|kat[ıi]lamayaca\w*|gelem[ei]y\w*|kaydımı iptal|listeden",
        not_this=r"yerine|\beski\b",
        this=r"yeni|adresim",
    ),
    "el": Phrases(
        moved=_moved(r"νέ[αο]|άλλ[ηο]|σωστ[ήό]", r"διεύθυνσ\w+|e-?mail|email", r"άλλαξε|έχει αλλάξει|λάθος"),
        send=r"στείλ\w+|χρησιμοποι\w+",
        others=r"επίσης|συνάδελφ\w+",
        leave=_cannot(r"δεν (?:μπορώ|θα μπορέσω|μπορέσω|θα μπορούσα)", r"έρθω|παρευρεθώ|συμμετάσχω|παραστώ")
        + r"|ακυρώ\w+|από τη λίστα",
        not_this=r"αντί|παλι[άό]",
        this=r"στο|νέα|είναι",
    ),
    "cy": Phrases(
        moved=r"(?:cyfeiriad|nghyfeiriad|ebost|e-bost)[^.!?\n]{0,40}(?:newydd|newid|anghywir)",
        send=r"anfon\w*|defnyddi\w*",
        others=r"hefyd|cydweithi\w+",
        leave=_cannot(r"(?:ni|na) (?:allaf|alla|fedraf)|methu", r"dod|mynychu|ddod|fynychu|bod") + r"|tynnu fy enw",
        not_this=r"yn lle|\bhen\b",
        this=r"\bat|\bi|newydd",
    ),
}

AUTOMATIC_SUBJECT = re.compile(
    r"(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response)|out of (?:the )?office|automatische antwort|"
    r"abwesenheitsnotiz|abwesend|réponse automatique|absence du bureau|respuesta automática|fuera de la oficina|"
    r"risposta automatica|fuori sede|automatisch antwoord|afwezig|resposta automática|odpowiedź automatyczna|"
    r"automatis(?:k|kt) svar|autosvar|automaattinen vastaus|automatická odpov[eě]ď|otomatik (?:yanıt|cevap)|"
    r"αυτόματη απάντηση|автоматический ответ|автоматична відповідь|автоответ|ymateb awtomatig|"
    r"自动回复|自動回覆|自動返信|رد تلقائي)\b|(?:absence|abwesenheit)\s?:",
    re.IGNORECASE,
)
"""How the subject of an absence note begins that says so nowhere else."""


# Written without spaces between words, or with letters that are joined to the next word.
_UNSPACED: Mapping[str, tuple[str, str]] = {
    "ja": (
        r"アドレス[^。\n]{0,20}(?:変|新|間違)|(?:新しい|別の)[^。\n]{0,10}アドレス|送ってください|お送りください",
        r"欠席|参加でき(?:ません|ない)|キャンセル|出席できません|辞退",
    ),
    "zh": (
        r"(?:邮箱|郵箱|邮件地址|信箱|电子邮件)[^。\n]{0,20}(?:更改|改|变|變|新|错)|(?:新|新的)(?:邮箱|郵箱|信箱)|请发(?:送)?[到至]",
        r"(?:无法|無法|不能)(?:参加|參加|出席|到场)|取消(?:我的)?(?:报名|參加|参加)|退出",
    ),
    "ar": (
        r"(?:بريد|عنوان)\w*[^.!؟\n]{0,40}(?:جديد|تغي)|تغي\w*[^.!؟\n]{0,20}(?:بريد|عنوان)",
        r"لن أتمكن|لا أستطيع الحضور|لا يمكنني|إلغاء",
    ),
    "he": (r"(?:כתובת|מייל|דוא)[^.!?\n]{0,40}(?:חדש|השת|שונ)", r"לא (?:אוכל|יכול\w*)|לבטל"),
}


@dataclass(frozen=True, slots=True)
class Cues:
    """The phrases of all languages in one pattern each, to be searched for; see `Phrases`."""

    moved: re.Pattern[str]
    send: re.Pattern[str]
    others: re.Pattern[str]
    leave: re.Pattern[str]
    not_this: re.Pattern[str]
    this: re.Pattern[str]


@cache
def cues() -> Cues:
    """Made when the first mail in words is read: that takes longer than most commands."""
    spoken = _IN.values()
    before = "|".join(one.not_this for one in spoken), "|".join(one.this for one in spoken)
    return Cues(
        moved=_any((one.moved for one in spoken), (moved for moved, _ in _UNSPACED.values())),
        send=_any(rf"(?:{one.send})\b" for one in spoken),
        others=_any(rf"(?:{one.others})\b" for one in spoken),
        leave=_any((one.leave for one in spoken), (leave for _, leave in _UNSPACED.values())),
        not_this=re.compile(rf"(?:{before[0]})[^.!?,;\n]{{0,40}}$|\bfrom[\s<\"]*$", re.IGNORECASE),
        this=re.compile(rf"(?:{before[1]})[^.!?\n@]{{0,30}}$", re.IGNORECASE),
    )


def _any(words: Iterable[str], unspaced: Iterable[str] = ()) -> re.Pattern[str]:
    spaced = rf"\b(?:{'|'.join(words)})"
    return re.compile("|".join([spaced, *unspaced]), re.IGNORECASE)
