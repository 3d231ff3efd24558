"""A take is written while it comes: real files, and two threads where one waits for the other."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon.landing import clips, staging
from daemon.landing.arriving_take import Abandoned, ArrivingTake
from daemon.landing.finished_take import FinishedTake, LandingTake
from daemon.landing.manifest import JobFacts
from pipeline.request import Request
from tests.support.landings import TOKEN, assert_whole, list_hidden, list_visible
from tests.support.takes import finished_take
from tests.support.waiting import until

LONG = 200_000  # samples


def bring(take: ArrivingTake, whole: FinishedTake, pieces: int = 4) -> None:
    """All but its end."""
    for clip in whole.clips:
        for piece in np.array_split(clip.audio, pieces, axis=1):
            take.add(clip.name, piece)


def begin(whole: FinishedTake) -> ArrivingTake:
    return ArrivingTake(whole.info, whole.clips[0].audio.shape[1])


@pytest.mark.parametrize(
    "values",
    [{}, {"format": "wav16"}, {"format": "flac"}, {"loudness": -20}, {"sample_rate": 44_100}],
)
def test_a_take_in_pieces_becomes_the_same_files(tmp_path: Path, values: dict[str, object]) -> None:
    request = Request(prompt="pad", seconds=1, seed=1).changed(values)
    whole = finished_take(request, "mix", "drums", samples=48_000)
    take = begin(whole)
    bring(take, whole)
    take.finish(whole.info)
    sounds = []
    takes: list[LandingTake] = [whole, take]
    for number, each in enumerate(takes):
        folder = tmp_path / str(number)
        staged = staging.stage(folder, TOKEN, JobFacts("job"), each)
        assert staged.stems == ("mix", "drums")
        landed = clips.land(staged)
        assert landed
        assert_whole(landed)
        sounds.append([soundfile.read(path)[0] for _, path in landed.clips])
    for one, other in zip(*sounds):
        assert np.array_equal(one, other)


def test_what_came_is_written_before_the_rest_is_there_and_its_end_is_told_last(
    tmp_path: Path,
) -> None:
    whole = finished_take(Request(prompt="pad", seconds=30, seed=1), samples=LONG)
    take = begin(whole)
    (audio,) = (clip.audio for clip in whole.clips)
    with ThreadPoolExecutor(1) as writing:
        staging_ends = writing.submit(staging.stage, tmp_path, TOKEN, JobFacts("job"), take)
        take.add("mix", audio[:, : LONG // 2])
        until(lambda: any(file.stat().st_size > 3 * LONG for file in tmp_path.glob(".*/0.part")))
        take.add("mix", audio[:, LONG // 2 :])
        take.finish(replace(whole.info, timings={"finish": 0.75}, notes=("told last",)))
        landed = clips.land(staging_ends.result())
    assert landed
    assert_whole(landed)
    told = landed.manifest.read_text()
    assert "0.75" in told
    assert "told last" in told


@pytest.mark.parametrize("pieces", [0, 1])
def test_of_a_take_that_is_abandoned_nothing_is_left(tmp_path: Path, pieces: int) -> None:
    whole = finished_take(Request(prompt="pad", seed=1), "mix", "drums")
    take = begin(whole)
    with ThreadPoolExecutor(1) as writing:
        staging_ends = writing.submit(staging.stage, tmp_path, TOKEN, JobFacts("job"), take)
        until(lambda: list_hidden(tmp_path))
        if pieces:
            bring(take, whole)
        take.abandon()
        with pytest.raises(Abandoned):
            staging_ends.result()
    assert not take.wait()
    assert os.listdir(tmp_path) == []


@pytest.mark.parametrize("samples", [4_799, 4_801])
def test_a_clip_of_another_length_is_no_file(tmp_path: Path, samples: int) -> None:
    whole = finished_take(Request(prompt="pad", seed=1), "mix", "drums", samples=samples)
    take = ArrivingTake(whole.info, 4_800)
    bring(take, whole)
    take.finish(whole.info)
    with pytest.raises(ValueError, match=f"mix has {samples:,} samples, and not 4,800"):
        staging.stage(tmp_path, TOKEN, JobFacts("job"), take)
    assert list_visible(tmp_path) == []
    assert list_hidden(tmp_path) == []
