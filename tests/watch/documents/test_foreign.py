"""Words in the formats of karaoke games, transcripts, forums and programs' sources."""

from __future__ import annotations

import pytest

from daemon.watch.documents.forum import convert_post
from daemon.watch.documents.read import read_document
from daemon.watch.documents.ultrastar import read_ultrastar
from daemon.watch.sheet import build_sheet
from tests.support.growth import assert_linear
from tests.support.watched import PolledFolder, requests_of

ULTRASTAR = (
    "#TITLE:Jar\n#ARTIST:X\n#BPM:240\n#GAP:100\n: 0 4 10 O\n: 4 4 10 ver\n: 8 2 10  the\n"
    "* 10 2 10 ~\n- 16\n: 18 2 3 Wa\n: 20 2 3 ter \n: 22 2 3 falls\nE\n"
)
CUE = "00:00:0%d,000 --> 00:00:0%d,000\n"
TTML = '<tt xmlns="x"><metadata>x</metadata><body><p>Over</p><p>home</p></body></tt>'


@pytest.mark.parametrize(
    ("text", "lyrics"),
    [
        (ULTRASTAR, "Over the\nWater falls"),
        ("00:00:01 Speaker 1: Over the sea\n00:00:05 Speaker 2: home", "Over the sea\nhome"),
        ("Speaker 1  0:01\nOver\n\nAnna Moss  0:09\nhome", "Over\n\nhome"),
        ("1.000000\t2.000000\tOver\n2,5\t3,5\thome", "Over\nhome"),
        (
            "[00:10.00]夜の川\n[00:10.01]Over\n[00:15.00]渡る\n[00:15.04]yoru\n[00:15.05]crossing",
            "夜の川\n渡る",
        ),
        ("[00:10.00]one\n[00:10.04]two\n[00:12]three", "one\ntwo\nthree"),
        ("[00:10.00]夜の川\n[00:10.06]Over\n[00:15]渡る\n[00:17]la", "夜の川\nOver\n渡る\nla"),
        (
            "[00:10]Over\n[00:14]Writer(s): J. Smith\n[00:15]Lyrics powered by www.musixmatch.com",
            "Over",
        ),
        (f"1\n{CUE % (1, 2)}Over\n\n{CUE % (3, 4)}Subtitles by the Amara.org community", "Over"),
        (
            f"1\n{CUE % (1, 2)}(music playing)\n\n2\n{CUE % (3, 4)}ANNA: Over\n(oh oh)",
            "Over\n(oh oh)",
        ),
        (f"1\n{CUE % (1, 2)}Anna: Over\n\n2\n{CUE % (3, 4)}(sing it)", "Anna: Over\n(sing it)"),
        ("[center]Chorus[/center]\n[b]Verse 1[/b]\n[i]Over[/i]", "[Chorus]\n[Verse 1]\nOver"),
        ("[00:01.00]One\\n[00:02.00]Two", "One\nTwo"),
        ('"One\\r\\nTwo \\"three\\"\\n"', 'One\nTwo "three"'),
        (TTML, "Over\n\nhome"),
        ('<?xml version="1.0"?>' + TTML, "Over\n\nhome"),
        ("[-00:01.00]One\n[00:02.00]Two", "One\nTwo"),
    ],
)
def test_nothing_but_words_is_sung(text: str, lyrics: str) -> None:
    assert build_sheet(read_document(text.encode(), ".txt")).values["lyrics"] == lyrics


def test_a_songs_title_is_its_name_and_a_games_beats_are_no_tempo() -> None:
    values = build_sheet(read_document(ULTRASTAR.encode(), ".txt")).values
    assert values["name"] == "Jar"
    assert "bpm" not in values


def test_a_path_in_one_line_has_no_line_ends() -> None:
    path = "source: C:\\new\\nice.wav"
    assert build_sheet(read_document(path.encode(), ".txt")).values == {"source": path[8:]}


def test_latex_is_refused_by_name() -> None:
    text = b"\\documentclass{article}\n\\begin{document}\nla\n\\end{document}"
    with pytest.raises(ValueError, match="it is LaTeX: copy its words"):
        read_document(text, ".txt")


@pytest.mark.parametrize("ending", "cho crd chopro chordpro pro text markdown".split())
def test_sheets_under_every_ending_make_takes(folder: PolledFolder, ending: str) -> None:
    folder.save(f"song.{ending}", "{title: Jar}\n[Am]Over the [G]sea\n")
    (request,) = requests_of(folder.settle())
    assert (request.name, request.lyrics) == ("Jar", "Over the sea")


@pytest.mark.parametrize("piece", [": 0 4 10 la\n", "- 1\n", "#BPM:1\n", "#x", ": 0 4 10\n- 5\n"])
def test_any_song_of_a_game_takes_linear_time(piece: str) -> None:
    assert_linear(lambda text: read_ultrastar(text), lambda size: piece * size, 200)


@pytest.mark.parametrize("piece", ["[b]", "[size=", "[/", "["])
def test_any_post_takes_linear_time(piece: str) -> None:
    assert_linear(lambda text: convert_post(text), lambda size: piece * size, 500)
