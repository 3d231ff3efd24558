"""Keys by themselves, as the parameter `key` takes them."""

from __future__ import annotations

import pytest

from pipeline.guide.harmony import scale_of
from pipeline.keys import parse_key


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("", ""),
        (" ", ""),
        ("Am", "A minor"),
        ("a min", "A minor"),
        ("A  minor", "A minor"),
        ("f#m", "F# minor"),
        ("Bb", "Bb major"),
        ("CM", "C major"),
        ("B♭ major", "B♭ major"),
        ("C sharp minor", "C# minor"),
        ("E-flat major", "Eb major"),
        ("A natural minor", "A minor"),
        ("D dorian", "D minor"),
        ("A-Moll", "A minor"),
        ("B-Dur", "Bb major"),
        ("H-Moll", "B minor"),
        ("Fis-Dur", "F# major"),
        ("la mineur", "A minor"),
        ("Sol mayor", "G major"),
        ("8A", "A minor"),
        ("08b", "C major"),
        ("1m", "A minor"),
        ("1d", "C major"),
        ("6d", "B major"),
        ("Am/C major", "A minor"),
        ("Am/C", "A minor"),
        ("C#/Db minor", "C# minor"),
        ("A minor (8A)", "A minor"),
        ("A小调", "A minor"),
        ("嬰ヘ短調", "F# minor"),
        ("Aマイナー", "A minor"),
        ("가단조", "A minor"),
        ("ми-бемоль мажор", "Eb major"),
    ],
)
def test_a_key_has_many_names(text: str, key: str) -> None:
    assert parse_key(text) == key


@pytest.mark.parametrize("text", ["H minor", "13A", "0A", "Am7", "x", "()", "Am/F", "A minor C"])
def test_what_is_no_key_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"like"):
        parse_key(text)


def test_a_step_on_the_wheel_is_a_fifth_and_its_letters_are_relatives() -> None:
    for letter in "AB":
        tonics = [scale_of(parse_key(f"{number}{letter}"))[0] for number in range(1, 13)]
        assert {(b - a) % 12 for a, b in zip(tonics, [*tonics[1:], tonics[0]])} == {7}
    for number in range(1, 13):
        minor, major = (scale_of(parse_key(f"{number}{letter}")) for letter in "AB")
        assert {*minor} == {*major}
