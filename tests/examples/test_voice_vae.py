"""The recipe of the VAE, in small: it learns, it resumes, and it is in the official layout."""

from __future__ import annotations

import math
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

torch: Any = pytest.importorskip("torch", reason="the VAE is trained in torch")

import mlx.core as mx  # noqa: E402

from examples.voice import (  # noqa: E402
    clips,
    convolutions,
    export,
    fused,
    latents,
    linear_codec,
    oobleck,
    singing,
    songs,
    train_vae,
    trainer,
)
from examples.voice.discriminators import Discriminators  # noqa: E402
from examples.voice.losses import (  # noqa: E402
    OWN_LAGS,
    SIZES,
    SPACINGS,
    Spectra,
    compare_combs,
    extend,
    measure_combs,
    to_mid_side,
)
from examples.voice.rendering import Plan, RenderedSong  # noqa: E402
from pipeline.networks.config import VAEConfig  # noqa: E402
from pipeline.networks.ops import choose_ops  # noqa: E402
from pipeline.networks.vae import VAE  # noqa: E402
from pipeline.request import TRACKS  # noqa: E402
from pipeline.singer.english import is_listed  # noqa: E402
from tests.support.waiting import until  # noqa: E402

# official names are those of the old weight norm
pytestmark = [
    pytest.mark.filterwarnings("ignore:.*weight_norm:FutureWarning"),
    pytest.mark.usefixtures("one_thread"),
]

CPU = torch.device("cpu")
MINI = Path(oobleck.__file__).parents[2] / "pipeline" / "voices" / "mini"
SMALL = oobleck.CONFIG | {"channel_multiples": [12, 12, 12]}
SAMPLES = 3 * 1920


def make_music() -> Any:
    """(4, 2, samples)."""
    rendered = [songs.make_song(seed, 1.0).render_mix()[:23_040].T for seed in range(4)]
    return torch.from_numpy(np.stack(rendered))


def make_trainer(monkeypatch: pytest.MonkeyPatch) -> trainer.Trainer:
    """A small one, which starts as a linear codec."""
    monkeypatch.setattr(trainer, "HEARD", 4096)
    monkeypatch.setitem(trainer.SIZES_AT_ONCE, "cpu", len(SIZES))  # losses can be compared
    torch.manual_seed(0)
    made = trainer.Trainer(CPU, SMALL)
    made.start(make_music())
    return made


def test_the_linear_codec_is_a_codec() -> None:
    torch.manual_seed(0)
    vae = oobleck.VAE(SMALL)
    music = make_music()
    linear_codec.write_linear_codec(vae, music, SMALL["downsampling_ratios"])
    decoded = train_vae.decode_clips(vae, music)
    assert decoded.shape == music.shape
    assert float(Spectra().measure_si_sdr(decoded, music).mean()) > 3


def test_frames_of_its_transform_add_up_to_the_signal() -> None:
    basis = linear_codec.make_mdct(24)[:, None]
    signal = torch.randn(1, 1, 24 * 20)
    coded = torch.nn.functional.conv1d(signal, basis, stride=24, padding=12)
    made = torch.nn.functional.conv_transpose1d(coded, basis, stride=24, padding=12)
    torch.testing.assert_close(made[..., 24:-24], signal[..., 24:-24], atol=1e-5, rtol=1e-4)


def test_a_synthesis_that_overlaps_is_no_worse_than_blocks() -> None:
    """It has those among its choices."""
    signal = make_music()[:, :1]
    coded = signal.unfold(2, 4, 4)[:, 0].mean(-1)[:, None]
    weight = linear_codec._fit_synthesis(coded, signal, 4)
    smooth = torch.nn.functional.conv_transpose1d(coded, weight, stride=4, padding=2)
    blocks = coded.repeat_interleave(4, dim=2)
    assert weight.shape == (1, 1, 8)
    errors = [(each - signal)[..., 8:-8].square().mean() for each in (smooth, blocks)]
    assert errors[0] < errors[1]


def test_a_few_steps_bring_it_nearer(monkeypatch: pytest.MonkeyPatch) -> None:
    small = make_trainer(monkeypatch)
    music = make_music()[:2, :, :SAMPLES]
    before = {name: tensor.clone() for name, tensor in small.vae.state_dict().items()}
    losses = []
    for _ in range(4):
        small.train_step(music, 3e-4, is_judged=False)
        losses.append(float(small.losses["loss"]))
    assert losses[-1] < losses[0]
    assert any(not torch.equal(before[name], now) for name, now in small.vae.state_dict().items())


def test_discriminators_learn_and_a_frozen_encoder_does_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    small = make_trainer(monkeypatch)
    monkeypatch.setattr(trainer, "WELCOME", 1)
    small.freeze_encoder()
    encoder = {name: tensor.clone() for name, tensor in small.vae.encoder.state_dict().items()}
    judges = {name: tensor.clone() for name, tensor in small.discriminators.state_dict().items()}
    for _ in range(2):
        small.train_step(make_music()[:1, :, :SAMPLES], 1e-3, is_judged=True)
    for name, tensor in small.vae.encoder.state_dict().items():
        assert torch.equal(encoder[name], tensor)
    assert any(
        not torch.equal(judges[name], tensor)
        for name, tensor in small.discriminators.state_dict().items()
    )
    assert {"deceit", "matching", "discriminators"} < set(small.losses)
    assert all(math.isfinite(float(loss)) for loss in small.losses.values())


def test_a_step_that_is_not_finite_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    small = make_trainer(monkeypatch)
    before = [parameter.clone() for parameter in small.vae.parameters()]
    small.train_step(torch.full((1, 2, SAMPLES), math.nan), 1e-3, is_judged=False)
    assert all(map(torch.equal, before, small.vae.parameters()))


def test_training_goes_on_from_a_state_of_two_bytes_a_weight(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = make_trainer(monkeypatch)
    music = make_music()[:1, :, :SAMPLES]
    small.train_step(music, 1e-3, is_judged=True)
    small.freeze_encoder()
    small.spent = 12.5
    small.save(tmp_path)
    again = trainer.Trainer(CPU, SMALL)
    again.unpack(torch.load(tmp_path / "vae_state.pt", weights_only=True))
    assert (again.step, again.listened, again.spent, again.is_frozen) == (1, 1, 12.5, True)
    for name in trainer.NETWORKS:
        ours = getattr(again, name).state_dict()
        for key, tensor in getattr(small, name).state_dict().items():
            torch.testing.assert_close(ours[key], tensor, atol=1e-4, rtol=1e-3)
    again.train_step(music, 1e-3, is_judged=True)
    assert again.step == 2
    numbers = sum(each.numel() for each in [*small.vae.parameters(), *small.probe.parameters()])
    numbers += sum(each.numel() for each in small.discriminators.parameters())
    numbers += sum(each.numel() for each in small.average.parameters())
    assert (tmp_path / "vae_state.pt").stat().st_size < 2 * numbers + 500_000
    assert not list(tmp_path.glob("*.part"))


def test_the_state_of_the_voice_can_be_carried_elsewhere() -> None:
    """At most 60 MB: the weights, their average and the discriminators, two bytes a number."""
    parts = (oobleck.VAE(), oobleck.VAE(), Discriminators())
    numbers = sum(each.numel() for part in parts for each in part.parameters())
    assert 2 * numbers < 45e6
    vae = sum(each.numel() for each in oobleck.VAE().parameters())
    assert 2 * vae < 20e6  # beside 13 MB of DiT and text encoder: 40 MB in all


def open_in_pipeline(small: trainer.Trainer, folder: Path) -> VAE:
    """The average, exported."""
    small.save(folder)
    state = torch.load(folder / "vae.pt", weights_only=True)
    export.write_vae(folder / "vae", state, np.ones(64, np.float32), SMALL)
    network = VAE(VAEConfig.from_folder(folder / "vae"), choose_ops())
    tensors: Any = mx.load(str(folder / "vae" / "diffusion_pytorch_model.safetensors"))
    network.load_weights(
        [(name, tensor.astype(mx.float32)) for name, tensor in tensors.items()], strict=True
    )
    network.fold()
    return network


def test_what_is_trained_decodes_the_same_in_the_pipeline(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    small = make_trainer(monkeypatch)
    network = open_in_pipeline(small, tmp_path)
    latents = torch.randn(1, 64, 4)
    with torch.no_grad():
        ours = small.average.decode(latents)[0].T.numpy()
    theirs = np.array(network.decode(mx.array(latents[0].T.numpy())[None])[0])
    np.testing.assert_allclose(theirs, ours, atol=0.02 * np.abs(ours).max())


def test_its_tiles_have_no_seams(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its layers see further than those of the voice that ships."""
    network = open_in_pipeline(make_trainer(monkeypatch), tmp_path)
    sound = np.random.default_rng(0).standard_normal((1, 110 * 1920, 2)).astype(np.float32) * 0.1
    latents, _ = network.encode(mx.array(sound))
    audio = network.decode(latents)
    parts = list(network.encode_tiles(mx.array(sound), tile=16))
    assert float(mx.abs(mx.concatenate(parts, axis=1) - latents).max()) < 1e-4
    parts = list(network.decode_tiles(latents, tile=16))
    assert float(mx.abs(mx.concatenate(parts, axis=1) - audio).max()) < 1e-4


@pytest.mark.parametrize(
    ("inputs", "outputs", "geometry"),
    [
        (4, 4, {"kernel_size": 7, "padding": 3}),
        (4, 2, {"kernel_size": 7, "padding": 27, "dilation": 9}),
        (4, 4, {"kernel_size": 7, "padding": 9, "dilation": 3, "bias": False}),
        (2, 2, {"kernel_size": 1}),
        (20, 30, {"kernel_size": 7, "padding": 27, "dilation": 9}),
        (2, 30, {"kernel_size": 32, "padding": 8, "stride": 16}),
        (2, 30, {"kernel_size": 6, "padding": 2, "stride": 3}),
    ],
)
def test_a_convolution_is_torchs_own(inputs: int, outputs: int, geometry: dict[str, Any]) -> None:
    assert_same_layer(
        convolutions.Conv(inputs, outputs, **geometry).double(),
        torch.nn.Conv1d(inputs, outputs, **geometry).double(),
        torch.randn(2, inputs, 96, dtype=torch.double, requires_grad=True),
    )


@pytest.mark.parametrize(("outputs", "stride"), [(4, 16), (40, 2), (5, 3)])
def test_a_transposed_convolution_is_torchs_own(outputs: int, stride: int) -> None:
    geometry = {"kernel_size": 2 * stride, "stride": stride, "padding": (stride + 1) // 2}
    assert_same_layer(
        convolutions.Transposed(12, outputs, **geometry).double(),
        torch.nn.ConvTranspose1d(12, outputs, **geometry).double(),
        torch.randn(2, 12, 6, dtype=torch.double, requires_grad=True),
    )


def assert_same_layer(ours: Any, theirs: Any, x: Any) -> None:
    """The same values and the same gradients."""
    theirs.load_state_dict(ours.state_dict())
    made = [ours(convolutions.lay_out(x)), theirs(x)]
    grad = torch.randn_like(made[1])
    torch.testing.assert_close(*made)
    of_each = [
        torch.autograd.grad(each, (x, *layer.parameters()), grad)
        for each, layer in zip(made, (ours, theirs))
    ]
    torch.testing.assert_close(*of_each)


def test_spectra_and_their_gradients_are_those_of_torch() -> None:
    torch.manual_seed(0)
    spectra = Spectra()
    signal = torch.randn(2, 4800, requires_grad=True)
    for size in SIZES:
        real, imag = spectra._transform(extend(signal), size)
        stft = torch.stft(
            signal, size, size // 4, window=torch.hann_window(size), return_complex=True
        ) * (4 / size)
        torch.testing.assert_close(torch.complex(real, imag), stft.transpose(1, 2))
        weight = torch.randn_like(stft)
        ours, theirs = (
            torch.autograd.grad((each * weight.conj()).real.sum(), signal)[0]
            for each in (torch.complex(real, imag).transpose(1, 2), stft)
        )
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-3)


def test_a_step_in_bfloat16_is_nearly_that_in_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    music = make_music()[:2, :, :SAMPLES]
    losses = []
    for is_mixed in (False, True):
        small = make_trainer(monkeypatch)
        small.is_mixed = is_mixed
        small.train_step(music, 3e-4, is_judged=False)
        losses.append(float(small.losses["loss"]))
    assert losses[1] != losses[0]
    assert losses[1] == pytest.approx(losses[0], rel=0.01)


@pytest.mark.long
def test_a_compiled_step_is_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    music = make_music()[:2, :, :SAMPLES]
    plain = make_trainer(monkeypatch)
    plain.train_step(music, 3e-4, is_judged=False)
    before = oobleck.Snake.function
    try:
        oobleck.compile_for(CPU)
        compiled = make_trainer(monkeypatch)
        compiled.train_step(music, 3e-4, is_judged=False)
    finally:
        oobleck.Snake.function = staticmethod(before)
        for chain in fused.CHAINS:
            chain.function = chain.plain
    for name, loss in plain.losses.items():
        assert float(compiled.losses[name]) == pytest.approx(float(loss), rel=1e-3), name


def test_the_decoder_of_a_voice_learns_on_and_its_latents_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(trainer, "HEARD", 4096)
    voice = train_vae.read_voice(MINI)
    small = trainer.Trainer(CPU, voice.config)
    small.start_from(voice.weights)
    small.train_step(make_music()[:1, :, :SAMPLES], 1e-3, is_judged=False)
    small.save(tmp_path)
    monkeypatch.setattr("sys.argv", ["export", str(tmp_path), str(tmp_path), "--vae-alone"])
    export.main()
    after = train_vae.read_voice(tmp_path)
    assert after.config == voice.config
    assert set(after.weights) == set(voice.weights)
    moved = {
        name for name in after.weights if not torch.equal(after.weights[name], voice.weights[name])
    }
    assert moved
    assert all(name.startswith("decoder.") for name in moved)


def test_somebody_sings_to_learn_from() -> None:
    sung = singing.sing(3, 2.0)
    assert sung.shape == (96_000, 2)
    assert 0.01 < float(np.sqrt(np.mean(sung**2))) < 0.3
    assert np.array_equal(sung, singing.sing(3, 2.0))
    assert not np.array_equal(sung, singing.sing(4, 2.0))


def test_all_words_that_are_sung_are_in_the_dictionary() -> None:
    assert [word for word in singing.WORDS if not is_listed(word)] == []


def test_spectra_tell_noise_from_a_tone_and_a_comb_from_noise() -> None:
    spectra = Spectra()
    torch.manual_seed(1)
    noise = 0.1 * torch.randn(1, 24_000)
    other = 0.1 * torch.randn(1, 24_000)
    frame = 0.1 * torch.randn(1, OWN_LAGS[0])
    comb = frame.repeat(1, 24_000 // OWN_LAGS[0])
    same = spectra(noise, noise)
    assert float(sum(same.values())) < 0.02
    assert float(spectra(other, noise)["comb"]) < 0.3 * float(spectra(comb, noise)["comb"])
    time = torch.arange(24_000) / 48_000
    tone = 0.1 * torch.sin(2 * math.pi * 3000 * time)[None]
    later = 0.1 * torch.sin(2 * math.pi * 3000 * time + 1)[None]
    assert float(spectra(later, tone)["advance"]) < 0.2 * float(spectra(noise, tone)["advance"])


def test_combs_are_those_of_the_evaluation() -> None:
    from examples.voice import metrics

    torch.manual_seed(1)
    noise = 0.1 * torch.randn(1, 96_000)
    combs = {
        hertz: 0.1 * torch.randn(1, 48_000 // hertz).repeat(1, 2 * hertz) for hertz in (50, 300)
    }
    for own, signal in {0: noise, **combs}.items():
        found = dict(zip(SPACINGS, measure_combs(signal)[0].tolist(), strict=True))
        for spacing in SPACINGS:
            judged = metrics.measure_comb(signal.numpy().repeat(2, 0).T, spacing)
            is_comb = own in (50, spacing)
            assert (found[spacing] > 0.7) == (judged > 0.7) == is_comb
            if not own:
                assert found[spacing] == pytest.approx(judged, abs=0.1)
    assert float(compare_combs(combs[50], noise)) > 10 * float(compare_combs(noise.flip(1), noise))
    assert float(compare_combs(noise[:, :9600], noise[:, :9600])) == 0


def test_the_highs_that_the_codec_leaves_out_are_noise_as_loud_as_they_are() -> None:
    torch.manual_seed(0)
    sound = 0.1 * torch.randn(4, 1, 96_000).repeat(1, 2, 1)
    config = oobleck.CONFIG | {"channel_multiples": [64, 64, 64]}
    made = {}
    for heard in (0.0, linear_codec.HEARD):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(linear_codec, "HEARD", heard)
            vae = oobleck.VAE(config)
            linear_codec.write_linear_codec(vae, sound, config["downsampling_ratios"], used=4)
        made[heard] = train_vae.decode_clips(vae, sound)
    levels = {heard: measure_highs(audio) / measure_highs(sound) for heard, audio in made.items()}
    assert levels[0.0] + 0.1 < levels[linear_codec.HEARD] < 1
    by_frames, _, judged = measure_combs(to_mid_side(made[linear_codec.HEARD])[:4]).unbind(1)
    assert float(torch.cat([by_frames, judged]).abs().max()) < 0.2


def measure_highs(audio: torch.Tensor) -> float:
    """The level between 10 and 16 kHz."""
    spectrum = torch.fft.rfft(audio.mean(1))
    hertz = torch.fft.rfftfreq(audio.shape[2], 1 / 48_000)
    return float(spectrum[:, (hertz > 10_000) & (hertz < 16_000)].abs().square().sum().sqrt())


def test_spectra_of_some_sizes_count_as_much_as_all() -> None:
    spectra = Spectra()
    ours, theirs = to_mid_side(make_music()).flip(0), to_mid_side(make_music())
    each = [spectra(ours, theirs, [size]) for size in SIZES]
    whole = spectra(ours, theirs)
    for name in ("spectrum", "mel"):
        mean = sum(float(losses[name]) for losses in each) / len(SIZES)
        assert mean == pytest.approx(float(whole[name]), rel=1e-4)


def test_its_distances_are_those_of_the_evaluation() -> None:
    from examples.voice import metrics

    music = make_music()
    decoded = music + 0.01 * torch.randn_like(music)
    spectra = Spectra()
    for ours, theirs, sdr, mel in zip(
        decoded,
        music,
        spectra.measure_si_sdr(decoded, music),
        spectra.measure_log_mel(decoded.mean(1), music.mean(1)),
    ):
        pair = (ours.numpy().T, theirs.numpy().T)
        assert float(sdr) == pytest.approx(metrics.measure_si_sdr(*pair), abs=0.01)
        assert float(mel) == pytest.approx(metrics.measure_log_mel_distance(*pair), abs=0.02)
    assert to_mid_side(music).shape == (8, music.shape[2])


def test_the_rate_falls_at_the_end_of_every_run() -> None:
    assert trainer.find_rate(0, 0.0, 0.0) < 0.05
    middle = trainer.find_rate(500, 0.3, 0.5)
    assert middle > 0.7
    assert trainer.find_rate(900, 0.35, 0.999) < 0.05 < middle
    assert trainer.find_rate(900, 1.0, 0.5) == pytest.approx(trainer.LOWEST_RATE)


def test_clips_are_rendered_by_other_processes_and_cut_anywhere() -> None:
    plan = Plan(clips=3, at_first=2, workers=1, seconds=0.5)
    pool = clips.Clips(plan, CPU)
    try:
        batch = pool.draw(8, 4800)
    finally:
        pool.close()
    assert batch.shape == (8, 2, 4800)
    assert batch.dtype == torch.float32
    assert 0.005 < float(batch.abs().max()) <= 1
    first = torch.from_numpy(songs.render_excerpt(0, 0.5).T.copy()).half()
    assert any(torch.equal(first, clip) for clip in pool.audio)


def test_latents_are_in_order_and_made_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Of noise: where a clip belongs is heard in its latents."""
    rendered = []

    def render(number: int) -> RenderedSong:
        rendered.append(number)
        noise = np.random.default_rng(number).standard_normal((5, 9_600, 2)).astype(np.float32)
        return RenderedSong(noise[0], noise[1], dict(zip(TRACKS[: number % 4], noise[2:])))

    monkeypatch.setattr(latents, "render_lesson", render)
    monkeypatch.setattr(latents, "SHARD", 4)
    vae = oobleck.VAE(SMALL)
    with ThreadPoolExecutor(2) as pool:
        latents.write_shards(vae, tmp_path, 1, pool, ahead=3)
        latents.write_shards(vae, tmp_path, 2, pool, ahead=3)
    assert sorted(rendered) == [*range(8)]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0000.npz", "0001.npz"]
    shard = np.load(tmp_path / "0001.npz")
    assert shard["stem_song"].tolist() == [1, 2, 2, 3, 3, 3]
    assert [str(track) for track in shard["stem_track"]] == [
        *TRACKS[:1],
        *TRACKS[:2],
        *TRACKS[:3],
    ]
    for place in range(4):
        song = render(4 + place)
        mix, guide = latents.encode(vae, [song.mix, song.guide])
        assert mix.dtype == np.float16
        assert np.allclose(shard["mix"][place], mix, atol=0.01 * np.abs(mix).max())
        assert np.allclose(shard["guide"][place], guide, atol=0.01 * np.abs(guide).max())
    [last] = latents.encode(vae, [render(7).stems[TRACKS[2]]])
    assert np.allclose(shard["stem"][-1], last, atol=0.01 * np.abs(last).max())


def test_a_renderer_that_fails_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clips, "PATIENCE", 0.5)
    plan = Plan(clips=2, at_first=1, workers=1, seconds=0.5, singer="examples.voice:nobody")
    with pytest.raises(RuntimeError, match="not rendered"):
        clips.Clips(plan, CPU)


def test_a_meter_counts_steps() -> None:
    meter = trainer.Meter(CPU)
    for _ in range(3):
        with meter.time_step():
            pass
    assert "steps/s" in meter.read()
    assert meter.read().startswith("0.00 steps/s")


@pytest.mark.long
def test_who_renders_ends_with_a_training_that_is_terminated(tmp_path: Path) -> None:
    arguments = "--device cpu --threads 1 --workers 1 --at-first 500".split()
    command = [sys.executable, "-m", "examples.voice.train_vae", str(tmp_path), *arguments]
    training = psutil.Popen(command, cwd=MINI.parents[2])
    try:
        until(lambda: len(training.children()) >= 3)  # one renders, another held-out clips
        began = training.children(recursive=True)
        training.terminate()
        assert training.wait(60) == 1
        _, left = psutil.wait_procs(began, timeout=30)
        assert not left
    finally:
        with suppress(psutil.NoSuchProcess):
            training.kill()
