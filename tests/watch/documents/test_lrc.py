"""LRC as programs write it: real-looking files of invented songs, and each of their oddities."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from daemon.watch.documents.document import Kind
from daemon.watch.documents.read import read_text
from daemon.watch.encodings import decode
from daemon.watch.notes import find_problems
from daemon.watch.sheet import Sheet, read_sheet
from tests.support.examples import scale_examples
from tests.support.growth import assert_linear

FILES = Path(__file__).parents[2] / "data" / "lyrics"

# file -> what is sung; other values; what makes a report
UNDERSTOOD: dict[str, tuple[str, dict[str, object], list[str]]] = {
    "web-editor.lrc": (
        "The harbour sleeps beneath the rain\nand nobody wakes the boats again\n\n"
        "Oh carry me, carry me\nover the water",
        {"name": "Harbour Lights Again", "seconds": 124.51},
        [],
    ),
    "chinese-service.lrc": (
        "城市的灯光在呼唤\n我一个人走在路上\n海底的灯不会熄灭\n直到天亮",
        {"name": "海底的灯"},
        [],
    ),
    "enhanced.lrc": (
        "Copper morning, copper sky\nI count the trains go by",
        {"name": "Copper Morning"},
        [],
    ),
    "word-times.lrc": ("Over the quiet water\nhome again\nslow now", {}, []),
    "bilingual.lrc": (
        "海が眠る\n夜が明ける\nもう一度\nBaby stay",
        {"name": "海が眠る"},
        ["lines at the times of others are their translations, and not sung: 3"],
    ),
    "compressed.lrc": (
        "Summer came in through the door\nleft its shoes upon the floor\n"
        "Round and round the lamp we go\nmoths that do not want to know\n"
        "Winter took them all away\nsomeone else is here to stay\n"
        "Round and round the lamp we go\nmoths that do not want to know",
        {"name": "Round and Round"},
        [],
    ),
    "duet.lrc": (
        "You left your coat upon the chair\nI left it so you'd know I care\n"
        "Two chairs, two cups, one light\nnobody sleeps tonight",
        {"name": "Two Chairs"},
        [],
    ),
    "loose-times.lrc": (
        "first of all\nthen a comma\nthen a colon\nthen an hour\nthen three digits\n"
        "then spaces\nthen full width",
        {},
        [],
    ),
    "streamed.lrc": ("Seven windows, seven doors\nnone of them are yours", {}, []),
    "notepad.lrc": (
        "[Verse 1]\nПоезд уходит в туман\nГород остался вдали\n"
        "[Chorus]\nТолько огни\nтолько огни на пути\nТолько огни\nтолько огни на пути",
        {"name": "Вечерний поезд", "language": "ru", "bpm": 92.0},
        [],
    ),
}


def read_file(name: str, suffix: str = ".lrc") -> tuple[Sheet, list[str]]:
    """The sheet, and what makes a report."""
    text, notes = decode((FILES / name).read_bytes())
    read = read_sheet(text, suffix)
    return read, [note.message for note in find_problems([*notes, *read.notes])]


def lyrics_of(text: str, suffix: str = ".lrc") -> str:
    return str(read_sheet(text, suffix).values.get("lyrics", ""))


def messages_of(text: str) -> list[str]:
    return [note.message for note in read_sheet(text, ".lrc").notes]


@pytest.mark.parametrize("name", UNDERSTOOD)
@pytest.mark.parametrize("suffix", [".lrc", ".txt"])
def test_a_file_of_another_program_is_understood(name: str, suffix: str) -> None:
    lyrics, values, problems = UNDERSTOOD[name]
    read, found = read_file(name, suffix)
    assert read.values == {"lyrics": lyrics, **values}
    assert found == problems


def test_every_file_is_tried() -> None:
    assert {path.name for path in FILES.glob("*.lrc")} == {*UNDERSTOOD}


@pytest.mark.parametrize(
    "line",
    [
        "[00:12.34]la la",
        "[0:12]la la",
        "[00:12:34]la la",
        "[00:12,34]la la",
        "[00:12.345]la la",
        "[01:00:12.34]la la",
        "[ 00:12.34 ] la la",
        "[00:12.34]la la[00:15.00]",
        "[00:12.34]la [00:13.00]la",
        "[00:12.34-00:15.00] la la",
        "[00:12.34 --> 00:15.00] la la",
        "[00:12.34] <00:12.34> la <00:13.00> la <00:14.00>",
        "<00:12.34>la <00:13.00>la",
        "［00：12．34］la la",
        "【00:12.34】la la",
        "[12340,2000]la (12340,500)la(13000,400)",
        "[12340,2000]<0,500,0>la <500,400,0>la",
        "[00:12.34]F: la la",
        "[00:12.34]v1: la la",
        "[00:12.34]女：la la",
        "[00:12.34]♪ la la ♪",
        "0:12 la la",
        "(0:12) la la",
        "00:00:12 - la la",
    ],
)
def test_no_time_is_sung_however_it_is_written(line: str) -> None:
    text = "\n".join([line] * 3 if line[0] in "(0" else [line])
    assert set(lyrics_of(text).splitlines()) == {"la la"}
    assert set(lyrics_of(text, ".txt").splitlines()) == {"la la"}


def test_times_on_lines_of_their_own_are_those_of_the_words_below() -> None:
    assert lyrics_of("0:21\nand then\n0:12\nfirst\n0:30\nlast", ".txt") == "first\nand then\nlast"


def test_the_music_does_not_follow_the_times_and_that_is_said() -> None:
    assert "the music does not follow them" in messages_of("[00:12.00]la")[0]


@pytest.mark.parametrize(
    "tag",
    "[ar:Me]|[artist: Me]|[al:X]|[album:X]|[au:Me]|[author:Me]|[by:Me]|[re:x.example]|[ve:1]|"
    "[id:a]|[version:1]|[offset:-250]|[kana:12]|[total:30000]|[encoding:utf-8]|[hash:x]|[sign:]|[qq:1]|"
    "[#:x]|[lr:Me]|[tool:x]|[editor: x]|[t_time:(3:21)]".split("|"),
)
def test_a_tag_of_another_program_is_no_words(tag: str) -> None:
    read = read_sheet(f"{tag}\n[00:12.00]la", ".lrc")
    assert read.values == {"lyrics": "la"}
    assert not find_problems(read.notes)
    assert any(note.line == 1 and "is not used" in note.message for note in read.notes)


@pytest.mark.parametrize("tag", ["[ti:Low Tide]", "[title: Low Tide]", "[TI: Low Tide ]"])
def test_a_title_is_the_name(tag: str) -> None:
    assert read_sheet(f"{tag}\n[00:12.00]la", ".lrc").values["name"] == "Low Tide"


def test_a_section_with_a_colon_is_no_tag() -> None:
    assert lyrics_of("[Verse: soft]\n[00:12.00]la") == "[Verse: soft]\nla"


@pytest.mark.parametrize(
    "credit",
    "作词 : 某人|作曲：某人|词：某人|编曲 : 某人/某人|混音工程师：某人|OP：某公司|作詞：だれか|"
    "唄：だれか|작사: 누구|노래 : 누구|Lyrics by: Nobody|Lyrics by Nobody|Composer: Nobody|"
    "Words and music: Nobody|Written & produced by: Nobody|Produced by Nobody|Artist: Nobody|"
    "Title: Low Tide|Guitar: Nobody|Mixing Engineer: Nobody|Слова: Никто|Музыка: Никто|"
    "Paroles : Personne|Letra y música: Nadie|Musik und Text: Niemand|www.lyrics.example.com|"
    "by LyricMaker.com|未经许可，不得翻唱|© 2026 Nobody".split("|"),
)
def test_a_credit_at_the_head_is_not_sung(credit: str) -> None:
    read = read_sheet(f"[00:00.00]{credit}\n[00:12.00]la\n[00:15.00]lo", ".lrc")
    assert read.values["lyrics"] == "la\nlo"
    assert any(note.line == 1 and "who made the song" in note.message for note in read.notes)


@pytest.mark.parametrize(
    "line",
    [
        "Music, take me home",
        "Love - and nothing else",
        "Drums in the night",
        "She said: stay",
        "我说：不要走",
        "Нет: сказал он",
    ],
)
def test_words_at_the_head_are_sung(line: str) -> None:
    assert lyrics_of(f"[00:02.00]{line}\n[00:05.00]la") == f"{line}\nla"


def test_the_title_above_credits_or_that_of_the_tag_is_not_sung() -> None:
    head = "[00:00.00]Low Tide - Nobody\n"
    assert lyrics_of(f"{head}[00:01.00]Lyrics: Nobody\n[00:12.00]la") == "la"
    assert lyrics_of(f"[ti:Low Tide]\n{head}[00:12.00]la") == "la"
    assert lyrics_of(f"{head}[00:12.00]la") == "Low Tide - Nobody\nla"


def test_two_languages_in_two_blocks_are_one_song() -> None:
    text = "[00:12.00]海が眠る\n[00:16.00]夜が明ける\n\n[00:12.00]the sea\n[00:16.00]the night"
    assert lyrics_of(text) == "海が眠る\n夜が明ける"


def test_a_romanisation_and_a_translation_are_both_left_out() -> None:
    text = "[00:12.00]海が眠る\n[00:12.00]umi ga nemuru\n[00:12.00]the sea\n[00:16.00]夜が明ける"
    assert lyrics_of(text) == "海が眠る\n夜が明ける"
    assert [note for note in messages_of(text) if "translation of line 1" in note]


def test_a_line_that_is_cut_in_two_is_sung_whole_and_that_is_said() -> None:
    text = "[00:12.00]over\n[00:12.00]the water\n[00:16.00]home\n[00:20.00]and\n[00:24.00]sleep"
    assert lyrics_of(text) == "over\nthe water\nhome\nand\nsleep"
    assert messages_of(text)[0].startswith("lines at the times of others are sung behind them: 1")


def test_a_line_that_is_there_twice_at_one_time_is_sung_once() -> None:
    assert lyrics_of("[00:12.00]la\n[00:12.00]la\n[00:15.00]lo\n[00:18.00]le") == "la\nlo\nle"


def test_a_translation_behind_a_slash_is_not_sung_and_that_is_said() -> None:
    text = "[00:12.00]夜の川 / Night river\n[00:15.00]海が眠る／the sea sleeps\n[00:18.00]ラララ"
    assert lyrics_of(text.replace("／", " / ")) == "夜の川\n海が眠る\nラララ"
    assert "behind a slash is a translation" in messages_of(text.replace("／", " / "))[0]
    assert lyrics_of("[00:12.00]now / or never\n[00:15.00]la") == "now / or never\nla"


def test_times_in_other_brackets_among_the_usual_are_times() -> None:
    text = "[00:05.00]five\n(00:06)six\n00:07 seven\n00:08.2 - eight"
    assert lyrics_of(text) == "five\nsix\nseven\neight"


def test_lines_that_all_have_one_time_are_all_sung() -> None:
    text = "\n".join(f"[00:00.00]{line}" for line in ("one", "two", "three", "four"))
    assert lyrics_of(text) == "one\ntwo\nthree\nfour"


def test_an_empty_line_parts_verses_where_it_is_a_pause() -> None:
    ends = "[00:12.00]one\n[00:14.00]\n[00:15.00]two\n[00:17.00]\n[00:30.00]three\n[00:33.00]"
    assert lyrics_of(ends) == "one\ntwo\n\nthree"


def test_every_second_line_may_be_blank() -> None:
    text = "[00:12.00]one\n\n[00:15.00]two\n\n[00:18.00]three\n\n"
    assert lyrics_of(text) == "one\ntwo\nthree"
    assert lyrics_of("[00:12.00]one\n[00:15.00]two\n\n[00:18.00]three") == "one\ntwo\n\nthree"


def test_voices_in_the_background_are_in_parentheses_and_entities_are_read() -> None:
    text = "[00:12.00]v1: don&apos;t go\n[bg: <00:13.00>oh <00:13.50>oh]\n[00:15.00]♪\n[00:30.00]la"
    assert lyrics_of(text) == "don't go\n(oh oh)\n\nla"


def test_a_sheet_with_a_time_somewhere_is_no_lrc() -> None:
    text = "bpm: 92\n\n[loud: very]\nla la\nla\n[0:12] here\nno more\nthe end\nof it"
    assert read_text(text, ".txt").kind == Kind.PLAIN
    assert lyrics_of(text, ".txt").splitlines()[0] == "[loud: very]"


def test_a_sheets_parameters_may_stand_above_the_times() -> None:
    read = read_sheet("---\nprompt: slow waltz\n---\n[00:12.00]la\n[00:10.00]lo", ".lrc")
    assert read.values == {"prompt": "slow waltz", "lyrics": "lo\nla"}


TIMES = st.tuples(
    st.integers(0, 59),
    st.integers(0, 59),
    st.sampled_from("[%d:%02d]|[%02d:%02d.00]|[%d:%d,5]".split("|")),
).map(lambda parts: parts[2] % parts[:2])
WORDS = st.sampled_from("la|over the water|海が眠る|don’t go|(oh)|Ночь".split("|"))
# what is at a time and is not sung: rests, who made it, where it ends
RESTS = " |♪| ♪♪ |♫|Instrumental|(Instrumental)|[Interlude]|间奏|(music)|♪ ♪|- -|...".split("|")
LINES = st.one_of(
    st.tuples(st.lists(TIMES, max_size=3), WORDS).map(lambda parts: "".join(parts[0]) + parts[1]),
    st.tuples(TIMES, WORDS, TIMES).map("".join),
    st.tuples(TIMES, WORDS, TIMES, WORDS).map(" ".join),
    TIMES,
    st.tuples(TIMES, st.sampled_from(RESTS)).map("".join),
    st.sampled_from(
        "|[ti:x]|[by:]|[offset:+5]|[Chorus]|[00:00.00]作词：x|[bg: oh]|[re:x]|[ve:x]|[la:en]|"
        "[lang:de]|[#:x]|RentAnAdviser.com|Lyrics by Someone|@Tx|[id: $x]|[tool: x]".split("|")
    ),
)


VERSES = "over the water|nobody wakes|don’t go|la luna|ты и я|夜の川|hey|so long".split("|")


@st.composite
def write_files(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A file of lines at times that rise, with rests and tags among them; and its words."""
    lines = draw(st.lists(st.sampled_from(["[ti:x]", "[ar:y]", "[re:x]", "[by:z]"]), max_size=3))
    form = draw(
        st.sampled_from(["[%02d:%02d.00]", "[%d:%02d]", "[%02d:%02d.500]", "<%02d:%02d.00>"])
    )
    voice = draw(st.sampled_from(["", "", "M: ", "♪ "]))
    second = 0
    sung = [f"{place} {words}" for place, words in zip("abcdefgh", draw(st.permutations(VERSES)))]
    sung = sung[: draw(st.integers(3, 8))]
    for words in sung:
        second += draw(st.integers(1, 9))
        time = form % divmod(second, 60)
        lines.append(f"{time}{voice}{words}")
        if draw(st.booleans()):
            second += 1
            lines.append(form % divmod(second, 60) + draw(st.sampled_from(RESTS)))
    last = draw(st.sampled_from(["", "RentAnAdviser.com", "[99:00.00]Lyrics by Someone"]))
    return "\n".join([*lines, last]), sung


@settings(max_examples=scale_examples(100))
@given(write_files())
def test_all_words_are_sung_in_order_and_no_rest_is(written: tuple[str, list[str]]) -> None:
    text, sung = written
    lyrics = str(read_sheet(text, ".lrc").values["lyrics"]).split("\n")
    assert [line for line in lyrics if line and line[0] not in "[(.-"] == sung


@settings(max_examples=scale_examples(100))
@given(st.lists(LINES, max_size=20))
@example(["海が眠る", "[0:00]la", "[0:00]la"])
def test_of_any_lines_no_time_is_sung_and_each_is_told_of_once(lines: list[str]) -> None:
    text = "\n".join(lines)
    read = read_sheet(text, ".lrc")
    assert not any(character.isdecimal() for character in str(read.values.get("lyrics", "")))
    told = [n for note in read.notes if note.line for n in range(note.line, note.line + note.lines)]
    assert len(told) == len(set(told))
    assert set(told) >= {number for number, line in enumerate(lines, 1) if line.strip()}


@pytest.mark.parametrize(
    "piece",
    [
        "[00:01]la\n[00:01]lo\n",
        "[00:01]",
        "[00:01]la\n",
        "[00:01]\n",
        "[00:01]la [00:02]",
        "[1,2](1,2)la",
        "[ti:x]\n",
        "[bg:",
        "[00:00]作词：x\n",
        "0:12 la\n",
        "F: ",
    ],
)
def test_many_of_anything_take_linear_time(piece: str) -> None:
    assert_linear(lambda text: read_text(text, ".lrc"), lambda size: piece * size, 200)


def test_a_line_with_very_many_times_and_its_translation_take_linear_time() -> None:
    def write(size: int) -> str:
        times = "".join(f"[{second // 60}:{second % 60:02}]" for second in range(size))
        return f"{times}la\n{times}lo\n"

    assert_linear(lambda text: read_text(text, ".lrc"), write, 400)


@pytest.mark.parametrize(
    "time", ["[00:1x.00]", "[00:12.00", "00:14.00]", "[00.12.30]", "[0O:12.30]", "[00;12.30]"]
)
def test_a_damaged_time_is_not_sung_and_is_said(time: str) -> None:
    read = read_sheet(f"[00:01.00]one\n{time}two\n[00:16.00]three", ".lrc")
    assert read.values["lyrics"] == "one\ntwo\nthree"
    problems = find_problems(read.notes)
    assert [(note.line, note.code) for note in problems] == [(2, 400)]
    assert f"its time {time} is damaged" in problems[0].message


@pytest.mark.parametrize("words", ["[x2]", "12:30 at night", "[Chorus]", "1.5 litres]"])
def test_words_with_numbers_are_no_damaged_times(words: str) -> None:
    assert not find_problems(read_sheet(f"[00:01.00]one\n{words}\n[00:16.00]la", ".lrc").notes)


def test_the_data_of_a_program_is_no_language() -> None:
    text = "[language:eyJjb250ZW50IjpbXX0=]\n[0,2500]<0,300,0>Pa<300,300,0>per"
    read = read_sheet(text, ".lrc")
    assert read.values == {"lyrics": "Paper"}
    assert not find_problems(read.notes)


@pytest.mark.parametrize(
    "line",
    ["<i>two</i>", "{\\an8}two", '<font color="#fff">two</font>', "&lt;b&gt;two&lt;/b&gt;"],
)
def test_styles_of_subtitles_are_not_sung(line: str) -> None:
    assert lyrics_of(f"[00:01.00]one\n[00:04.00]{line}") == "one\ntwo"


def test_a_tag_may_have_spaces_in_its_brackets() -> None:
    read = read_sheet("[ ti : Spaces ]\n[ ar : X ]\n[00:01.00]one", ".lrc")
    assert read.values == {"name": "Spaces", "lyrics": "one"}


@pytest.mark.parametrize("chords", ["Am G", "F#m7 / E", "| C | G/B |", "Bb", "Am - F - C"])
def test_chords_at_the_time_of_words_are_not_sung_and_the_words_are(chords: str) -> None:
    for first, second in ((chords, "one two"), ("one two", chords)):
        timed = f"[00:01.00]{first}\n[00:01.00]{second}\n"
        text = f"{timed}[00:05.00]{chords}\n[00:05.00]A day\n[00:09.00]four five\n"
        read = read_sheet(text, ".lrc")
        assert read.values["lyrics"] == "one two\nA day\nfour five"
        assert not find_problems(read.notes)


def test_a_word_that_is_a_chord_too_is_sung() -> None:
    text = "[00:01.00]Am I\n[00:03.00]A\n[00:05.00]A day in the life\n[00:07.00]Go"
    assert read_sheet(text, ".lrc").values["lyrics"] == "Am I\nA\nA day in the life\nGo"


@pytest.mark.parametrize(
    "credit",
    [
        "★ subtitle by me ★",
        "~ lrc by xX_tom_Xx ~",
        "synced by tom",
        "Lyrics & sync by: tom",
        "*** made by me ***",
        "♥ created by ana ♥",
        "karaoke by nobody",
    ],
)
def test_who_made_the_file_is_not_sung(credit: str) -> None:
    lines = ["[00:02.00]one two", "[00:04.00]three four"]
    for text in ([f"[00:00.00]{credit}", *lines], [*lines, f"[00:09.00]{credit}"]):
        assert read_sheet("\n".join(text), ".lrc").values["lyrics"] == "one two\nthree four"


@pytest.mark.parametrize(
    "line", ["made by hand", "created by the sea", "edited by time", "★ stars ★"]
)
def test_words_like_those_of_a_maker_are_sung(line: str) -> None:
    text = f"[00:00.00]{line}\n[00:02.00]one two\n[00:04.00]three four\n[00:06.00]{line}"
    assert str(read_sheet(text, ".lrc").values["lyrics"]).count(line.strip("★ ")) == 2


@pytest.mark.parametrize(
    "above", ["My Song", "My Song\nNobody", '"My Song"\n\nNobody', "★ My Song ★"]
)
def test_a_title_above_the_first_time_is_the_name_and_not_sung(above: str) -> None:
    read = read_sheet(f"{above}\n\n[00:02.00]one two\n[00:04.00]three", ".lrc")
    assert read.values == {"name": "My Song", "lyrics": "one two\nthree"}
    assert {note.hint for note in find_problems(read.notes)} == {"give it a time to have it sung"}


@pytest.mark.parametrize(
    "above", ["this is how it begins,", "one\ntwo\nthree", "[Verse 1]", "Verse 1", "Chorus"]
)
def test_what_is_no_title_above_the_first_time_is_sung(above: str) -> None:
    read = read_sheet(f"{above}\n[00:02.00]one two\n[00:04.00]three", ".lrc")
    first = str(read.values["lyrics"]).split("\n")[0].strip("[]")
    assert first == above.split("\n")[0].strip("[]")
    assert "name" not in read.values


def test_a_tempo_above_the_first_time_is_no_title() -> None:
    read = read_sheet("120 bpm\n[00:02.00]one two\n[00:04.00]three", ".lrc")
    assert read.values == {"bpm": 120, "lyrics": "one two\nthree"}


def test_marks_of_two_singers_are_not_sung() -> None:
    text = "[00:01.00]M+F: one\n[00:03.00](F) two\n[00:05.00]M & F: three\n[00:07.00](M): four"
    assert read_sheet(text, ".lrc").values["lyrics"] == "one\ntwo\nthree\nfour"
    assert read_sheet("[00:01.00](Far away)\n[00:03.00]la", ".lrc").values["lyrics"] == (
        "(Far away)\nla"
    )


def test_tags_of_karaoke_files_are_not_sung() -> None:
    text = "@TITLE Low Tide\n@ARTIST Nobody\n@LENGL\n[00:01.00]one two\n[00:03.00]three"
    read = read_sheet(text, ".lrc")
    assert read.values == {"name": "Low Tide", "lyrics": "one two\nthree"}


def test_a_countdown_is_not_sung_and_that_is_said() -> None:
    text = "".join(f"[00:0{n}.00]{5 - n}\n" for n in range(1, 5)) + "[00:06.00]one two"
    read = read_sheet(text, ".lrc")
    assert read.values["lyrics"] == "one two"
    assert [note.line for note in find_problems(read.notes)] == [1, 2, 3, 4]
    for words in ("5\n6\n7", "2\n1", "three\ntwo\none"):
        timed = "\n".join(f"[00:0{n}.00]{word}" for n, word in enumerate(words.split("\n"), 1))
        assert read_sheet(f"{timed}\n[00:09.00]la", ".lrc").values["lyrics"] == f"{words}\nla"
