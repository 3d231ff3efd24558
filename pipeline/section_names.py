"""What the sections of songs are called, in the languages that song sheets are written in, as data:
one table for those who read sheets and for those who sing. No MLX.

Models are trained with the English names, and know the others: they get what is written.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping

_Table = Mapping[str, str]  # by the kind of section (guide.composer.form.KINDS), names and commas

# Nobody sings these alone on a line: they begin a section without brackets or a colon.
_NEVER_SUNG: _Table = {
    "intro": (
        "Intro, Forspil, Forspill, Predohra, Előjáték, Alkusoitto, Uvertura, Đoạn mở đầu, "
        "Dạo đầu, Nhạc dạo, אינטרו, आलाप, इंट्रो, อินโทร, 前奏, イントロ, 인트로, 전주"
    ),
    "verse": (
        "Verse, Estrofa, Estrofe, Strofa, Couplet, Strophe, Zwrotka, Sloka, Kıta, Säkeistö, "
        "Versszak, Cuplet, Erindi, Pennill, Posmas, Phiên khúc, Κουπλέ, Куплет, Заспів, "
        "Запев, Шумақ, კუპლეტი, קופלט, المقطع, كوبليه, ورس, انترا, अंतरा, কলি, অন্তরা, "
        "ਅੰਤਰਾ, சரணம், చరణం, ಚರಣ, ചരണം, เวิร์ส, A段, 主歌, Aメロ, 벌스"
    ),
    "pre": (
        "Pre-Chorus, Pre-Hook, Pre-Estribillo, Pre-Coro, Pré-Refrão, Pre-Ritornello, "
        "Pré-Refrain, Pré-Couplet, Vorrefrain, Förrefräng, Før-omkvæd, Předrefrén, "
        "Predrefrén, Predrefren, Przedrefren, Pre-refren, Előrefrén, Voorrefrein, "
        "Pre-refrein, Ön nakarat, Pra-korus, Pre-reff, Tiền điệp khúc, Anupallavi, "
        "Προρεφρέν, Предприпев, Пред-припев, Преприпев, Передприспів, Предприспів, "
        "טרום פזמון, קדם פזמון, ما قبل اللازمة, ما قبل الكورس, پیش کورس, அனுபல்லவி, "
        "అనుపల్లవి, അനുപല്ലവി, พรีฮุก, 预副歌, 預副歌, 前副歌, 导歌, 導歌, サビ前, B段, Bメロ, 프리코러스"
    ),
    "chorus": (
        "Chorus, Post-Chorus, Refrain, Post-Refrain, Post-Hook, Estribillo, Refrão, "
        "Ritornello, Kehrreim, Kehrvers, Refräng, Omkvæd, Refren, Refrén, Nakarat, Refrein, "
        "Kertosäe, Refreng, Refrään, Reff, Korus, Viðlag, Cytgan, Curfá, Priedainis, "
        "Piedziedājums, Pripjev, Pripev, Kiitikio, Nəqarət, Naqorat, Lelo, Rekantaĵo, "
        "Retrouso, Mukhda, Sthayi, Điệp khúc, Ρεφρέν, Επωδός, Припев, Приспів, Прыпеў, "
        "Рефрен, Рефрэн, Қайырмасы, Дахилт, Կրկներգ, მისამღერი, פזמון, רעפרען, اللازمة, "
        "كورس, کورس, ترجیع بند, همخوان, مکھڑا, استھائی, मुखड़ा, स्थायी, कोरस, ধুয়া, "
        "স্থায়ী, মুখড়া, কোরাস, ਸਥਾਈ, பல்லவி, పల్లవి, ಪಲ್ಲವಿ, പല്ലവി, ท่อนฮุก, ท่อนสร้อย, "
        "คอรัส, 副歌, サビ, 大サビ, 落ちサビ, ラスサビ, コーラス, C段, 후렴, 후렴구, 코러스"
    ),
    "bridge": (
        "Misc, Väliosa, Sanchari, Бридж, ברידג', संचारी, সঞ্চারী, ท่อนแยก, ท่อนบริดจ์, 桥段, "
        "橋段, Cメロ, Dメロ"
    ),
    "break": (
        "Interlude, Instrumental, Zwischenspiel, Tussenspel, Tussenstuk, Mellanspel, "
        "Mellemspil, Mellomspill, Millispil, Medzihra, Međuigra, Közjáték, Välisoitto, "
        "Vahemäng, Intermédio, Intermède, Interludiu, Gian tấu, Giang tấu, Проигрыш, "
        "Програш, Пройгрыш, Интерлюдия, Інтерлюдія, فاصل موسيقي, میان نوازی, 间奏, 間奏, 간주"
    ),
    "solo": "โซโล่",
    "outro": (
        "Outro, Nachspiel, Naspel, Efterspil, Etterspill, Utójáték, Loppusoitto, אאוטרו, "
        "เอาท์โทร, 尾奏, アウトロ, 後奏, 아웃트로, 후주"
    ),
}
# These too, with a capital letter and an empty line above: they are rarely sung alone on a line.
_RARELY_SUNG: _Table = {
    "intro": (
        "Introduction, Introducción, Introdução, Introduzione, Introducere, Vorspiel, "
        "Voorspel, Uvod, Giriş, Pembuka, Εισαγωγή, Вступление, Вступ, Інтро, Интро, Увод, "
        "פתיחה, مقدمة, مقدمه"
    ),
    "verse": (
        "Verso, Vers, Spoken Word, Kitica, Dörtlük, Bait, Rangkap, Antara, Charanam, Ubeti, "
        "Berso, Strofo, Строфа, Στροφή, בית, بند, موال, Речитатив, ラップ, 랩"
    ),
    "pre": "Build-Up",
    "chorus": "Hook, المذهب, Coro, Koor, Koro, Pallavi, Tornada, Inciso, Хук, टेक, टेक पद, สร้อย",
    "bridge": (
        "Bridge, Middle 8, Middle Eight, Puente, Ponte, Pont, Brücke, Bruecke, Bro, Brygga, "
        "Stick, Stikk, Brug, Punte, Köprü, Prelaz, Most, Łącznik, Átvezető, Brú, Tiltas, "
        "Jembatan, Cầu nối, C-Teil, C-osa, C-stykke, C-del, Mittelteil, Überleitung, Γέφυρα, "
        "Мост, Прелаз, גשר, سي بارت, جسر, بريدج, ब्रिज, ブリッジ, 브릿지, 브리지"
    ),
    "break": (
        "Breakdown, Turnaround, Riff, Interludio, Interlúdio, Intermezzo, Intermedio, "
        "Ara müzik, מעבר, فاصل, 过门, 過門"
    ),
    "solo": "Solo, Соло, Σόλο, סולו, صولو, سولو",
    "outro": (
        "Coda, Tag, Vamp, Ending, Schluss, Fade Out, Final, Finale, Finał, Slot, Einde, "
        "Avslutning, Afslutning, Završetak, Zaključek, Záver, Závěr, Lopetus, Penutup, Kết, "
        "Đoạn kết, Аутро, Кода, Концовка, Кінцівка, Закінчення, Завершення, Финал, Фінал, "
        "Крај, סיום, الخاتمة, 结尾, 尾声"
    ),
}
# These need brackets, a colon or a number.
_OFTEN_SUNG: _Table = {
    "intro": "Entrada, Opening",
    "verse": (
        "Rap, Spoken, Stanza, Part, Section, Parte, Partie, Teil, Deel, Del, Część, Bölüm, "
        "Osa, Đoạn, Lời, Beti, Stih, Часть, Частина, Versetto, قطعه, البيت, पद, ท่อน, "
        "ท่อนที่, 절, 番, 段"
    ),
    "pre": "Build",
    "chorus": "Drop",
    "bridge": "پل",
    "break": "Inst, Break, Silence, Musik, ดนตรี",
    "outro": "End, Fade, Kraj, Loppu, النهاية, پایان, จบ",
}


def _list_names(table: _Table) -> dict[str, str]:
    """The kind of section that every name stands for."""
    return {
        unicodedata.normalize("NFC", name): kind
        for kind, names in table.items()
        for name in names.split(", ")
    }


NEVER_SUNG = _list_names(_NEVER_SUNG)
RARELY_SUNG = _list_names(_RARELY_SUNG)
OFTEN_SUNG = _list_names(_OFTEN_SUNG)
KINDS = NEVER_SUNG | RARELY_SUNG | OFTEN_SUNG
NAMES = tuple(KINDS)
# other words for these
ALIASES = {
    "Schlussrefrain": "Refrain",
    "Endrefrain": "Refrain",
    "Abschlussrefrain": "Refrain",
    "Schlussstrophe": "Strophe",
    "Wstęp": "Intro",
    "Przejście": "Interlude",
    "Mostek": "Bridge",
    "Zakończenie": "Outro",
    "Předehra": "Intro",
    "Mezihra": "Interlude",
    "Dohra": "Outro",
    "Förspel": "Intro",
    "Efterspel": "Outro",
    "Solówka": "Solo",
    "Kerto": "Kertosäe",
    "Kertsi": "Kertosäe",
    "Refreni": "Refren",
    "Đoạn điệp khúc": "Điệp khúc",
    "הפזמון": "פזמון",
    "פזמון חוזר": "פזמון",
    "لازمة": "اللازمة",
    "الكورس": "كورس",
    "الكوبليه": "كوبليه",
    "المقدمة": "مقدمة",
    "الجسر": "جسر",
    "خاتمة": "الخاتمة",
    "Asthayi": "Sthayi",
    "Mukhra": "Mukhda",
    "Antra": "Antara",
    "अन्तरा": "अंतरा",
    "ฮุก": "ท่อนฮุก",
    "ท่อนฮุค": "ท่อนฮุก",
}
# These are counted in front: 1절.
COUNTED = frozenset(("절", "番", "段"))
# as song books and OpenSong shorten them
ABBREVIATIONS = {
    "V": "Verse",
    "Vs": "Verse",
    "Ver": "Verse",
    "Vrs": "Verse",
    "C": "Chorus",
    "Ch": "Chorus",
    "Cho": "Chorus",
    "Chor": "Chorus",
    "Chr": "Chorus",
    "R": "Refrain",
    "П": "Припев",
    "Ref": "Refrain",
    "Refr": "Refrain",
    "Rit": "Ritornello",
    "P": "Pre-Chorus",
    "PC": "Pre-Chorus",
    "Pre": "Pre-Chorus",
    "Pre-Ch": "Pre-Chorus",
    "B": "Bridge",
    "Br": "Bridge",
    "T": "Tag",
    "I": "Intro",
    "Int": "Intro",
    "O": "Outro",
    "Out": "Outro",
    "E": "Ending",
    "Instr": "Instrumental",
    "Rfr": "Refrain",
    "Omk": "Omkvæd",
    "Omkv": "Omkvæd",
    "Zw": "Zwrotka",
    "Zwr": "Zwrotka",
    "Str": "Strophe",
    "S": "Strophe",
    "Estr": "Estrofa",
    "Estrib": "Estribillo",
    "Ritorn": "Ritornello",
    "Säk": "Säkeistö",
    "Nak": "Nakarat",
    "ĐK": "Điệp khúc",
    "PK": "Phiên khúc",
    "Куп": "Куплет",
    "Прип": "Припев",
    "Пр": "Припев",
    "Припів": "Приспів",
}
# what stands in front of a name: "Guitar Solo", "Final Chorus"
ADJECTIVES = frozenset(
    "acoustic rap spoken a-capella bass brass double drum drums electric extended fiddle final "
    "flute guitar gtr half harmonica horn horns instrumental music musical keyboard keys last "
    "lead organ piano sax saxophone strings synth trumpet vocal violin "
    "dernier letzter letzte ultimo ultima последнии останніи ostatni laatste sista siste sidste "
    "posledni zadnji son".split()  # the last, in other languages
)
# words of other languages, which are a section's name only where nothing stands beside them
HOMONYMS = frozenset(("Bait", "Brug", "Deel", "Del", "Lelo", "Most", "Osa", "Rangkap", "Slot"))
# Each has its own words, so that one without any is not sung with those of another.
VERSES = frozenset(name for name, kind in KINDS.items() if kind == "verse")
# These are played: nothing is missing where they have no words.
_PLAYED = ("intro", "break", "solo", "outro")
INSTRUMENTAL = frozenset(name for name, kind in KINDS.items() if kind in _PLAYED)
INSTRUMENTAL = (INSTRUMENTAL | {"Build", "Build-Up", "Drop"}) - {"Tag", "Vamp"}
# Songs begin with these.
FIRST_SECTIONS = VERSES | {name for name, kind in KINDS.items() if kind == "intro"}
FIRST_SECTIONS |= {"Instrumental"}
