"""Reference audio: which parts are heard, that they are heard, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from pipeline import AceStep, load, reference
from pipeline.reference import PART
from pipeline.request import SAMPLE_RATE, BadRequest, OutOfRange, Request
from pipeline.request_files import check_files
from pipeline.take import Clip, Progress

LONG = 70 * SAMPLE_RATE


@pytest.fixture(scope="module")
def turbo(light_turbo: Path) -> AceStep:
    return load(str(light_turbo))


@pytest.fixture
def brief(monkeypatch: pytest.MonkeyPatch) -> None:
    """Parts of a fifth of a second, which are encoded at once."""
    monkeypatch.setattr(reference, "PART", SAMPLE_RATE // 5)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A short file in another rate, with one channel."""
    path = tmp_path_factory.mktemp("sounds") / "song.flac"
    tone = 0.5 * np.sin(np.arange(3 * 44_100) * 0.05) * np.linspace(0, 1, 3 * 44_100)
    soundfile.write(path, tone, 44_100)
    return str(path)


def counting(samples: int) -> np.ndarray:
    """Every sample says where it is."""
    return np.repeat(np.linspace(1e-4, 0.9, samples, dtype=np.float32)[:, None], 2, axis=1)


def starts(parts: np.ndarray, sound: np.ndarray) -> list[int]:
    return [int(np.searchsorted(sound[:, 0], parts[number * PART, 0])) for number in range(3)]


def render_clips(model: AceStep, **values: Any) -> list[Clip]:
    request = Request(prompt="pads", num_steps=2, seed=1, seconds=1).changed(values)
    return [event for event in model.render(request) if isinstance(event, Clip)]


def make_request(song: str, **values: Any) -> Request:
    return Request(reference=song, seed=1).changed(values)


# --- the parts ------------------------------------------------------------------------------------


def test_three_parts_of_ten_seconds_are_heard_one_of_each_third(song: str) -> None:
    sound = counting(LONG)
    for seed in range(20):
        parts = reference.pick_parts(make_request(song, seed=seed), sound)
        assert parts.shape == (3 * PART, 2)
        for number, start in enumerate(starts(parts, sound)):
            assert number * (LONG // 3) <= start <= (number + 1) * LONG / 3 - PART + 2
            np.testing.assert_array_equal(
                parts[number * PART : (number + 1) * PART], sound[start : start + PART]
            )


def test_the_seed_says_which(song: str) -> None:
    sound = counting(LONG)
    one, again, other = (
        starts(reference.pick_parts(make_request(song, seed=seed), sound), sound)
        for seed in (1, 1, 2)
    )
    assert one == again
    assert one != other


def test_even_parts_are_the_front_the_middle_and_the_back_whatever_the_seed(song: str) -> None:
    sound = counting(LONG)
    for seed in (1, 2):
        places = starts(
            reference.pick_parts(make_request(song, seed=seed, reference_parts="even"), sound),
            sound,
        )
        assert places == pytest.approx([0, (LONG - PART) / 2, LONG - PART], abs=2)


def test_what_is_shorter_than_thirty_seconds_is_repeated(song: str) -> None:
    sound = counting(7 * SAMPLE_RATE)
    parts = reference.pick_parts(make_request(song, reference_parts="even"), sound)
    assert parts.shape == (3 * PART, 2)
    np.testing.assert_array_equal(parts[:PART], np.tile(sound, (2, 1))[:PART])


def test_exactly_thirty_seconds_are_heard_as_they_are(song: str) -> None:
    sound = counting(3 * PART)
    np.testing.assert_array_equal(reference.pick_parts(make_request(song), sound), sound)


def test_it_is_not_louder_than_full_scale(song: str) -> None:
    assert np.abs(reference.pick_parts(make_request(song), 3 * counting(LONG))).max() == 1


# --- a take ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("brief")
def test_a_take_sounds_different_with_it_and_the_same_again(turbo: AceStep, song: str) -> None:
    plain, one, again = (
        np.array(render_clips(turbo, reference=path)[0].audio) for path in ("", song, song)
    )
    np.testing.assert_array_equal(one, again)
    assert not np.array_equal(plain, one)


@pytest.mark.usefixtures("brief")
def test_it_is_encoded_once_whatever_it_is_called(
    turbo: AceStep, song: str, tmp_path: Path
) -> None:
    render_clips(turbo, reference=song)
    copy = tmp_path / "copy.flac"
    copy.write_bytes(Path(song).read_bytes())
    calls: list[int] = []
    encode = turbo.model.encode_audio
    turbo.model.encode_audio = lambda *given: calls.append(1) or encode(*given)  # type: ignore[method-assign, func-returns-value]
    try:
        render_clips(turbo, reference=str(copy))
        assert calls == []
        soundfile.write(
            copy, np.random.default_rng(0).uniform(-0.5, 0.5, (SAMPLE_RATE, 2)), SAMPLE_RATE
        )
        render_clips(turbo, reference=str(copy))
        assert calls == [1]
    finally:
        del turbo.model.encode_audio


@pytest.mark.usefixtures("brief")
def test_the_progress_never_goes_back(turbo: AceStep, song: str) -> None:
    request = Request(prompt="x", seconds=1, num_steps=2, seed=4, reference=song)
    events = [event for event in turbo.render(request) if isinstance(event, Progress)]
    fractions = [event.fraction for event in events]
    assert "reference" in {event.stage for event in events}
    assert fractions == sorted(fractions)
    assert fractions[-1] <= 1


@pytest.mark.usefixtures("brief")
def test_mini_says_that_it_was_not_taught_to(song: str) -> None:
    (clip,) = render_clips(load("mini"), reference=song)
    assert any("was not taught to sound like a reference" in note for note in clip.info.notes)


@pytest.mark.usefixtures("brief")
def test_more_than_two_channels_are_mixed_and_the_take_says_so(
    turbo: AceStep, tmp_path: Path
) -> None:
    path = tmp_path / "three.wav"
    soundfile.write(
        path, np.random.default_rng(0).uniform(-0.5, 0.5, (SAMPLE_RATE, 3)), SAMPLE_RATE
    )
    (clip,) = render_clips(turbo, reference=str(path))
    assert clip.info.notes == (
        "three.wav has 3 channels: the odd ones were mixed to the left, the others right",
    )


# --- what is refused ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("samples", "says"),
    [
        (np.zeros((0, 2)), "reference: odd.wav has no sound: it ends behind its header"),
        (np.full((100, 2), 0.5), "reference: odd.wav has 0.00208 s"),
        (np.zeros((SAMPLE_RATE, 2)), "reference: odd.wav is silent"),
        (np.full((9600, 2), np.nan), "reference: odd.wav holds numbers that are not finite"),
    ],
)
def test_a_file_without_sound_is_refused(
    turbo: AceStep, tmp_path: Path, samples: np.ndarray, says: str
) -> None:
    soundfile.write(tmp_path / "odd.wav", samples, SAMPLE_RATE, "FLOAT")
    with pytest.raises(BadRequest, match=says.replace(".", r"\.")):
        render_clips(turbo, reference=str(tmp_path / "odd.wav"))


@pytest.mark.parametrize(
    ("content", "says"), [(b"just words, no sound", "is not readable audio"), (b"", "has no sound")]
)
def test_a_text_that_is_called_a_wav_is_refused(
    turbo: AceStep, tmp_path: Path, content: bytes, says: str
) -> None:
    (tmp_path / "words.wav").write_bytes(content)
    with pytest.raises(BadRequest, match=rf"reference: words\.wav {says}"):
        render_clips(turbo, reference=str(tmp_path / "words.wav"))


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(OutOfRange, match="reference must be the path of an audio file that exists"):
        check_files(Request(reference=str(tmp_path / "none.wav")))
    with pytest.raises(OutOfRange, match="reference must be the path of an audio file that exists"):
        check_files(Request(reference=str(tmp_path)))
    with pytest.raises(OutOfRange, match="reference_parts must be one of seed even"):
        Request(reference_parts="middle")
