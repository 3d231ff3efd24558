"""The codec that the VAE starts as: linear, made of its own layers, and in need of no training.
Training then only has to add what a linear code cannot do; from random weights it collapses.

The layers at the audio's rate are an MDCT of mid and side. Those below keep the strongest
directions of blocks of frames (a principal component analysis), and transposed convolutions
interpolate between two frames as well as a linear map can. The convolutions around the latents see
several latents, and what they carry is chosen with that in mind: a bass note that goes on needs
few numbers.

At each rate the first channels are the codec's, each about as loud as the others, so that a step of
the optimiser is as large for the highs as for the bass. The next ones carry noise, as loud as the
highs that the codec leaves out: from one frame to the next it is another, so that no frame is heard
again. The rest are features, which are there from the beginning, but almost silent in what is
decoded.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.nn.functional import conv1d, pad

from pipeline.request import SAMPLE_RATE

from .oobleck import LATENT, VAE, Snake

USED = 44  # latents that the codec uses
SHARE = 0.75  # of the channels at each rate that are the codec's, where it has as many
STRAIGHT = 4.0  # logarithm of a snake's beta: high is nearly a straight line
LIVELY = 0.5  # what a residual unit adds to features
FAINT = 0.002  # and to the codec's channels
LEVEL = 0.2  # of audio, about
HIGHEST = 18_000.0  # Hz: of the MDCT's coefficients
TILT_FROM = 1500.0  # Hz: above it a coefficient matters 6 dB an octave more
STEEPEST = 8.0  # but at most so much
NARROW = 0.6  # exponent that evens out the latents' sizes: 1 makes all equal
NOISE = 0.06  # on the latents, that the codec is made for
FLOOR = 1e-4  # of a channel's size
SILENT = 1e-9  # a weight of nothing at all has no direction
ROWS = 12_000  # frames that a stage of it learns from, at most
RIDGE = 1e-4  # of its regression, as a part of the mean power
STEPS = 300  # in which the latents are found
RATE = 4e-3  # of these
# Hz: between two of these the other latents carry noise, as loud as the highs there
EDGES = (2500.0, 4000.0, 6000.0, 9000.0, 13_000.0, HIGHEST)
CARRIED = 0.5  # size of these latents
HEARD = 0.5  # part of the level that is missing: most of it comes in short hits


class Stage(NamedTuple):
    """A change of rate, as weights between the codec's channels of two rates."""

    down: Tensor  # (fewer frames' channels, channels, 2 * stride)
    up: Tensor  # (fewer frames' channels, channels, 2 * stride)
    coded: Tensor  # what `down` makes of the signal: (B, channels, frames)
    sizes: Tensor  # what each channel of `coded` was divided by


@torch.no_grad()
def write_linear_codec(vae: VAE, audio: Tensor, strides: list[int], used: int = USED) -> None:
    """Write the codec for `audio` (B, 2, samples) into `vae`, with `used` of the latents."""
    encoder: Any = vae.encoder
    decoder: Any = vae.decoder
    _write_features(vae)
    _write_first(encoder.conv1, torch.eye(2)[:, :, None], size=FAINT)
    _write_first(decoder.conv2, torch.eye(2)[:, :, None], size=FAINT)
    inside = outside = 2  # channels of the codec in the encoder and in the decoder
    rates: list[tuple[int, int]] = []  # the same at every rate
    hertz = torch.zeros(0)  # of the MDCT's
    stage: Stage | None = None
    for number, stride in enumerate(strides):
        down = encoder.block[number]
        up = decoder.block[len(strides) - 1 - number]
        at_audio = stage is None
        _calm(down, inside, at_audio)
        _calm(up, outside, at_audio)
        counts = [int(SHARE * conv.weight_v.shape[0]) for conv in (down.conv1, up.conv_t1)]
        if stage is None:
            stage, hertz = _transform(audio, stride, max(counts))
        else:
            stage = _reduce(stage, stride, min(*counts, inside * stride), inside)
        kept = [min(count, len(stage.up)) for count in counts]
        _write_first(down.conv1, stage.down[: kept[0]], size=1 / LEVEL if at_audio else 1.0)
        down.snake1.beta[:, :inside] = STRAIGHT
        _write_rows(up.conv_t1, stage.up[: kept[1]], outside, FAINT * (LEVEL if at_audio else 1.0))
        up.snake1.beta[:, : kept[1]] = STRAIGHT
        inside, outside = kept
        rates.append((inside, outside))
    assert stage is not None
    encoder.snake1.beta[:, :inside] = STRAIGHT
    decoder.snake1.beta.fill_(STRAIGHT)
    encode, decode = _choose_latents(stage.coded * stage.sizes[:, None], min(used, inside))
    _write_first(encoder.conv2, encode * stage.sizes[:, None], size=LIVELY)
    _write_first(decoder.conv1, decode / stage.sizes[:, None, None])
    _write_noise(vae, audio, hertz, rates, used)


def _transform(signal: Tensor, stride: int, count: int) -> tuple[Stage, Tensor]:
    """The MDCT of mid and side: the `count` coefficients that matter most, and their frequencies.
    Frames fade into each other, so that none ends abruptly, which is heard as a comb at their rate.
    """
    basis = make_mdct(stride)
    mid, side = (torch.stack([basis, sign * basis], 1) / math.sqrt(2) for sign in (1, -1))
    both = torch.cat([mid, side])
    coded = conv1d(signal, both, stride=stride, padding=stride // 2)
    sizes = coded.square().mean((0, 2)).sqrt()
    hertz = ((torch.arange(stride) + 0.5) * SAMPLE_RATE / 2 / stride).repeat(2)
    tilt = (1 + (hertz / TILT_FROM) ** 2).sqrt().clamp(max=STEEPEST)
    chosen = (sizes * tilt * (hertz < HIGHEST)).argsort(descending=True)[:count]
    return _even_out(both[chosen], both[chosen], coded[:, chosen]), hertz[chosen]


def make_mdct(stride: int) -> Tensor:
    """The modified discrete cosine transform with a sine window, (stride, 2 * stride): its frames,
    `stride` samples apart, add up to the signal.
    """
    n = torch.arange(2 * stride, dtype=torch.double) + 0.5
    k = torch.arange(stride, dtype=torch.double)[:, None] + 0.5
    turns = torch.cos(math.pi / stride * (n + stride / 2) * k)
    return (math.sqrt(2 / stride) * torch.sin(math.pi / 2 / stride * n) * turns).float()


def _reduce(before: Stage, stride: int, count: int, inside: int) -> Stage:
    """The `count` strongest directions of `stride` frames of the encoder's `inside` channels."""
    sizes = before.sizes[:inside]
    signal = before.coded[:, :inside] * sizes[:, None]
    batch, channels, length = signal.shape
    blocks = signal.reshape(batch, channels, length // stride, stride).permute(0, 2, 1, 3)
    directions = _find_directions(blocks.flatten(0, 1).flatten(1), count)
    down = torch.zeros(count, channels, 2 * stride)
    at = stride // 2
    down[:, :, at : at + stride] = directions.T.reshape(count, channels, stride)
    coded = conv1d(signal, down, stride=stride, padding=at)
    up = _fit_synthesis(coded, signal, stride)
    return _even_out(down * sizes[:, None], up / sizes[:, None], coded)


def _even_out(down: Tensor, up: Tensor, coded: Tensor) -> Stage:
    """With all channels as loud as each other."""
    sizes = coded.square().mean((0, 2)).sqrt() + FLOOR
    by = sizes[:, None, None]
    return Stage(down / by, up * by, coded / sizes[:, None], sizes)


def _choose_latents(signal: Tensor, used: int) -> tuple[Tensor, Tensor]:
    """What a signal (B, C, T) is encoded with, (used, C, 3), and decoded with, (C, used, 7), with
    the least squared error: found step by step, then the decoder by regression.
    """
    channels = signal.shape[1]
    encode = torch.eye(used, channels)[:, :, None] * torch.tensor([0.0, 1, 0])
    decode = torch.eye(channels, used)[:, :, None] * torch.tensor([0.0, 0, 0, 1, 0, 0, 0])
    power = signal.square().mean()
    with torch.enable_grad():
        optimiser = torch.optim.Adam([encode.requires_grad_(), decode.requires_grad_()])
        for step in range(STEPS):
            for group in optimiser.param_groups:
                group["lr"] = RATE * min(1, step / 20) * (1 - step / STEPS)
            made = conv1d(conv1d(signal, encode, padding=1), decode, padding=3)
            optimiser.zero_grad()
            ((made - signal).square().mean() / power).backward()
            optimiser.step()
    encode = torch.linalg.qr(encode.detach().flatten(1).T)[0].T.reshape(encode.shape)
    rows = conv1d(signal, encode, padding=1).transpose(1, 2).flatten(0, 1)
    # the strongest latent first
    encode = torch.einsum("oci,ou->uci", encode, _find_directions(rows, used))
    sizes = conv1d(signal, encode, padding=1).square().mean((0, 2)).sqrt()
    scale = sizes**-NARROW
    encode = encode * (scale / (sizes * scale).square().mean().sqrt())[:, None, None]
    latents = conv1d(signal, encode, padding=1)
    seen = pad(latents, (3, 3)).unfold(2, 7, 1).permute(0, 2, 1, 3).flatten(2).flatten(0, 1)
    decode = _regress(seen, signal.transpose(1, 2).flatten(0, 1), len(seen) * NOISE**2)
    return encode, decode.reshape(used, 7, channels).permute(2, 0, 1)


def _write_noise(
    vae: VAE, audio: Tensor, hertz: Tensor, rates: Sequence[tuple[int, int]], used: int
) -> None:
    """Let the other latents carry what the codec leaves out of the highs: a few sums of their
    coefficients, with random signs, which the decoder gives to all of them, with other signs. So
    the highs are as loud as they were, band by band, and noise: no frame is the one before again,
    which is heard as a comb, and which training does not unlearn.
    """
    encoder: Any = vae.encoder
    decoder: Any = vae.decoder
    strides = [block.conv1.stride[0] for block in encoder.block]
    room = min(block.conv1.weight_v.shape[0] - rate[0] for block, rate in zip(encoder.block, rates))
    count = min(LATENT - used, room)
    bands = torch.arange(count) % (len(EDGES) - 1)
    together = bands[:, None] == bands
    edges = torch.tensor(EDGES)
    is_high = (edges[bands][:, None] <= hertz) & (hertz < edges[bands + 1][:, None])
    signal = encoder.block[0](encoder.conv1(audio))
    original = signal
    sources = slice(0, rates[0][0])
    mixed = is_high[:, : rates[0][0]]
    for number in range(1, len(strides)):
        block, stride = encoder.block[number], strides[number]
        own = slice(rates[number][0], rates[number][0] + count)
        weight = _fuse(block.conv1)
        weight[own] = 0
        at = math.ceil(stride / 2)
        signs = _draw_signs(count, mixed.shape[1], stride)
        weight[own, sources, at : at + stride] = signs * mixed[:, :, None]
        _write_weight(block.conv1, weight)
        size = block(signal)[:, own].square().mean((0, 2)).sqrt() + FLOOR
        weight[own] /= size[:, None, None]
        _write_weight(block.conv1, weight)
        signal = block(signal)
        after = encoder.block[number + 1] if number + 1 < len(strides) else None
        _let_pass(after or encoder, own, after is not None)
        sources, mixed = own, together
    latents = slice(used, used + count)
    _write_block(encoder.conv2, latents, sources, CARRIED * torch.eye(count))
    own = slice(rates[-1][1], rates[-1][1] + count)
    _write_block(decoder.conv1, own, latents, torch.eye(count) / CARRIED)
    for number in range(len(strides) - 1, 0, -1):
        block, stride = decoder.block[len(strides) - 1 - number], strides[number]
        block.snake1.beta[:, own] = STRAIGHT
        window = torch.sin(math.pi / 2 / stride * (torch.arange(2 * stride) + 0.5))
        weight = _fuse(block.conv_t1)
        weight[own] = 0
        if number > 1:
            goals = slice(rates[number - 1][1], rates[number - 1][1] + count)
            turned = _draw_turns(together, 2 * stride)
        else:
            goals = slice(0, rates[0][1])
            _write_weight(block.conv_t1, weight)
            decoded = _decode_until(vae, audio, block)[:, goals].square().mean((0, 2))
            missing = original[:, goals].square().mean((0, 2)) - decoded
            shares = is_high[:, goals] * missing.clamp(min=0).sqrt()
            shares = HEARD * shares / together.sum(1, keepdim=True).sqrt()
            turned = _draw_signs(count, goals.stop, 2 * stride) * shares[:, :, None]
        weight[own, goals] = turned * window
        _write_weight(block.conv_t1, weight)
        if number > 1:
            _let_pass(block, goals, True)
        own = goals


def _decode_until(vae: VAE, audio: Tensor, last: Any) -> Tensor:
    """What comes out of one of the decoder's blocks."""
    decoder: Any = vae.decoder
    signal = decoder.conv1(vae.encode(audio))
    for block in decoder.block:
        signal = block(signal)
        if block is last:
            break
    return signal


def _let_pass(layers: Any, channels: slice, has_units: bool) -> None:
    """Nothing is done to these channels on their way."""
    layers.snake1.beta[:, channels] = STRAIGHT
    if has_units:
        for unit in (layers.res_unit1, layers.res_unit2, layers.res_unit3):
            unit.conv2.weight_g[channels] = FAINT


def _draw_signs(*shape: int) -> Tensor:
    return torch.randint(2, shape) * 2.0 - 1


def _draw_turns(together: Tensor, taps: int) -> Tensor:
    """(N, N, taps): for each tap a random rotation of those channels that are `together`."""
    turns = torch.stack([torch.randn(together.shape) * together for _ in range(taps)])
    for band in together.unique(dim=0):
        within = band.nonzero()[:, 0]
        rows = within[:, None]
        turns[:, rows, within] = torch.linalg.qr(turns[:, rows, within])[0]
    return turns.permute(1, 2, 0)


def _fit_synthesis(coded: Tensor, signal: Tensor, stride: int) -> Tensor:
    """(count, C, 2 * stride): the transposed convolution's weight that brings `coded`
    (B, count, L / stride) back to `signal` (B, C, L) with the least squared error.

    A block of `stride` samples is made of the frame whose first half lies there, and of the second
    half of the one before.
    """
    count, channels = coded.shape[1], signal.shape[1]
    pairs = torch.cat([coded[:, :, 1:], coded[:, :, :-1]], dim=1)
    pairs = _thin_out(pairs.transpose(1, 2).flatten(0, 1))
    blocks = signal[:, :, stride - stride // 2 : -(stride // 2)].unfold(2, stride, stride)
    blocks = _thin_out(blocks.permute(0, 2, 1, 3).flatten(2).flatten(0, 1))
    ridge = RIDGE * float(pairs.square().sum()) / (2 * count)
    halves = _regress(pairs, blocks, ridge)
    return halves.reshape(2, count, channels, stride).permute(1, 2, 0, 3).flatten(2)


def _regress(rows: Tensor, goals: Tensor, ridge: float) -> Tensor:
    """The linear map from rows (N, m) to goals (N, n): (m, n)."""
    rows, goals = rows.double(), goals.double()
    products = rows.T @ rows
    products.diagonal().add_(ridge)
    return torch.linalg.solve(products, rows.T @ goals).float()


def _find_directions(rows: Tensor, count: int) -> Tensor:
    """The `count` strongest directions of rows (N, width), as columns."""
    chosen = _thin_out(rows)
    return torch.linalg.eigh(chosen.T @ chosen / len(chosen))[1].flip(1)[:, :count]


def _thin_out(rows: Tensor) -> Tensor:
    """At most ROWS of the rows, evenly chosen."""
    return rows[:: math.ceil(len(rows) / ROWS)]


# --- weights --------------------------------------------------------------------------------------


def _write_features(vae: VAE) -> None:
    """Random weights of length 1 everywhere: what comes out is about as loud as what goes in."""
    module: Any
    for module in vae.modules():
        if hasattr(module, "weight_g"):
            _write_weight(module, _draw_rows(module))
            if module.bias is not None:
                module.bias.zero_()
        elif isinstance(module, Snake):
            module.alpha.zero_()
            module.beta.zero_()


def _calm(block: Any, count: int, at_audio: bool) -> None:
    """Let residual units add almost nothing to the codec's `count` channels, nor to what is at the
    audio's rate.
    """
    for unit in (block.res_unit1, block.res_unit2, block.res_unit3):
        unit.conv2.weight_g.fill_(FAINT if at_audio else LIVELY)
        unit.conv2.weight_g[:count] = FAINT


def _write_first(module: Any, weight: Tensor, size: float = 1.0) -> None:
    """Let the first channels that come out be made by `weight` (out, in, K), which lies in the
    middle of the kernel, and the others at random, `size` times as loud.
    """
    outputs, inputs, taps = weight.shape
    made = size * _draw_rows(module)
    at = (made.shape[2] - taps) // 2
    made[:outputs] = 0
    made[:outputs, :inputs, at : at + taps] = weight
    _write_weight(module, made)


def _write_rows(module: Any, weight: Tensor, count: int, faint: float) -> None:
    """Let a transposed convolution bring its first channels to the codec's `count` by `weight`
    (in, out, K), and the others, at random, to features; the rest is `faint`.
    """
    inputs, outputs, _ = weight.shape
    made = torch.randn_like(module.weight_v)
    # each frame is made of two
    made /= math.sqrt(2 * max(1, len(made) - inputs))
    made[:, :count] *= faint
    made[:inputs] *= faint
    made[:inputs, :count] = 0
    made[:inputs, :outputs] = weight
    _write_weight(module, made)


def _write_block(module: Any, rows: slice, columns: slice, weight: Tensor) -> None:
    """Let these channels be made by `weight` (out, in), in the middle of the kernel, alone."""
    made = _fuse(module)
    made[rows] = 0
    made[rows, columns, made.shape[2] // 2] = weight
    _write_weight(module, made)


def _fuse(module: Any) -> Tensor:
    """The weight of a weight-normed convolution."""
    v = module.weight_v
    return module.weight_g * v / v.flatten(1).norm(dim=1).view(-1, 1, 1)


def _draw_rows(module: Any) -> Tensor:
    weight = torch.randn_like(module.weight_v)
    return weight / weight.flatten(1).norm(dim=1).view(-1, 1, 1)


def _write_weight(module: Any, weight: Tensor) -> None:
    """As a direction of length 1 and a length: a step of the optimiser then turns each as far."""
    length = weight.flatten(1).norm(dim=1).view(-1, 1, 1)
    weight = torch.where(length > 0, weight, SILENT)
    length = weight.flatten(1).norm(dim=1).view(-1, 1, 1)
    module.weight_v.copy_(weight / length)
    module.weight_g.copy_(length)
