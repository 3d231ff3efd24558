"""How close the pipeline is to the official code: `python -m tests.tools.parity [FIXTURES]`.

Every value in FIXTURES/golden is compared with what the pipeline makes of the same inputs and the
checkpoint beside it. Sizes, prompts and parameters are read from the files, so that any folder of
that structure can be given. With `--dtype bfloat16` the networks compute as they do on a GPU by
default, and a table says what is lost in each area. Exit status: 0 when nothing failed, or the
device is not there, 1 when something failed, 2 when FIXTURES is not such a folder.
"""

from __future__ import annotations

import argparse
import dataclasses
import gzip
import math
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

from pipeline import (
    audio,
    audio_files,
    codes,
    cost,
    device,
    prompts,
    schedules,
    tasks,
)  # before MLX, see golden.py
from pipeline.model import TIMBRE_FRAMES, Model, encode_prompt
from pipeline.networks import codec, conditioner, dit
from pipeline.networks.config import AceStepConfig, TextEncoderConfig, VAEConfig
from pipeline.networks.ops import choose_ops
from pipeline.networks.text_encoder import TextEncoder
from pipeline.networks.vae import VAE
from pipeline.request import IN_WINDOW, SAMPLE_RATE, TASKS, TRACKS, Request
from pipeline.tasks import InputLatents, RepaintBlend, TaskContext
from pipeline.variants import VARIANTS
from pipeline.weights import checkpoint
from pipeline.weights.checkpoint import AceStepModel

# isort: split
import mlx.core as mx
import numpy as np
from mlx import nn
from mlx.utils import tree_flatten
from tokenizers import Tokenizer

from tests.support.golden import (
    AREAS,
    DEVIATION,
    FAIL,
    MISSING,
    NUMBER,
    OK,
    ROUNDED,
    Bench,
    Fixtures,
    Line,
    area,
    traced,
)
from tests.tools import parity_planner, parity_sampling

SHARED = Path(__file__).resolve().parents[3] / "shared" / "fixtures"
FIXTURES = Path(os.environ.get("ACESTEPD_FIXTURES", SHARED))
# the part of it that a lone checkout has: turbo
COPY = Path(__file__).resolve().parents[1] / "data" / "official"
ELSEWHERE = (parity_planner, parity_sampling)  # being imported, they have registered their areas
# where its window begins and ends, in seconds
SPLICE = (
    (rf"{NUMBER}-", 0.02),
    (rf"[\d.]+-{NUMBER}", 0.06),
)

DTYPES = {"float32": mx.float32, "bfloat16": mx.bfloat16}
FLOAT32_NOISE = 1e-9  # -90 dB: less than that is lost in float32, too

# --- networks -------------------------------------------------------------------------------------


@area("text_encoder")
def text_encoder(bench: Bench) -> None:
    model = bench.fixtures.model()
    encoder = model.text_encoder
    written = [
        encode_prompt(model.tokenizer, case[f"{kind}_prompt"], limit)
        for name, case in bench.fixtures.values("prompts").items()
        for kind, limit in (("text", prompts.TEXT_LIMIT), ("lyric", prompts.LYRIC_LIMIT))
        if name.startswith("cases.")
    ]
    for case in bench.cases("input_ids"):
        ids = bench.read(f"{case}.input_ids")
        mask = (
            bench.read(f"{case}.attention_mask")
            if f"{case}.attention_mask" in bench.golden
            else np.ones_like(ids)
        )
        if written:
            expected = [
                row[keep > 0].tolist() in written for row, keep in zip(ids, mask, strict=True)
            ]
            bench.same(f"{case}.input_ids from prompts.json", expected, [True] * len(ids))
        with traced(encoder) as parts:
            bench.check(f"{case}.last_hidden_state", encoder(bench.tensor(f"{case}.input_ids")))
        bench.check(f"{case}.embeddings", encoder.embed(bench.tensor(f"{case}.input_ids")))
        for layer in range(len(encoder.layers)):
            bench.check(f"{case}.layer{layer}_out", parts[f"layers.{layer}"])


@area("condition_encoder")
def condition_encoder(bench: Bench) -> None:
    for prefix in bench.cases("text_proj"):
        model = bench.fixtures.model(prefix)
        for case in bench.cases("text_hidden_states"):
            if f"{case}.refer_audio_order_mask" in bench.golden:
                condition_batch(bench, case, prefix, model.networks.encoder)
            else:
                single = (
                    bench.tensor(f"{case}.{kind}_hidden_states") for kind in ("text", "lyric")
                )
                bench.check(
                    f"{case}.{prefix}.encoder_hidden_states", model.encode_condition(*single)
                )


def condition_batch(
    bench: Bench, case: str, prefix: str, encoder: conditioner.ConditionEncoder
) -> None:
    text, lyrics = (
        (
            bench.tensor(f"{case}.{kind}_hidden_states"),
            bench.tensor(f"{case}.{kind}_attention_mask"),
        )
        for kind in ("text", "lyric")
    )
    references = ("acoustic_hidden_states_packed", "order_mask")
    packed, rows = (bench.tensor(f"{case}.refer_audio_{kind}") for kind in references)
    with traced(encoder) as parts:
        states, mask = encoder.encode_batch(text, lyrics, (packed, rows))
    timbre, timbre_mask = conditioner.group_by_row(parts["timbre_encoder"], rows, len(states))
    bench.check(f"{prefix}.text_proj", parts["text_projector"])
    bench.check(f"{prefix}.lyric_embed", parts["lyric_encoder.embed_tokens"])
    for layer in range(len(encoder.lyric_encoder.layers)):
        bench.check(f"{prefix}.lyric_layer{layer}", parts[f"lyric_encoder.layers.{layer}"])
    bench.check(f"{prefix}.lyric_out", parts["lyric_encoder"])
    bench.check(f"{prefix}.timbre_packed", parts["timbre_encoder"])
    bench.check(f"{prefix}.timbre_unpacked", timbre)
    bench.check(f"{prefix}.timbre_mask", timbre_mask)
    bench.check(f"{prefix}.encoder_hidden_states", states)
    bench.check(f"{prefix}.encoder_attention_mask", mask)


@area("dit_*")
def diffusion_transformer(bench: Bench) -> None:
    decoder = bench.fixtures.model(bench.area.removeprefix("dit_")).networks.decoder
    for case in bench.cases("hidden_states"):
        dit_case(bench, case, decoder)
    for case in bench.cases("t"):
        t = bench.tensor(f"{case}.t")
        bench.check(f"{case}.sinusoid", dit.embed_timesteps(t))
        bench.check(f"{case}.temb", decoder.time_embed(t)[0])
        bench.check(f"{case}.temb_r", decoder.time_embed_r(t)[0])


def dit_case(bench: Bench, case: str, decoder: dit.DiT) -> None:
    names = ("hidden_states", "context_latents", "timestep", "timestep_r", "encoder_hidden_states")
    x, context, t, r, condition = (bench.tensor(f"{case}.{name}") for name in names)
    with traced(decoder) as parts:
        bench.check(
            f"{case}.velocity", decoder(x, context, t, r, decoder.project_condition(condition))
        )
    bench.check(f"{case}.temb_t", parts["time_embed"][0])
    bench.check(f"{case}.temb_r", parts["time_embed_r"][0])
    bench.check(f"{case}.timestep_proj", decoder.embed_times(t, r)[1])
    bench.check(f"{case}.patches", parts["proj_in.1"])
    bench.check(f"{case}.cond", parts["condition_embedder"])
    for layer in range(len(decoder.layers)):
        bench.check(f"{case}.layer{layer}", parts[f"layers.{layer}"])


@area("vae")
def autoencoder(bench: Bench) -> None:
    vae = bench.fixtures.model().vae
    fused_weights(bench, bench.fixtures.root / checkpoint.VAE_FOLDER)
    for case in bench.cases("latents"):
        decoded(bench, case, vae)
    for case in bench.cases("audio"):
        if f"{case}.latents" not in bench.golden:
            waveform = bench.tensor(f"{case}.audio").swapaxes(1, 2)
            with traced(vae) as parts:
                mean, std = vae.encode(waveform)
            if f"{case}.noise" in bench.golden:
                samples = vae.encode_tiles(
                    waveform, noise=bench.tensor(f"{case}.noise").swapaxes(1, 2)
                )
                bench.check(f"{case}.sample", mx.concatenate(list(samples), axis=1).swapaxes(1, 2))
            bench.check(f"{case}.mean", mean.swapaxes(1, 2))
            bench.check(f"{case}.std", std.swapaxes(1, 2))
            bench.check(f"{case}.moments", parts["encoder"].swapaxes(1, 2))
            vae_parts(bench, case, "encoder", parts)


def decoded(bench: Bench, case: str, vae: VAE) -> None:
    """In one piece, or in the tiles that are recorded."""
    latents = bench.tensor(f"{case}.latents").swapaxes(1, 2)
    if re.search(r"tile|chunk", bench.read_notes(case)):
        chunk = bench.number(f"{case}.audio", rf"chunk_size {NUMBER}", 24)
        overlap = bench.number(f"{case}.audio", rf"overlap {NUMBER}", 8)
        tiles = vae.decode_tiles(latents, int(chunk - 2 * overlap), int(overlap))
        bench.check(f"{case}.audio", mx.concatenate(list(tiles), axis=1).swapaxes(1, 2))
        return
    with traced(vae) as parts:
        bench.check(f"{case}.audio", vae.decode(latents).swapaxes(1, 2))
    vae_parts(bench, case, "decoder", parts)


def fused_weights(bench: Bench, folder: Path) -> None:
    vae = VAE(VAEConfig.from_folder(folder), choose_ops())
    checkpoint.load_strictly(vae, *checkpoint.read_tensors(folder, "diffusion_pytorch_model"))
    convolutions = dict(vae.named_modules())
    for match in bench.find(r"fused\.(.+)"):
        bench.check(match[0], convolutions[match[1]].fuse())


def vae_parts(bench: Bench, case: str, half: str, parts: dict[str, mx.array]) -> None:
    """`enc.block3` is what encoder.block.3 returned, `dec.conv1` what decoder.conv1 did."""
    for match in bench.find(rf"{case}\.(block|conv|snake)(\d+)"):
        dot = "." if match[1] == "block" else ""
        bench.check(match[0], parts[f"{half}.{match[1]}{dot}{match[2]}"].swapaxes(1, 2))


@area("lora")
def adapters(bench: Bench) -> None:
    """On the inputs of the DiT's case that is recorded. The adapter is the one folder that has such
    a thing.
    """
    meanings = (bench.fixtures.notes.meaning(f"lora/{name}") for name in bench.golden)
    recorded = (re.search(r"dit_(\w+) '(\w+)' inputs", meaning) for meaning in meanings)
    variant, case = next((found.groups() for found in recorded if found), ("turbo", ""))
    model = bench.fixtures.model(variant)
    inputs = Bench(f"dit_{variant}", bench.fixtures, bench.fixtures.values(f"dit_{variant}"))
    cases = inputs.cases("hidden_states")
    case = case if case in cases else next(iter(cases), "")
    if not case:
        for name in bench.golden:
            bench.lacks(name, f"it was made from the inputs of dit_{variant}, which is not there")
        return
    folder = next(path.parent for path in bench.fixtures.folder.glob("*/adapter_config.json"))
    names = ("hidden_states", "context_latents", "timestep", "timestep_r", "encoder_hidden_states")
    x, context, t, r, condition = (inputs.tensor(f"{case}.{name}") for name in names)
    decoder = model.networks.decoder
    for match in bench.find(r"\w+?_(?:scale(\d+(?:_\d+)?)|no_lora)"):
        scale = (match[1] or "0").replace("_", ".")
        model.set_adapters([(str(folder), float(scale))])
        bench.check(match[0], decoder(x, context, t, r, decoder.project_condition(condition)))
    model.set_adapters([])


@area("fsq")
def audio_codes(bench: Bench) -> None:
    for match in bench.find(r"((?:\w+\.)?)indices"):
        code_round_trip(
            bench, match[1], bench.fixtures.model(match[1].removesuffix(".") or "turbo")
        )
    model = bench.fixtures.model().networks
    codes = bench.tensor("codes")[..., 0]
    output = model.tokenizer.quantizer.dequantise(codes)
    bench.check("codes_values", model.tokenizer.quantizer.unpack_codes(codes))
    bench.check("codes_output", output)
    bench.check("codes_hints", model.detokenizer(output))
    window = bench.fixtures.model().config.pool_window_size
    bench.check("token_mask", codec.make_token_mask(bench.tensor("attention_mask"), window))


def code_round_trip(bench: Bench, prefix: str, model: Model) -> None:
    """Latents to codes and back. A last window that is not full is filled with silence."""
    latents = bench.tensor("latents")
    tokenizer = model.networks.tokenizer
    batch, length, _ = latents.shape
    silence = model.silence[:, : -length % model.config.pool_window_size]
    with traced(tokenizer) as parts:
        codes = tokenizer(mx.concatenate([latents, mx.tile(silence, (batch, 1, 1))], axis=1))
    pooled = parts["attention_pooler"]
    quantized = tokenizer.quantizer.dequantise(codes)
    bounded = tokenizer.quantizer.bound(pooled)
    bench.check(f"{prefix}pooled", pooled)
    bench.check(f"{prefix}pre_quant", bounded)
    bench.check(f"{prefix}levels", tokenizer.quantizer.round_to_levels(bounded))
    bench.check(f"{prefix}indices", codes[..., None])
    bench.check(f"{prefix}quantized", quantized)
    bench.check(f"{prefix}detokenized", model.networks.detokenizer(quantized))


# --- texts ----------------------------------------------------------------------------------------


@area("prompts")
def prompt_texts(bench: Bench) -> None:
    tokenizers = {"tiny": bench.fixtures.model().tokenizer}
    for path in sorted(bench.fixtures.folder.glob("tokenizers/*/tokenizer.json.gz")):
        tokenizers["real"] = Tokenizer.from_str(gzip.decompress(path.read_bytes()).decode())
    prompt_templates(bench)
    for match in bench.find(r"dict_to_meta_examples\.\d+"):
        example = bench.read(match[0])
        bench.same(match[0], prompts.format_metadata(example["input"]), example["output"])
    for match in bench.find(r"build_metadata_examples\.\d+"):
        example = bench.read(match[0])
        bench.same(
            match[0], prompts.format_metadata(example), prompts.format_metadata(example["output"])
        )
    for match in bench.find(r"cases\..+"):
        prompt_case(bench, match[0], tokenizers)


def prompt_templates(bench: Bench) -> None:
    official = bench.read("sft_gen_prompt").format("Play:", "a song", "- bpm: 1\n")
    bench.same(
        "sft_gen_prompt", prompts.build_text_prompt("a song", "- bpm: 1\n", "Play:"), official
    )
    official = bench.read("lyric_template").format(language="en", lyrics="la")
    bench.same("lyric_template", prompts.build_lyric_prompt("la", "en"), official)
    bench.same("track_names", list(TRACKS), bench.read("track_names"))
    for kind, variant in (
        ("_turbo", "acestep-v15-turbo"),
        ("_base", "acestep-v15-base"),
        ("", "acestep-v15-base"),
    ):
        # an official one of later
        ours = {"text2music", *VARIANTS[variant].tasks} - {"cover-nofsq"}
        bench.same(f"task_types{kind}", sorted(ours), sorted(bench.read(f"task_types{kind}")))
    bench.same(
        "default_dit_instruction",
        prompts.build_instruction("text2music"),
        bench.read("default_dit_instruction"),
    )
    name = "default_meta_string_when_metas_is_none"
    bench.same(name, prompts.format_metadata({}), bench.read(name))
    track = bench.golden["track_names"][0]
    for match in bench.find(r"task_instructions\.(\w+?)(_default)?"):
        template = bench.read(match[0])
        official = template.format(TRACK_NAME=track.upper(), TRACK_CLASSES=track.upper())
        bench.same(
            match[0],
            prompts.build_instruction(match[1], (track,) if "{" in template else ()),
            official,
        )


def prompt_case(bench: Bench, name: str, tokenizers: dict[str, Tokenizer]) -> None:
    case = bench.read(name)
    values = case["input"]
    tracks = values.get("complete_track_classes") or [
        values[key] for key in ("track_name",) if values.get(key)
    ]
    instruction = values.get("instruction") or prompts.build_instruction(
        values["task"], tuple(tracks)
    )
    metas = prompts.format_metadata(values)
    text = prompts.build_text_prompt(values["caption"], metas, instruction)
    lyrics = prompts.build_lyric_prompt(values["lyrics"], values["vocal_language"])
    ours = {
        "instruction": instruction,
        "metas": metas,
        "pure_caption": prompts.extract_caption(values["caption"]),
    }
    ours |= {"text_prompt": text, "lyric_prompt": lyrics}
    for key, value in ours.items():
        bench.same(f"{name}.{key}", value, case[key])
    for kind, tokenizer in tokenizers.items():
        same_ids(
            bench, name, f"text_ids_{kind}", encode_prompt(tokenizer, text, prompts.TEXT_LIMIT)
        )
        same_ids(
            bench, name, f"lyric_ids_{kind}", encode_prompt(tokenizer, lyrics, prompts.LYRIC_LIMIT)
        )


def same_ids(bench: Bench, name: str, key: str, ours: list[int]) -> None:
    bench.compare(f"{name}.{key}", ours, bench.read(name)[key], 0.0)


# --- requests -------------------------------------------------------------------------------------


def request_task(official: str) -> str:
    return {"text2music": ""}.get(official, official)


def request_of(case: dict[str, Any], source: Path) -> Request | None:
    """The request that a case of tasks.json stands for, read from its prompt; None where no request
    can ask for it.
    """
    task = request_task(case["task_type"])
    if task not in ("", *TASKS):
        return None
    parts = (
        r"# Instruction\n(.*)\n\n# Caption\n(.*)\n\n# Metas\n(.*?)<\|"
        r".*# Languages\n(.*?)\n\n# Lyric\n(.*)<\|"
    )
    match = re.search(parts, case["text_prompt_and_lyrics"], re.DOTALL)
    if not match:
        raise ValueError(f"{case['name']}: this is no prompt: {case['text_prompt_and_lyrics']!r}")
    metas = dict(line.removeprefix("- ").split(": ", 1) for line in match[3].splitlines())
    values: dict[str, Any] = {
        "bpm": metas["bpm"],
        "key": metas["keyscale"],
        "time_signature": metas["timesignature"],
    }
    values = {name: value for name, value in values.items() if value != "N/A"}
    if task:
        values |= {"task": task, "source": str(source)}
    if tracks := re.search(r"the ([A-Z_]+) track|track with (.+):", match[1]):
        values["stems"] = (tracks[1] or tracks[2]).replace("|", " ")
    if task in IN_WINDOW:
        values |= {
            "repaint_start": case["repainting_start"],
            "repaint_end": case["repainting_end"] or -1,
        }
    if case["duration"]:
        values["seconds"] = case["duration"]
    if case["audio_codes"]:
        values["codes"] = case["audio_codes"]
    return Request(prompt=match[2], language=match[4], lyrics=match[5], seed=0).changed(values)


@area("tasks")
def task_cases(bench: Bench) -> None:
    model = bench.fixtures.model()
    constants = {
        "sample_rate": SAMPLE_RATE,
        "samples_per_latent_frame": model.vae.config.hop,
        "min_latent_frames": cost.MIN_FRAMES,
        "silence_reference_frames": TIMBRE_FRAMES,
        "frames_per_code": model.config.pool_window_size,
        "codes_per_second": SAMPLE_RATE / model.vae.config.hop / model.config.pool_window_size,
    }
    for name, value in constants.items():
        bench.same(f"constants.{name}", value, bench.read(f"constants.{name}"))
    bench.deviates(
        "constants.silence_threshold", "a silent take is an error here, and not levelled"
    )
    bench.deviates(
        "constants.fallback_duration",
        "the length is part of every request: 30 s where nothing is said",
    )
    for match in bench.find(r"repaint_config\.\d+"):
        repaint_mode(bench, match[0])
    for match in bench.find(r"determine_task\.\d+"):
        task_kind(bench, match[0])
    for match in bench.find(r"audio_code_parsing\.\d+"):
        code_text(bench, match[0])
    for match in bench.find(r"cases\.(.+)"):
        if request := request_of(bench.golden[match[0]], source_file(bench)):
            task_case(bench, match[1], model, request)
    source_latents(bench, model)


def source_file(bench: Bench) -> Path:
    return bench.fixtures.folder / "audio" / "src.wav"


def repaint_mode(bench: Bench, name: str) -> None:
    """The mode is called by a strength here: the official one's, or one of its ends."""
    case = bench.read(name)
    hold = RepaintBlend.of_strength(
        {"conservative": 0.0, "aggressive": 1.0}.get(case["mode"], case["strength"])
    )
    official = (case["injection_ratio"], case["crossfade_frames"], case["wav_crossfade_sec"])
    bench.compare(name, hold, official, 1e-6)


def task_kind(bench: Bench, name: str) -> None:
    """What follows from a task's name alone."""
    case = bench.read(name)
    task = request_task(case["task"])
    if case["codes"] and task:
        bench.deviates(
            name, "codes are painted over by themselves: with a task beside them they are refused"
        )
        return
    ours = {"is_repaint": task == "repaint", "is_lego": task == "lego"}
    ours |= {"is_cover": task == "cover" or bool(case["codes"])}
    ours |= {"can_use_repainting": task in IN_WINDOW}
    bench.same(name, ours, {key: case[key] for key in ours})


def code_text(bench: Bench, name: str) -> None:
    case = bench.read(name)
    tagged = re.sub(r"<\|audio_code_\d+\|>", "", case["input"]).strip() == ""
    try:
        ours = list(codes.parse(case["input"]))
    except ValueError:
        ours = []
    if tagged or ours == case["output"]:
        bench.same(name, ours, case["output"])
    else:
        bench.deviates(
            name,
            "plain numbers are codes too; what is no code is refused instead of dropped or clipped",
        )


def source_latents(bench: Bench, model: Model) -> None:
    """audio/src.wav, and the part of it that is the reference clip, with its channels swapped."""
    waveform = audio_files.read_audio(str(source_file(bench)))
    first = bench.number("ref_latents", rf"samples {NUMBER}\.\.", 24000)
    last = bench.number("ref_latents", rf"\.\.{NUMBER}", 71999)
    clips = {
        "src_latents_of_audio": waveform,
        "ref_latents": np.flip(waveform[int(first) : int(last) + 1], axis=1),
    }
    for name, samples in clips.items():
        bench.check(name, model.vae.encode(mx.array(samples[None].copy()))[0][0])


def build_inputs(
    bench: Bench, name: str, model: Model, request: Request
) -> tuple[Request, InputLatents]:
    """The request with its length, and what its context is made of. The source is as long as the
    official code has it.
    """
    if not request.task:
        return request, model.build_inputs(request)
    official = bench.golden[f"cases.{name}"]["target_wav_samples"]
    request, waveform = tasks.fit_source(request, audio_files.read_audio(request.source), hop=1)
    encoded = model.encode_audio(
        audio.place_in_silence(waveform, 0, official), model.count_frames(request)
    )
    return request, model.build_inputs(
        request, request.samples, mx.concatenate(list(encoded), axis=1)
    )


def task_case(bench: Bench, name: str, model: Model, request: Request) -> None:
    case = bench.read(f"cases.{name}")
    request, inputs = build_inputs(bench, name, model, request)
    if case["chunk_mask_mode"] == "auto":
        # as a voice is shown it that knows no masks
        inputs = dataclasses.replace(inputs, knows_masks=False)
    context = tasks.build_context(request.task, inputs)
    task = case["resolved_task"]
    source, mask = np.split(np.array(model.build_context_latents(context)), 2, axis=-1)
    if outlasts_codes(request, case):
        source = source[:, : case["frames"]]
        mask = mask[:, : case["frames"]]
    bench.check(f"{name}.src_latents", inputs.source if request.task == "cover" else source)
    bench.check(f"{name}.context_latents", source)
    bench.check(f"{name}.chunk_mask", mask[..., 0])
    bench.compare(
        f"{name}.chunk_mask is broadcast", mask, np.broadcast_to(mask[..., :1], mask.shape), 0.0
    )
    bench.check(f"{name}.repaint_mask", inputs.window_mask)
    reference = bench.tensor("ref_latents")[None] if case["uses_reference"] else None
    states = model.encode_condition(*model.encode_text(request, task, request.tracks), reference)
    bench.check(f"{name}.encoder_hidden_states", states)
    if f"{name}.non_cover_text_ids" in bench.golden:
        non_cover_ids(bench, name, model, request)
    task_facts(bench, name, model, request, context, states.shape[1])


def outlasts_codes(request: Request, case: dict[str, Any]) -> bool:
    """The official code makes a clip that is only as long as its codes, whatever was asked for."""
    return bool(request.codes) and request.samples > case["frames"] * cost.HOP


def non_cover_ids(bench: Bench, name: str, model: Model, request: Request) -> None:
    """The official code fills them with end tokens up to the length of the cover's; here nothing is
    filled.
    """
    plain, _ = prompts.build_prompts(request)
    ours = encode_prompt(model.tokenizer, plain, prompts.TEXT_LIMIT)
    official = bench.read(f"{name}.non_cover_text_ids")
    bench.compare(
        f"{name}.non_cover_text_ids",
        [ours + ours[-1:] * (official.shape[1] - len(ours))],
        official,
        0.0,
    )


def task_facts(
    bench: Bench, name: str, model: Model, request: Request, context: TaskContext, length: int
) -> None:
    case = bench.read(f"cases.{name}")
    text, lyrics = prompts.build_prompts(request, case["resolved_task"], request.tracks)
    facts = {
        "frames": model.count_frames(request),
        "chunk_mask_true_frames": int(np.array(context.chunk_mask).sum()),
        "text_prompt_and_lyrics": f"{text}\n\n{lyrics}",
        "encoder_length": length,
    }
    if outlasts_codes(request, case):
        for key in ("frames", "chunk_mask_true_frames"):
            del facts[key]
            bench.deviates(
                f"cases.{name}.{key}", "as long as was asked for: silence follows the codes"
            )
    for key, value in facts.items():
        bench.same(f"cases.{name}.{key}", value, case[key])
    if request.samples - case["target_wav_samples"] == 1:
        bench.deviates(
            f"cases.{name}.target_wav_samples",
            "exact to the sample; the official code drops a fraction",
        )
    else:
        bench.same(f"cases.{name}.target_wav_samples", request.samples, case["target_wav_samples"])
    same_ids(
        bench, f"cases.{name}", "text_ids", encode_prompt(model.tokenizer, text, prompts.TEXT_LIMIT)
    )
    same_ids(
        bench,
        f"cases.{name}",
        "lyric_ids",
        encode_prompt(model.tokenizer, lyrics, prompts.LYRIC_LIMIT),
    )


@area("end_to_end")
def end_to_end(bench: Bench) -> None:
    """The cases that are in tasks.json too, with the prompt from there and turbo's own steps and
    shift.
    """
    model = bench.fixtures.model()
    recorded = Bench("tasks", bench.fixtures, bench.fixtures.values("tasks"))
    for case in bench.cases("latents"):
        if name := same_case(bench, case, recorded):
            request = request_of(recorded.golden[f"cases.{name}"], source_file(bench))
            assert request is not None
            clip(bench, case, recorded, name, model, model.capabilities.defaults.fill(request))
        else:
            for part in bench.parts(case):
                bench.lacks(part, "no case of tasks.json has its length, task and window")


def same_case(bench: Bench, case: str, recorded: Bench) -> str:
    """The case of tasks.json that this one is, by what is recorded of it; empty where there is
    none.
    """
    notes = bench.read_notes(case)
    frames = bench.golden[f"{case}.latents"].shape[1]
    scores = {
        match[1]: likeness(recorded.golden[match[0]], notes, frames)
        for match in recorded.find(r"cases\.(.+)")
    }
    best = max(scores, key=lambda name: scores[name], default="")
    return best if best and scores[best] else ""


def likeness(case: dict[str, Any], notes: str, frames: int) -> int:
    """How much of a case of tasks.json is recorded of another: its texts, window and mask. 0: it is
    not the same.
    """
    task = "repaint" if "repaint" in notes else "text2music"
    if (
        case["frames"] != frames
        or case["task_type"] != task
        or case["audio_codes"]
        or case["uses_reference"]
    ):
        return 0
    words: str = case["text_prompt_and_lyrics"].lower()
    texts = sum(text in words for text in re.findall(r'"([^"]+)"', notes))
    if task == "text2music":
        return 1 + texts
    window = {case["repainting_start"], case["repainting_end"]} <= {
        float(n) for n in re.findall(NUMBER, notes)
    }
    if not window and re.search(rf"{NUMBER}-{NUMBER} s", notes):
        return 0
    same_mode = bool(case["chunk_mask_mode"] == ("auto" if "auto" in notes else "explicit"))
    return 1 + texts + 2 * window + same_mode


def clip(
    bench: Bench, case: str, recorded: Bench, name: str, model: Model, request: Request
) -> None:
    request, inputs = build_inputs(recorded, name, model, request)
    context = tasks.build_context(request.task, inputs)
    times = schedules.build_timesteps(request, model.config.is_turbo)
    noise = bench.tensor(f"{case}.noise" if f"{case}.noise" in bench.golden else "noise")
    condition = model.encode_condition(*model.encode_text(request, context.task))
    conditioning = [model.build_conditioning(condition, context)] * len(times)
    injection = model.build_injection(request, inputs, noise)
    *_, last = model.diffuse(request, conditioning, times, noise, injection)
    latents = last.x
    if request.task:
        around_window(
            bench,
            f"{case}.latents",
            inputs.window,
            RepaintBlend.of_strength(request.repaint_strength),
            latents,
        )
        return
    bench.check(f"{case}.latents", latents)
    decoded = np.concatenate(list(model.vae.decode_tiles(latents)), axis=1).swapaxes(1, 2)
    bench.check(f"{case}.audio_head", decoded[..., : bench.golden[f"{case}.audio_head"].shape[-1]])
    bench.check(f"{case}.peak", audio.sample_peak(decoded))
    bench.check(f"{case}.rms", np.sqrt(np.mean(np.square(decoded, dtype=np.float64), axis=-1)))


def around_window(
    bench: Bench, name: str, window: range, hold: RepaintBlend, latents: mx.array
) -> None:
    """The README does not say which prompt it was painted with: compared is what does not depend on
    that.
    """
    place = np.arange(latents.shape[1])
    outside = (place < window.start - hold.frames) | (place >= window.stop + hold.frames)
    official = bench.golden[name]
    bench.compare(
        f"{name} around the window", np.array(latents)[:, outside], official[:, outside], 5e-3
    )
    bench.deviates(
        name,
        "painted from a prompt that is not given: only what is around the window can be compared",
    )


@area("postprocess")
def postprocess(bench: Bench) -> None:
    for case in bench.cases("out"):
        if f"{case}.pred" in bench.golden:
            splice(bench, case)
        else:
            bench.deviates(
                f"{case}.out",
                "a clip is levelled by its true peak with a margin, not by its highest sample",
            )


def splice(bench: Bench, case: str) -> None:
    out = f"{case}.out"
    begin, end = (bench.number(out, rf"window {ends}", default) for ends, default in SPLICE)
    window = range(round(begin * SAMPLE_RATE), round(end * SAMPLE_RATE))
    fade = round(bench.number(out, rf"{NUMBER} ms crossfade", 5) / 1000 * SAMPLE_RATE)
    new, old = (bench.read(f"{case}.{name}")[0] for name in ("pred", "src"))
    bench.check(out, audio.splice(new, old, window, fade)[None])


# --- names and shapes -----------------------------------------------------------------------------


@area("official_layout")
def official_layout(bench: Bench) -> None:
    for match in bench.find(r"configs\.(.+)"):
        if module := full_size(match[1], bench.golden[match[0]]):
            ours = {
                name: list(array.shape)
                for name, array in dict(tree_flatten(module.parameters())).items()
            }
            official = inventory(bench, match[1])
            wrong = {
                name
                for name in ours.keys() | official.keys()
                if ours.get(name) != official.get(name)
            }
            bench.same(f"{match[1]}: {len(official)} tensors", sorted(wrong), [])
    parity_planner.check_layouts(bench)


def full_size(folder: str, config: dict[str, Any]) -> nn.Module | None:
    """The network of one published folder, if we have it. Its arrays are never computed."""
    if folder.startswith("acestep-v15-"):
        return AceStepModel(AceStepConfig.from_dict(config), choose_ops())
    if folder == checkpoint.TEXT_ENCODER:
        return TextEncoder(TextEncoderConfig.from_dict(config), choose_ops())
    # planners: parity_planner
    return (
        VAE(VAEConfig.from_dict(config), choose_ops()) if folder == checkpoint.VAE_FOLDER else None
    )


def inventory(bench: Bench, folder: str) -> dict[str, list[int]]:
    """The published names and shapes; a folder that is not in the list has turbo's."""
    listed = bench.find(rf"files\.{re.escape(folder)}/.*") or bench.find(
        rf"files\.{checkpoint.TURBO}/.*"
    )
    entry = bench.read(listed[0][0])
    if "shapes" in entry:
        shapes: dict[str, list[int]] = entry["shapes"]
        return shapes
    if "shapes_differing_from_turbo" in entry:
        differing: dict[str, list[int]] = entry["shapes_differing_from_turbo"]
        return inventory(bench, checkpoint.TURBO) | differing
    every = entry["shapes_layer0_and_rest"]
    layers = range(entry["layers"])
    return {
        name.replace("layers.0.", f"layers.{i}."): shape
        for name, shape in every.items()
        for i in layers
    }


# --- the report -----------------------------------------------------------------------------------


def checked(fixtures: Fixtures, name: str) -> list[Line]:
    """The lines of one area. An error ends the area, as a failed line."""
    bench = Bench(name, fixtures)
    try:
        bench.golden = fixtures.values(name)
        for function in (function for glob, function in AREAS.items() if fnmatchcase(name, glob)):
            function(bench)
    except Exception as error:
        message = " ".join(f"{type(error).__name__}: {error}".split())
        return [*bench.lines, Line(name, "(the rest)", FAIL, note=message)]
    return [*bench.lines, *(Line(name, left, MISSING) for left in bench.unused())]


def run(fixtures: Fixtures) -> Iterator[Line]:
    for name in fixtures.areas():
        yield from checked(fixtures, name)


def summary(lines: Sequence[Line]) -> str:
    """Per area, the number of lines with each verdict."""
    count = Counter((name, line.verdict) for line in lines for name in (line.area, "total"))
    areas = [*dict.fromkeys(line.area for line in lines), "total"]
    rows = [
        (name, *(count[name, verdict] for verdict in (OK, FAIL, MISSING, DEVIATION)))
        for name in areas
    ]
    head = ("area", "passed", "failed", "not implemented", "deviation")
    return "\n".join("{:18} {:>8} {:>8} {:>17} {:>11}".format(*row) for row in (head, *rows))


def describe_loss(lines: Sequence[Line]) -> str:
    """Per area, what computing in bfloat16 costs: the value that has most noise, in dB below
    itself, the largest difference of any (of 1: the value's largest number), and how many texts and
    lists of tokens are others. Areas that lose nothing are left out.
    """
    rows: list[tuple[object, ...]] = []
    for name in dict.fromkeys(line.area for line in lines):
        inside = [line for line in lines if line.area == name and line.verdict == ROUNDED]
        others = sum(bool(line.note) for line in inside)
        noisy = [line for line in inside if (line.noise or 0.0) > FLOAT32_NOISE]
        worst = max(noisy, key=lambda line: line.noise or 0.0, default=None)
        largest = max((line.difference or 0.0 for line in noisy), default=0.0)
        if worst and worst.noise:
            decibels = f"{10 * math.log10(worst.noise):.1f} dB"
            rows.append((name, len(noisy), f"{largest:.1e}", decibels, others, worst.name))
        elif others:
            rows.append((name, "", "", "", others, ""))
    head = ("area", "rounded", "largest", "noise", "others", "noise is of")
    layout = "{:18} {:>8} {:>8} {:>9} {:>7}  {}"
    return "\n".join(layout.format(*row).rstrip() for row in (head, *rows))


def choose_device(name: str) -> str:
    """Compute there from now on; products in float32 are of float32 numbers there. Returns why that
    cannot be; empty where it can.
    """
    chosen = mx.gpu if name == "gpu" else mx.cpu
    if not mx.is_available(chosen):
        return f"MLX has no {name.upper()} here; see: acestepd doctor"
    os.environ["MLX_ENABLE_TF32"] = "0"  # read at the first product
    mx.set_default_device(chosen)
    return ""


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.tools.parity", description=__doc__)
    parser.add_argument(
        "fixtures",
        nargs="?",
        type=Path,
        default=FIXTURES if FIXTURES.is_dir() else COPY,
        help="default: %(default)s",
    )
    parser.add_argument("--device", choices=("cpu", "gpu"), help="default: MLX's own choice")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="default: %(default)s")
    options = parser.parse_args(arguments)
    fixtures = Fixtures(options.fixtures, DTYPES[options.dtype])
    if not fixtures.areas():
        parser.error(f"{fixtures.folder / 'golden'} has no golden files")
    if options.device and (obstacle := choose_device(options.device)):
        print(f"skipped: {obstacle}")
        return 0
    print(f"{device.describe()}, {options.dtype}\n")
    lines = []
    for line in run(fixtures):
        print(line, flush=True)
        lines.append(line)
    if absent := fixtures.absent():
        print(f"\nnot there, and so not compared ({len(absent)}):", *absent, sep="\n  ")
    print("\n" + (summary(lines) if options.dtype == "float32" else describe_loss(lines)))
    return int(any(line.verdict == FAIL for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
