"""What a prompt says counts where nothing else is given, and what became of it is told."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest

from pipeline.explain import explain_request
from pipeline.planner.metadata import metadata_of
from pipeline.prompts import build_prompts
from pipeline.request import UNDERSTAND, Request

SAID = "lo-fi waltz, 84 bpm, F#m"


def test_a_prompt_counts_like_the_parameters() -> None:
    request = Request(SAID, bars=4).resolved()
    assert (request.bpm, request.key, request.time_signature) == (84, "F# minor", "3/4")
    assert request.length == pytest.approx(4 * 3 * 60 / 84, abs=1e-4)
    assert request.resolved() == request
    assert Request("lo-fi, 92,5 bpm", bars=2).resolved().bpm == 92.5
    assert Request("techno at 140", seconds=8).resolved().bpm == 140


def test_any_key_is_none_that_was_given() -> None:
    assert explain_request(Request("lo-fi in Am", key="any")) == explain_request(
        Request("lo-fi in Am")
    )


def test_what_is_given_counts_more() -> None:
    request = Request(SAID, bpm=92, key="Am", time_signature="4/4").resolved()
    assert (request.bpm, request.key, request.time_signature) == (92, "A minor", "4/4")
    assert Request(SAID, beats_per_bar=4).resolved().beats == 4


def test_the_planner_and_the_model_are_told_what_the_prompt_says() -> None:
    request = Request(SAID, bars=4).resolved()
    said = {"bpm": "84", "keyscale": "F# minor", "timesignature": "3"}
    assert said.items() <= metadata_of(request).items()
    assert "- bpm: 84\n- timesignature: 3/4\n- keyscale: F# minor\n" in build_prompts(request)[0]


def test_a_prompt_is_not_read_where_that_is_off() -> None:
    request = Request(SAID, bars=4, read_prompt=False)
    assert request.resolved().bpm == 120
    assert (request.resolved().key, request.resolved().time_signature) == ("", "")
    assert explain_request(request) == ()


def test_what_was_stored_before_prompts_were_read_plays_the_same() -> None:
    stored: dict[str, Any] = dataclasses.asdict(Request(SAID, bars=4, time_signature="6"))
    del stored["read_prompt"]
    request = Request.restore(stored)
    assert (request.read_prompt, request.beats, request.resolved().bpm) == (False, 6, 120)
    now = Request.restore(dataclasses.asdict(Request(SAID, bars=4, time_signature="6")))
    assert (now.read_prompt, now.beats) == (True, 3)
    assert Request.restore(stored | {"beats_per_bar": 5}).beats == 5


def test_a_repaint_by_bars_takes_the_tempo_of_its_prompt() -> None:
    request = Request(SAID, task="repaint", source="a.wav", repaint_bar=2, repaint_bars=1)
    assert request.resolved().window_seconds[0] == pytest.approx(3 * 60 / 84)


@pytest.mark.parametrize(
    ("values", "notes"),
    [
        ({"prompt": "house"}, ()),
        (
            {"prompt": SAID},
            (
                "the prompt says 84 bpm: it was taken",
                "the prompt says F#m: F# minor was taken",
                "the prompt says waltz: 3/4 was taken",
            ),
        ),
        (
            {"prompt": "84 bpm, Am, 3/4", "bpm": 92, "key": "C", "time_signature": "4"},
            (
                "the prompt says 84 bpm, and bpm 92 was given: it is 92",
                "the prompt says Am, and key C major was given: it is C major",
                "the prompt says 3/4, and time_signature 4 was given: it is 4",
            ),
        ),
        (
            {"prompt": "84 bpm, Am, 4/4", "bpm": 84, "key": "A min", "time_signature": "4"},
            (
                "the prompt says 84 bpm: it was taken",
                "the prompt says Am: A minor was taken",
                "the prompt says 4/4: it was taken",
            ),
        ),
        (
            {"prompt": "84 bpm", "task": "cover", "source": "a.wav", "bpm": 92},
            ("the prompt says 84 bpm, and bpm 92 is its source's or was given: it is 92",),
        ),
        (
            {"prompt": "in 6/8", "beats_per_bar": 4},
            ("the prompt says 6/8, and beats_per_bar 4 was given: it is 4",),
        ),
        (
            {"prompt": "7/8 prog"},
            (
                "the prompt says 7/8: it was taken",
                "the model is not told 7/8: models know time signatures of 2, 3, 4, 6 beats; "
                "bars and guide have it",
            ),
        ),
        (
            {"prompt": "999 bpm"},
            ("the prompt says 999 bpm: it was not taken, a tempo is in 30..300",),
        ),
        (
            {"prompt": "999 bpm", "bpm": 120},  # also where it is the session's, by default
            ("the prompt says 999 bpm: it was not taken, a tempo is in 30..300",),
        ),
        (
            {"prompt": "not 120 bpm", "bpm": 120},
            ("the prompt denies 120 bpm: no tempo was taken from that",),
        ),
        ({"prompt": SAID, "task": UNDERSTAND, "source": "a.wav"}, ()),
    ],
)
def test_what_became_of_it_is_told(values: dict[str, Any], notes: tuple[str, ...]) -> None:
    request = Request(**values)
    assert explain_request(request) == notes
    assert explain_request(request.resolved()) == notes
