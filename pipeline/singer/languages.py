"""Which language lyrics are in, where nobody says so."""

from __future__ import annotations

import functools
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from itertools import groupby

from . import english, french, german, italian, japanese, mandarin, polish, portuguese, spanish
from .scripts import HAN, HANGUL, KANA, find_script
from .syllables import Syllable

UNKNOWN = "unknown"
Pronounce = Callable[[Sequence[str]], list[tuple[Syllable, ...]]]
# Languages whose words can be read: by their codes in `Request.language`.
READERS: Mapping[str, Pronounce] = {
    "en": english.pronounce,
    "es": spanish.pronounce,
    "it": italian.pronounce,
    "de": german.pronounce,
    "fr": french.pronounce,
    "pt": portuguese.pronounce,
    "pl": polish.pronounce,
    "ja": japanese.pronounce,
    "zh": mandarin.pronounce,
}
NAMES = {
    "en": "English",
    "es": "Spanish",
    "it": "Italian",
    "de": "German",
    "fr": "French",
    "pt": "Portuguese",
    "pl": "Polish",
    "ja": "Japanese",
    "zh": "Mandarin",
    "ko": "Korean",
    "cs": "Czech",
    "da": "Danish",
    "fi": "Finnish",
    "hu": "Hungarian",
    "nl": "Dutch",
    "ro": "Romanian",
    "sv": "Swedish",
    "tr": "Turkish",
    "vi": "Vietnamese",
}
# Words that tell a language: those without a stress, and what is sung about most.
_TELLING = {
    "en": english.WEAK
    | frozenset(
        "no so come more one not all now never out up over down just like love way time what when "
        "where why how who there here go get got give take make made made' let say said see know "
        "want need feel think die dies live life man men woman girl boy baby night day light fire "
        "heart home world good bad hard long last close fine sick high low star sing song dance "
        "dream party city sun rain sky tonight forever always again away back end king queen god "
        "hello goodbye please stop run fall hold stay wait turn break old new free wild gold war "
        "pain art gift mode rock pop it's don't can't won't ain't let's late pump hot cool real "
        "super street money kiss face mad sad son ten tell pour con air club angel light lights "
        "only own oh yeah plus rose sole mare women d'you hat gut fast hell kind arm bald tag beau "
        "mind eyes dreams boys girls ever much many thing things little blue red black white big "
        "da".split()
    ),
    "es": spanish.WEAK
    | frozenset(
        "yo tú él ella amor corazón vida noche luna sol cielo fuego quiero amo eres soy está "
        "estás estoy besos beso nada más mucho todo siempre nunca ya muy bien mi mío mía vamos "
        "baila bailar bailando dame hoy contigo conmigo alma mujer camino gracias adiós hola "
        "bésame luego cuándo dónde qué cómo ay no hay otra otro vez calle tiempo mañana".split()
    ),
    "it": italian.WEAK
    | frozenset(
        "io lui lei noi amore cuore vita notte luna sole cielo fuoco voglio amo sei siamo sono "
        "ciao bella bello bacio baci niente più tutto sempre mai già molto bene te vieni via "
        "balla ballare dammi oggi anima donna mondo mare grazie addio mamma mia dolce tempo "
        "volare cantare buona sera nessuno perché così ancora solo l' dell' nell' all' un' "
        "c'è".split()
    ),
    "de": german.WEAK
    | frozenset(
        "nicht kein keine liebe lieb liebst nacht tag herz leben himmel feuer sonne mond welt "
        "will kann kannst muss weiß bleib komm geh immer nie alles nichts hier was warum "
        "noch mehr wieder heute morgen zusammen ohne allein schön gut danke tanz tanzen lass los "
        "ab ja nein frei zeit mädchen mann frau augen träum träume".split()
    ),
    "fr": french.WEAK
    | frozenset(
        "moi toi amour coeur cœur vie nuit jour ciel feu soleil lune monde aime aimes "
        "suis es sommes rien tout toujours jamais plus bien pas oui non viens danse "
        "danser chante femme fille garçon merci adieu bonjour belle beau rose avion voulez "
        "voulez-vous ce soir avec chanson mer été l' d' j' n' s' t' m' qu'".split()
    ),
    "pt": portuguese.WEAK
    | frozenset(
        "você amor coração vida noite lua sol céu fogo quero amo és sou está estou beijo nada "
        "mais tudo sempre nunca já muito bem mim vem vamos dança dançar hoje menina garota "
        "mundo mar saudade obrigado adeus nossa ai gente bom dia samba tem".split()
    ),
    "pl": polish.WEAK
    | frozenset(
        "miłość kocham kocha serce życie noc dzień świat niebo słońce morze ogień oczy świt masz "
        "jestem jesteś będę będzie już tylko jeszcze zawsze nigdy wszystko nic znów znowu sam sama "
        "gdzie kiedy dlaczego dziś jutro proszę dziękuję chcę wiem tak tam tu tobą tobie ciebie "
        "moja moje twoja twoje twoich moich".split()
    ),
    "zh": frozenset(
        "wo ni ta de shi bu zai hen ai xiang xin hao women nimen yue liang yueliang wode nide "
        "meiyou shenme yiqi zhongguo pengyou xiexie mei you yi ge".split()
    ),
    "ja": japanese.WEAK
    | frozenset("sakura natsu haru fuyu aki ai hana ame yoru tsuki machi desu itai nani".split()),
    # of those that nobody here reads: so that they are no German or Spanish
    "cs": frozenset("jsem jsi je není když jen láska život srdce tě mě ještě už nebo pro".split()),
    "da": frozenset("jeg er og ikke det som vil har kærlighed hjerte på når så af".split()),
    "fi": frozenset("minä sinä olen olet ei ja on mutta kun rakastan sinua sydän yö niin".split()),
    "hu": frozenset("és nem hogy az egy van vagy szeretlek szív éj csak mint te én már".split()),
    "nl": frozenset("ik het een niet van jij jou zijn voor maar hou liefde hart wij naar".split()),
    "ro": frozenset("și şi nu este eu tu inima dragoste noapte fără când doar mai pe".split()),
    "sv": frozenset("jag är och det att som inte mig dig ett kärlek hjärta när så på".split()),
    "tr": frozenset("ben sen bir ve bu seni beni seviyorum aşk kalp gece değil gibi için".split()),
    "vi": frozenset("anh em và là không người tình yêu".split()),
}
# Sounds, and names of places: they are sung in every language.
_VOCABLES = frozenset(
    "a ah ai ay ba bam bom da dah de dee di do doo du dum e eh ey ha hey ho hm hmm i la lala lo mm "
    "mmm na nah nana o oh ohh oi ooh u uh um woah whoa ya yay ye yea yeah yo".split()
)
_PLACES = re.compile(r"\b(?:los angeles|las vegas|san francisco|el paso|la la land)\b")
_MARKS = "¿¡"  # of Spanish
_LETTERS = {  # that hardly another of them has
    "es": frozenset("ñ"),
    "it": frozenset("òì"),
    "de": frozenset("äöüß"),
    "fr": frozenset("œèùî"),
    "pt": frozenset("ãõ"),
    "pl": frozenset("ąćęłńśźż"),
    "zh": frozenset("ǎěǐǒǔǚǜǘ"),
    "cs": frozenset("čďěňřšťůž"),
    "da": frozenset("åæø"),
    "hu": frozenset("őű"),
    "ro": frozenset("ășșţț"),
    "sv": frozenset("å"),
    "tr": frozenset("ğış"),
    "vi": frozenset("ơưđạảấầẩậắằẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"),
}
_ACCENTED = {  # that several of them have
    "es": frozenset("áéíóú"),
    "it": frozenset("àèéù"),
    "fr": frozenset("àâçéêëïôû"),
    "pt": frozenset("áâàçéêíóôú"),
    "pl": frozenset("ó"),
    "cs": frozenset("áéíúý"),
    "fi": frozenset("äö"),
    "hu": frozenset("áéíóöúü"),
    "sv": frozenset("äö"),
    "tr": frozenset("çöü"),
    "vi": frozenset("áàâãéèêíìóòôõúùý"),
    "zh": frozenset("āáàēéèīíìōóòūúù"),
}
# what a word of English, or one of two languages, says
_LISTED = 0.4
_SHARED = 0.5
_LEAST_LETTERS = 4  # of words that are not only English
_SPELLED = {"ja": japanese.pronounce, "zh": mandarin.pronounce}  # few words are romaji, or pinyin
_WORD = re.compile(r"[^\W\d_]+(?:['-][^\W\d_]+)*")
_READ = 4000  # characters: more tell nothing new


def guess_language(text: str) -> str:
    """One of NAMES: by scripts, by words and by letters. English, unless another has a
    word or a letter that is its own, and more of them than English. Sounds like la and oh are
    nobody's where they are repeated, or where nothing else is sung.
    """
    text = text[:_READ].lower().replace("’", "'")
    scripts = Counter(map(find_script, text))
    for script, language in ((KANA, "ja"), (HANGUL, "ko"), (HAN, "zh")):
        if scripts[script]:
            return language
    runs = [(word, len(list(run))) for word, run in groupby(_WORD.findall(_PLACES.sub(" ", text)))]
    words = [word for word, count in runs if count == 1 or word not in _VOCABLES]
    if _VOCABLES.issuperset(words):
        words = []
    scores = {language: _score(words, language) for language in _TELLING}
    for mark in _MARKS:
        scores["es"] += text.count(mark)
    # of equal ones the first, which is English
    return max(scores, key=lambda language: scores[language])


def _score(words: Sequence[str], language: str) -> float:
    """How much speaks for a language; nothing, where it has no word that is not English as well, or
    where too little is foreign.
    """
    if language == "en":
        return sum(map(_weigh_english, words))
    if language in _SPELLED and not all(_SPELLED[language](words)):
        return 0
    weights = {word: _weigh(word, language) for word in words}
    foreign = sum(len(word) for word in weights if weights[word] or not _weigh_english(word))
    if foreign < _LEAST_LETTERS or max(weights.values(), default=0) < 1:
        return 0
    return sum(weights[word] for word in words)


@functools.lru_cache(maxsize=4096)
def _weigh_english(word: str) -> float:
    is_foreign = any(_weigh(word, language) for language in _TELLING if language != "en")
    if word in _TELLING["en"]:
        return _SHARED if is_foreign else 1
    return _LISTED if not is_foreign and english.is_listed(word) else 0


@functools.lru_cache(maxsize=4096)
def _weigh(word: str, language: str) -> float:
    elided = word[: word.find("'") + 1]  # l'amour
    if word in _TELLING[language] or elided in _TELLING[language]:
        return _SHARED if word in _TELLING["en"] or len(word) == 1 else 1
    if not _LETTERS.get(language, frozenset()).isdisjoint(word):
        return 1
    return 0 if _ACCENTED.get(language, frozenset()).isdisjoint(word) else _SHARED
