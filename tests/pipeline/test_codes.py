"""Audio codes: how they are written, what they sound like, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from pipeline import AceStep, codes, load
from pipeline.request import SAMPLE_RATE, BadRequest, OutOfRange, Request
from pipeline.take import Clip
from tests.conftest import ROOT

OFFICIAL = ROOT / "tests" / "data" / "official"
CODES = st.lists(st.integers(0, codes.COUNT - 1), min_size=1, max_size=20)


@pytest.fixture(scope="module")
def turbo(light_turbo: Path) -> AceStep:
    return load(str(light_turbo))


def render_clips(model: AceStep, **values: Any) -> list[Clip]:
    return list(model.generate("warm pads", **({"num_steps": 2, "seed": 1} | values)))


# --- texts ----------------------------------------------------------------------------------------


@given(CODES)
def test_every_way_of_writing_them_is_kept_as_numbers(numbers: list[int]) -> None:
    plain = " ".join(map(str, numbers))
    for written in (
        codes.format_tokens(numbers),
        plain,
        plain.replace(" ", ", "),
        f" {plain}\n",
        numbers,
    ):
        assert Request(codes=written).codes == plain  # type: ignore[arg-type]
    assert codes.parse(plain) == tuple(numbers)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("64000", r"whole numbers in 0\.\.63999 or .*, not '64000'"),
        ("<|audio_code_64000|>", r"whole numbers in 0\.\.63999 or .*, not '64000'"),
        ("-3", "not '-3'"),
        ("1.5 2", "not '1.5'"),
        ("<|audio_code_5|", "whole numbers in"),
        ("audio_code_5", "not 'audio_code_5'"),
        ("<|audio_code_-3|>", "whole numbers in"),
        ("12 hello", "not 'hello'"),
        ("１２", "whole numbers in"),
        ("1 " * 3001, "at most 3000 codes"),
    ],
)
def test_what_is_no_code_is_refused(text: str, says: str) -> None:
    with pytest.raises(OutOfRange, match=says):
        Request(codes=text)


# --- length ---------------------------------------------------------------------------------------


def test_they_decide_the_length_that_was_left_open() -> None:
    assert Request(codes=[5] * 33).resolved().seconds == pytest.approx(6.6)  # type: ignore[arg-type]
    assert Request(codes=[5] * 3, seconds=6).resolved().seconds == 6  # type: ignore[arg-type]
    assert Request(codes=[5] * 3, bars=2).resolved().bars == 2  # type: ignore[arg-type]


def test_more_of_them_than_fit_in_are_refused() -> None:
    Request(codes=[5] * 30, seconds=6).resolved()  # type: ignore[arg-type]
    Request(codes=[5] * 30, seconds=5.9).resolved()  # type: ignore[arg-type]
    with pytest.raises(OutOfRange, match="codes must be at most 30 for a clip of 6 s, got 31"):
        Request(codes=[5] * 31, seconds=6).resolved()  # type: ignore[arg-type]
    with pytest.raises(OutOfRange, match="at most 10 for a clip of 2 s"):
        Request(codes=[5] * 11, bars=1, bpm=120).resolved()  # type: ignore[arg-type]


@pytest.mark.parametrize("task", ["cover", "repaint", "extract"])
def test_with_a_task_they_are_refused(tmp_path: Path, task: str) -> None:
    soundfile.write(tmp_path / "song.wav", np.zeros((4800, 2)), SAMPLE_RATE)
    request = Request(codes="1 2", task=task, source=str(tmp_path / "song.wav"))
    with pytest.raises(BadRequest, match=f"not with a task, got {task}"):
        request.resolved()


# --- sound ----------------------------------------------------------------------------------------


def test_a_clip_is_painted_over_them(turbo: AceStep) -> None:
    (plain,), (over,), (again,), (other,) = (
        render_clips(turbo, duration=0.4, codes=given) for given in ("", "9 8", "9 8", "9 7")
    )
    assert np.array_equal(over.audio, again.audio)
    assert not np.array_equal(over.audio, plain.audio)
    assert not np.array_equal(over.audio, other.audio)
    assert over.info.codes == "9 8"
    assert plain.info.codes == ""
    assert over.audio.shape == (2, round(0.4 * SAMPLE_RATE))


def test_cover_strength_says_for_how_many_steps(turbo: AceStep) -> None:
    sounds = [
        np.array(
            render_clips(turbo, duration=0.4, codes="9 8", guide_strength=strength, num_steps=4)[
                0
            ].audio
        )
        for strength in (1.0, 0.5, 0.0)
    ]
    plain = np.array(render_clips(turbo, duration=0.4, num_steps=4)[0].audio)
    assert not np.array_equal(sounds[0], sounds[1])
    assert not np.array_equal(sounds[1], sounds[2])
    np.testing.assert_array_equal(sounds[2], plain)


def test_after_them_comes_silence(turbo: AceStep) -> None:
    hints = turbo.model.detokenize([1, 2], 20)
    alone = turbo.model.detokenize([1, 2], 10)
    np.testing.assert_array_equal(np.array(hints[:, :10]), np.array(alone))
    np.testing.assert_array_equal(np.array(hints[:, 10:]), np.array(turbo.model.build_silence(10)))
    assert turbo.model.detokenize([1, 2], 7).shape == (1, 7, 64)


def test_a_cover_tells_its_source_s_codes_which_make_it_again(turbo: AceStep) -> None:
    source = str(OFFICIAL / "audio" / "src.wav")
    (cover,) = render_clips(turbo, duration=30.0, task="cover", source=source)
    numbers = codes.parse(cover.info.codes)
    assert len(numbers) == 11  # 2.1 s
    assert all(0 <= number < codes.COUNT for number in numbers)
    assert render_clips(turbo, codes=cover.info.codes, duration=30.0)[
        0
    ].request.seconds == pytest.approx(2.2)


def test_a_voice_without_codes_says_so() -> None:
    with pytest.raises(BadRequest, match="mini/acestep-v15-turbo has no audio codes"):
        render_clips(load("mini"), codes="1 2 3")


def test_codes_and_a_guide_contradict_each_other(turbo: AceStep) -> None:
    with pytest.raises(BadRequest, match="codes say what is played, and so does a guide"):
        render_clips(turbo, codes="1 2 3", guide="Am F C G")
