"""What a prompt does not want is not taken, and that is told."""

from __future__ import annotations

import pytest

from pipeline.prompt_reading import read_prompt


@pytest.mark.parametrize(
    "prompt",
    [
        "anything but 120 bpm",
        "any tempo but 120 bpm",
        "don't make it 120 bpm",
        "dont make it 120 bpm",
        "please don’t let it go to 120 bpm",
        "do not use a tempo of 120 bpm",
        "not at 120 bpm please",
        "never 120 bpm",
        "I don't want it to be 120 bpm",
        "not exactly 120 bpm",
        "rather than 120 bpm",
        "other than 120 bpm",
        "avoid 120 bpm",
        "it shouldn't be 120 bpm",
        "120 bpm is too fast",
        "120 bpm would be too slow",
        "nicht 120 bpm",
        "keine 120 bpm",
        "bitte nicht mit 120 bpm",
        "pas 120 bpm",
        "no a 120 bpm",
        "non 120 bpm",
        "não 120 bpm",
        "не 120 bpm",
        "nie 120 bpm",
        "120 bpmではなく",
        "不要120bpm",
    ],
)
def test_a_tempo_may_be_denied(prompt: str) -> None:
    reading = read_prompt(prompt)
    told = ("the prompt denies 120 bpm: no tempo was taken from that",)
    assert (reading.bpm, reading.problems) == (0, told)


@pytest.mark.parametrize(
    "prompt",
    [
        "120 bpm",
        "why not 120 bpm?",
        "nothing but 120 bpm",
        "not only 120 bpm",
        "no drums at 120 bpm",
        "no vocals, 120 bpm",
        "don't rush, 120 bpm",
        "no reverb and 120 bpm",
        "120 bpm, not too fast",
        "120 bpm, no waltz",
        "120 bpm is fine",
        "not 140 bpm but 120 bpm",
        "140 bpm is too fast, make it 120 bpm",
    ],
)
def test_what_is_denied_beside_a_tempo_is_not_the_tempo(prompt: str) -> None:
    assert read_prompt(prompt).bpm == 120


@pytest.mark.parametrize(
    "prompt",
    [
        "not in C major",
        "anything but C major",
        "any key but C major",
        "don't play it in C major",
        "avoid the key of C major",
        "never use C major",
        "not C major please",
        "C major sounds too high",
        "nicht in C major",
        "pas en C major",
        "non in C major",
    ],
)
def test_a_key_may_be_denied(prompt: str) -> None:
    reading = read_prompt(prompt)
    told = ("the prompt denies C major: no key was taken from that",)
    assert (reading.key, reading.problems) == ("", told)


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("not in C major but in A minor", "A minor"),
        ("no piano, in C major", "C major"),
        ("no piano in C major", "C major"),
        ("A minor, not too sad", "A minor"),
        ("nicht in C-Dur sondern in a-Moll", "A minor"),
        ("pas en do majeur, en la mineur", "A minor"),
    ],
)
def test_a_key_that_is_wanted_is_taken(prompt: str, key: str) -> None:
    assert read_prompt(prompt).key == key


@pytest.mark.parametrize(
    ("prompt", "said"),
    [
        ("no waltz", "waltz"),
        ("not a waltz please", "waltz"),
        ("anything but a waltz", "waltz"),
        ("don't make it a waltz", "waltz"),
        ("nothing like a waltz", "waltz"),
        ("no more waltzes", "waltzes"),
        ("not in 3/4", "3/4"),
        ("never 7/8", "7/8"),
        ("kein Walzer", "walzer"),
        ("pas de valse", "valse"),
        ("sin vals", "vals"),
        ("senza valzer", "valzer"),
        ("sem valsa", "valsa"),
        ("geen walzer", "walzer"),
        ("не вальс", "вальс"),
        ("без вальса", "вальс"),
    ],
)
def test_a_metre_may_be_denied(prompt: str, said: str) -> None:
    reading = read_prompt(prompt)
    told = (f"the prompt denies {said}: no metre was taken from that",)
    assert (reading.time_signature, reading.problems) == ("", told)


@pytest.mark.parametrize(
    ("prompt", "meter"),
    [
        ("not a waltz, 4/4", "4/4"),
        ("not 3/4 but 4/4", "4/4"),
        ("no 4/4, a waltz", "3/4"),
        ("no drums, waltz", "3/4"),
        ("waltz, not too fast", "3/4"),
    ],
)
def test_a_metre_that_is_wanted_is_taken(prompt: str, meter: str) -> None:
    assert read_prompt(prompt).time_signature == meter
