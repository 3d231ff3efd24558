"""Metres as people write them in prompts."""

from __future__ import annotations

import pytest

from pipeline.prompt_reading import read_prompt


@pytest.mark.parametrize(
    ("prompt", "signature"),
    [
        ("jazz waltz in 3/4, piano trio", "3/4"),
        ("a slow waltz", "3/4"),
        ("Walzer, Geigen", "3/4"),
        ("slow 6/8 ballad, 60 bpm", "6/8"),
        ("waltz in 6/8", "6/8"),
        ("7/8", "7/8"),
        ("5/4 jazz", "5/4"),
        ("12/8 blues", "12/8"),
        ("4/4 techno", "4/4"),
        ("in 3-4 time", "3/4"),
        ("¾ time", "3/4"),
        ("in six-eight", "6/8"),
        ("seven-eight groove", "7/8"),
        ("in seven eight", "7/8"),
        ("time signature: 7", "7/8"),
        ("time signature 6", "6/8"),
        ("time signature 3", "3/4"),
        ("Takt: 3/4", "3/4"),
        ("cut time march", "2/2"),
        ("common time", "4/4"),
        ("120 bpm 3/4", "3/4"),
        ("７／８", "7/8"),
        ("time_signature: 4", "4/4"),
        ("avoid 6/8, use 4/4", "4/4"),
        ("timesignature: 4", "4/4"),
        ("time-sig: 3", "3/4"),
        ("mesure à 3 temps", "3/4"),
        ("valse à trois temps", "3/4"),
        ("compás de 3", "3/4"),
        ("im Dreivierteltakt", "3/4"),
        ("4拍子", "4/4"),
        ("piano in three", "3/4"),
        ("three four time", "3/4"),
        ("prog in 7, odd", "7/8"),
        ("jazz in 5", "5/4"),
        ("eleven-eight", "11/8"),
        ("seven four time", "7/4"),
        ("every bar has 5 beats", "5/4"),
        ("a three-beat rhythm", "3/4"),
        ("waltzy feel", "3/4"),
        ("円舞曲", "3/4"),
        ("en seis octavos", "6/8"),
        ("Vierertakt", "4/4"),
        ("трёхдольный размер", "3/4"),
        ("3 beats per bar", "3/4"),
        ("three beats per measure", "3/4"),
        ("four beats to the bar", "4/4"),
        ("3 beats/bar", "3/4"),
        ("six beats in each bar", "6/8"),
        ("three-beat bars", "3/4"),
        ("bars of seven", "7/8"),
        ("three-quarter time", "3/4"),
        ("in triple time", "3/4"),
        ("compound duple meter", "6/8"),
        ("3:4 time", "3/4"),
        ("6:8 feel", "6/8"),
        ("time signature 3:4", "3/4"),
        ("cut common time", "2/2"),
        ("Dreivierteltakt", "3/4"),
        ("Sechsachteltakt", "6/8"),
        ("Drei-Viertel-Takt", "3/4"),
        ("3/4-Takt", "3/4"),
        ("drei Schläge pro Takt", "3/4"),
        ("driekwartsmaat", "3/4"),
        ("à trois temps", "3/4"),
        ("3 temps par mesure", "3/4"),
        ("mesure à six-huit", "6/8"),
        ("en trois-quatre", "3/4"),
        ("compás ternario", "3/4"),
        ("compás de tres", "3/4"),
        ("compás de seis por ocho", "6/8"),
        ("tres por cuatro", "3/4"),
        ("compasso quaternário", "4/4"),
        ("três por quatro", "3/4"),
        ("tarantella in sei ottavi", "6/8"),
        ("на три четверти", "3/4"),
        ("размер 7", "7/8"),
        ("три доли в такте", "3/4"),
        ("na trzy czwarte", "3/4"),
        ("3拍子", "3/4"),
        ("三拍子", "3/4"),
        ("四分の三拍子", "3/4"),
        ("8分の6拍子", "6/8"),
        ("八分之六拍", "6/8"),
        ("四三拍", "3/4"),
        ("4분의 3박자", "3/4"),
        ("삼박자", "3/4"),
    ],
)
def test_a_metre_is_read_as_it_is_written(prompt: str, signature: str) -> None:
    assert read_prompt(prompt).time_signature == signature


@pytest.mark.parametrize(
    "prompt",
    [
        "3/4 of the track is drums",
        "1/8 notes and 1/16 hats",
        "3/4 notes",
        "24/7 radio",
        "9/11",
        "12/8/2024",
        "take 2/4",
        "bpm: 61 / 16 bars",
        "part 3/4",
        "not a waltz",
        "no 3/4",
        "4x4",
        "3/4%",
        "70/140 bpm",
        "one two three four",
        "four on the floor",
        "1/4 note delay, 3/4 sidechain",
        "delay at 3/4",
        "gate 3/4",
        "in 7 days",
        "in three parts",
        "count in 4",
        "drums come in 4",
        "starting in 3, 2, 1",
        "in three, six or nine parts",
        "à 3 voix",
        "bars of gold, bars with 3 drops",
        "two-four-six-eight",
        "thirty-eight special",
        "tres cuartos de hora",
        "polyrhythm 3:2",
        "sidechain 4:1",
        "at 3:45",
        "three beats in a row",
        "8 beats",
        "eight to the bar",
        "three quarters of an hour",
        "tre quarti di luna",
        "三拍子揃った歌手",
        "每分钟120拍",
        "1/8 swing, 16th hats",
        "kein Dreivierteltakt",
    ],
)
def test_what_is_no_metre_is_not_taken_for_one(prompt: str) -> None:
    assert read_prompt(prompt).time_signature == ""


def test_of_several_metres_the_first_is_taken() -> None:
    reading = read_prompt("7/8 and 4/4 by turns")
    assert reading.time_signature == "7/8"
    assert reading.meter.said == "7/8 and 4/4"
    assert reading.meter.verdict == "7/8 was taken, the first"


def test_a_metre_that_no_request_has_is_told() -> None:
    assert read_prompt("7/16 prog").problems == (
        "the prompt says 7/16: it was not taken, bars are counted up to 16/4 and 16/8",
    )
