"""What stands around the words of a song sheet: title, key, tempo, capo, authors, owners."""

from __future__ import annotations

import re
from typing import NamedTuple

from pipeline.did_you_mean import find_similar
from pipeline.reading.key import find_key
from pipeline.reading.meter import find_meter
from pipeline.reading.said import Said, normalize
from pipeline.reading.tempo import find_tempo
from pipeline.request import FIELDS, BadRequest, coerce, field_name, is_field

from .characters import fold, fold_word
from .notes import UNCLEAR, UNDERSTOOD, SheetNote, shorten

TRANSPOSE = "transpose"
# What song sheets call the fields of a request, in the languages that they are written in. What
# takes no part in the music has no field.
_WORDS = {
    "name": "title titel titre titolo titulo song songtitle songname cancion chanson canzone lied "
    "название песня 曲名 歌名 标题 標題 タイトル 제목 tytuł tytul nazev naslov cim dalcim judul "
    "başlık laulunnimi tênbài τίτλος שםהשיר שם اسمالأغنية عنوانالأغنية गीत العنوان शीर्षक",
    "bpm": "tempo bpm speed andamento tempobpm geschwindigkeit hız velocidad velocidade vitesse "
    "velocita קצב טמפו السرعة تمبو गति टेम्पो темп テンポ 速度 템포 빠르기",
    "key": "key keys tone songkey tonart tonalite tono tonalidad tonalita tonalidade tom "
    "toonsoort tonacja tonation hangnem ton sävellaji tónina nadadasar tông τόνος סולם тональность "
    "キー 调 調 调性 調性 키 조",
    "time_signature": "timesignature time metre meter signature timesig takt taktart mesure "
    "compas compasso maatsoort tahti taktslag olcu metrum "
    "משקל nhịp misura tempoindicatie размер 拍子 拍号 拍號 박자",
    "language": "lang sprache idioma langue lingua taal jezyk sprak язык 语言 語言 言語 언어",
    "seconds": "duration dur length songlength dauer duree duracion durata duracao 時間 时长",
    "": "subtitle alttitle sorttitle artist artists interpret kunstler interprete artista "
    "artiste band performer performedby singer author authors autor auteur autore writer "
    "writers writtenby songwriter songwriters composer composers composedby lyricist lyrics "
    "lyricsby words wordsby wordsandmusic wordsandmusicby wordsmusic lyricsandmusic "
    "lyricsandmusicby text textby music musicby musik melodie melody arranger arrangedby "
    "arrangement producer producedby album year released releasedate jahr annee ano anno "
    "paroles musique letra musica testo muziek flow order arrangement presentation chords "
    "by transposedkey ablauf structure estructura sozmuzik midi midiindex pitch restrictions "
    "ministry progression notes note vocals "
    "vocalist featuring feat publisher copyright license licence ccli cclinumber cclisong "
    "cclino cclisongnumber cclilicense cclilicence number songnumber capo kapo capodastre "
    "cejilla capotraste capotasto каподастр カポ 카포 tuning stimmung accordage afinacion "
    "afinacao accordatura difficulty level strumming strummingpattern strum pattern source url "
    "link website transcribedby tabbedby chordsby submittedby version updated date keywords "
    "topic topics transpose note notes nb book songbook scripture footer "
    "tekst מילים לחן ביצוע עיבוד كلمات ألحان غناء توزيع المقام مقام الإيقاع إيقاع राग ताल "
    "गायक संगीत गीतकार फिल्म sángtác nhạc trìnhbày casĩ tácgiả from to "
    "cc subject betreff asunto objet oggetto exclude excludestyles "
    "compositor compositora compositeur arranjo kapodaster tune hymntune "
    "wykonawca zespół słowa muzyka słowaimuzyka bicie zpevak hudba slova eloado artiest "
    "szoveg zene szerzo esittäjä sanatçı söz müzik zpěvák penyanyi pencipta sanatci soz muzik "
    "исполнитель автор слова музыка альбом год бой 歌手 原唱 作词 作詞 词 作曲 "
    "曲 编曲 編曲 专辑 專輯 作者 演唱 アーティスト 歌 編曲者 가수 작사 "
    " "
    "작곡 편곡 앨범",
}
_FIELDS = {word: name for name, words in _WORDS.items() for word in map(fold_word, words.split())}
_STYLES = (
    "genre mood vibe instruments instrumentation style styles styleofmusic stil genero estilo "
    "tags tag description beschreibung descripcion descricao voice gender stimme voz voix voce "
    "жанр стиль теги описание 风格 曲风 標籤 标签 描述 ジャンル スタイル タグ 장르 스타일 태그 "
    "styl gatunek feel groove ritmo rhythm rythme rhythmus rytm ритм リズム 리듬"
)
_FALLBACKS = {"originalkey": "key", "originaltempo": "bpm", "originaltonart": "key"}
_FALLBACKS |= dict.fromkeys(map(fold_word, _STYLES.split()), "prompt")
_MEASURED = {word: name for word, name in _FIELDS.items() if name in ("bpm", "key", "seconds")}
_MEASURED |= {"bars": "bars", "timesig": "time_signature", "timesignature": "time_signature"}
# looked at first, as words of other languages are alike: titre, titel
_COMMON = "title tempo bpm key time metre language artist genre mood style tags".split()
_ENGLISH = {
    "name": "title",
    "bpm": "tempo",
    "key": "key",
    "time_signature": "time",
    "language": "language",
    "seconds": "seconds",
    "prompt": "style",
}
LEAST_TEXT = 5  # letters of a word in which a slip is seen whatever stands behind it
_LOOSELY_WRITTEN = ("tempo", "bpm", "key")
_OF_SOUND = ("keys", "tone")  # which are keys of music, or what something sounds like
_DASHED = frozenset(
    "key originalkey tempo bpm time capo tuning title artist author prompt style genre language "
    "mood".split()
)
_ORDERS = frozenset(("flow", "order", "presentation", "ablauf", "structure", "estructura"))
TEXTS = frozenset(("prompt", "lyrics", "guide", "name", "lm_negative_prompt"))
_TEMPO_WORDS = frozenset(
    "very moderately slow slowly medium mid moderate fast quick upbeat up mid-tempo ballad "
    "half-time with feeling freely rubato largo larghetto lento adagio andante andantino "
    "moderato allegretto allegro vivace presto ad lib".split()
)
_KEY_NAME = r"[a-h](?:[#b♯♭]|[ -](?:flat|sharp))?(?: ?(?:m|maj|min|major|minor|dur|moll)\.?)?"
# Lines without a colon, as `fold_word` leaves them: their field and its value, or what they tell.
_LOOSE = (
    (
        "bpm",
        re.compile(r"(?:♩|♪|q|tempo|bpm|m\.m\.)\.? ?[=:~-]? ?(\d{2,3}(?:[.,]\d{1,3})?)(?: ?bpm)?"),
    ),
    (
        "bpm",
        re.compile(r"(?:ca\.? ?|approx\.? ?|about |around |[~≈] ?)?(\d{2,3}(?:[.,]\d{1,3})?) ?bpm"),
    ),
    ("bars", re.compile(r"bars (\d{1,4})")),
    (
        "seconds",
        re.compile(r"(?:seconds|length|duration) (\d[\d.,:]{0,9} ?(?:s|sec|seconds|min)?)"),
    ),
    ("key", re.compile(rf"(?:in )?(?:the )?(?:song )?key(?: of| is)? ?[:=-]? ?({_KEY_NAME})")),
    ("key", re.compile(r"([a-g][#b♯♭]? (?:major|minor|dur|moll))")),
    ("key", re.compile(r"1 ?= ?([#b♯♭]?[a-g][#b♯♭]?)")),  # of numbered notes
    (
        "time_signature",
        re.compile(
            r"(?:time(?: ?sig(?:nature)?)? |takt |met(?:re|er) )?(\d{1,2}/(?:2|4|8|16))"
            r"(?: time|[ -]takt)?"
        ),
    ),
    ("capo", re.compile(r"\(?(?:no |kein |ohne )?(?:[ck]apo|cejilla)\w*\b.{0,40}")),
    (
        "tuning",
        re.compile(r"\(?(?:standard|drop d|open [a-g]) tuning\)?|\(?tun(?:ing|e|ed)\b.{0,60}"),
    ),
    ("tuning", re.compile(r"[a-g][#b]?(?: [a-g][#b]?){5}")),
    ("key change", re.compile(r"key change\b.{0,30}|modulate\b.{0,30}")),
    ("tuning", re.compile(r"\(?(?:1/2|half|one|whole|a half)[ -]step (?:down|up)\)?")),
    (
        "who it is by",
        re.compile(
            r"\(?(?:words|lyrics?|text|music|melody|written|composed|arranged|arr\.?|performed|"
            r"recorded|transcribed|tabbed|chords?|original)"
            r"(?: ?(?:and|&|[+]|/|,) ?(?:words|lyrics?|music|chords?|performed|composed))? "
            r"by\b.{0,200}"
        ),
    ),
    ("who it is by", re.compile(r"\(?arr\. .{1,80}")),
    ("who it is by", re.compile(r"\(?(?:traditional|trad\.?|public domain|anonymous)\b.{0,40}")),
    (
        "what is said of the song",
        re.compile(r"page \d{1,3}(?: ?/ ?\d{1,3}| of \d{1,3})?|\d{1,4} contributors?.{0,100}"),
    ),
)
# What nobody sings, wherever it stands.
_CREDITS = re.compile(
    r"(?:©|℗|\(c\) ?(?:\d{4}|copyright)|copyright (?:©|\(c\)|\d{4})|ccli\b|all rights reserved|"
    r"used by permission|for use solely|note: reproduction of this|international copyright secured|"
    r"public domain[.!]?$|(?:tabbed|transcribed|submitted) by(?: ?:|:? ?\S+(?: \S+)?$)|"
    r"https?://|www\.|(?:words|lyrics) (?:and|&) music(?: by\b|:)|you might also like$|"
    r"todos (?:os|los) (?:direitos|derechos) reservados|tous droits reserves|"
    r"alle rechte? (?:vorbehalten|voorbehouden)|tutti i diritti (?:sono )?riservati|"
    r"все права защищены|版权所有|著作权所有|無断転載|.{0,80}(?:licen\w+|terms\b.{0,9}) songselect|"
    r"see .{1,60} live$|get tickets as low as|"
    r"[\d.]{0,6}k?embed$|song ?# ?\d{3,}|license ?# ?\d{3,}|downloaded from )"
)
# what is written above the shapes of chords
_CHART = re.compile(r"(?:chords?(?: used)?|chord (?:shapes|diagrams)|strumming(?: pattern)?):?")
# "by Nobody and The Others": every word of a name has a capital letter
_BY = re.compile(
    r"\(?-? ?[Bb][Yy]:? [^\W\d_a-z]\S*"
    r"(?: (?:[^\W\d_a-z]\S*|[&+,]|and|the|of|de|la|von|feat\.?|ft\.?|y|e|et|und)){0,9}\)?"
)
_ABOUT = frozenset("ca c circa approx approximately about".split())
_NUMBER = re.compile(r"\d{1,4}(?:[.,]\d{1,3})?")
_BARS = re.compile(r"(\d{1,4}) ?(?:bars?|measures?|takte?|mesures?|compases|battute)")
_NOTES = {
    **dict(zip("do re mi fa sol la si".split(), "CDEFGAB")),
    **dict(zip(map(fold_word, "до ре ми фа соль ля си".split()), "CDEFGAB")),
}
_ALIKE = str.maketrans("АВСЕНм", "ABCEHm")  # letters of Cyrillic that look like notes
_CYRILLIC = re.compile("[АВСDЕFGН][#b]?[мm]?")
_SHARPS = ("#", "di", "so", "ди")  # dièse, sostenido, диез
_SIGNS = re.compile(r"[^\w\u0900-\u0dff\u0e30-\u0e4e]|_")  # vowels of Asia are none
_OF_PROJECT = re.compile(r"^(?:project|session|song) (?=tempo|key|bpm)", re.IGNORECASE)
_SHORT_KEY = re.compile(r"[A-H][#b♯♭]?(?: ?(?:m|min|maj|dur|moll))")  # beside other facts
_ROUGHLY = re.compile(r"^(?:大?[约約]) ?| ?(?:くらい|ぐらい|前後|程度|左右|정도|쯤)$")
_NAMED_VALUE = re.compile(
    r"(?P<word>[^\W\d_]{1,16})(?: ?[~≈]| (?:ca|circa|about|around|etwa|environ|около))?\.? ?"
    r"(?P<value>\S.{0,20})"
)
_DO = re.compile(r" ?= ?do\b.{0,20}", re.IGNORECASE)  # of Indonesia: G = do
_SOLFEGE = re.compile(
    f"({'|'.join(_NOTES)})"
    r" ?-?(#|b|diese|bemol|sostenido|диез|бемоль|диес)?"
    r" ?-?(m|min\w*|men\w*|maj\w*|mai\w*|may\w*|mag\w*|минор|мажор|(?<=-))?"
)
_AND = re.compile(r" ?[&/,+・、] ?| (?:and|und|et|y|e|en|i|og|och|и|та) ")
_CLOCK = re.compile(r"\d{1,2}:\d{2}(?!\d)")
_NUMBERED_NOTES = re.compile(r"(1 ?= ?[#b♯♭]?[a-g][#b♯♭]?)( +\d{1,2}/\d{1,2}) +(\S.*)")
_METRE = re.compile(r"\d{1,2}(?:/\d|$| )")
_VERSE_METRE = re.compile(r"\d{1,2}[.\d ]|[CLS]\.?M\b|irregular", re.IGNORECASE)  # of a hymn
_METRES = {"c": "4/4", "common": "4/4", "common time": "4/4", "cut": "2/2", "cut time": "2/2"}
_DASH_BEHIND = re.compile(r"(?<! ) +[-–—]$")
_SEPARATOR = re.compile(r" *[|;•·] *| {2,}|, +| +/ +|(?<=[^\s:=]) (?=\d{1,2}/[2-8](?: |$))")
_SAID = re.compile(r"[^\W_][\w &/#'().\u0900-\u0dff\u0e30-\u0e4e-]{0,30}")  # with vowels of Asia
_NAMED = re.compile(r"(?<!\S)([^\W\d_]{1,20}) ?[:=]")  # a word with a mark behind it
_PROMPT = re.compile(r"(?<![^\W_])\d{2,3}(?:[.,]\d)? ?bpm(?![^\W_])")
_KEYED = re.compile(
    r"(?:(?:original |song )?key|tempo|bpm|time(?: signature)?|metre|meter|capo|tuning|duration|"
    r"length|artist|author|album|year|ccli(?: number)?|copyright|title)(?: ?[:=]| - )"
)


class Fact(NamedTuple):
    """One thing that a head says: `name` is its field, empty where it has none, and `word` what it
    is called. `is_fallback`: what else says it counts more. `remark`: out of what it was chosen.
    """

    name: str
    word: str
    value: str
    is_fallback: bool = False
    remark: str = ""


def find_fact(word: str, value: str) -> Fact | None:
    """What `word: value` says in the head of a song sheet; None where no head has such a word."""
    spelt = _spell(word)
    field = re.sub(r"[ -]+", "_", word.strip())
    is_person = spelt == "text" or (spelt == "composer" and not any(map(str.isdigit, value)))
    bars = _BARS.fullmatch(fold_word(value))
    if bars and is_field(field) and field_name(field) == "seconds":
        return Fact("bars", word, bars[1])
    if is_field(field) and spelt not in _LOOSELY_WRITTEN and not is_person:
        return Fact(field, word, value)
    if spelt in _FALLBACKS:
        return Fact(_FALLBACKS[spelt], word, value, is_fallback=True)
    name = _FIELDS.get(spelt)
    if spelt in _OF_SOUND and not find_key(normalize(f"key {_translate_key(value)}")).value:
        return Fact("prompt", word, value, is_fallback=True)  # tone: warm
    if name in ("bpm", "key", "time_signature"):
        value = re.sub(r"^\[([^\[\]]*)\]", r"\1", value)  # Key: [E] Tempo: [74] BPM
    said = Said()
    if name == "bpm":
        value = _ROUGHLY.sub("", value)
        said = Said() if _NUMBER.fullmatch(value) else _find_tempo(value)
    elif name == "key":
        value = _translate_key(_DO.sub("", value))
        said = _find_key(value)
    elif name is None:
        parts = map(_spell, _AND.split(fold_word(word)))
        return Fact("", word, value) if all(_FIELDS.get(part) == "" for part in parts) else None
    if name == "time_signature":
        if _CLOCK.match(fold(value)):
            return Fact("seconds", word, value)
        value = _METRES.get(fold_word(value), value)
        if not _METRE.match(fold(value)):
            said = find_meter(normalize(value))
            if not said.value:  # 8.6.8.6 of a hymn
                return Fact("", word, value)
    if spelt == "tempo" and value and _TEMPO_WORDS.issuperset(_list_words(value)):
        return Fact("", word, value)
    if not said.value:
        return Fact(name, word, value)
    is_chosen = "," in said.verdict  # the middle of two
    return Fact(name, word, said.value, remark=f", of {value}" if is_chosen else "")


def find_slip(word: str, value: str) -> str:
    """The word of heads that `word` is a slip for: `tilte` -> `title`; `bmp` -> `bpm`, where the
    value is one of a tempo. Empty where it is one itself, or like none.
    """
    spelt = _spell(word)
    if len(spelt) < 3 or spelt in _FIELDS or spelt in _FALLBACKS or is_field(spelt):
        return ""
    if measured := find_similar(spelt, _MEASURED):
        try:
            coerce(_MEASURED[measured], fold(value.strip()))
        except BadRequest:
            pass
        else:
            return measured
    if len(spelt) < LEAST_TEXT:
        return ""
    common = find_similar(spelt, (*_COMMON, *FIELDS), cutoff=0.8)
    return common or find_similar(spelt, (*_FIELDS, *_FALLBACKS), cutoff=0.8)


def suggest_word(word: str, value: str) -> str:
    """What a word that no head has may be a slip for, to be said; empty where it is like none."""
    slip = find_slip(word, value)
    if slip and slip not in (*_COMMON, *FIELDS):  # a word of another language
        slip = _ENGLISH.get(_FIELDS.get(slip) or _FALLBACKS.get(slip, ""), "")
    return slip or find_similar(_spell(word), _COMMON, cutoff=0.75)


def is_fallback(word: str) -> bool:
    """Whether `Original key` and the like count only where nothing else says it."""
    return _spell(word) in _FALLBACKS


def describe_transposition() -> SheetNote:
    """What is said of a sheet that wants to be heard in another key than it is written in."""
    message = f"{TRANSPOSE} is not followed: the key is the one that is written"
    return SheetNote(0, UNCLEAR, message, "write the key that is to be heard, like key: A")


def describe_unused(fact: Fact) -> SheetNote:
    """What is said of a fact that takes no part in the music, in line 0."""
    word = fact.word.lower()
    if word == TRANSPOSE and fact.value.strip(" +-0"):
        return describe_transposition()
    if _spell(word) in _ORDERS:
        hint = "write them as often and in the order in which they are sung"
        return SheetNote(
            0, UNCLEAR, f"{word} is not followed: sections are sung as they stand", hint
        )
    if word == "text" and fact.value[:1].islower():
        hint = "write prompt: where it is what it should sound like"
        return SheetNote(0, UNCLEAR, "text is who wrote the words: not used", hint)
    if _FIELDS.get(_spell(word)) == "time_signature" and not _VERSE_METRE.match(fold(fact.value)):
        message = f"{word} is a metre, not {shorten(fact.value)}: not used"
        return SheetNote(0, UNCLEAR, message, f"write it like {word}: 3/4")
    if word != "tempo":
        return SheetNote(0, UNDERSTOOD, f"{word} is not used")
    message = f"tempo is a number, not {shorten(fact.value)}: not used"
    hint = "write beats a minute, like tempo: 72, or put the word into the prompt"
    return SheetNote(0, UNCLEAR, message, hint)


def list_facts(line: str) -> list[Fact]:
    """What a line of a head says: `Key: G | Tempo: 72 | 4/4`. Nothing where any part of it is no
    fact.
    """
    line = line.strip().strip("*_").strip()
    if is_enclosed := fold(line[:1]) + fold(line[-1:]) in ("[]", "()"):
        line = line[1:-1].strip()
    if not line or len(line) > 300:
        return []
    facts: list[Fact] = []
    parts = _split_facts(line)
    for part in parts:
        fact = _read_pair(part) or read_loose(part)
        if fact is None and len(parts) > 1 and _SHORT_KEY.fullmatch(part):
            fact = Fact("key", "key", _translate_key(part))
        if fact is None and facts and _TEMPO_WORDS.issuperset(_list_words(part)):
            fact = Fact("", "tempo", part)  # key of G, slow
        if fact is None:
            return _read_style(line)
        if is_enclosed and not fact.value:
            return []  # [Tom:] sings what follows
        facts.append(fact)
    return facts


def _read_style(line: str) -> list[Fact]:
    """slow ballad, 68 bpm, Em: a line with a tempo in it is what it should sound like."""
    if not _PROMPT.search(fold_word(line)) or ":" in fold(line):
        return []
    return [Fact("prompt", "style", line, is_fallback=True)]


def read_loose(text: str) -> Fact | None:
    """What a line or a part of one says without a colon: `Key of G`, `72 bpm`, `Capo 2`,
    `Темп ~ 120`.
    """
    folded = fold_word(text.strip())
    for name, pattern in _LOOSE:
        if match := pattern.fullmatch(folded):
            value = text.strip()[match.start(1) : match.end(1)] if pattern.groups else text
            value = _translate_key(value) if name == "key" else value
            return Fact(name if is_field(name) else "", name, value)
    if fact := _read_named(_OF_PROJECT.sub("", text.strip())):
        return fact
    if re.search("[=♩]", folded):
        said = find_tempo(normalize(text))
        if _is_loose_tempo(text, said):
            return Fact("bpm", "bpm", said.value)
    return Fact("", "what is said of the song", text) if is_credit(text) else None


def _read_named(text: str) -> Fact | None:
    """A tempo or a key behind its name in any language, and nothing else."""
    match = _NAMED_VALUE.fullmatch(fold(text))
    name = _FIELDS.get(_spell(match["word"])) if match else ""
    if not match or name not in ("bpm", "key"):
        return None
    value = match["value"]
    if name == "bpm":
        return Fact(name, match["word"], value) if _NUMBER.fullmatch(value) else None
    value = _translate_key(value)
    try:
        coerce("key", value)
    except BadRequest:
        return None
    is_key = (value[:1].isupper() and not value.isupper()) or len(value) < 3
    return Fact(name, match["word"], value) if is_key else None


def names_chart(line: str) -> bool:
    """Whether a line is what stands above the shapes of chords: CHORDS, Strumming pattern:"""
    text = line.strip("[]*_ ")
    is_marked = text.isupper() or text != line or text.endswith(":")
    return is_marked and _CHART.fullmatch(fold_word(text)) is not None


def names_author(line: str) -> bool:
    """Whether a line says `by Nobody`."""
    return _BY.fullmatch(line.strip()) is not None


def is_credit(text: str) -> bool:
    """© 2012 Nobody, CCLI Song # 1234567 and the like: sung nowhere."""
    folded = fold_word(text.strip())
    return bool(_CREDITS.match(folded) or _CREDITS.match(folded.lstrip("[(*")))


def split_pair(word: str, value: str) -> list[Fact]:
    """What a line `word: value` says where that is several things: `Key: G | Tempo: 72`."""
    return [] if word.lower() in TEXTS else list_facts(f"{word}: {value}")


def add_fallback(fallbacks: dict[str, object], name: str, value: object) -> None:
    """Keeps what counts only where nothing else says it. Genre and mood are both of a prompt."""
    if name == "prompt" and name in fallbacks:
        value = f"{fallbacks[name]}, {value}"
    elif name in fallbacks:
        return
    fallbacks[name] = value


def _list_words(value: str) -> list[str]:
    return re.findall(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d", fold_word(value))


def _find_tempo(value: str) -> Said:
    """A tempo as prompts say it: `Moderato, ca. ♩ = 72`, 92-96, slow (72); one in figures, as
    words may be meant otherwise where they stand alone.
    """
    if not re.search(r"\d", value) or re.search(r"[A-Za-zÀ-ɏ]\d", value):  # soon92
        return Said()
    said = find_tempo(normalize(value))
    return said if said.value else find_tempo(normalize(f"{re.sub('[()]', ' ', value)} bpm"))


def _find_key(value: str) -> Said:
    """A key as prompts say it: `G or Em`. Empty where it is one as it is."""
    if any(mark in fold(value) for mark in ":="):  # of another fact
        return Said()
    try:
        coerce("key", value)
    except BadRequest:
        return find_key(normalize(f"key {value}"))
    return Said()


def _is_loose_tempo(text: str, said: Said) -> bool:
    """Whether a line is a tempo and nothing else."""
    rest = normalize(text).lower()
    for word in said.words:
        rest = rest.replace(word, " ")
    return bool(said.value) and (_TEMPO_WORDS | _ABOUT).issuperset(_list_words(rest))


def _translate_key(value: str) -> str:
    """`La mineur` -> `A minor`; any other as it is."""
    value = re.sub(r"^1 ?[=＝] ?", "", value)  # of numbered notes
    match = _SOLFEGE.fullmatch(fold_word(value))
    if not match:
        value = value.translate(_ALIKE) if _CYRILLIC.fullmatch(value) else value
        if len(value) == 2 and value[0] in "#b♯♭":  # 1=bB
            return value[::-1]
        return f"B{value[1:]}" if value in ("H", "Hm") else value  # as in German
    note, accidental, mode = match.groups(default="")
    sharp = "#" if accidental[:2] in _SHARPS else "b" if accidental else ""
    is_minor = mode == "m" or value.rstrip().endswith("-") or mode[:3] in ("min", "men", "мин")
    return f"{_NOTES[note]}{sharp} {'minor' if is_minor else 'major'}"


def _spell(word: str) -> str:
    return _SIGNS.sub("", fold_word(word))


def _split_facts(line: str) -> list[str]:
    """The parts of a line, each of which is a fact if the line is a head's."""
    folded = fold_word(line)
    if numbered := _NUMBERED_NOTES.fullmatch(folded):  # 1=G 4/4
        rest = line[numbered.start(3) :]
        return [line[: numbered.end(1)], numbered[2].strip(), *_split_facts(rest)]
    first = _KEYED.match(folded)
    is_text = first is not None and first[0][:5] in ("title", "artis", "autho", "album", "copyr")
    cuts = {0}
    if first is None and (named := [*_NAMED.finditer(folded)]) and not named[0].start():
        fields = [_FIELDS.get(_spell(match[1])) for match in named]
        if fields[0] in ("bpm", "key", "time_signature") and all(fields):
            cuts |= {match.start() for match in named[1:]}
    for match in _KEYED.finditer(folded, 1):
        before = folded[: match.start()]
        if before[-1:].isalnum() or folded[: match.start()].rstrip().endswith(("original", "song")):
            continue
        is_strong = before.endswith("  ") or before.rstrip()[-1:] in tuple("|;•·")
        if is_strong or (first and not is_text):
            cuts.add(match.start())
    begins = sorted(cuts)
    ends = [*begins[1:], len(line)]
    parts = [line[begin:end].strip(" |;•·,/") for begin, end in zip(begins, ends)]
    parts = [_DASH_BEHIND.sub("", part) for part in parts]
    return [piece for part in parts if part for piece in _split_loose(part)]


def _split_loose(part: str) -> list[str]:
    """`Tempo: 72 | 4/4`: what stands behind a value and is a fact by itself."""
    if (loose := read_loose(part)) and loose.name == "bpm":  # Andante  ♩ = 84
        return [part]
    begins = [0]  # what says nothing by itself belongs to what stands in front: (8.6.8.6)
    separators = [*_SEPARATOR.finditer(fold(part))]
    ends = [*(match.start() for match in separators[1:]), len(part)]
    for match, end in zip(separators, ends):
        piece = part[match.end() : end].strip()
        if piece and _is_part(piece):
            begins.append(match.end())
    pieces = [part[begin:end] for begin, end in zip(begins, [*begins[1:], len(part)])]
    pieces = [piece.strip(" |;•·,/") for piece in pieces]
    return pieces if all(map(_is_part, pieces)) else [part]


def _is_part(piece: str) -> bool:
    """Whether a part of a line says something by itself."""
    is_tempo = _TEMPO_WORDS.issuperset(_list_words(piece))
    if _SHORT_KEY.fullmatch(piece):
        return True
    return is_tempo or read_loose(piece) is not None or _read_pair(piece) is not None


def _read_pair(text: str) -> Fact | None:
    folded = fold(text)
    end = min((at for mark in (":", "=", " - ") if (at := folded.find(mark)) > 0), default=0)
    is_dash = folded.startswith(" - ", end)
    word = text[:end].strip().strip("*_").strip()
    if not end or not _SAID.fullmatch(fold(word)):
        return None
    value = text[end + (3 if is_dash else 1) :].strip().strip("*_").strip()
    if is_dash:
        spelt = _spell(word)
        is_number = _FIELDS.get(spelt) == "bpm" and value[:1].isdigit()
        is_word = spelt in _DASHED or (not spelt.isascii() and spelt in _FIELDS)
        return find_fact(word, value) if is_number or is_word else None
    return find_fact(word, value)
