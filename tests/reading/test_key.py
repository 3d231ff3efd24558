"""Keys as people write them in prompts; what is none is not taken for one."""

from __future__ import annotations

import pytest

from pipeline.prompt_reading import read_prompt


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("house, F#m", "F# minor"),
        ("f#m techno", "F# minor"),
        ("Bbm trap", "Bb minor"),
        ("Am trap", "A minor"),
        ("trap, Am", "A minor"),
        ("key am", "A minor"),
        ("deep house in Eb", "Eb major"),
        ("lo-fi in D", "D major"),
        ("lofi beat in d, 80bpm", "D major"),
        ("in A, 84 bpm", "A major"),
        ("in Eb swing feel", "Eb major"),
        ("techno, key: C#m", "C# minor"),
        ("piano, key of Bb", "Bb major"),
        ("Key - F minor", "F minor"),
        ("key=Gm", "G minor"),
        ("The key of this song is D minor.", "D minor"),
        ("tonal center: D", "D major"),
        ("key: Fb / fade out", "Fb major"),
        ("keyscale: A minor", "A minor"),
        ("house in a minor", "A minor"),
        ("house, a minor, 124 bpm", "A minor"),
        ("in the key of a minor", "A minor"),
        ("A minor", "A minor"),
        ("A minor piano ballad", "A minor"),
        ("E minor key piano", "E minor"),
        ("A min, house", "A minor"),
        ("Amin house", "A minor"),
        ("lofi_84bpm_Ebmin", "Eb minor"),
        ("ab minor", "Ab minor"),
        ("B♭ major", "B♭ major"),
        ("E-flat major", "Eb major"),
        ("F sharp minor techno", "F# minor"),
        ("in B flat", "Bb major"),
        ("A harmonic minor", "A minor"),
        ("C minor pentatonic", "C minor"),
        ("sad minor ballad in D", "D minor"),
        ("C major 7/8", "C major"),
        # Camelot, and Traktor's Open Key
        ("techno 8A", "A minor"),
        ("8B, 124 bpm", "C major"),
        ("tech house 12B 126 bpm", "E major"),
        ("techno, 8a, 124 bpm", "A minor"),
        ("1A", "Ab minor"),
        ("open key 1m", "A minor"),
        # other languages
        ("a-Moll, langsam", "A minor"),
        ("in Es-Dur", "Eb major"),
        ("H-Moll Klavier", "B minor"),
        ("Klavier in B-Dur", "Bb major"),  # a German B
        ("Tonart: fis-Moll", "F# minor"),
        ("piano en la mineur", "A minor"),
        ("en mi bémol majeur", "Eb major"),
        ("in do maggiore", "C major"),
        ("em ré menor", "D minor"),
        ("Sol mayor", "G major"),
        ("A小调 钢琴", "A minor"),
        ("降E大调", "Eb major"),
        ("ля минор", "A minor"),
        ("в ля миноре", "A minor"),
        ("в до мажоре", "C major"),
        ("A minor trance", "A minor"),
        ("A minor progression", "A minor"),
        ("trumpet in F minor", "F minor"),
        ("piano in F", "F major"),
        ("instead of A major, in C", "C major"),
        ("イ短調", "A minor"),
        ("C调 民谣", "C major"),
        ("BPM 120 キーC", "C major"),
        ("C_major loop", "C major"),
        ("c_min_120", "C minor"),
        ("#C小调", "C# minor"),
        ("bB大调", "Bb major"),
        ("♭E大调", "E♭ major"),
        ("올림다단조", "C# minor"),
        ("내림 나장조", "Bb major"),
        ("fis mineur", "F# minor"),
        ("#85bpm #Dminor", "D minor"),
        ("#F#m #techno", "F# minor"),
        ("techno, F-sharp", "F# major"),
        ("trap, Bb, 140", "Bb major"),
        ("techno, F# 140bpm", "F# major"),
        ("140 bpm F#", "F# major"),
        ("E flat, 90 bpm", "Eb major"),
        ("key-of-E", "E major"),
        ("loop_key_Gm_90", "G minor"),
        ("A minor emotional ballad", "A minor"),
        ("A minor ballads", "A minor"),
        ("A minor, victory", "A minor"),
        ("in A minor victory", "A minor"),
        ("la minör", "A minor"),
        ("key: Eb / a key change", "Eb major"),
        ("key: B / G-funk", "B major"),
        ("key: E / a 909 kit", "E major"),
        ("Plan B | Am | 92 bpm", "A minor"),
    ],
)
def test_a_key_is_read_as_it_is_written(prompt: str, key: str) -> None:
    assert read_prompt(prompt).key == key


@pytest.mark.parametrize(
    "prompt",
    [
        "A minor key piano",
        "in a minor key",
        "A major label",
        "a major hit",
        "It's A minor setback",
        "A Minor Records release",
        "A Major Chord Stab",
        "C major 7 chord",
        "a minor third",
        "in a minute",
        "wait a min",
        "I Am the walrus",
        "Who Am I",
        "at 3 am",
        "3 Am vibes",
        "AM radio, Fm radio",
        "EBM, BBM",
        "GM kit, 5 cm, DM me",
        "lost in a forest",
        "living in a flat",
        "songs in the key of life",
        "key change",
        "in C language",
        "in E.D.M. style",
        "in A/V clubs, in B/W",
        "1A quality, 5A grade",
        "G-funk in G-funk style",
        "D&B, R&B",
        "drop D tuning",
        "in Eb tuning",
        "plan B, B-side",
        "room 8A",
        "Side 1A",
        "vitamin 12B",
        "5m run, 8m wide",
        "la mayor parte de la noche",
        "Cm9 chords",
        "abm",
        "A minor complaint set to music, folk",
        "A minor inconvenience",
        "A major city soundscape",
        "A minor chord of sadness",
        "Eb alto sax, French horn in F",
        "clarinets in Bb",
        "kick at 50Hz in F",
        "in B movies",
        "harmonica in C",
        "A flat tyre on the highway",
        "living alone, a flat, a cat",
        "E-piano, C-pop",
        "#A #B",
        "Dm me for collabs",
        "tu es mayor",
        "C# developer anthem",
        "",
    ],
)
def test_what_is_no_key_is_not_taken_for_one(prompt: str) -> None:
    reading = read_prompt(prompt)
    assert (reading.key, reading.problems) == ("", ())


@pytest.mark.parametrize(
    ("prompt", "key", "said", "verdict"),
    [
        ("8A", "A minor", "8A", "A minor was taken"),
        ("in A minor", "A minor", "A minor", "it was taken"),
        ("Am/C major", "A minor", "Am and C major", "A minor was taken, the first"),
        ("Am (8A)", "A minor", "Am and 8A", "A minor was taken"),
        ("in C#/Db minor", "C# minor", "C# and Db minor", "C# minor was taken"),
        ("Gm trap, key: Dm", "D minor", "Dm and Gm", "D minor was taken, which is called the key"),
        (
            "D dorian jazz",
            "D minor",
            "D dorian",
            "D minor was taken, the nearest of major and minor",
        ),
    ],
)
def test_what_was_made_of_a_key_is_told(prompt: str, key: str, said: str, verdict: str) -> None:
    reading = read_prompt(prompt)
    assert (reading.key, reading.musical_key.said) == (key, said)
    assert reading.musical_key.verdict == verdict


@pytest.mark.parametrize(
    ("prompt", "words"),
    [
        ("A major victory, orchestral", "A major victory"),
        ("punk. A minor rebellion", "A minor rebellion"),
        ("A major earthquake in Japan, taiko", "A major earthquake"),
    ],
)
def test_what_may_be_an_article_is_no_key_and_is_told(prompt: str, words: str) -> None:
    reading = read_prompt(prompt)
    assert reading.key == ""
    assert reading.problems == (
        f"the prompt says {words}: no key was taken from that; if it is one, write in {words[:7]}",
    )


def test_a_key_that_is_not_understood_is_told() -> None:
    assert read_prompt("techno, key: 13A").problems == (
        "the prompt names a key that was not understood, 13A: none was taken; write it like "
        "A minor, F#m or 8A",
    )


@pytest.mark.parametrize(
    "prompt",
    ["radio on AM and FM | C64 bleeps", "Plan B | A flat tyre", "FM synths | D&B breaks"],
)
def test_phrases_that_end_and_begin_with_letters_are_no_chords(prompt: str) -> None:
    assert read_prompt(prompt).problems == ()


@pytest.mark.parametrize("chords", ["Am F C G", "Am - F - C - G", "Am | F | C | G", "Em7 Am7 D7"])
def test_chords_are_no_key(chords: str) -> None:
    reading = read_prompt(f"lo-fi, chords {chords}")
    assert reading.key == ""
    assert "guide plays them" in reading.problems[0]


@pytest.mark.parametrize(
    ("prompt", "key"),
    [
        ("smth sad in a minor pls", "A minor"),
        ("Rumba en La m, lenta", "A minor"),
        ("bossa em Sol M", "G major"),
        ("blues en Mi, 12 compases", "E major"),
        ("giọng La thứ", "A minor"),
        ("toonsoort a klein", "A minor"),
        ("toonsoort C groot", "C major"),
        ("in concert Bb, big band", "Bb major"),
        ("flamenco, A frigio", "A minor"),
        ("en re dórico", "D minor"),
        ("modulates from C to D", "C major"),
        ("Key: C -> D", "C major"),
    ],
)
def test_keys_are_named_in_more_ways_and_languages(prompt: str, key: str) -> None:
    assert read_prompt(prompt).key == key


@pytest.mark.parametrize("prompt", ["modulates from C to D", "Key: C -> D", "key of C then to D"])
def test_of_a_key_that_changes_the_first_is_taken_and_the_second_said(prompt: str) -> None:
    said = read_prompt(prompt).musical_key
    assert (said.said, said.verdict) == ("C to D", "C major was taken, the first")


def test_a_chord_in_the_place_of_a_key_is_said() -> None:
    (problem,) = read_prompt("blues in A7, shuffle").problems
    assert "in A7, which is a chord: no key was taken" in problem


@pytest.mark.parametrize(
    "prompt",
    ["en mi corazón", "in La Habana", "estoy en Sol de mayo", "from A to B"],
)
def test_words_like_those_are_no_keys(prompt: str) -> None:
    assert read_prompt(prompt).key == ""
