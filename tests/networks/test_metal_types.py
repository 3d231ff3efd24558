"""A GPU computes what Metal has kernels for. No Mac was here: the path that a GPU takes is walked
on the CPU, and the types of its numbers are looked at.
"""

from __future__ import annotations

from itertools import islice
from typing import Any

import mlx.core as mx
import numpy as np
import pytest
import soundfile

from pipeline import generate
from pipeline.generate import AceStep
from pipeline.networks import gpu_ops
from pipeline.request import SAMPLE_RATE, Request
from pipeline.take import Clip
from pipeline.weights import full_size
from pipeline.weights.checkpoint import TURBO
from tests.support.graph import Node, record_graph
from tests.support.planners import make_planner_folder

# float64 does not exist on Metal; indices of 64 bits are what a kernel that could not be loaded had
LACKING = ("float64", "int64", "uint64", "complex64")
SMALL: full_size.Config = {
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 16,
}
DIT = {
    **full_size.DIT,
    **SMALL,
    "num_hidden_layers": 2,
    "num_lyric_encoder_hidden_layers": 1,
    "num_timbre_encoder_hidden_layers": 1,
    "text_hidden_dim": 64,
    "is_turbo": False,
}
TEXT = {**full_size.TEXT, **SMALL, "num_hidden_layers": 1}
VAE = {
    **full_size.VAE_SIZES,
    "channel_multiples": [1] * 5,
    "decoder_channels": 2,
    "encoder_hidden_size": 2,
}
BRIEF = Request(prompt="dusty lo-fi, 120 bpm", seconds=1, seed=1, num_steps=2, plan="off")
BEGINNING = 20  # steps of understanding: random weights find no end
SOURCE: dict[str, Any] = {"source": "SOURCE", "seconds": 0}
TAKES: dict[str, dict[str, Any]] = {
    "of words": {"lyrics": "[Verse]\nalive tonight", "language": "en"},
    "guided by CFG": {"cfg_type": "cfg"},
    "guided by ADG": {"cfg_type": "adg"},
    "without guidance": {"guidance_scale": 1.0},
    "a relative": {"variation": 0.5, "variation_seed": 2, "sampler": "sde"},
    "with heun": {"sampler": "heun"},
    "with ab2": {"sampler": "ab2"},
    "with dpm": {"sampler": "dpm"},
    "a loop": {"loop": True, "bars": 1, "bpm": 120, "seconds": 0},
    "of chords": {"guide": "Am F"},
    "of codes": {"codes": "1 2 3 4 5"},
    "like a reference": {"reference": "SOURCE"},
    "with a preview": {"preview": "1"},
    "planned": {"plan": "on"},
    "a cover": SOURCE | {"task": "cover", "guide_strength": 0.5, "cover_noise_strength": 0.5},
    "a cover without FSQ": SOURCE | {"task": "cover-nofsq", "source_seed": 3},
    "a repaint": SOURCE | {"task": "repaint", "repaint_start": 0.3, "repaint_end": 0.6},
    "an extraction": SOURCE | {"task": "extract", "stems": "drums"},
    "lego": SOURCE | {"task": "lego", "stems": "drums bass"},
    "completed": SOURCE | {"task": "complete", "stems": "drums"},
}


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> AceStep:
    """A small base model on the operations of a GPU, in bfloat16, with a planner."""
    root = tmp_path_factory.mktemp("base")
    full_size.write_full_size(root, DIT, TEXT, VAE)
    (root / TURBO).rename(root / "acestep-v15-base")
    make_planner_folder(root / "acestep-5Hz-lm-0.6B", codes=range(64_000))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(generate, "choose_ops", lambda: gpu_ops)
        model = generate.load(str(root))
    assert model.model.networks.decoder.scale_shift_table.dtype == mx.bfloat16
    # what is read from a file when it is first used cannot be walked
    with model.model.planner_slot.borrow() as planner:
        mx.eval(planner.lm.parameters())
    mx.eval(model.model.networks.parameters(), model.model.vae.parameters())
    return model


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> str:
    path = tmp_path_factory.mktemp("sound") / "source.wav"
    noise = np.random.default_rng(0).uniform(-0.3, 0.3, (SAMPLE_RATE, 2))
    soundfile.write(path, noise, SAMPLE_RATE)
    return str(path)


def list_lacking(nodes: set[Node]) -> list[Node]:
    return sorted(node for node in nodes if node.dtype.rpartition(".")[2] in LACKING)


@pytest.mark.parametrize("name", TAKES)
def test_a_take_needs_nothing_that_metal_lacks(base: AceStep, sound: str, name: str) -> None:
    values = {key: sound if value == "SOURCE" else value for key, value in TAKES[name].items()}
    base.limit_cache(0)  # or some of it would have been computed for another take
    with record_graph() as nodes:
        clips = [each for each in base.render(BRIEF.changed(values)) if isinstance(each, Clip)]
    assert clips
    assert Node("Convolution", "mlx.core.float32") in nodes, "the VAE is among what was seen"
    assert list_lacking(nodes) == []


def test_understanding_needs_nothing_that_metal_lacks(base: AceStep, sound: str) -> None:
    with record_graph() as nodes:
        list(islice(base.understand(Request(source=sound, seed=1)), BEGINNING))
    assert nodes
    assert list_lacking(nodes) == []


def test_what_metal_lacks_is_seen() -> None:
    with record_graph() as nodes:
        mx.eval(mx.take(mx.zeros((3, 4), mx.bfloat16), mx.array([0, 2], mx.int64), axis=0))
    assert Node("Gather", "mlx.core.int64") in list_lacking(nodes)
