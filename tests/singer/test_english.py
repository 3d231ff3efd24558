"""English: CMUdict's words, what derives from them, and rules for the rest."""

from __future__ import annotations

import pytest

from pipeline.singer import english
from pipeline.singer.english import RULES, find_phonemes
from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("hello", "HH AX . L OW1"),
        ("summer", "S AH1 . M ER"),
        ("yesterday", "Y EH1 . S T ER . D EY2"),
        ("guitar", "G IH . T AA1 R"),
        ("singer", "S IH1 NG . ER"),
        ("extra", "EH1 K . S T R AX"),
        ("world", "W ER1 L D"),
        ("every", "EH1 V . R IY"),  # two, as it is sung
        ("live", "L IH1 V"),  # the commoner one
        ("gonna", "G AA . N AX"),
        ("'cause", "K AX Z"),
        ("ain't", "EY1 N T"),
        ("hmm", "HH MM"),
    ],
)
def test_listed_words_are_sung_as_they_are_listed(word: str, syllables: str) -> None:
    assert sing([word], "en") == [syllables]


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("café", "K AX . F EY1"),
        ("cafe\u0301", "K AX . F EY1"),
        ("cafés", "K AE2 . F EY1 Z"),
        ("naïve", "N AY2 . IY1 V"),
        ("chloé", "K L OW1 . IY"),
        ("fiancé", "F IY . AA1 N . S EY2"),
        ("touché", "T UW . SH EY1"),
        ("résumé", "R EY1 . S AH . M EY"),  # not the verb
    ],
)
def test_accents_are_no_other_word(word: str, syllables: str) -> None:
    assert sing([word], "en") == [syllables]


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("lovin'", "L AH1 . V IH N"),
        ("lovin", "L AH1 . V IH N"),
        ("chasin'", "CH EY1 . S IH N"),
        ("dragonfly's", "D R AE1 . G AX N . F L AY2 Z"),
        ("remixes", "R IY . M IH1 K . S AX Z"),
        ("glitched", "G L IH1 CH T"),
        ("unloved", "AX N . L AH1 V D"),
        ("unfollow", "AH2 N . F AA1 . L OW"),
        ("moonchild", "M UW1 N . CH AY2 L D"),
        ("heartstrings", "HH AA1 R T . S T R IH2 NG Z"),
        ("luv", "L AH1 V"),
        ("outta", "AW1 . T AX V"),
    ],
)
def test_unlisted_words_derive_from_listed_ones(word: str, syllables: str) -> None:
    assert sing([word], "en") == [syllables]


@pytest.mark.parametrize(
    ("stretched", "word"),
    [
        ("sooooo", "so"),
        ("gooood", "good"),
        ("yeahhh", "yeah"),
        ("yeahh", "yeah"),
        ("nooo", "no"),
        ("looove", "love"),
        ("ooooh", "ooh"),
        ("mmmm", "mm"),
        ("runninnnn", "runnin"),
    ],
)
def test_stretched_letters_are_one_long_note(stretched: str, word: str) -> None:
    assert sing([stretched], "en") == sing([word], "en")


@pytest.mark.parametrize(
    ("written", "syllables"),
    [
        ("hap-py", "HH AE1 . P IY"),
        ("to-night", "T AX . N AY1 T"),
        ("so-o-o", "S OW1 . OW . OW"),
        ("ba-a-by", "B EY1 . EY . B IY"),
        ("oh-oh", "OW1 . OW1"),
        ("sha-la-la", "SH AA1 . L AA1 . L AA1"),
        ("lalala", "L AA1 . L AA1 . L AA1"),
        ("-", ""),
    ],
)
def test_hyphens_part_syllables_words_and_held_vowels(written: str, syllables: str) -> None:
    assert sing([written], "en") == [syllables]


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("snorgle", "S N AO1 R . G AX L"),
        ("blick", "B L IH1 K"),
        ("glape", "G L EY1 P"),
        ("quibbish", "K W IH1 . B IH SH"),
        ("flation", "F L EY1 . SH AX N"),
        ("phood", "F UW1 D"),
        ("knaught", "N AO1 T"),
        ("zolture", "Z AA1 L . CH ER"),
        ("skrrt", "S K ER T"),
        ("brr", "B ER"),
    ],
)
def test_words_that_nobody_knows_follow_rules(word: str, syllables: str) -> None:
    assert sing([word], "en") == [syllables]


def test_an_article_before_a_vowel_is_sung_otherwise() -> None:
    assert sing("the end", "en")[0] == "DH IY"
    assert sing("the hour", "en")[0] == "DH IY"
    assert sing("the hand", "en")[0] == "DH AX"
    assert sing("the unicorn", "en")[0] == "DH AX"
    assert sing("in the", "en")[1] == "DH AX"


def test_function_words_have_no_stress_and_others_one() -> None:
    assert sing("i love you and me", "en") == ["AY", "L AH1 V", "Y UW", "AX N D", "M IY"]


# Words that are in CMUdict, here spelled by the rules alone: they agree in their consonants, and in
# their count of syllables.
@pytest.mark.parametrize(
    "word",
    (
        "garden window silver thunder breathing mountain picture station candle moonlight shadow "
        "running children breaking jumping paper summertime wonderful kitchen"
    ).split(),
)
def test_rules_come_near_to_what_is_listed(word: str) -> None:
    def skeleton(phonemes: list[str]) -> list[str]:
        return ["V" if name.rstrip("012")[0] in "AEIOU" else name for name in phonemes]

    assert skeleton(RULES.read(word)) == skeleton(find_phonemes(word))


def test_a_word_that_comes_again_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[str] = []
    rules = RULES.read

    def count(word: str) -> list[str]:
        read.append(word)
        return rules(word)

    monkeypatch.setattr(RULES, "read", count)
    words = [f"xq{number * 'v'}zzk" for number in range(3, 50)]
    for _ in range(3):
        english.pronounce(words)
    assert 0 < len(read) <= len(words)
