"""The work that is counted from a configuration is what the networks' own weights say."""

from __future__ import annotations

import dataclasses

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten

from pipeline.floors import Speed, Work, count_decode, count_pass, measure_speed
from pipeline.networks.config import AceStepConfig, VAEConfig
from pipeline.networks.dit import DiT
from pipeline.networks.ops import choose_ops
from pipeline.networks.vae import VAE
from pipeline.voices import voice_folder

MINI = voice_folder("mini")
CONFIG = AceStepConfig.from_folder(MINI / "acestep-v15-turbo")
VAE_CONFIG = VAEConfig.from_folder(MINI / "vae")


def count_weights() -> int:
    """Of everything in the DiT that a pass multiplies its tokens with."""
    shared = ("time_embed", "condition_embedder", "cross_attn.k_proj", "cross_attn.v_proj")
    parameters: dict[str, mx.array] = dict(tree_flatten(DiT(CONFIG, choose_ops()).parameters()))
    return sum(
        array.size
        for name, array in parameters.items()
        if name.endswith("weight") and array.ndim > 1 and not any(part in name for part in shared)
    )


def test_a_pass_reads_every_weight_once_and_multiplies_each_token_with_it() -> None:
    work = count_pass(CONFIG, 2, 0, 2)  # one token, which sees itself
    queries = CONFIG.num_attention_heads * CONFIG.head_dim
    seen = len(CONFIG.decoder_stack.windows)
    assert work.bytes == 2 * count_weights()
    assert work.flop == 2 * (count_weights() + 2 * queries * seen)


def test_a_layer_with_a_window_sees_no_more_than_it() -> None:
    sliding = ["sliding_attention"] * CONFIG.num_hidden_layers
    slides = dataclasses.replace(CONFIG, layer_types=tuple(sliding), use_sliding_window=True)
    sees_all = dataclasses.replace(slides, use_sliding_window=False)
    long = 200 * slides.sliding_window
    assert count_pass(slides, 2, 9, 2) == count_pass(sees_all, 2, 9, 2)
    ratio = count_pass(slides, 2 * long, 9, 2).flop / count_pass(slides, long, 9, 2).flop
    assert ratio == pytest.approx(2)
    assert count_pass(sees_all, 2 * long, 9, 2).flop > 3 * count_pass(sees_all, long, 9, 2).flop


def test_decoding_multiplies_with_every_weight_at_the_rate_of_its_block() -> None:
    frames = 10
    decoder = VAE(VAE_CONFIG, choose_ops()).decoder
    parameters: dict[str, mx.array] = dict(tree_flatten(decoder.parameters()))
    strides = VAE_CONFIG.downsampling_ratios[::-1]
    products = 0
    for name, array in parameters.items():
        if not name.endswith("weight_v"):
            continue
        length = frames
        if name.startswith("block"):
            number = int(name.split(".")[1])
            # a transposed convolution multiplies before it stretches
            blocks = number if "conv_t1" in name else number + 1
            for stride in strides[:blocks]:
                length *= stride
        elif name.startswith("conv2"):
            length *= VAE_CONFIG.hop
        products += array.size * length
    assert count_decode(VAE_CONFIG, frames).flop == 2 * products


def test_the_floor_is_the_longer_of_computing_and_moving() -> None:
    speed = Speed(flop=100.0, bytes=10.0)
    assert speed.find_floor(Work(1000.0, 10.0)) == 10
    assert speed.find_floor(Work(1000.0, 500.0)) == 50
    assert speed.find_floor(Work(1000.0, 10.0).repeat(3)) == 30


def test_a_machine_has_a_speed() -> None:
    assert min(measure_speed(mx.float32)) > 1e6
