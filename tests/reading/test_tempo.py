"""Tempos as people write them in prompts; what is none is not taken for one."""

from __future__ import annotations

import pytest

from pipeline.prompt_reading import read_prompt


@pytest.mark.parametrize(
    ("prompt", "bpm"),
    [
        ("lo-fi beat 84 bpm in Eb minor", 84),
        ("house, 128.50 bpm", 128.5),
        ("house, 128.125bpm.", 128.125),
        ("deep house, bpm: 124", 124),
        ("BPM 92, lo-fi", 92),
        ("BPM=92", 92),
        ("BPM（92）", 92),
        ("bpm of about 117", 117),
        ("lo-fi at 92,5 bpm", 92.5),
        ("drums,120bpm", 120),
        ("bars 4,120bpm", 120),
        ("92,500 bpm", 92.5),
        ("techno, 135 beats per minute", 135),
        ("135 beats/min", 135),
        ("92 b.p.m.", 92),
        ("84 BpM", 84),
        ("120-BPM house", 120),
        ("~100 bpm", 100),
        ("100-ish bpm", 100),
        ("100ish bpm", 100),
        ("120 (bpm)", 120),
        ("１２０ｂｐｍ", 120),
        ("lofi_84bpm_Ebmin_8bars", 84),
        ("tempo 96", 96),
        ("a tempo of 96, swing", 96),
        ("Tempo: 96", 96),
        ("tempo = 96 bpm", 96),
        ("house at 140", 140),
        ("at 140 with heavy bass", 140),
        ("techno at around 140, dark", 140),
        ("dnb @174", 174),
        ("house / at 85,5 / room 8A", 85.5),
        ("at 193,5, dark", 193.5),
        ("♩ = 84", 84),
        ("♩. = 60", 90),  # a dotted quarter
        ("dotted quarter = 60", 90),
        ("half note = 60", 120),
        ("noire = 96", 96),
        ("120 ppm", 120),
        ('{"tempo": 98, "key": "F#"}', 98),
        ("<bpm>120</bpm>", 120),
        ("120 pulsaciones por minuto", 120),
        ("120 Schläge in der Minute", 120),
        ("The bpm of this song is 90.0.", 90),
        ("BPM range: 70-85", 77.5),
        ("Achtel = 160", 80),
        ("the bpm should be 120", 120),
        ("128 - bpm", 128),
        ("ninety bpm", 90),
        ("ninety-two beats per minute", 92),
        ("one hundred and twenty bpm", 120),
        ("one twenty bpm", 120),
        ("a hundred and five bpm", 105),
        ("tempo: ninety", 90),
        ("速度120", 120),
        ("120拍/分", 120),
        ("每分钟120拍", 120),
        ("темп 120", 120),
        ("135 battements par minute", 135),
        ("half-time trap, 140 bpm", 140),
        ("140 bpm, half time feel (70)", 140),
        ("140 bpm 808s and 90s house", 140),
        ("track 5 BPM 120", 120),
        ("Track 140 - 90 bpm", 90),
        ("120 bpm 4/4", 120),
        ("16 bars, 24 bit, 120 bpm", 120),
        ("dnb 174, rolling bass", 174),
        ("house_128_Am_loop", 128),
        ("Gm, 92", 92),
        ("Cmin 140", 140),
        ("8A 124 house", 124),
        ("C大调 120", 120),
        ("70s soul in B flat, 96", 96),
        ("techno, 138", 138),
        ("180 drill", 180),
        ("piano, 128 Am", 128),
        ("BPM ninety two", 92),
        ("bpm one twenty", 120),
        ("140 tempo", 140),
        ("allegro (132)", 132),
        ("tempo lento 60", 60),
        ("half time 140", 140),
        ("around 100", 100),
        ("crotchet=90", 90),
        ("minim = 60", 120),
        ("q=120", 120),
        ("Negra = 80", 80),
        ("noire à 80", 80),
        ("blanche à 60", 120),
        ("120 БПМ", 120),
        ("120 битов в минуту", 120),
        ("120bmp", 120),
        ("140/min", 140),
        ("instead of 120 bpm use 100 bpm", 100),
        ("rather than 120 bpm, 90 bpm", 90),
        ("Tempo: Moderato, 92", 92),
    ],
)
def test_a_tempo_is_read_as_it_is_written(prompt: str, bpm: float) -> None:
    assert read_prompt(prompt).bpm == bpm


@pytest.mark.parametrize(
    "prompt",
    [
        "808s and a 909",
        "90s house",
        "house at 90s tempo",
        "1980s synthwave",
        "uptempo 90s eurodance",
        "16 bars",
        "24 bit, 96 kHz",
        "recorded at 96 kHz",
        "recorded at 96",
        "4x4 kick",
        "4/4",
        "tempo 4/4",
        "at 3 am",
        "room 140",
        "120 seconds",
        "fade out at 120 seconds",
        "live at 100 club",
        "at 140 degrees",
        "at 128 kbps",
        "filter at 200 Hz",
        "volume at 80%",
        "at 80 percent",
        "at 11:30",
        "studio 54",
        "2024 remix",
        "high bpm, slow tempo",
        "one bpm",
        "low bpm one drop",
        "jazz 101",
        "top 100 house",
        "rock, like Blink 182",
        "house, 100 voices",
        "Am, 128 kbps",
        "cantata in D minor, BWV 147",
        "piano, 138",
        "volume from 120 to 60",
        "music from 70 to 90",
        "from 100 to 0",
        "allegro 120 bars",
        "around 100 voices",
        "16 drops/min",
        "140 tempo changes",
        "70/120",
        "",
    ],
)
def test_what_is_no_tempo_is_not_taken_for_one(prompt: str) -> None:
    assert read_prompt(prompt).bpm == 0


@pytest.mark.parametrize(
    ("prompt", "bpm", "verdict"),
    [
        ("120-128 bpm", 124, "124 was taken, the middle"),
        ("120 – 128 bpm", 124, "124 was taken, the middle"),
        ("120 to 125 bpm", 122.5, "122.5 was taken, the middle"),
        ("between 120 and 128 bpm", 124, "124 was taken, the middle"),
        ("between 120 and 128", 124, "124 was taken, the middle"),
        ("tempo: 120-130", 125, "125 was taken, the middle"),
        ("from 90 to 120 bpm", 90, "90 was taken, the first"),
        ("90 bpm -> 120 bpm", 90, "90 was taken, the first"),
        ("70/140 bpm", 70, "70 was taken, the first"),
        ("BPM 85/170", 85, "85 was taken, the first"),
        ("80-160 bpm", 80, "80 was taken, the first"),
        ("90 bpm verse, 140 bpm drop", 90, "90 was taken, the first"),
        ("84 bpm, really 84 BPM", 84, "it was taken"),
        ("ninety bpm", 90, "90 was taken"),
        ("dnb 174", 174, "it was taken as bpm"),
        ("under 90 bpm", 90, "90 was taken, the bound"),
        ("sub 100 bpm", 100, "100 was taken, the bound"),
        ("<bpm>120</bpm>", 120, "it was taken"),
        ("(<100 bpm)", 100, "100 was taken, the bound"),
        ("no more than 140 bpm", 140, "140 was taken, the bound"),
        ("over 140 bpm", 140, "140 was taken, the bound"),
        ("ritardando from 120 to 60", 120, "120 was taken, the first"),
        ("slowing down from 90 to 60", 90, "90 was taken, the first"),
        ("dubstep 70/140", 70, "70 was taken, the first"),
    ],
)
def test_of_several_tempos_one_is_taken_and_that_is_told(
    prompt: str, bpm: float, verdict: str
) -> None:
    reading = read_prompt(prompt)
    assert (reading.bpm, reading.tempo.verdict) == (bpm, verdict)


def test_of_many_the_first_ones_are_named() -> None:
    reading = read_prompt(", ".join(f"{bpm} bpm" for bpm in range(90, 100)))
    assert reading.tempo.said == "90 and 91 and 92 and 7 more bpm"
    assert len(read_prompt(", ".join(f"{bpm} bpm" for bpm in range(900, 920))).problems) == 3


@pytest.mark.parametrize(
    ("prompt", "problem"),
    [
        ("techno at 999 bpm", "the prompt says 999 bpm: it was not taken, a tempo is in 30..300"),
        ("12 bpm", "the prompt says 12 bpm: it was not taken, a tempo is in 30..300"),
        ("not 140 bpm", "the prompt denies 140 bpm: no tempo was taken from that"),
        ("1,200 bpm", "the prompt says 1,200 bpm: it was not taken, a tempo is in 30..300"),
        ("tempo 1.2x", "the prompt says tempo 1.2x: it was not taken, write it in bpm"),
        ("punk 77", "the prompt says 77, which may be a tempo: write 77 bpm"),
        ("Am, 90, 140", "the prompt says 90, which may be a tempo: write 90 bpm"),
    ],
)
def test_a_tempo_that_cannot_be_taken_is_told(prompt: str, problem: str) -> None:
    reading = read_prompt(prompt)
    assert (reading.bpm, reading.problems) == (0, (problem,))
