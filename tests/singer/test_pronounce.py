"""Lines of lyrics become words of syllables, whatever stands in them."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.limits import LIMITS
from pipeline.request import LANGUAGES
from pipeline.singer import mandarin
from pipeline.singer.phonemes import CONSONANTS, VOWELS
from pipeline.singer.pronounce import pronounce_line, pronounce_lyrics
from tests.support.growth import assert_linear
from tests.support.sung import write


def read(line: str, language: str) -> list[tuple[str, str]]:
    return [(word.text, write(word.syllables)) for word in pronounce_line(line, language).words]


def test_words_are_as_they_were_written_with_what_is_sung_of_them() -> None:
    assert read("Hello, (ooh) Summer rain!", "en") == [
        ("Hello,", "HH AX . L OW1"),
        ("(ooh)", "UW1"),
        ("Summer", "S AH1 . M ER"),
        ("rain!", "R EY1 N"),
    ]


def test_what_is_said_otherwise_is_one_word_and_noted() -> None:
    line = pronounce_line("24/7 Mr. DJ, 5% more", "en")
    assert [word.text for word in line.words] == ["24/7", "Mr.", "DJ,", "5%", "more"]
    assert len(line.words[0].syllables) == 5
    assert line.notes == (
        "sung in other words: 24/7 (twenty four seven), Mr (mister), 5% (five percent)",
    )


def test_signs_are_left_out_and_noted() -> None:
    line = pronounce_line("love 🔥🔥 you ♥ (x2) - —", "en")
    assert [word.text for word in line.words] == ["love", "you"]
    assert line.notes == ("not sung: 🔥🔥, ♥, x2",)


def test_tags_are_left_out_and_noted() -> None:
    line = pronounce_line('<i>run</i>away <span class="x y">I <3 you</span><br/> <and i> a<b')
    assert [word.text for word in line.words][:4] == ["run", "away", "I", "<3"]
    assert [word.text for word in line.words][5:] == ["<and", "i>", "a<b"]
    assert line.notes[1] == 'not sung: <i>, </i>, <span class="x y">, </span>, <br/>, <'


def test_japanese_is_sung_where_there_are_kana_and_hummed_where_there_are_kanji() -> None:
    line = pronounce_line("君が好きだ、 baby", "ja")
    assert [word.text for word in line.words] == ["君", "が", "好", "きだ、", "baby"]
    assert write(line.words[0].syllables) == "MM1 . MM"
    assert write(line.words[3].syllables) == "K IY1 . D A"
    assert write(line.words[4].syllables) == "B EY1 . B IY"
    assert line.notes == ("kanji are hummed, kana would be sung: 君, 好",)


@pytest.mark.long
def test_chinese_characters_are_a_word_each() -> None:
    assert read("我爱你，baby", "zh") == [
        ("我", "W AO1"),
        ("爱", "AY2"),
        ("你，", "N IY1"),
        ("baby", "B EY1 . B IY"),
    ]


def test_latin_letters_beside_another_script_are_english_and_alone_romaji_or_pinyin() -> None:
    assert read("made", "ja") == [("made", "M A1 . D E")]
    assert read("きみ made", "ja")[1] == ("made", "M EY1 D")
    assert read("you", "zh") == [("you", "Y OW1")]
    assert read("我 you", "zh")[1] == ("you", "Y UW")
    assert read("hello", "ja") == read("hello", "zh") == read("hello", "en")
    assert read("hello", "ru") == read("hello", "en")


def test_pinyin_with_tone_marks_beside_characters_is_pinyin_and_other_words_english() -> None:
    line = pronounce_line("nǐ hǎo, wàiguó 你好 café hái touché")
    assert line.words[0].syllables == line.words[3].syllables
    assert [write(word.syllables) for word in line.words] == [
        "N IY1",
        "X AW1",
        "W AY1 . G W AO2",
        "N IY1",
        "X AW2",
        "K AX . F EY1",
        "X AY1",
        "T UW . SH EY1",
    ]


@pytest.mark.parametrize(
    ("text", "note"),
    [
        ("きみの love song", "no language is given: sung as Japanese, Latin letters as English"),
        ("月亮 love", "no language is given: sung as Mandarin, Latin letters as English"),
        ("きみの うた", "no language is given: sung as Japanese"),
        ("nǐ hǎo 你好", "no language is given: sung as Mandarin"),
        ("je t'aime mon amour", "no language is given: sung as French"),
    ],
)
def test_a_guess_is_told_and_what_latin_letters_are_beside_it(text: str, note: str) -> None:
    assert pronounce_line(text).notes[0] == note


def test_languages_and_scripts_without_rules_are_hummed_and_noted() -> None:
    line = pronounce_line("miluju tě", "cs")
    assert [write(word.syllables) for word in line.words] == ["MM1 . MM . MM", "MM1"]
    assert line.notes == ("hummed, as there are no rules for Czech: miluju, tě",)
    assert pronounce_line("привет love", "en").notes == (
        "hummed, as there are no rules for Cyrillic: привет",
    )


def test_lyrics_have_one_language_and_each_note_once() -> None:
    lyrics = pronounce_lyrics(["te quiero, la la la", "", "24/7 la la", "24/7"])
    assert lyrics.language == "es"
    assert [len(line) for line in lyrics.lines] == [5, 0, 3, 1]
    assert lyrics.notes == (
        "no language is given: sung as Spanish",
        "sung in other words: 24/7 (veinticuatro siete)",
    )


def test_notes_name_few_words_and_shorten_them() -> None:
    [note] = pronounce_line(" ".join(f"ж{chr(ord('а') + n)}" for n in range(9)), "en").notes
    assert note.endswith("жд, же and 3 more")
    [note] = pronounce_line("ж" * 60, "en").notes
    assert note.endswith(f": {'ж' * 40}…")
    [note] = pronounce_line("ж\u202e\x07", "en").notes
    assert note.endswith(": ж")


def test_long_words_and_lines_are_cut_and_noted() -> None:
    word = pronounce_line("ab" * 40, "en")
    assert len(word.words[0].text) == LIMITS.sung_word
    assert word.notes[0].startswith(
        f"only the first {LIMITS.sung_word} characters are sung of: aba"
    )
    line = pronounce_line("la " * 400, "en")
    assert len(line.words) == pytest.approx(LIMITS.sung_line / 3, abs=1)
    assert line.notes[0].startswith(f"only the first {LIMITS.sung_line} characters are sung of: la")


def test_lines_beyond_the_limit_are_left_out_and_noted() -> None:
    lyrics = pronounce_lyrics(["la"] * LIMITS.sung_lines + ["next", "last"], "en")
    assert len(lyrics.lines) == LIMITS.sung_lines + 2
    assert lyrics.lines[-3][0].text == "la"
    assert lyrics.lines[-2:] == ((), ())
    assert lyrics.notes == (
        f"only the first {LIMITS.sung_lines} lines are sung, left out from: next",
    )


def test_a_line_that_comes_again_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []

    def spell(characters: str) -> list[str]:
        read.append(characters)
        return ["ni", "hao"]

    monkeypatch.setattr(mandarin, "spell_characters", spell)
    lines = pronounce_lyrics(["你好"] * 50, "zh").lines
    assert len(lines) == 50
    assert len(set(lines)) == 1
    assert read == ["你好"]


ALPHABET = "abzéñüßçã'’-1250:.,$%&#x あがっんー漢月жם안न्\u0301\u200d\u202e\ufe0f🔥\ud800\n\t½ﷺ𝓁"


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from(ALPHABET), max_size=40), st.sampled_from(LANGUAGES))
def test_nothing_raises_and_every_word_has_syllables(line: str, language: str) -> None:
    for word in pronounce_line(line, language).words:
        assert word.text
        assert word.syllables
        for syllable in word.syllables:
            assert syllable.vowel in VOWELS
            assert set(syllable.onset + syllable.coda) <= CONSONANTS


@pytest.mark.parametrize("language", ["en", "de", "ja", "zh", "pl"])
@pytest.mark.parametrize(
    "part", ["a", "e\u0301", "月", "a-", "9", "🔥", "きゃっ", "ﷺ", "1:1.1,1$", "aж月"]
)
def test_a_text_without_spaces_is_cut(part: str, language: str) -> None:
    line = pronounce_line(part * 20_000, language)
    assert sum(len(word.text) for word in line.words) <= LIMITS.sung_line
    assert line.notes


def test_the_time_is_linear_in_the_lines() -> None:
    rng = random.Random(1)

    def make(size: int) -> list[str]:
        word = "".join(rng.choice("abcdeginorst") for _ in range(size))
        return [word[begin : begin + 7] for begin in range(0, size, 7)]

    assert_linear(lambda lines: pronounce_lyrics(lines, "en"), make, factor=8)
