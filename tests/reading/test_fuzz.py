"""Prompts that are put together of what people write, and prompts that are anything."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.explain import explain_request
from pipeline.guide.harmony import scale_of
from pipeline.keys import parse_key
from pipeline.prompt_reading import read_prompt
from pipeline.request import Request

# what names neither tempo nor key nor metre, however it is put together
WORDS = (
    "deep house",
    "lo-fi",
    "90s boom bap",
    "808s",
    "a 909 kit",
    "16 bars",
    "24 bit",
    "a major label sound",
    "a key change",
    "I am here at 3 am",
    "1980s synths",
    "room 8A",
    "take 2/4",
    "G-funk",
    "C64 bleeps",
    "vitamin 12B",
    "D&B breaks",
    "fade in a minute",
    "EBM",
    "keys and pads",
    "ambient, 120 seconds",
    "radio on AM and FM",
    "60s soul at 45 rpm",
    "warm & dusty",
    "Plan B",
    "12-string guitar",
    "24/7 radio",
    "Route 66",
    "6 feet under",
    "tuned to 432 Hz",
    "16th hats, 1/8 swing",
    "the key of life",
    "A flat tyre",
    "E-piano, C-pop",
    "three beats in a row",
    "eight to the bar",
    "polyrhythm 3:2",
    "speed 100 km/h",
)
TEMPOS = (
    "{} bpm",
    "{}bpm",
    "{} BPM",
    "bpm: {}",
    "BPM={}",
    "bpm {}",
    "tempo {}",
    "a tempo of {}",
    "at {} bpm",
    "at {}",
    "~{} bpm",
    "{} beats per minute",
    "♩ = {}",
    "{} tempo",
    "{}/min",
    "crotchet = {}",
    "around {}",
    "allegro ({})",
    "BPM_{}",
    "bpm -> {}",
    "**BPM:** {}",
    "[{}] bpm",
    "{} b p m",
    "t={}",
    "{} bpm or so",
    "set the tempo to {}",
    "{} quarter notes per minute",
    "{} уд/мин",
    "テンポは{}",
    "{} vuruş",
    "{} nhịp/phút",
    "{} something bpm",
    "make it {}",
    "5 bpm faster than {less}",
    "half of {double} bpm",
    "{half} bpm x2",
    "{double} bpm / 2",
    "was 75 bpm, make it {}",
)
DENIALS = (
    "not {}",
    "no {} please",
    "without {}",
    "anything but {}",
    "{} is too fast",
    "don't make it {}",
    "kein {}",
    "pas de {}",
    "sin {}",
    "не {}",
    "不要{}",
)
_ONES = "one two three four five six seven eight nine".split()
_TEENS = "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen".split()
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()
METERS = {
    "in 3/4": "3/4",
    "in 6/8": "6/8",
    "in 7/8": "7/8",
    "in 5/4": "5/4",
    "in 12/8": "12/8",
    "in 4/4": "4/4",
    "3:4 time": "3/4",
    "three beats per bar": "3/4",
    "six beats to the measure": "6/8",
    "bars of seven": "7/8",
    "five-four": "5/4",
    "cut time": "2/2",
    "im Dreivierteltakt": "3/4",
    "à quatre temps": "4/4",
    "compás ternario": "3/4",
    "doce por ocho": "12/8",
    "in sei ottavi": "6/8",
    "на три четверти": "3/4",
    "四分の三拍子": "3/4",
    "四三拍": "3/4",
    "4분의 3박자": "3/4",
}
KEYS = (
    ("{note} {mode}", "{note}", "{mode}"),
    ("in {note} {mode}", "{note}", "{mode}"),
    ("key of {note} {mode}", "{note}", "{mode}"),
    ("key: {note}{m}", "{note}", "{mode}"),
    ("{note}{mode:.3}", "{note}", "{mode}"),
    ("{note}_{mode}", "{note}", "{mode}"),
    ("#{note}{mode}", "{note}", "{mode}"),
    ("key-of-{note} {mode}", "{note}", "{mode}"),
)
SEPARATORS = st.sampled_from([", ", " , ", "; ", "\n", " / ", " | ", ". "])
NOTES = [letter + sign for letter in "ABCDEFG" for sign in ("", "#", "b")]


def write_number(value: float, comma: str) -> str:
    return f"{value:.10g}".replace(".", comma)


@st.composite
def prompts(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    """A prompt, and what it says."""
    said: dict[str, Any] = {"bpm": 0.0, "key": "", "time_signature": ""}
    parts = draw(st.lists(st.sampled_from(WORDS), min_size=1, max_size=4))
    if draw(st.booleans()):
        said["bpm"] = draw(st.integers(120, 400)) / 2  # 60 to 200
        comma = draw(st.sampled_from(".,"))
        number, half, double = (write_number(said["bpm"] * by, comma) for by in (1, 0.5, 2))
        less = write_number(said["bpm"] - 5, comma)
        form = draw(st.sampled_from(TEMPOS))
        parts.append(form.format(number, half=half, double=double, less=less))
    if draw(st.booleans()):
        note = draw(st.sampled_from(NOTES))
        mode = draw(st.sampled_from(["major", "minor"]))
        form, *_ = draw(st.sampled_from(KEYS))
        said["key"] = f"{note} {mode}"
        parts.append(form.format(note=note, mode=mode, m="m" if mode == "minor" else ""))
    if draw(st.booleans()):
        meter = draw(st.sampled_from([*METERS]))
        said["time_signature"] = METERS[meter]
        parts.append(meter)
    text = ""
    for part in draw(st.permutations(parts)):
        text += (draw(SEPARATORS) if text else "") + part
    return text, said


def spell(number: int) -> str:
    """In English."""
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    words = [f"{_ONES[hundreds - 1]} hundred"] if hundreds else []
    if 10 <= rest < 20:
        words.append(_TEENS[rest - 10])
    elif rest:
        tens_word = _TENS[tens - 2] if tens else ""
        words.append("-".join(filter(None, (tens_word, _ONES[ones - 1] if ones else ""))))
    return " and ".join(words)


@given(st.integers(30, 300), st.sampled_from(["{} bpm", "BPM: {}", "tempo of {}", "{} BPM, house"]))
def test_a_tempo_may_be_spelled(number: int, form: str) -> None:
    reading = read_prompt(form.format(spell(number)))
    assert (reading.bpm, reading.problems) == (number, ())


@given(
    st.sampled_from(DENIALS),
    st.integers(60, 200),
    st.sampled_from(["{} bpm", "{} BPM"]),
    st.sampled_from(WORDS),
)
def test_a_tempo_that_is_denied_is_not_taken_and_that_is_said(
    denial: str, number: int, form: str, words: str
) -> None:
    reading = read_prompt(f"{words}, {denial.format(form.format(number))}")
    assert reading.bpm == 0
    assert any(str(number) in problem for problem in reading.problems)


@given(prompts())
def test_what_people_write_is_read_and_nothing_else(prompt: tuple[str, dict[str, Any]]) -> None:
    text, said = prompt
    reading = read_prompt(text)
    assert reading.bpm == said["bpm"]
    assert reading.key == said["key"]
    assert reading.time_signature == said["time_signature"]
    assert reading.problems == ()


@given(
    st.lists(
        st.one_of(
            st.text(max_size=6),
            st.sampled_from(
                "bpm at 140 3/4 7/16 in key of : = - / A minor Am F#m 8A C G waltz between and "
                "tempo ♩. 4,120 128.50 ninety dur H-Moll not → ( ) ; \n 120-128 under from to "
                "1,200 70/140 1.2x house 174 in 7 ± … b p m t= #Dminor F-sharp A victory three "
                "beats per bar of 拍子 三 四分の takt viertel por cuatro (170) accelerates "
                "up ≤ % 은".split(" ")
            ),
        ),
        max_size=12,
    )
)
def test_whatever_it_says_makes_a_request_and_sentences(words: list[str]) -> None:
    request = Request(" ".join(words))
    resolved = request.resolved()
    assert resolved.resolved() == resolved
    assert resolved.bpm == 0 or 30 <= resolved.bpm <= 300
    assert not resolved.key or len(scale_of(resolved.key)) == 7
    notes = explain_request(request)
    assert notes == explain_request(resolved)
    assert all(note and "\n" not in note for note in notes)


@pytest.mark.parametrize("note", NOTES)
@pytest.mark.parametrize("mode", ["major", "minor"])
def test_every_key_is_read_as_it_is_kept(note: str, mode: str) -> None:
    assert read_prompt(f"house in {note} {mode}").key == parse_key(f"{note} {mode}")
