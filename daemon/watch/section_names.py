"""What the sections of songs are called, in the languages that song sheets are written in, as data.

Models are trained with the English names, and know the others: they get what is written.
"""

from __future__ import annotations

# Nobody sings these alone on a line: they begin a section without brackets or a colon.
NEVER_SUNG = (
    # English
    "Intro",
    "Verse",
    "Pre-Chorus",
    "Chorus",
    "Post-Chorus",
    "Misc",  # of SongSelect
    "Refrain",
    "Interlude",
    "Outro",
    "Instrumental",
    # Spanish, Portuguese, Italian, French, German, Dutch, Swedish, Danish, Polish, Czech, Turkish
    "Estrofa",
    "Estribillo",
    "Pre-Estribillo",
    "Pre-Coro",
    "Refrão",
    "Pré-Refrão",
    "Strofa",
    "Ritornello",
    "Pre-Ritornello",
    "Couplet",
    "Pré-Refrain",
    "Post-Refrain",
    "Pré-Couplet",
    "Strophe",
    "Kehrreim",
    "Kehrvers",
    "Vorrefrain",
    "Zwischenspiel",
    "Nachspiel",
    "Tussenspel",
    "Refräng",
    "Mellanspel",
    "Förrefräng",
    "Omkvæd",
    "Refren",
    "Zwrotka",
    "Refrén",
    "Sloka",
    "Předrefrén",
    "Nakarat",
    # Dutch, Turkish, Finnish, Norwegian, Estonian, Hungarian, Indonesian, Vietnamese, Greek
    "Refrein",
    "Voorrefrein",
    "Kıta",
    "Säkeistö",
    "Kertosäe",
    "Väliosa",
    "Refreng",
    "Refrään",
    "Versszak",
    "Reff",
    "Điệp khúc",
    "Phiên khúc",
    "Ρεφρέν",
    "Κουπλέ",
    # Russian, Ukrainian
    "Припев",
    "Предприпев",
    "Куплет",
    "Приспів",
    "Проигрыш",
    # Chinese, Japanese, Korean
    "主歌",
    "副歌",
    "预副歌",
    "預副歌",
    "前副歌",
    "导歌",
    "導歌",
    "桥段",
    "橋段",
    "间奏",
    "間奏",
    "前奏",
    "尾奏",
    "サビ",
    "大サビ",
    "落ちサビ",
    "ラスサビ",
    "サビ前",
    "A段",
    "B段",
    "C段",
    "Aメロ",
    "Bメロ",
    "Cメロ",
    "Dメロ",
    "イントロ",
    "アウトロ",
    "後奏",
    "コーラス",
    "후렴",
    "후렴구",
    "벌스",
    "코러스",
    "프리코러스",
    "인트로",
    "아웃트로",
    "간주",
    "전주",
    "후주",
)
# These too, with a capital letter and an empty line above: they are rarely sung alone on a line.
RARELY_SUNG = (
    "Bridge",
    "Hook",
    "Solo",
    "Coda",
    "Tag",
    "Vamp",
    "Ending",
    "Schluss",
    "Breakdown",
    "Turnaround",
    "Riff",
    "Build-Up",
    "Middle 8",
    "Middle Eight",
    "Spoken Word",
    "Fade Out",
    "Introduction",
    "Coro",
    "Verso",
    "Puente",
    "Ponte",
    "Pont",
    "Brücke",
    "Bruecke",
    "Vers",
    "Bro",
    "Brygga",
    "Stick",
    "Final",
    "Introducción",
    "Introdução",
    "Introduzione",
    "Interludio",
    "Interlúdio",
    "Вступление",
    "Бридж",
    "Мост",
    "Інтро",
    "Интро",
    "Аутро",
    "Кода",
    "Концовка",
    "Финал",
    "Соло",
    "过门",
    "過門",
    "结尾",
    "尾声",
    "ブリッジ",
    "ラップ",
    "브릿지",
    "브리지",
    "랩",
)
# These need brackets, a colon or a number.
OFTEN_SUNG = (
    "Inst",
    "Break",
    "Build",
    "Drop",
    "Rap",
    "Spoken",
    "End",
    "Fade",
    "Silence",
    "Stanza",
    "Part",
    "Section",
    "Parte",
    "Partie",
    "Teil",
    "Часть",
    "Versetto",
    "절",
    "番",
    "段",
)
NAMES = (*NEVER_SUNG, *RARELY_SUNG, *OFTEN_SUNG)
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
    "Пр": "Припев",
    "Припів": "Приспів",
}
# what stands in front of a name: "Guitar Solo", "Final Chorus"
ADJECTIVES = frozenset(
    "acoustic rap spoken a-capella bass brass double drum drums electric extended fiddle final "
    "flute guitar gtr half harmonica horn horns instrumental music musical keyboard keys last "
    "lead organ piano sax saxophone strings synth trumpet vocal violin".split()
)
# Each has its own words, so that one without any is not sung with those of another.
VERSES = frozenset(
    (
        "Verse Stanza Part Section Parte Partie Teil Часть A段 Estrofa Strofa Couplet Strophe "
        "Zwrotka Sloka Kıta Säkeistö Versszak Κουπλέ Куплет 主歌 Aメロ 벌스 절 番 段 Verso "
        "ラップ 랩 Vers Versetto Rap Spoken"
    ).split()
) | {"Spoken Word", "Phiên khúc"}
# These are played: nothing is missing where they have no words.
INSTRUMENTAL = frozenset(
    (
        "Intro Outro Interlude Instrumental Inst Solo Break Breakdown Build Drop Coda "
        "Turnaround Riff Fade End Ending Silence Introduction Zwischenspiel Nachspiel "
        "Tussenspel Mellanspel Проигрыш Вступление Соло 间奏 間奏 前奏 尾奏 イントロ アウトロ "
        "後奏 인트로 아웃트로 간주 전주 후주"
    ).split()
) | {"Build-Up", "Fade Out"}
# Songs begin with these.
FIRST_SECTIONS = VERSES | frozenset(
    "Intro Introduction Instrumental Вступление 前奏 イントロ 인트로 전주 Introducción "
    "Introdução".split()
)
