"""What stands around the words of a song sheet is understood, in any order, and not sung."""

from __future__ import annotations

import pytest

from daemon.watch.notes import find_problems
from daemon.watch.parameters import UNKNOWN_WORD
from daemon.watch.sheet import read_defaults, read_sheet

BODY = "\n\n[Verse]\nla la"


def understand(head: str) -> dict[str, object]:
    """The values of a sheet with this head, whose words are those of its verse alone."""
    values = read_sheet(head + BODY).values
    assert values.pop("lyrics") == "[Verse]\nla la"
    return values


HEADS: dict[tuple[str, ...], dict[str, object]] = {
    (
        "Title: Low Tide\nArtist: Nobody\nKey: Am\nTempo: 92",
        "Artist: Nobody\nTempo: 92\nTitle: Low Tide\nKey: Am",
        "Low Tide\nNobody\nKey: Am\nTempo: 92",
        "Low Tide\nby Nobody\n\nKey: Am\n\nTempo: 92",
        "Low Tide\n\nKey: Am   Tempo: 92",
        "Low Tide\nBy Nobody and The Others\nKey of Am | 92 BPM",
        "Low Tide\nKey - Am | Tempo - 92 | Capo - 2",
        "Low Tide\n========\nKey: Am\n♩ = 92",
        "Title: Low Tide\nKey: Am, Tempo: 92 bpm, Year: 1999",
        "{title: Low Tide}\n{key: Am}\n{tempo: 92}",
        "{t: Low Tide}\n{st: live}\n{meta: key Am}\n{tempo 92}\n{x_other: y}",
        "[Title: Low Tide]\n[Key: Am]\n[Tempo: 92]",
        "**Title:** Low Tide\n**Key:** Am\n**Tempo:** 92",
        "123. Low Tide\nText: Nobody, 1823\nMelodie: Nobody\nTonart: a-Moll\nTempo: 92",
        "Title: Low Tide\nBy: Nobody\nTono: La menor\nTempo: 92",
        "Low Tide chords by Nobody\nTuning: E A D G B E\nKey: Am\nCapo: no capo\nTempo: 92",
        "© 1999 Nobody\nTitle: Low Tide\nCCLI Song # 12345\nKey: Am\nTempo: ca. 92",
        "Titel: Low Tide\nText und Musik: Niemand\nTonart: a-Moll\nTempo: 92",
        "Titre : Low Tide\nParoles et musique : X\nTonalité : La mineur\nTempo : Moderato (92)",
        "Título: Low Tide\nAutor: Nadie\nTonalidad: Lam\nTempo: 92",
        "Название: Low Tide\nСлова и музыка: Никто\nТональность: ля минор\nТемп: 92",
        "Название: Low Tide\nТональность: ля минор\nТемп: 92 уд/мин",
        "{t: Low Tide}{st: live}\n{key: Am}{tempo: 92}",
        "曲名：Low Tide\n作詞：名無し\nキー：Am\nテンポ：９２",
        "标题：Low Tide\n词：无名\n调：Am  速度：92",
        "---\ntitle: Low Tide\nArtist: Nobody\nKey: Am | Tempo: 92\n---",
        "Composer: Nobody\nTitle: Low Tide\nKey: Am (original: Cm)\nTempo: Moderato, 92",
    ): {"name": "Low Tide", "key": "A minor", "bpm": 92.0},
    (
        "Time: 6/8",
        "6/8 time",
        "Time signature: 6/8 (slow)",
        "Metre = 6/8",
        "Takt: 6/8",
        "拍子：６／８",
    ): {"time_signature": "6/8"},
    ("bars 8", "bars: 8 bars", "Bars = 8"): {"bars": 8},
    (
        "bpm: 92 // slow\nseconds 30",
        "92 bpm\nlength: 0:30",
        "－－－\nbpm：９２\nseconds：30 s\n－－－",
    ): {
        "bpm": 92.0,
        "seconds": 30.0,
    },
    ("Time: 3:45", "Duration: 3:45", "{duration: 3:45}"): {"seconds": 225.0},
    ("Original key: Bb\nKey: G", "Key: G\nOriginal key: Bb"): {"key": "G major"},
    ("Original key: Bb",): {"key": "Bb major"},
    ("Genre: folk\nMood: calm", "Style: folk, calm"): {"prompt": "folk, calm"},
    ("prompt: warm\nGenre: folk", "Genre: folk\nprompt: warm"): {"prompt": "warm"},
    ("Title: Key: a song",): {"name": "Key: a song"},
    ("prompt: Key: G, Tempo: 72",): {"prompt": "Key: G, Tempo: 72"},
    ("Metre: 8.6.8.6.", "Capo 2", "(Capo: 2nd fret)", "Tuned down half a step"): {},
    ("Words and Music by Nobody\nUsed by permission", "https://example.org/low-tide"): {},
}


@pytest.mark.parametrize(
    ("head", "values"), [(head, values) for heads, values in HEADS.items() for head in heads]
)
def test_a_head_is_understood_in_any_order_and_shape(head: str, values: dict[str, object]) -> None:
    assert understand(head) == values
    assert not find_problems(read_sheet(head + BODY).notes)


@pytest.mark.parametrize(
    ("head", "values"),
    [
        (
            "Title: Jar\nTags: pop, rock\nTempo: 92",
            {"name": "Jar", "prompt": "pop, rock", "bpm": 92.0},
        ),
        ("Description: pop\nGeschwindigkeit: 92", {"prompt": "pop", "bpm": 92.0}),
        (
            "Genre: soul\nVoice: female\nSprache: Deutsch",
            {"prompt": "soul, female", "language": "de"},
        ),
        ("Key: [E] Tempo: [74] BPM", {"key": "E major", "bpm": 74.0}),
    ],
)
def test_what_music_programs_ask_for_is_understood(head: str, values: dict[str, object]) -> None:
    read = read_sheet(head + BODY)
    assert {name: read.values.get(name) for name in values} == values
    assert not find_problems(read.notes)


@pytest.mark.parametrize(
    ("head", "holds"),
    [
        ("Tempo: ninety", "bpm"),
        ("Key: G | Tempo: soon92", "bpm"),
        ("{tempo: soon}", "bpm"),
        ("Time: 9/7", "time_signature"),
        ("Tempo: Slow", ""),
        ("Key: H sharp", ""),
        ("Flow: V C V", ""),
    ],
)
def test_what_is_not_understood_of_a_head_is_said(head: str, holds: str) -> None:
    read = read_sheet(head + BODY)
    [problem] = find_problems(read.notes)
    assert problem.holds == holds
    assert "la la" in str(read.values["lyrics"])


def test_two_values_are_told() -> None:
    [problem] = find_problems(read_sheet("Low Tide\nKey: G\n\nKey: A" + BODY).notes)
    assert str(problem) == "not used: key = A major; it is G major already"


def test_a_key_change_below_the_words_is_not_sung() -> None:
    read = read_sheet("Key: G" + BODY + "\n\nKey: A\n[Chorus]\nlo\nCapo 3\nTempo: 92")
    assert read.values["lyrics"] == "[Verse]\nla la\n\n[Chorus]\nlo"
    assert read.values["key"] == "G major"
    assert read.values["bpm"] == 92
    assert [note.line for note in find_problems(read.notes)] == [6]


@pytest.mark.parametrize(
    "text",
    [
        "City lights\nare calling me",
        "City lights\n\nare calling me\n\n[Chorus]\nhome",
        "City lights\nBy the river\nI sat down",
        "City lights\n[Verse]\nhome",
        "Tempo of my heart\nis slow",
        "Mama: don't go\nla: la",
    ],
)
def test_words_are_no_title(text: str) -> None:
    read = read_sheet(text)
    assert read.values == {"lyrics": text}
    assert not find_problems(read.notes)


def test_a_line_alone_above_the_first_section_is_the_title_and_that_is_said() -> None:
    read = read_sheet("Low Tide\n\n[Verse 1]\nla")
    assert read.values == {"name": "Low Tide", "lyrics": "[Verse 1]\nla"}
    [problem] = find_problems(read.notes)
    assert problem.hint == "write [Verse] above it where it is sung"


@pytest.mark.parametrize(
    "footer",
    [
        "© 2012 Nobody",
        "(c) 2012 Nobody",
        "CCLI Song # 1234567",
        "CCLI License # 123456",
        "For use solely with the SongSelect® Terms of Use. All rights reserved.",
        "www.ccli.com",
        "Words and Music by Nobody",
        "Jonah Alder and Mika Stone\n© 2012 Nobody",
        "Jonah Alder | Mika Stone\nCCLI Song # 12345",
        "3.4KEmbed",
        "https://example.org",
        "12Embed",
        "You might also like",
    ],
)
def test_a_footer_is_not_sung(footer: str) -> None:
    assert read_sheet(f"[Verse]\nla\n\n{footer}").values == {"lyrics": "[Verse]\nla"}


def test_text_is_who_wrote_the_words() -> None:
    read = read_sheet("Text: warm piano" + BODY)
    assert read.values == {"lyrics": "[Verse]\nla la"}
    [problem] = find_problems(read.notes)
    assert problem.hint == "write prompt: where it is what it should sound like"


def test_defaults_may_be_written_like_a_head() -> None:
    read = read_defaults("Key: G | Tempo: 72\nCapo 2\nArtist: Nobody\n4/4")
    assert read.values == {"key": "G major", "bpm": 72.0, "time_signature": "4/4"}
    assert not find_problems(read.notes)


@pytest.mark.parametrize(
    ("head", "values"),
    [
        ("キー：Am　テンポ：88", {"key": "A minor", "bpm": 88.0}),
        ("Темп - 110\nТональность: Ем", {"bpm": 110.0, "key": "E minor"}),
        ("Tonart: d-Moll  Takt: 3/4", {"key": "D minor", "time_signature": "3/4"}),
        ("作詞・作曲：青木\nBPM: 88", {"bpm": 88.0}),
        ("Compositor: R. Alves\nTom: Em", {"key": "E minor"}),
    ],
)
def test_heads_of_more_languages_say_all_that_they_say(
    head: str, values: dict[str, object]
) -> None:
    read = read_sheet(f"Title: x\n{head}\n\n[Verse]\nla la")
    assert read.values == {"name": "x", "lyrics": "[Verse]\nla la", **values}


def test_a_line_with_a_tempo_above_the_words_is_what_it_should_sound_like() -> None:
    read = read_sheet("#Low Tide\n*slow ballad, 68 bpm, Em*\n\nV1\nla la")
    assert read.values == {
        "name": "Low Tide",
        "prompt": "slow ballad, 68 bpm, Em",
        "lyrics": "[Verse 1]\nla la",
    }


@pytest.mark.parametrize(
    ("head", "values", "meant"),
    [
        ("tilte: Low Tide\nbmp: 82\nkye: A min", {}, ["title", "bpm", "key"]),
        ("Low Tide\nKey: Am\nTmepo: 92", {"name": "Low Tide", "key": "A minor"}, ["tempo"]),
        ("promt: lo-fi, rhodes", {}, ["prompt"]),
        ("Kunst: Nobody\nKey: Am", {"key": "A minor"}, [""]),
        ("Low Tide\nKunst: Nobody\nKey: Am", {"name": "Low Tide", "key": "A minor"}, [""]),
        ("Low Tide\nabout 70 bpm, in Am\nwanted: hazy", {"name": "Low Tide"}, [""]),
    ],
)
def test_words_that_no_head_has_are_not_sung_and_what_they_may_mean_is_said(
    head: str, values: dict[str, object], meant: list[str]
) -> None:
    read = read_sheet(head + BODY)
    assert read.values.pop("lyrics") == "[Verse]\nla la"
    assert values.items() <= read.values.items()
    problems = find_problems(read.notes)
    assert [note.code for note in problems] == [404] * len(meant)
    assert [note.hint for note in problems] == [
        f"did you mean {word}?" if word else UNKNOWN_WORD for word in meant
    ]


@pytest.mark.parametrize(
    "words",
    [
        "Anna: I walked alone\nLeo: and so did I\nAnna: all night",
        "I have a key: it is yours\nto keep",
        "Ken: hello\nMay: hello",
        "Artie: stay with me\nArtie: stay with me",
    ],
)
def test_words_with_a_colon_are_sung_where_no_head_is_around_them(words: str) -> None:
    sung = str(read_sheet(words + "\n\nla la").values["lyrics"])
    assert len(sung.split("\n")) == len(words.split("\n")) + 2


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("Andante  ♩ = 84", {"bpm": 84.0}),
        ("Tune: HARBOUR  (8.6.8.6)      Key of E-flat", {"key": "Eb major"}),
        ("Tytuł: Low Tide | Tonacja: e-moll", {"name": "Low Tide", "key": "E minor"}),
        ("スタイル：シティポップ", {"prompt": "シティポップ"}),
        ("1=G 4/4 速度：72", {"key": "G major", "bpm": 72.0}),
        ("1=bB", {"key": "Bb major"}),
        ("Название - Low Tide\nТональность - Am", {"name": "Low Tide", "key": "A minor"}),
        ("Tonart: Hm", {"key": "B minor"}),
        ("Hangnem: a-moll", {"key": "A minor"}),
        ("Sävellaji: Am", {"key": "A minor"}),
        ("Başlık: Low Tide\nTon: La minör", {"name": "Low Tide", "key": "A minor"}),
        ("Τίτλος: Low Tide\nΤόνος: Am", {"name": "Low Tide", "key": "A minor"}),
        ("שם השיר: Low Tide\nסולם: Am", {"name": "Low Tide", "key": "A minor"}),
        ("Nada dasar: Am", {"key": "A minor"}),
        ("[Style: dark pop, 92 bpm, voices]", {"prompt": "dark pop, 92 bpm, voices"}),
        ("key of G, slow", {"key": "G major"}),
    ],
)
def test_what_a_line_says_between_wide_spaces_is_read(line: str, values: dict[str, object]) -> None:
    assert understand(f"Time: 4/4\n{line}") == {"time_signature": "4/4", **values}


@pytest.mark.parametrize(
    "line",
    [
        "Tonart: Dm      Tempo: ca. 92     Takt: 3/4",
        "Key: Dm  Tempo: ca. 92  Time: 3/4",
        "Тональность: Dm   Темп: 92   Размер: 3/4",
        "Tempo: 92 | Takt: 3/4 | Tonart: Dm",
    ],
)
def test_each_thing_of_a_line_is_told_once(line: str) -> None:
    read = read_sheet(f"Title: X\n{line}{BODY}")
    message = next(note.message for note in read.notes if note.line == 2)
    assert sorted(message.split(", ")) == ["bpm = 92", "key = D minor", "time_signature = 3/4"]


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        ("syle: folk", "style"),
        ("moood: dark", "mood"),
        ("bpn: 92", "bpm"),
        ("Tytuu: X", "title"),
        ("Tonalitt: C", "key"),
        ("Geschwindigkit: 92", "tempo"),
        ("Тональост: Am", "key"),
        ("Sprach: de", "language"),
    ],
)
def test_the_word_that_was_meant_is_one_of_song_sheets(line: str, meant: str) -> None:
    problems = find_problems(read_sheet(f"Title: X\n{line}{BODY}").notes)
    assert [note.hint for note in problems] == [f"did you mean {meant}?"]


@pytest.mark.parametrize(
    ("head", "values"),
    [
        (
            "שם: סירות\nמילים: פלוני\nסולם: Am\nקצב: 92",
            {"name": "סירות", "key": "A minor", "bpm": 92},
        ),
        ("اسم الأغنية: قوارب\nكلمات: مجهول\nالمقام: نهاوند", {"name": "قوارب"}),
        ("गीत: कागज़\nराग: यमन\nताल: कहरवा\nगति: 92", {"name": "कागज़", "bpm": 92}),
        ("Judul: Perahu\nNada dasar: G = do", {"name": "Perahu", "key": "G major"}),
        ("Tên bài: Thuyền\nSáng tác: Ai\nNhịp: 3/4", {"name": "Thuyền", "time_signature": "3/4"}),
        ("Titel: Bootjes\ntekst: Niemand", {"name": "Bootjes"}),
    ],
)
def test_heads_of_asia_and_of_the_south_are_read(head: str, values: dict[str, object]) -> None:
    assert understand(head) == values
    assert not find_problems(read_sheet(head + BODY).notes)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("템포 95 / 키 Em", {"bpm": 95, "key": "E minor"}),
        ("Темп ~ 120, тональность Hm", {"bpm": 120, "key": "B minor"}),
        ("Tempo ~ 96", {"bpm": 96}),
        ("~96bpm", {"bpm": 96}),
        ("about 96 bpm", {"bpm": 96}),
        ("Tone: Am", {"key": "A minor"}),
        ("Tone: warm", {"prompt": "warm"}),
        ("Keys: rhodes", {"prompt": "rhodes"}),
        ("Feel: shuffle", {"prompt": "shuffle"}),
        (
            "Tom: [E]  Andamento: [72] BPM  Compasso: [4/4]",
            {"key": "E major", "bpm": 72, "time_signature": "4/4"},
        ),
        ("调：1=D 4/4 速度：每分钟72拍", {"key": "D major", "time_signature": "4/4", "bpm": 72}),
        ("Key: G 3/4", {"key": "G major", "time_signature": "3/4"}),
    ],
)
def test_a_head_may_be_written_without_colons_and_in_any_language(
    line: str, values: dict[str, object]
) -> None:
    read = read_sheet(f"Title: Low Tide\n{line}{BODY}")
    assert find_problems(read.notes) == []
    assert read.values == {"name": "Low Tide", "lyrics": "[Verse]\nla la", **values}


@pytest.mark.parametrize("line", ["Tom dança na rua", "Ton amour me manque", "Tono de amor"])
def test_words_that_begin_like_the_name_of_a_key_are_sung(line: str) -> None:
    assert read_sheet(f"la la\n{line}").values == {"lyrics": f"la la\n{line}"}


@pytest.mark.parametrize(
    "above",
    [
        "Kitchen song\nideas 14/3 - maybe slower?\n",
        "“Kitchen song”\nDraft 3 – last edited by Tom\n",
        "Kitchen song\n(сл. и муз. И. Иванов)\n",
        "KITCHEN SONG\n\nfor Mia\n",
    ],
)
def test_lines_above_what_a_head_says_are_not_sung_and_that_is_said(above: str) -> None:
    read = read_sheet(f"{above}\nKey: F#m\n96 bpm{BODY}")
    assert str(read.values.pop("name")).lower() == "kitchen song"
    assert read.values == {"key": "F# minor", "bpm": 96, "lyrics": "[Verse]\nla la"}
    written = above.split("\n")
    told = [note.line for note in find_problems(read.notes)]
    assert told == [number for number, line in enumerate(written, 1) if line]


@pytest.mark.parametrize("key", ["Key: F#m", "Tom: F#m", "Key of F#m"])
def test_a_key_above_who_owns_the_song_is_one(key: str) -> None:
    read = read_sheet(f"Low Tide\nNobody\n\n{key}\n© 2019 Nobody{BODY}")
    assert read.values["key"] == "F# minor"


def test_a_head_goes_on_below_an_intro_that_is_played() -> None:
    read = read_sheet("[Intro]\nEm  D\n\nTuning: Drop D\nDifficulty: novice\n\n[Verse]\nla la")
    assert read.values == {"lyrics": "[Intro]\n\n[Verse]\nla la"}


def test_the_name_of_a_singer_is_no_key() -> None:
    read = read_sheet("[Tom:]\nla la\n[Mia:]\nlo lo")
    assert read.values == {"lyrics": "[Tom:]\nla la\n[Mia:]\nlo lo"}


@pytest.mark.parametrize("word", ["count", "priority"])
def test_what_messages_know_and_a_sheet_does_not_is_said_with_what_to_do(word: str) -> None:
    (note,) = find_problems(read_sheet(f"prompt: lo-fi\n{word}: 4{BODY}").notes)
    assert "takes" in note.hint


@pytest.mark.parametrize("above", ["Low Tide\nNobody", "Low Tide"])
def test_names_above_a_chorus_are_sung_and_asked_about(above: str) -> None:
    read = read_sheet(f"{above}\n\n[Chorus]\nla la")
    assert str(read.values["lyrics"]).startswith(above)
    assert {note.hint for note in find_problems(read.notes)} == {
        "write Title: in front of it where it is what the song is called"
    }
    assert not find_problems(read_sheet("over the sea\nand far\n\n[Chorus]\nla la").notes)


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ("Tempo 104, Am, 4/4", {"bpm": 104, "key": "A minor", "time_signature": "4/4"}),
        ("Project tempo 104, 4/4, A min", {"bpm": 104, "key": "A minor", "time_signature": "4/4"}),
        (
            "Tonalité : Ré m – Tempo : 92 – 6/8",
            {"key": "D minor", "bpm": 92, "time_signature": "6/8"},
        ),
        ("Tonalità: Re-", {"key": "D minor"}),
        ("テンポ：104くらい", {"bpm": 104}),
        ("速度：约72", {"bpm": 72}),
        ("Hız: 92", {"bpm": 92}),
        ("E A D G B E", {}),
        ("D A D G B E", {}),
    ],
)
def test_heads_of_bands_say_several_things_in_a_line(line: str, values: dict[str, object]) -> None:
    read = read_sheet(f"Title: Low Tide\n{line}{BODY}")
    assert find_problems(read.notes) == []
    assert read.values == {"name": "Low Tide", "lyrics": "[Verse]\nla la", **values}


@pytest.mark.parametrize("above", ["Hey Tom,\n\nhere's the new one", "mic into preamp", "one\ntwo"])
def test_what_stands_above_the_first_verse_is_asked_about(above: str) -> None:
    read = read_sheet(f"{above}\n\nVerse 1:\nla la\n\nChorus:\nlo lo")
    told = [note.line for note in find_problems(read.notes)]
    assert told == [number for number, line in enumerate(above.split("\n"), 1) if line]
