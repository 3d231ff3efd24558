"""What pages and writers put among words is not sung, and words that look alike are."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

BANDCAMP = """Low Tide
from Harbour by Nobody

/

lyrics

the boats come in at half past nine
and nobody is counting

credits for the dead

credits

from Harbour, released March 3, 2020
written by Ana
Leo: drums
license

all rights reserved

tags
folk"""


def sing(text: str, suffix: str = ".txt") -> list[str]:
    lyrics = str(read_sheet(text, suffix).values.get("lyrics", ""))
    return [line for line in lyrics.split("\n") if line]


def list_hints(text: str, suffix: str = ".txt") -> list[str]:
    return [note.hint for note in find_problems(read_sheet(text, suffix).notes)]


def test_of_a_page_the_words_are_sung() -> None:
    read = read_sheet(BANDCAMP)
    assert read.values["name"] == "Low Tide"
    assert sing(BANDCAMP) == [
        "the boats come in at half past nine",
        "and nobody is counting",
        "credits for the dead",
    ]
    assert list_hints(BANDCAMP)  # it is a guess


@pytest.mark.parametrize(
    "end",
    [
        "credits\n\nreleased May 1, 2021",
        "Credits:\nProduced by Leo",
        "license\n\nall rights reserved",
        "credits\n\nAll songs by Ana\nRecorded at Home",
        "CREDITS\nMixed and mastered by Leo",
        "Written by Ana",
        "Lyrics: Ana",
    ],
)
def test_what_a_page_says_behind_the_words_is_not_sung(end: str) -> None:
    assert sing(f"[Verse]\none two\nthree\n\n{end}") == ["[Verse]", "one two", "three"]


@pytest.mark.parametrize(
    "end",
    [
        "credits\nroll them over me",
        "credits\nroll the night",
        "license\nto love you",
        "written by the moon",
        "tags\non my heart",
        "lyrics\nI forgot the lyrics",
        "recorded by the wind",
        "about\nyou and me",
    ],
)
def test_words_that_a_page_has_too_are_sung(end: str) -> None:
    assert sing(f"[Verse]\none two\nthree\n\n{end}")[3:] == end.split("\n")


@pytest.mark.parametrize(
    "word", ["lyrics", "Lyrics:", "LYRICS", "Paroles :", "Letra", "Текст песни"]
)
def test_what_stands_above_the_word_lyrics_is_not_sung(word: str) -> None:
    assert sing(f"Low Tide\n\n{word}\n\nla la la\nlo lo lo") == ["la la la", "lo lo lo"]
    assert sing(f"{word}\nla la la\nlo lo lo") == ["la la la", "lo lo lo"]


@pytest.mark.parametrize(
    "line",
    [
        "Please rate!",
        "please rate and comment :)",
        "Pls rate this tab",
        "Rate and comment!",
        "Comments welcome",
        "any corrections welcome.",
        "Hope this helps!",
    ],
)
def test_what_readers_are_asked_for_is_not_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n\n{line}") == ["[Verse]", "one two"]


@pytest.mark.parametrize(
    "line",
    [
        "TODO: fix the bridge",
        "TODO - fix the bridge",
        "ToDo: second verse",
        "To do: rhyme",
        "[TODO: second verse]",
        "(todo: find a rhyme)",
        "FIXME: rhyme",
        "TBD",
        "Note to self: slower",
        "NB: play it soft",
        "[tbd]",
        "- [ ] rewrite this",
        "[ ] rewrite this",
        "[x] rewrite this",
        "☐ rewrite this",
    ],
)
@pytest.mark.parametrize("suffix", [".txt", ".md"])
def test_notes_of_a_writer_are_not_sung_and_that_is_said(line: str, suffix: str) -> None:
    text = f"[Verse]\none two\n{line}\nthree four"
    assert sing(text, suffix) == ["[Verse]", "one two", "three four"]
    assert len(list_hints(text, suffix)) == 1


@pytest.mark.parametrize(
    "line",
    [
        "todo mi amor",
        "Todo mi amor",
        "Todo: la luna y el sol",
        "to do or not to do",
        "please rate my love",
        "please like me",
        "note by note",
        "I need your comments",
        "*sighs of the sea",
    ],
)
def test_words_like_those_of_writers_are_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n{line}\nthree four")[2] == line


def test_a_small_todo_is_sung_and_asked_about() -> None:
    text = "[Verse]\none two\ntodo: la luna\nthree four"
    assert sing(text)[2] == "todo: la luna"
    assert list_hints(text) == ["write TODO: in capitals where it is a note to yourself"]


def test_a_sheet_of_capitals_has_no_notes() -> None:
    assert sing("[VERSO]\nEL MAR\nTODO: EL SOL")[2] == "TODO: EL SOL"


def test_a_list_of_lines_is_sung_without_its_boxes() -> None:
    text = "- [x] one two\n- [ ] three four\n- [ ] five six"
    assert sing(text, ".md") == ["one two", "three four", "five six"]
    assert not list_hints(text, ".md")


@pytest.mark.parametrize(
    "line", ["ADLIBS: hey", "Ad-libs: hey", "Backing vocals: hey", "BGV: (hey)"]
)
def test_a_second_voice_sings_in_parentheses(line: str) -> None:
    assert sing(f"[Verse]\none two\n{line}\nthree") == ["[Verse]", "one two", "(hey)", "three"]


@pytest.mark.parametrize(
    "line",
    [
        "*May be omitted.",
        "* May be omitted",
        "Verse 2 may be omitted.",
        "† Stanzas 2 and 3 may be left out",
        "*For Christmas only",
    ],
)
def test_footnotes_are_not_sung(line: str) -> None:
    text = f"1. one two\nthree\n\n*2. four five\nsix\n\n{line}"
    assert sing(text) == ["[Verse 1]", "one two", "three", "[Verse 2]", "four five", "six"]


@pytest.mark.parametrize(
    "line",
    [
        '[Letra de "La Marea"]',
        "[Letra de “La Marea” ft. Nadie]",
        '[Paroles de "La Marea"]',
        "[Paroles de «La Marea»]",
        "[Songtext zu „La Marea“]",
        '[Testo di "La Marea"]',
        '[Tekst piosenki "La Marea"]',
        "[Текст песни «La Marea»]",
        '["La Marea" için şarkı sözleri]',
        "[「La Marea」歌詞]",
        '["La Marea" 가사]',
        '[Versuri "La Marea"]',
    ],
)
def test_what_genius_writes_above_the_words_is_the_title(line: str) -> None:
    read = read_sheet(f"{line}\n\n[Verso 1]\nel mar")
    assert (read.values["name"], read.values["lyrics"]) == ("La Marea", "[Verso 1]\nel mar")


def test_a_marker_with_quotes_stays() -> None:
    assert sing('[Spoken: "hello"]\nla')[0] == '[Spoken: "hello"]'


@pytest.mark.parametrize(
    ("line", "marker"),
    [
        ("V e r s e  1", "Verse 1"),
        ("V E R S E 1", "Verse 1"),
        ("C H O R U S", "Chorus"),
        ("c h o r u s :", "Chorus"),
        ("R e f r a i n", "Refrain"),
        ("B R I D G E", "Bridge"),
        ("П р и п е в", "Припев"),
    ],
)
def test_a_heading_may_have_its_letters_apart(line: str, marker: str) -> None:
    assert sing(f"[Intro]\n\n{line}\nla la") == ["[Intro]", f"[{marker}]", "la la"]


@pytest.mark.parametrize("line", ["l o v e", "S O S", "H e l l o", "A B C D E F G"])
def test_words_with_their_letters_apart_are_sung(line: str) -> None:
    assert line in sing(f"[Verse]\none two\n{line}\nthree four")


@pytest.mark.parametrize(
    "line",
    [
        "Sent from my iPhone",
        "Sent from my Samsung Galaxy",
        "Get Outlook for iOS",
        "Von meinem iPhone gesendet",
        "Enviado desde mi iPhone",
        "Envoyé de mon iPhone",
        "Scanned with CamScanner",
        "Last edit was 3 hours ago",
        "Last updated: May 2021",
    ],
)
def test_what_programs_write_is_not_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n\n{line}") == ["[Verse]", "one two"]


@pytest.mark.parametrize(
    "line", ["sent from my heart", "sent from above", "last updated my soul", "get out of here"]
)
def test_words_like_those_of_programs_are_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n\n{line}")[2] == line


def test_what_stands_above_the_last_line_of_a_mail_is_asked_about() -> None:
    text = "[Verse]\none two\n\nlet me know!!\nxx A\n\nSent from my iPhone"
    assert sing(text)[-2:] == ["let me know!!", "xx A"]
    assert list_hints(text) == 2 * ["remove it where it is of the mail, and not of the song"]


def test_the_head_of_a_mail_is_not_sung() -> None:
    text = "From: Ana\nTo: Leo\nSubject: lyrics v3\nDate: Tue\n\n[Verse]\none two"
    assert sing(text) == ["[Verse]", "one two"]
    assert not list_hints(text)


def test_comments_of_an_editor_are_not_sung_nor_their_letters() -> None:
    text = "[Verse]\none two[a]\nthree[b] four\n\n[a]change this?\n[b]+1"
    assert sing(text) == ["[Verse]", "one two", "three four"]
    assert sing("[Verse]\none two\n[a] three")[2] == "[a] three"


@pytest.mark.parametrize("line", ["x = muted", "~ = vibrato", "h: hammer on", "PM - palm mute"])
def test_how_a_tab_is_read_is_not_sung(line: str) -> None:
    assert sing(f"[Verse]\none two\n\n***\n{line}") == ["[Verse]", "one two"]


def test_how_the_last_chord_is_played_is_not_sung() -> None:
    assert sing("[Verse]\nfloat away (let ring)")[1] == "float away"


def test_the_signature_of_a_mail_is_not_sung_and_its_greeting_asked_about() -> None:
    text = "[Verse]\none two\n\nCheers\nMia\n--\nMia Stone | +44 20 7946 0000\nwww.example.org"
    assert sing(text) == ["[Verse]", "one two", "Cheers", "Mia"]
    assert list_hints(text) == 2 * ["remove it where it is of the mail, and not of the song"]
    assert sing("[Verse]\none two\n--\nthree four") == ["[Verse]", "one two", "three four"]
