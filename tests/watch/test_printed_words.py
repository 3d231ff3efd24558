"""Words as music prints them."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet


def sing(text: str) -> str:
    return str(read_sheet(text).values.get("lyrics", "")).replace("\n", " / ")


@pytest.mark.parametrize(
    ("text", "sung"),
    [
        ("1  4  5  1\nover the river\n6m 4 1 5\nhome", "over the river / home"),
        ("I IV V\nover the river\nvi IV I V\nhome", "over the river / home"),
        ("[1]Hey now [4]moon\n[6m]oh my [5]love", "Hey now moon / oh my love"),
        ("Do Sol\nil était un\nRe Re\npetit", "il était un / petit"),
        ("1. one day\n2. two days", "one day / two days"),
        ("1. one day\nAm G F\n2. two days", "one day / two days"),
        ("[Verse]\n1 One\nAm  G\n2 Two\nAm  G\n3 Three", "[Verse] / One / Two / Three"),
        ("1. one day\nwent by\n2. two days\nor so", "one day / went by / two days / or so"),
        ("Am  G\n1. one day\n\nAm  G\n2. two", "[Verse 1] / one day /  / [Verse 2] / two"),
        ("[Verse]\none\n[Chorus]: (2x)\nhey", "[Verse] / one / [Chorus] / hey / [Chorus] / hey"),
        ("V1: Went to town\nC: Blue", "[Verse 1] / Went to town / [Chorus] / Blue"),
        ("oh ///", "oh / oh / oh"),
        ("Schluss: Komm nach Haus (3x)", "[Schluss]" + 3 * " / Komm nach Haus"),
        ("[Chorus] hey hey x2", "[Chorus] / hey hey / hey hey"),
        ("(Verso 1: Leo)\nla la", "[Verso 1: Leo] / la la"),
        ("Refrain\nhey\n\nRefrain wie oben", "[Refrain] / hey /  / [Refrain] / hey"),
        ("[サビ]\n歌え\n※くりかえし", "[サビ] / 歌え / 歌え"),
        (
            "V1\nla\nCH\nhey\nCH (a cappella)\noh",
            "[Verse 1] / la / [Chorus] / hey / [Chorus (a cappella)] / oh",
        ),
        ("Carry on (fade)", "Carry on"),
        ("(whispered:) no one", "no one"),
        (
            "Morn-ing has bro-ken\nBlack-bird has spo-ken\nPraise for the sing-ing",
            "Morning has broken / Blackbird has spoken / Praise for the singing",
        ),
        ("Ri - ver runs\nHo - ly runs\ne - ver more__", "River runs / Holy runs / ever more"),
    ],
)
def test_what_music_prints_between_words_is_not_sung(text: str, sung: str) -> None:
    assert sing(text) == sung
    assert not find_problems(read_sheet(text).notes)


@pytest.mark.parametrize(
    "line",
    [
        *("e|-0-| x4", "PM----|", "^ ^ v", "Play G", "Strumming: DDU", "Chords: Am G F"),
        *("Transpose: -2", "// comment", "/* c */", "Fill: |--3--|", "*clap clap*", "???", "..."),
        *("```", "♪♪", "*whistles*", "8 bars gtr solo"),
    ],
)
def test_what_is_played_is_not_sung(line: str) -> None:
    assert sing(f"[Verse]\nla la\n{line}\noh") == "[Verse] / la la / oh"


@pytest.mark.parametrize(
    "text",
    [
        "1 2 3 4\ncount with me\n1 2 3 4\nonce more",
        "5 4 3 2 1\nlift off",
        "Do Re Mi Fa\nsing with me\nDo Re Mi Fa\nonce more",
        "La La\nhey\nLa La\nhey",
        "she had a well-known smile\nand a second-hand coat\nand nothing more\nto say",
        "na-na na-na\nla-la la-la\noh-oh oh-oh",
        "I called you 2 times",
        "same as it ever was",
        "*I never knew*",
        "Play the song",
        "I\nV",
        "one [1] word\nand two [2] words",
    ],
)
def test_what_looks_alike_is_sung(text: str) -> None:
    assert sing(text) == text.replace("\n", " / ")


def test_a_word_that_may_mean_twice_is_asked_about() -> None:
    read = read_sheet("[Verse]\nwarte bis\noh")
    assert [note.hint for note in find_problems(read.notes)] == [
        "write (bis) where it is sung twice"
    ]
    assert read.values["lyrics"] == "[Verse]\nwarte bis\noh"


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        *(("Refrein", "Refrein"), ("Kıta 2", "Kıta 2"), ("Säkeistö", "Säkeistö")),
        *(("Kertosäe", "Kertosäe"), ("Điệp khúc", "Điệp khúc"), ("ΡΕΦΡΕΝ", "Ρεφρέν")),
    ],
)
def test_sections_have_names_in_more_languages(name: str, kind: str) -> None:
    assert sing(f"{name}\nla la") == f"[{kind}] / la la"


@pytest.mark.parametrize(
    ("head", "field", "value"),
    [
        ("Maatsoort: 3/4", "time_signature", "3/4"),
        ("Time: waltz", "time_signature", "3/4"),
        ("bpm: 92-96", "bpm", 94.0),
        ("Tempo: slow (72)", "bpm", 72.0),
        ("bpm: 92/min", "bpm", 92.0),
        ("length: 8 bars", "bars", 8),
        ("Prompt - pop", "prompt", "pop"),
        ("key: G→A", "key", "G major"),
        ("Key: Original Am, play Gm", "key", "A minor"),
    ],
)
def test_a_head_says_it_as_prompts_do(head: str, field: str, value: object) -> None:
    assert read_sheet(f"{head}\nTitle: x\n\nla la").values[field] == value


def test_what_was_chosen_of_a_range_is_said() -> None:
    read = read_sheet("bpm: 92-96\n\nla la")
    assert read.notes[0].message == "bpm = 94, of 92-96"


def test_syllables_are_joined_behind_the_number_of_a_verse_too() -> None:
    lines = ("O gen-tle har-bor, calm", "The wea-ry sails are furl-ed", "The lamp is burn-ing low")
    stanzas = (f"{number}  {line}\nWa-ters guard us" for number, line in enumerate(lines, 1))
    sung = sing("Low Tide\nTune: X  Key of E-flat\n\n" + "\n\n".join(stanzas))
    assert "E" not in sung  # a key is no word
    assert "O gentle harbor, calm" in sung
    assert "-" not in sung
