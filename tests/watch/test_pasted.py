"""What chats and websites put around the words that are copied out of them is not sung."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.sheet import read_sheet

CHATS = (
    "[12.03.2024 21:14] Masha: {}",
    "[12/03/2024, 21:14:05] Leo: {}",
    "12/03/2024, 21:14 - Leo: {}",
    "3/12/24, 9:14 PM - Leo Moss: {}",
    "Masha, [12.03.2024 21:14]\n{}",
    "Leo — Today at 9:14 PM\n{}",
)


@pytest.mark.parametrize("stamp", CHATS)
def test_the_stamps_of_a_chat_are_not_sung(stamp: str) -> None:
    read = read_sheet("\n".join(map(stamp.format, ("Verse 1", "walking home", "Chorus:", "oh"))))
    sung = [line for line in str(read.values["lyrics"]).split("\n") if line]
    assert sung == ["[Verse 1]", "walking home", "[Chorus]", "oh"]
    assert "without the stamp of a chat" in str(read.notes[0])


@pytest.mark.parametrize(
    "line",
    ["Leo: at 21:14", "12/03: the day we met", "meet me at 9:14 - alone", "Masha, [softly] come"],
)
def test_a_time_in_the_words_is_no_stamp(line: str) -> None:
    assert "stamp" not in " ".join(map(str, read_sheet(f"[Verse]\none\n{line}").notes))


@pytest.mark.parametrize(
    ("text", "name", "lyrics"),
    [
        (
            "12 ContributorsTranslationsEspañolPaper Boats Lyrics[Verse 1]\nla\nGoodbye12Embed",
            "Paper Boats",
            "[Verse 1]\nla\nGoodbye",
        ),
        ("[Verse]\nPaper boats3.4KEmbed", None, "[Verse]\nPaper boats"),
        ("[Verse]\nla\n3.4KEmbed", None, "[Verse]\nla"),
        (
            "[Verse]\nla\nSee Nobody LiveGet tickets as low as $52You might also like[Chorus]\nlo",
            None,
            "[Verse]\nla\n[Chorus]\nlo",
        ),
        ("[Verse]\nYou might also like the rain", None, "[Verse]\nYou might also like the rain"),
        ("[Verse]\nhow we Embed\nall of it", None, "[Verse]\nhow we Embed\nall of it"),
    ],
)
def test_what_genius_writes_around_the_words_is_not_sung(
    text: str, name: str | None, lyrics: str
) -> None:
    read = read_sheet(text)
    assert read.values.get("name") == name
    assert read.values["lyrics"] == lyrics
    assert not find_problems(read.notes)


NOTICES = (
    "12/03/24, 9:14 pm - Messages and calls are end-to-end encrypted. No one can read them.",
    "12/03/24, 9:14 pm - Leo changed the subject to “Song”",
    "12/03/24, 9:14 pm - Leo: <Media omitted>",
    "12/03/24, 9:14 pm - Leo: <Medien ausgeschlossen>",
    "12/03/24, 9:14 pm - Leo: This message was deleted",
    "[12.03.24, 21:14:05] Leo: \u200eBild weggelassen",
    "[12/03/24, 21:14:05] Leo: \u200eimage omitted",
    "[12/03/24, 21:14:05] Leo: Esta mensagem foi apagada.",
    "[12/03/24, 21:14:05] Leo: Missed voice call, tap to call back",
)


@pytest.mark.parametrize("notice", NOTICES)
def test_what_a_chat_says_itself_is_not_sung(notice: str) -> None:
    stamp = "12/03/24, 9:15 pm - Leo: "
    read = read_sheet(
        f"{notice}\n{stamp}Afrobeats, 105 bpm\n{stamp}Verse 1\nwalking <This message was edited>"
        f"\n{notice}\n{stamp}home <This message was edited>"
    )
    assert read.values["prompt"] == "Afrobeats, 105 bpm"
    lines = [line for line in str(read.values["lyrics"]).split("\n") if line]
    assert lines == ["[Verse 1]", "walking <This message was edited>", "home"]
    assert "not sung: a notice of the chat" in map(str, read.notes)


def test_a_date_without_a_chat_is_sung() -> None:
    words = "12/03/24, 9:14 pm - the day we met"
    assert read_sheet(f"[Verse]\n{words}\nla").values["lyrics"] == f"[Verse]\n{words}\nla"


@pytest.mark.parametrize(
    "above",
    [
        "On Tue, Mar 5, 2024 at 9:14 PM Leo <leo@example.com> wrote:",
        "Am 05.03.2024 um 21:14 schrieb Leo <leo@example.com>:",
        "Le mar. 5 mars 2024 à 21:14, Leo <leo@example.com> a écrit :",
    ],
)
def test_the_marks_of_a_quoted_message_are_not_sung(above: str) -> None:
    read = read_sheet(f"{above}\n> Verse 1\n> walking home\n>\n>> oh\n\nVerse 2\nrain")
    lines = [line for line in str(read.values["lyrics"]).split("\n") if line]
    assert lines == ["[Verse 1]", "walking home", "oh", "[Verse 2]", "rain"]


def test_names_and_times_of_a_transcript_are_not_sung() -> None:
    text = "Speaker 1 (00:04): one two\nSpeaker 1 (00:09): three\nAna Lee (1:00:15): four"
    assert str(read_sheet(text).values["lyrics"]).split("\n") == ["one two", "three", "four"]
