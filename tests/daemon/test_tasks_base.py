"""The tasks of base models from OSC: stems taken out, added to a source one by one, and a mix made
around it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

from daemon.service import Daemon
from daemon.settings import Settings
from tests.support.generated import RATE, generate_failure, generate_files, write_tone
from tests.support.osc_client import OscClient

HALF_A_STEP = 2.0**-24  # of a 24-bit file
SECONDS = 0.5  # of the source
SAMPLES = round(SECONDS * RATE)


@pytest.fixture(scope="module")
def daemon(light: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Daemon]:
    """A daemon with a base model in the official layout, of random weights."""
    folder = tmp_path_factory.mktemp("base")
    (folder / "clips").mkdir()
    settings = Settings(
        port=0,
        page=-1,
        out=folder / "clips",
        state=folder / "state",
        model=str(light),
        variant="acestep-v15-base",
    )
    with Daemon(settings) as running:
        yield running


@pytest.fixture(scope="module")
def song(daemon: Daemon) -> str:
    return write_tone(daemon.settings.out, 0.1, SECONDS)


@pytest.mark.long
def test_extract_takes_any_track_out_and_the_files_add_up_to_the_source(
    client: OscClient, song: str
) -> None:
    files = generate_files(
        client, "extract", "task", "extract", "source", song, "stems", "vocals backing_vocals"
    )
    assert [*files] == ["vocals", "backing_vocals", "rest"]
    assert {len(clip) for clip in files.values()} == {SAMPLES}


@pytest.mark.long
def test_lego_adds_tracks_to_its_source_one_by_one_and_they_add_up_to_the_mix(
    client: OscClient, song: str
) -> None:
    files = generate_files(client, "lego", "task", "lego", "source", song, "stems", "drums bass")
    mix = files.pop("mix")
    assert [*files] == ["drums", "bass", "rest"]
    assert len(mix) == SAMPLES
    total = sum(clip.astype(np.float64) for clip in files.values())
    assert np.abs(total - mix).max() <= 4 * HALF_A_STEP + 2**-22
    there = soundfile.read(song, dtype="float32")[0]
    scale = np.abs(files["rest"]).max() / np.abs(there).max()
    np.testing.assert_allclose(files["rest"], scale * there, atol=1e-5)  # the rest is the source


def test_complete_makes_a_mix_as_long_as_its_source(client: OscClient, song: str) -> None:
    files = generate_files(
        client, "complete", "task", "complete", "source", song, "stems", "drums bass"
    )
    assert {name: len(clip) for name, clip in files.items()} == {"mix": SAMPLES}


def test_a_clip_comes_with_stems(client: OscClient) -> None:
    files = generate_files(client, "stems", "prompt", "house", "seconds", 0.5, "stems", "drums")
    assert [*files] == ["mix", "drums", "rest"]
    np.testing.assert_allclose(files["drums"] + files["rest"], files["mix"], atol=2**-21)


def test_a_track_that_it_has_no_name_for_is_refused(client: OscClient, song: str) -> None:
    assert "422 stems must be names of tracks" in generate_failure(
        client, "no", "task", "lego", "source", song, "stems", "kazoo"
    )
