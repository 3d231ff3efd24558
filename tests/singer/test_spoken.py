"""What is said of digits, abbreviations, acronyms, symbols and signs."""

from __future__ import annotations

from string import ascii_lowercase

import pytest

from pipeline.singer.languages import READERS
from pipeline.singer.spoken import ABBREVIATIONS, LETTERS, SYMBOLS, speak


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("24/7", "twenty four seven"),
        ("1999", "nineteen ninety nine"),
        ("'99", "ninety nine"),
        ("80s", "eighties"),
        ("1st", "first"),
        ("22nd", "twenty second"),
        ("1,000", "one thousand"),
        ("1,000.5", "one thousand point five"),
        ("3.14", "three point one four"),
        ("007", "zero zero seven"),
        ("$5", "five dollars"),
        ("$1", "one dollar"),
        ("$3.50", "three dollars fifty"),
        ("5€", "five euros"),
        ("$5m", "five million dollars"),
        ("10k", "ten thousand"),
        ("100%", "one hundred percent"),
        ("3am", "three ay m"),
        ("3:05", "three oh five"),
        ("12:00", "twelve o'clock"),
        ("3:45pm", "three forty five p m"),
        ("p.m.", "p m"),
        ("#1", "number one"),
        ("#love", "love"),
        ("(#été!)", "été"),
        ("&", "and"),
        ("R&B", "r and b"),
        ("½", "a half"),
        ("Mr.", "mister"),
        ("feat.", "featuring"),
        ("b4", "before"),
        ("4ever", "forever"),
        ("B2B", "b two b"),
        ("U.S.A.", "u s ay"),
        ("NYC", "nyc"),  # CMUdict, or we, know it
        ("XTC", "x t c"),
        ("OMG", "o m g"),
        ("LOVE", "love"),
        ("SHH", "shh"),
        ("rock’n’roll", "rock and roll"),
        ("love—hate", "love hate"),
        ("(ooh,", "ooh"),
        ("'cause", "'cause"),
        ("hap-py", "hap-py"),
        ("ｌｏｖｅ", "love"),
        ("l\u200bo\u200dv\u202ee", "love"),
        ("٣", "three"),
    ],
)
def test_english(text: str, words: str) -> None:
    assert speak(text, "en").words == tuple(words.split())


@pytest.mark.parametrize(
    ("text", "language", "words"),
    [
        ("50%", "es", "cincuenta por ciento"),
        ("1º", "es", "primero"),
        ("3,5", "de", "drei komma fünf"),
        ("1.000", "de", "eintausend"),
        ("LKW", "de", "ell kah weh"),
        ("$5", "fr", "cinq dollars"),
        ("M.", "fr", "m"),
        ("7", "it", "sette"),
        ("vc", "pt", "você"),
        ("5%", "zh", "bai fen zhi wu"),
        ("ni3hao3", "zh", "ni3hao3"),
        ("3%", "ja", "さん パーセント"),
        ("DJ", "ja", "ディー ジェー"),
        ("week-end", "fr", "week end"),
        ("7", "", "7"),
    ],
)
def test_other_languages(text: str, language: str, words: str) -> None:
    said = speak(text, language).words
    assert said == tuple(words.split()) or said == tuple(LETTERS[language][each] for each in words)


@pytest.mark.parametrize(
    ("text", "left_out"),
    [
        ("🔥", "🔥"),
        ("love♥", "♥"),
        ("f**k", "**"),
        ("x2", "x2"),
        ("(x4)", "x4"),
        ("a|b", "|"),
        ("hey!", ""),
        ("«oui»", ""),
        ("—", ""),
        ("❤️", "❤"),
    ],
)
def test_what_is_not_said_is_told_and_punctuation_is_not_missed(text: str, left_out: str) -> None:
    assert speak(text, "en").left_out == left_out


def test_words_of_capitals_are_no_acronyms_where_all_are_in_capitals() -> None:
    assert speak("XOM", "en").words == ("x", "o", "m")
    assert speak("XOM", "en", is_shouted=True).words == ("xom",)
    assert speak("XTC", "en", is_shouted=True).words == ("x", "t", "c")


def test_it_is_told_whether_words_are_others_than_those_written() -> None:
    assert speak("24/7", "en").is_reworded
    assert speak("Mr.", "en").is_reworded
    assert not speak("Love,", "en").is_reworded
    assert not speak("NYC", "en").is_reworded


def test_every_language_has_its_symbols_and_letters() -> None:
    assert SYMBOLS.keys() == READERS.keys()
    assert {tuple(symbols) for symbols in SYMBOLS.values()} == {tuple(SYMBOLS["en"])}
    assert LETTERS.keys() == READERS.keys() - {"zh"}
    for letters in LETTERS.values():
        assert "".join(letters) == ascii_lowercase
    assert ABBREVIATIONS.keys() <= READERS.keys()


@pytest.mark.parametrize("language", sorted(READERS))
def test_what_is_said_can_be_sung(language: str) -> None:
    """The words of our tables, by the language's own rules; pinyin has no English at."""
    tables = (SYMBOLS, LETTERS, ABBREVIATIONS)
    texts = [text for table in tables for text in table.get(language, {}).values()]
    words = " ".join(texts).replace("{}", "").replace(" at", "").replace("-", " ").split()
    assert words
    assert all(READERS[language]([word])[0] for word in words)
