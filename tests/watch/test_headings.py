"""Headings of sections as people write them, and words that look like one."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet
from pipeline.section_names import ALIASES, NAMES, VERSES
from pipeline.singer.lyrics import find_kind

WORDS = "the harbour sleeps"


def sing(text: str) -> list[str]:
    return str(read_sheet(text).values["lyrics"]).split("\n")


def begin(heading: str) -> list[str]:
    """What is sung below a heading that stands between verses, with its marker."""
    lines = sing(f"[Verse 8]\none two\n\n{heading}\n{WORDS}\n\n[Verse 9]\nla")
    return [line for line in lines[3:-3] if line]


HEADINGS = {
    "Verse 1": "Verse One: | Verse1 | 1st Verse | First verse | VERSE I | Verse #1 | Verse No. 1 | "
    "**Verse 1:** | Verse - 1 | Verse (1) | 1. Verse | (1) Verse | Verse 1) | V1 | V1: | [V1] | "
    "[Verse 1] | [verse one] | • Verse 1 | ## Verse 1",
    "Chorus": "chorus | CHORUS | Chorus: | Chorus: | **Chorus** | *Chorus* | __Chorus__ | == "
    "Chorus == | -- Chorus -- | ~Chorus~ | <Chorus> | > Chorus | #Chorus | [ chorus ] | "
    "[Chorus:] | (Chorus) | Chorus - repeat | Chorus (repeat) | Repeat Chorus | Back to the "
    "chorus | ♪ Chorus ♪ | |Chorus| | Ch: | Chorus. | 【Chorus】 | ［chorus］ | Chorus： | "
    "（chorus） | 《Chorus》 | ＊Chorus＊ | {Chorus}",
    "Pre-Chorus": "PRE CHORUS | prechorus | Pre-Chorus: | Pre: | PC:",
    "Bridge": "Bridge | bridge: | (bridge) | -- bridge -- | BRIDGE | Br:",
    "Section 2": "Section 2 | SECTION 2:",
    "Refrain": "Refrain | Refrain : | Ref: | Ref.",
    "Final Chorus": "Final Chorus | [final chorus] | FINAL CHORUS:",
    "Guitar Solo": "Guitar Solo | (guitar solo) | Guitar solo:",
    "Instrumental Break": "Instrumental Break | [Instrumental break]",
    "Verse 1 (soft)": "Verse 1 (soft) | Verse 1 (soft): | [Verse 1 (soft)]",
    "Verse 1: Nobody": "[Verse 1: Nobody]",
    "Verse 2 - slow": "Verse Two - slow | [VERSE 2 - slow]",
    "Solo - 8 bars": "solo - 8 bars | Solo - 8 bars",
    "Middle 8": "Middle 8 | MIDDLE 8:",
    "Verse 1A": "Verse 1a | Verse 1A:",
    "Strophe 2": "2. Strophe | Strophe 2: | Strophe II",
    "Couplet 2": "Couplet 2 | Couplet 2 : | 2ème couplet | Deuxième couplet",
    "Pré-Refrain": "Pré-refrain | PRE-REFRAIN",
    "Estrofa 1": "Estrofa I | Primera estrofa | Estrofa 1:",
    "Estribillo": "Estribillo | ESTRIBILLO:",
    "Puente": "Puente | Puente:",
    "Ponte": "Ponte | (ponte)",
    "Refrão": "Refrão | REFRAO | [Refrão]",
    "Parte 1": "[Primeira Parte] | Parte 1:",
    "Ritornello": "Ritornello | Rit. | Rit: | RITORNELLO:",
    "Strofa 1": "Strofa 1 | Prima strofa",
    "Brücke": "Brücke | Brücke:",
    "Kehrreim": "Kehrreim | Kehrreim (wdh.)",
    "Refräng": "Refräng | Refräng:",
    "Omkvæd": "Omkvæd | [omkvæd]",
    "Zwrotka 1": "Zwrotka 1 | 1. zwrotka",
    "Refren": "Refren | REFREN:",
    "Припев": "Припев | ПРИПЕВ:",
    "Куплет 1": "Куплет 1: | 1 куплет | 1-й куплет | Первый куплет",
    "主歌 1": "主歌1 | 主歌 1： | 【主歌一】",
    "副歌": "副歌 | 副歌： | （副歌） | 《副歌》",
    "间奏": "间奏 | [间奏]",
    "1段": "第一段 | 第1段：",
    "Misc 1": "Misc 1 | [Misc 1] | MISC 1",
    "サビ": "サビ | 【サビ】 | （サビ）",
    "Aメロ": "Aメロ | Ａメロ | [Aメロ]",
    "間奏": "間奏 | ＜間奏＞",
    "후렴": "후렴 | [후렴] | 후렴:",
    "1절": "1절 | [1절] | 1절:",
    "ברידג'": "ברידג' | [ברידג'] | ברידג': | **ברידג'** | — ברידג' — | ## ברידג'",
}


@pytest.mark.parametrize(
    ("marker", "heading"),
    [(name, each) for name, forms in HEADINGS.items() for each in forms.split(" | ")],
)
def test_a_heading_is_read_as_people_write_it(marker: str, heading: str) -> None:
    assert begin(heading.replace("||", "|")) == [f"[{marker}]", WORDS]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_is_a_kind_of_section_to_composer_and_singer(name: str) -> None:
    assert find_kind(name)
    assert (find_kind(name) == "verse") == (name in VERSES)
    for marker in (f"{name} 2", f"{name} (soft)", f"{name}: Nobody"):
        assert find_kind(marker) == find_kind(name)


REPEATED = (
    "Chorus x2|Chorus (x2)|Chorus 2x|Chorus (2X):|Chorus ×2|Chorus x 2|2x Chorus|Chorus, x2|"
    "Chorus - x2|Chorus twice|Chorus (sing twice)|Chorus (2 times)|Chorus [x2]|[Chorus] x2|"
    "[Chorus] (x2)|[Chorus x2]|[CHORUS (X2)]|(Chorus) x2|(Chorus x2)|Double Chorus|**Chorus** (x2)|"
    "【Chorus】×２|Chorus (repeat 2x)|Repeat Chorus x2"
)


@pytest.mark.parametrize("heading", REPEATED.split("|"))
def test_a_section_is_sung_as_often_as_its_heading_says(heading: str) -> None:
    assert begin(heading) == 2 * ["[Chorus]", WORDS]


@pytest.mark.parametrize(
    ("heading", "marker", "times"),
    [
        ("Refrain (bis)", "Refrain", 2),
        ("Estribillo x3", "Estribillo", 3),
        ("Coro (2 veces)", "Coro", 2),
        ("Refrão 2x", "Refrão", 2),
        ("Припев (2 раза):", "Припев", 2),
        ("Припев х2", "Припев", 2),
        ("副歌 x2", "副歌", 2),
        ("サビ（×２）", "サビ", 2),
        ("Hook (x4)", "Hook", 4),
        ("Verse 2 x2", "Verse 2", 2),
    ],
)
def test_so_it_is_in_other_languages(heading: str, marker: str, times: int) -> None:
    assert begin(heading) == times * [f"[{marker}]", WORDS]


LOOK_ALIKES = (
    "Bridge over troubled water|Hook me up|Chorus of angels|Verse by verse|Chorus, sing with me|"
    "Intro to love|Drop it low|Break my heart|Solo tonight|Coda of my life|Silence|Fade away|"
    "End of the road|Rap it up|Interlude in blue|Refrain from crying|Tag along with me|Part of me|"
    "Bring me to the bridge|Repeat after me|Repeat the sounding joy|Second chance|First love|"
    "One two three four|Am I here|A rose|Pont Neuf|Vers la mer|Solo tu|Kein Teil von mir|"
    "Final countdown|Second verse same as the first|V for victory|C you later|B side|Choruses|"
    "Third verse different from the first|bridge|drop|(ooh, ahh)|(hook, line and sinker)|"
    "Time after time|Key to my heart|Capo di tutti|The tempo is 92|Words by the river|"
    "Written by the wind|Mama: don't go|2 x 4 is 8|1, 2, 3|1. love|twice|again|"
    "50 bpm heart|3/4 of my heart|bis zum Morgen"
)


@pytest.mark.parametrize("line", [*LOOK_ALIKES.split("|"), "sad :|"])
def test_words_that_look_like_a_heading_are_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n{line}\nthree four") == [
        "[Verse]",
        "one two",
        line,
        "three four",
    ]
    assert not find_problems(read_sheet(f"[Verse]\none two\n{line}\nthree four").notes)


def test_a_heading_that_is_behind_another_is_not_sung() -> None:
    assert sing("Intro: instrumental\n\n[Verse]\none") == [
        "[Intro: instrumental]",
        "",
        "[Verse]",
        "one",
    ]
    assert sing("[Chorus]\none\n\nOutro: repeat chorus")[-3:] == ["[Outro]", "[Chorus]", "one"]


def test_words_behind_a_heading_are_sung() -> None:
    for heading in ("Chorus: ", "[Chorus] ", "**Chorus:** ", "Chorus："):
        assert sing(f"{heading}we are alive\ntonight") == ["[Chorus]", "we are alive", "tonight"]
    assert sing("Ref: we are alive\n\nR: no") == ["[Refrain]", "we are alive", "", "R: no"]


def test_a_line_that_may_be_a_heading_is_asked_about() -> None:
    read = read_sheet("[Verse]\none\n\nDrop\ntwo")
    assert "Drop" in sing("[Verse]\none\n\nDrop\ntwo")
    [problem] = find_problems(read.notes)
    assert (problem.line, problem.hint) == (4, "write [Drop] where it begins a section")


def test_stanzas_that_are_counted_are_verses() -> None:
    text = "1. the first\nof all\n\nR: sing\n\n2. the second\n\n3)\nthe third"
    assert sing(text) == [
        "[Verse 1]",
        "the first",
        "of all",
        "",
        "[Refrain]",
        "sing",
        "",
        "[Verse 2]",
        "the second",
        "",
        "[Verse 3]",
        "the third",
    ]
    assert sing("1. the only one") == ["1. the only one"]


@pytest.mark.parametrize(
    ("text", "sung"),
    [
        (
            "VERSO 1|uno|CORO|dos|PUENTE|tres|FINAL",
            "[Verso 1]|uno|[Coro]|dos|[Puente]|tres|[Final]",
        ),
        ("Strofa 1|uno|RIT.|due|Ponte|tre", "[Strofa 1]|uno|[Ritornello]|due|[Ponte]|tre"),
        ("Strophe 1|eins|Refrain|zwei|Schluss", "[Strophe 1]|eins|[Refrain]|zwei|[Schluss]"),
        ("主歌|走|副歌|回家|尾声", "[主歌]|走|[副歌]|回家|[尾声]"),
        ("Куплет 1|раз|Припев|два|Кода", "[Куплет 1]|раз|[Припев]|два|[Кода]"),
        (
            "V1|one|PC|two|Ch.|three|V2:|four|Pre|C",
            "[Verse 1]|one|[Pre-Chorus]|two|[Chorus]|three|[Verse 2]|four|[Pre-Chorus]|two|"
            "[Chorus]|three",
        ),
        ("Couplet 1|un|Refrain|deux|Au Refrain", "[Couplet 1]|un|[Refrain]|deux|[Refrain]|deux"),
        ("Strofa 1|uno|Rit. x2|due", "[Strofa 1]|uno|[Ritornello]|due|[Ritornello]|due"),
    ],
)
def test_headings_follow_words_at_once_where_a_sheet_does_so(text: str, sung: str) -> None:
    read = read_sheet(text.replace("|", "\n"))
    assert str(read.values["lyrics"]).split("\n") == sung.split("|")
    assert not find_problems(read.notes)


def test_where_a_sheet_ends_is_not_sung() -> None:
    for end in ("END", "FIN", "X", "~ Fin ~"):
        assert sing(f"[Verse]\none\ntwo\n{end}") == ["[Verse]", "one", "two"]
    for end in ("Fine", "The end"):
        read = read_sheet(f"[Verse]\none\ntwo\n\n{end}")
        assert read.values["lyrics"] == "[Verse]\none\ntwo"
        assert find_problems(read.notes)
    for words in ("Fine", "the end", "X marks the spot"):
        assert sing(f"[Verse]\none\ntwo\n{words}")[-1] == words
    assert sing("[Verse]\nEND\nto end") == ["[Verse]", "END", "to end"]


@pytest.mark.parametrize(
    "line", ["8 bars drums only", "SFX: rain", "16 bars", "CHORDS", "STRUMMING"]
)
def test_what_is_played_is_not_sung(line: str) -> None:
    assert sing(f"[Verse]\none\n{line}\ntwo") == ["[Verse]", "one", "two"]
    assert sing("[Verse]\n8 bars of love\nchords") == ["[Verse]", "8 bars of love", "chords"]


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("chrous:", "Chorus"),
        ("Vrese 2", "Verse 2"),
        ("Refrian:", "Refrain"),
        ("Stophe 1:", "Strophe 1"),
        ("Brigde", "Bridge"),
    ],
)
def test_a_section_that_is_spelt_otherwise_begins_and_that_is_said(line: str, marker: str) -> None:
    read = read_sheet(f"[Intro]\n\n{line}\nla la")
    assert read.values["lyrics"] == f"[Intro]\n\n[{marker}]\nla la"
    problems = find_problems(read.notes)
    assert [note.code for note in problems] == [404]
    assert line.split()[0].strip(":") in problems[0].hint


@pytest.mark.parametrize(
    "line", ["Course of the river", "verses of old", "Horses", "curse 9 lives"]
)
def test_words_like_the_name_of_a_section_are_sung(line: str) -> None:
    assert (
        read_sheet(f"[Verse]\nla la\n{line}\nla").values["lyrics"] == f"[Verse]\nla la\n{line}\nla"
    )


def test_small_letters_shorten_sections_too() -> None:
    text = "v1\none\n\nch\ntwo\n\nv2\nthree\n\nch x2"
    lyrics = str(read_sheet(text).values["lyrics"])
    sung = ["[Verse 1]", "one", "[Chorus]", "two", "[Verse 2]", "three", *2 * ["[Chorus]", "two"]]
    assert [line for line in lyrics.split("\n") if line] == sung


@pytest.mark.parametrize(("alias", "name"), ALIASES.items())
def test_other_words_for_a_section_begin_it(alias: str, name: str) -> None:
    assert begin(alias) == [f"[{name}]", WORDS]
    assert begin(alias.upper()) == [f"[{name}]", WORDS]


# what sheets of other languages write, and the marker that comes of it
ELSEWHERE = {
    "פזמון": "פזמון | פזמון: | [פזמון] | (פזמון) | הפזמון: | פזמון חוזר | פזמון (חוזר)",
    "בית 1": "בית 1 | בית א' | בית א׳: | בית ראשון | [בית 1]",
    "גשר": "גשר: | [גשר] | גשר",
    "اللازمة": "اللازمة | اللازمة: | لازمة: | [اللازمة] | اللازمة (تكرار)",
    "المقطع 1": "المقطع الأول | المقطع 1 | المقطع الأول:",
    "كوبليه 2": "كوبليه 2: | الكوبليه الثاني",
    "ترجیع بند": "ترجیع بند | ترجیع\u200cبند: | [ترجیع‌بند]",
    "بند 2": "بند دوم | بند 2:",
    "मुखड़ा": "मुखड़ा | मुखड़ा: | [मुखड़ा]",
    "अंतरा 1": "अंतरा 1 | पहला अंतरा | अंतरा एक:",
    "Bait 1": "Bait 1 | bait 1: | Bait pertama | [Bait 1]",
    "Korus": "Korus | Korus: | KORUS",
    "Reff": "Reff | Reff: | REFF :",
    "Điệp khúc": "Điệp khúc: | ĐK: | Đk: | ĐIỆP KHÚC | Đoạn điệp khúc | [ĐK]",
    "Phiên khúc 1": "Phiên khúc 1 | PK1: | PK 1",
    "ท่อนฮุก": "ท่อนฮุก | ท่อนฮุค: | ฮุก | [ฮุก]",
    "ท่อน 1": "ท่อน 1 | ท่อน 1:",
    "Приспів": "Приспів: | ПРИСПІВ | Приспів.",
    "Заспів 1": "Заспів 1 | Перший заспів",
    "Куплет 2": "Другий куплет | 2-й куплет | Куп. 2",
    "Kertosäe": "Kerto. | Kerto: | KERTO | Kertsi: | Kertosäe:",
    "Säkeistö 2": "2. säkeistö | Säk. 2",
    "Refrén": "Refrén: | REFRÉN",
    "Sloka 1": "1. sloka | První sloka",
    "Slot": "Slot | Slot: | [slot]",
    "Couplet 1": "Eerste couplet | Couplet 1:",
    "Mellomspill": "Mellomspill | mellomspill:",
    "Omkvæd": "Omkv. | Omkvæd:",
    "Bro": "Bro: | [bro]",
    "Punte": "Punte: | [Punte]",
    "Strofa 1": "Prima strofă | Strofa 1:",
    "Kitica 2": "Kitica 2 | 2. kitica | Druga kitica",
    "Pripjev": "Pripjev | Pripjev:",
    "Most": "Most: | [Most]",
    "Zwrotka 1": "Pierwsza zwrotka | Zwr. 1",
    "Ostatni Refren": "Ostatni refren | OSTATNI REFREN:",
    "Refrão Final": "Refrão final | Refrão final: | [Refrão Final]",
    "Köprü": "Köprü: | [Köprü]",
    "Επωδός": "Επωδός | Επωδός:",
    "Viðlag": "Viðlag | Viðlag:",
    "Cytgan": "Cytgan | CYTGAN",
    "Piedziedājums": "Piedziedājums | Piedziedājums:",
    "Қайырмасы": "Қайырмасы | Қайырмасы:",
    "பல்லவி": "பல்லவி | பல்லவி:",
}


@pytest.mark.parametrize(
    ("marker", "heading"),
    [(name, each) for name, forms in ELSEWHERE.items() for each in forms.split(" | ")],
)
def test_a_heading_is_read_in_other_languages(marker: str, heading: str) -> None:
    assert begin(heading) == [f"[{marker}]", WORDS]
    assert find_kind(marker)


@pytest.mark.parametrize(
    ("heading", "marker"),
    [
        ("ĐK x2", "Điệp khúc"),
        ("Điệp khúc (2 lần)", "Điệp khúc"),
        ("פזמון x2", "פזמון"),
        ("פזמון (פעמיים)", "פזמון"),
        ("اللازمة (مرتين)", "اللازمة"),
        ("मुखड़ा (दो बार)", "मुखड़ा"),
        ("Reff 2x", "Reff"),
        ("Reff (dua kali)", "Reff"),
        ("Приспів (2 рази)", "Приспів"),
        ("Kerto x2", "Kertosäe"),
        ("Refrein 2x", "Refrein"),
        ("Refren (de două ori)", "Refren"),
        ("Refreng (to ganger)", "Refreng"),
        ("ท่อนฮุก (2 ครั้ง)", "ท่อนฮุก"),
    ],
)
def test_a_section_is_sung_as_often_in_other_languages(heading: str, marker: str) -> None:
    assert begin(heading) == 2 * [f"[{marker}]", WORDS]


@pytest.mark.parametrize(
    "line",
    [
        "slot machine heart",
        "Slot machine heart",
        "Bait and switch",
        "Most of the night",
        "bro you know",
        "Brug naar jou",
        "בית קטן על הגבעה",
        "גשר צר מאוד",
        "जब मुखड़ा देखा",
        "मुखड़ा तेरा चाँद सा",
        "अंतरामन",
        "بندر بعيد",
        "اللازمةات",
        "Приспівати разом",
        "Most",
        "slot",
    ],
)
def test_words_that_look_like_a_heading_elsewhere_are_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n{line}\nthree four") == [
        "[Verse]",
        "one two",
        line,
        "three four",
    ]


def test_a_marker_that_begins_like_a_foreign_name_is_none() -> None:
    for marker in ("most energetic", "slot machine", "bait and switch"):
        assert find_kind(marker) == ""
    for marker in ("Most", "Most 2", "Slot (soft)"):
        assert find_kind(marker)


SMALL = """verse 1
one two

chorus
three four

bridge (softer)
five six

bridge
seven"""


def test_headings_in_small_letters_have_remarks_too() -> None:
    assert [line for line in sing(SMALL) if line[:1] == "["] == [
        "[Verse 1]",
        "[Chorus]",
        "[Bridge (softer)]",
        "[Bridge]",
    ]
    assert not find_problems(read_sheet(SMALL).notes)


def test_a_heading_in_small_letters_among_others_is_a_guess() -> None:
    text = "[Verse]\none two\n\nbridge (softer)\nthree"
    assert "[Bridge (softer)]" in sing(text)
    assert find_problems(read_sheet(text).notes)
    within = "[Verse]\none two\nbridge (over water)\nthree"
    assert sing(within)[2] == "bridge (over water)"


REFRAINS = """R: Pluj, pluj, lodi má
až za ten les

Stojím tu sám

{}

Voda už jde"""


@pytest.mark.parametrize(
    ("again", "times"),
    [("R:", 1), ("R.", 1), ("R", 1), ("R: 2x", 2), ("R: (2x)", 2), ("R (x2)", 2), ("r: 2x", 2)],
)
def test_a_refrain_may_be_called_r(again: str, times: int) -> None:
    refrain = ["[Refrain]", "Pluj, pluj, lodi má", "až za ten les"]
    sung = [line for line in sing(REFRAINS.format(again)) if line]
    assert sung == [*refrain, "Stojím tu sám", *times * refrain, "Voda už jde"]


@pytest.mark.parametrize(
    "text",
    [
        "R: I love you\nJ: I love you too\nR: will you stay",
        "R:\nI love you\nJ:\nI love you too",
        "R. Nobody is the name\nof the one",
        "R u there\nR u here",
    ],
)
def test_who_speaks_may_be_called_r(text: str) -> None:
    assert sing(text) == text.split("\n")


def test_a_short_heading_may_have_a_remark_and_capitals() -> None:
    assert sing("V1\none\n\nV2 (same melody)\ntwo")[3] == "[Verse 2 (same melody)]"
    capitals = [line for line in sing("VERSE I\none\n\nPRE\ntwo\n\nCHORUS\nthree") if line]
    assert capitals[2] == "[Pre-Chorus]"
    assert "OH" in sing("VERSE I\none\n\nOH\ntwo")


@pytest.mark.parametrize(
    "again",
    [
        "Refrain ad lib.",
        "Refrain to fade",
        "Refrain till end",
        "Ref. fino alla fine",
        "Refrain bis zum Schluss",
        "Refrain jusqu'à la fin",
    ],
)
def test_a_refrain_that_goes_on_to_the_end_is_sung_once_more(again: str) -> None:
    lyrics = read_sheet(f"Refrain\none two\n\n{again}").values["lyrics"]
    assert lyrics == "[Refrain]\none two\n\n[Refrain]\none two"


def test_strophes_are_counted_as_verses_are() -> None:
    lyrics = str(read_sheet("S1\none\n\nR\ntwo\n\nS2\nthree\n\nR\n\nB\nfour").values["lyrics"])
    assert [line for line in lyrics.split("\n") if line] == [
        *["[Strophe 1]", "one", "[Refrain]", "two", "[Strophe 2]", "three", "[Refrain]", "two"],
        *["[Bridge]", "four"],
    ]
