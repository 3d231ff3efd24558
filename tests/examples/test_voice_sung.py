"""How it is found how well a model sings."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import pytest
import soundfile

from examples.voice import ears, sung
from examples.voice.sung import Heard, list_trials
from examples.voice.sung_lines import LINES, UNSEEN_LINES
from pipeline.generate import AceStep
from pipeline.request import VOCALS, Request
from pipeline.singing import plan_singing
from tests.pipeline.test_capabilities import VOICE

RIGHT = Heard(True, True, 0, 4, 1.0, 0.0)
WRONG = Heard(False, False, 4, 4, 0.0, 0.0)


class Listening(AceStep):
    """Keeps what it is asked for, and what its source sounds like."""

    def __init__(self) -> None:
        pass

    def render(self, request: Request, noise: object = None) -> Iterator[None]:  # type: ignore[override]
        self.request = request
        self.source = soundfile.read(request.source)[0] if request.source else None
        yield from ()


def test_every_line_is_sung_once_by_turns_in_several_tempos() -> None:
    trials = list_trials(20)
    assert {trial.text for trial in trials} == {*LINES, *UNSEEN_LINES}
    for choices in (tuple(LINES), UNSEEN_LINES):
        own = [trial for trial in trials if trial.choices == choices]
        assert [trial.text for trial in own] == list(choices)
        assert all(a.singer != b.singer for a, b in itertools.pairwise(own))
        assert {trial.bpm for trial in own} == {*sung.TEMPOS}
    assert [trial.choices[0] == UNSEEN_LINES[0] for trial in trials[:2]] == [False, True]


def test_silence_is_no_line() -> None:
    assert sung.is_told({"a": 0.5, "b": 0.4}, "a")
    assert not sung.is_told({"a": 0.5, "b": 0.4}, "b")
    assert not sung.is_told({"a": 0.0, "b": 0.0}, "a")


def test_a_musicians_take_is_asked_for_as_musicians_do() -> None:
    model = Listening()
    trial = list_trials(1)[0]
    sung.render_take(model, trial)
    assert model.request.lyrics == trial.text
    assert (model.request.guide_voice, model.request.task) == ("auto", "")
    assert plan_singing(model.request, VOICE).place == "mix"
    sung.render_take(model, trial, "guide")
    assert plan_singing(model.request, VOICE).place == "guide"


def test_a_line_has_the_melody_that_is_sung() -> None:
    line = sung.compose_line(*list_trials(1)[0][:4])
    assert len(line.melody) >= len(line.part.syllables) > 4
    assert all(100 < note.frequency < 800 for note in line.melody)
    assert all(0 <= note.start < note.stop for note in line.melody)


def test_rows_count_what_is_heard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "find_missing", lambda *modules: "")
    heard = [RIGHT, WRONG, RIGHT, RIGHT]
    stem, mix, words, melody = sung.make_rows("", heard, [RIGHT] * 4, (0.9, 0.9, 0.5))
    assert stem.value == mix.value == words.value == melody.value == 0.75
    assert (stem.verdict, mix.verdict, words.verdict, melody.verdict) == (
        "short",
        "short",
        "ok",
        "",
    )
    assert stem.control == mix.control == 0.1
    assert stem.real == words.real == 1
    assert "unseen 0.50" in stem.note


def test_without_ears_it_is_said_and_nothing_is_sung(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ears, "find_missing", lambda *modules: "no ears here")
    [row] = sung.measure_lines("no model", 20, map)
    assert math.isnan(row.value)
    assert "no ears here" in str(row)
    assert row.verdict == ""


@pytest.mark.long
def test_what_the_guides_singer_sings_is_heard_and_in_tune() -> None:
    for module in (*sung.WORD_EARS, *sung.PITCH_EARS):
        pytest.importorskip(module)
    _, _, drawn = sung.hear_line("mini", list_trials(1)[0])
    assert drawn.told
    assert drawn.wrong <= 1
    assert drawn.in_tune > 0.7 > 0.4 > drawn.by_chance


@pytest.mark.long
def test_a_verse_is_sung_line_by_line() -> None:
    from pipeline import load

    verse = sung.render_verse(load("mini"))
    assert [line.text for line in verse.lines] == list(LINES)[: sung.VERSE_LINES]
    assert all(line.is_sung for line in verse.lines)
    assert set(verse.clips) == {"mix", VOCALS}
