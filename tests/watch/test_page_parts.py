"""Whole parts of a page that are no song are not sung, and words that look alike are."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet
from tests.support.watched import PolledFolder

WORDS = "[Verse]\none two\nthree four"


def sing(text: str, suffix: str = ".txt") -> str:
    return str(read_sheet(text, suffix).values.get("lyrics", "")).rstrip("\n")


@pytest.mark.parametrize(
    "text",
    [
        "Set list Friday @ The Anchor\n1. Harbour Lights - D\n2. Old River (G, capo 3)\n"
        "3. Kitchen Song - F#m 96\n4. Lantern - Bb\nENCORE\n5. Burn It Down - Em",
        "Soundcheck 17:00\nSet 1\nHarbour Lights (D) 4:10\nOld River (G) 3:55\n"
        "Kitchen Song (F#m) 3:20\nSet 2\nLantern (Bb) 5:02",
        "Harbour Lights | D | 92\nOld River | G | 104\nKitchen Song | F#m | 96 bpm",
        "1 Harbour Lights Am\n2 Old River G\n3 Kitchen Song F#m",
        "Lista de temas\nLa Luna - Am\nEl Río - G\nLa Casa - Dm",
    ],
)
def test_a_set_list_is_not_sung_and_that_is_said(text: str, folder: PolledFolder) -> None:
    folder.save("friday.txt", text)
    assert folder.settle() == []
    assert "set list" in folder.report_on("friday.txt")


@pytest.mark.parametrize(
    "text",
    [
        "I walk the line (G)\nfor you are mine (D)\nand so am I (Em)",
        "Harbour lights - oh\nOld river - ah\nLantern - hey",
        "A - B - C\nLove Me - Do\nGo Home - A",
        "Walk - a little closer\nTalk - a little louder\nStay - a little longer",
    ],
)
def test_words_that_look_like_a_set_list_are_sung(text: str) -> None:
    assert len(sing(text).split("\n")) == 3
    assert not any("set list" in note.message for note in read_sheet(text).notes)


def test_what_a_site_writes_behind_the_words_is_not_sung_and_its_title_is_the_name() -> None:
    text = (
        'The Band Lyrics\n\n"Harbour Lights"\n\n[Chorus:]\none two [x2]\n\nSubmit Corrections\n'
        "Thanks to mia for adding these lyrics.\nWriter(s): Tom Alder\nAZLyrics\nH\n"
        'The Band Lyrics\nalbum: "Low Tide" (2011)\nHarbour Lights\nOld River'
    )
    read = read_sheet(text)
    assert read.values["name"] == "Harbour Lights"
    assert sing(text) == "[Chorus]\none two\none two"
    assert [note.line for note in find_problems(read.notes)] == [8]


def test_what_genius_recommends_between_the_words_is_asked_about() -> None:
    text = (
        "[Verse]\none two\nYou might also like\nOld River\nThe Band\nSee The Band Live\n"
        "Get tickets as low as $45\n[Chorus]\nthree four"
    )
    assert sing(text) == "[Verse]\none two\nOld River\nThe Band\n[Chorus]\nthree four"
    assert [note.line for note in find_problems(read_sheet(text).notes)] == [4, 5]


@pytest.mark.parametrize(
    "heading", ["## Notes", "**Ideas**", "[Notes]", "Notes:", "# To do", "TODO:", "Notizen:"]
)
def test_notes_below_the_words_are_not_sung_up_to_the_next_section(heading: str) -> None:
    text = f"{WORDS}\n\n{heading}\ntry it slower\nask Mia\n\n[Chorus]\nfive six"
    for suffix in (".txt", ".md"):
        assert sing(text, suffix) == f"{WORDS}\n\n[Chorus]\nfive six"
    assert 5 in [note.line for note in find_problems(read_sheet(text).notes)]


@pytest.mark.parametrize(
    "heading",
    ["Alkusoitto (8 bars)", "— Alkusoitto —", "~ Verse 2 ~", "** Chorus **", "=== Bridge"],
)
def test_a_section_above_notes_is_one_however_it_is_marked(heading: str) -> None:
    text = f"{heading}\none two\n\n## Notes\ntry it slower"
    assert sing(text).split("\n")[1:] == ["one two"]


@pytest.mark.parametrize("line", ["Notes from a broken heart", "my ideas", "Notes, notes, notes"])
def test_words_about_notes_are_sung(line: str) -> None:
    assert sing(f"{WORDS}\n{line}\nfive six").endswith(f"{line}\nfive six")


def test_tags_links_and_comments_of_notebooks_are_not_sung() -> None:
    text = (
        "# The Lantern\n#song #folk\n\n[[Demo 2]] | ![[voice memo.m4a]]\n\n"
        "## Verse %% needs work %%\none ==two==\n"
    )
    assert sing(text, ".md") == "[Verse]\none two"
    assert find_problems(read_sheet(text, ".md").notes) == []


def test_a_list_of_the_times_of_sections_is_not_sung() -> None:
    words = f"{WORDS}\nfive six\nseven\n\n[Chorus]\neight\nnine"
    assert sing(f"0:00 intro\n0:12 verse\n0:45 chorus\n\n{words}") == words
    assert sing(f"{WORDS}\n5:15 the angels") == f"{WORDS}\n5:15 the angels"


@pytest.mark.parametrize(
    ("written", "sung"),
    [
        ("1 We came\n2 They left\n3 You said", "We came\nThey left\nYou said"),
        ("1 We came\n2 They left", "1 We came\n2 They left"),
        ("3 Blind mice\n4 Birds\n5 Rings", "3 Blind mice\n4 Birds\n5 Rings"),
    ],
)
def test_lines_that_are_counted_without_a_mark_are_sung_without_numbers(
    written: str, sung: str
) -> None:
    assert sing(f"[Verse]\n{written}") == f"[Verse]\n{sung}"


@pytest.mark.parametrize(
    "line",
    [
        "Para uso exclusivo nos termos da licença SongSelect®. Todos os direitos reservados.",
        "Todos los derechos reservados.",
        "Tous droits réservés",
        "Alle Rechte vorbehalten.",
        "Tutti i diritti riservati",
        "Все права защищены.",
    ],
)
def test_whose_the_song_is_is_not_sung_in_any_language(line: str) -> None:
    assert sing(f"{WORDS}\n\n{line}") == WORDS


@pytest.mark.parametrize(
    ("again", "name"),
    [
        ("Se repite estribillo", "Estribillo"),
        ("Se repite el estribillo", "Estribillo"),
        ("Otra vez el estribillo", "Estribillo"),
        ("On reprend le refrain", "Refrain"),
        ("Retour au refrain", "Refrain"),
        ("Volta ao refrão", "Refrão"),
        ("Noch mal Refrain", "Refrain"),
        ("One more chorus", "Chorus"),
    ],
)
def test_a_refrain_comes_again_as_any_language_says(again: str, name: str) -> None:
    assert sing(f"{name}\none two\n\n{again}") == f"[{name}]\none two\n\n[{name}]\none two"


@pytest.mark.parametrize(
    "heading",
    [
        "(Interlude 8 bars)",
        "（间奏 8小节）",
        "간주 8마디",
        "Проигрыш 8 тактов",
        "Puente instrumental",
    ],
)
def test_what_is_played_may_say_how_long_or_that_it_has_no_words(heading: str) -> None:
    assert sing(f"{WORDS}\n\n{heading}\n\nVerse\nfive").count("[") == 3
