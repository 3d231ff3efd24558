"""How close the pipeline is to the official code: `python -m tests.parity [FIXTURES]`.

Every value in FIXTURES/golden is compared with what the pipeline makes of the same inputs and the checkpoint beside
it. Sizes, prompts and parameters are read from the files, so that any folder of that structure can be given.
Exit status: 0 when nothing failed, 1 when something did, 2 when FIXTURES is not such a folder.
"""

from __future__ import annotations

import argparse
import functools
import gzip
import json
import math
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline import audio, checkpoint, conditioner, dit, prompts, sampler  # before MLX: this loads its fast BLAS
from pipeline.checkpoint import AceStepModel
from pipeline.config import AceStepConfig, TextEncoderConfig, VAEConfig
from pipeline.generate import MIN_FRAMES, REFERENCE_FRAMES, AceStep, token_ids
from pipeline.request import SAMPLE_RATE, Request
from pipeline.text_encoder import TextEncoder
from pipeline.vae import VAE

# isort: split
import mlx.core as mx
import numpy as np
import soundfile
from mlx import nn
from mlx.utils import tree_flatten
from safetensors.numpy import load_file
from tokenizers import Tokenizer

FIXTURES = Path(__file__).resolve().parents[2] / "shared" / "fixtures"
OK, FAIL, MISSING, DEVIATION = "ok", "FAIL", "not implemented", "deviation"
NUMBER = r"(\d+(?:\.\d+)?)"

# What is given and not computed, for the cases that nothing here reads yet (area/name).
INPUTS = """
    sampler_*/*noise sampler_*/src_latents sampler_*/repaint_mask sampler_*/custom_timesteps sampler_*/*_non_cover
    dit_*/*.encoder_attention_mask fsq/attention_mask vae/enc.noise guidance/adg.latents end_to_end/*noise
    postprocess/*.in postprocess/splice.pred postprocess/splice.src lm_*/*.input_ids lm_*/*.attention_mask
    lm_*/cfg.columns lm_sampling/logits lm_sampling/history official_layout/configs.* official_layout/tokenizer.*
    official_layout/files.*silence_latent.pt
""".split()

# Tolerances where golden/README.md has none; None is for what is only information.
DEFAULT_TOLERANCES: list[tuple[str, float | None]] = [
    ("*_bf16", None),
    ("*max_abs_diff*", None),
    ("*timesteps", 1e-6),
    ("sampler_*/*.v0", 2e-4),
    ("sampler_*/*", 2e-3),
    ("tasks/*", 5e-4),
    ("end_to_end/*", 5e-3),
    ("vae/tiled.audio", 2e-3),
    ("*", 1e-4),
]


# --- what is compared ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Line:
    """One golden value and what became of it."""

    area: str
    name: str
    verdict: str
    difference: float | None = None  # max |ours - official| / max(1, max |official|)
    tolerance: float | None = None
    note: str = ""

    def __str__(self) -> str:
        numbers = ("" if n is None else f"{n:.1e}" for n in (self.difference, self.tolerance))
        return "{:20} {:46} {:>8} {:>8}  {} {}".format(self.area, self.name, *numbers, self.verdict, self.note).rstrip()


class Notes:
    """golden/README.md, which gives every tensor's tolerance and meaning. Without the file it has no rows."""

    _ROW = re.compile(r"\| `(.+?)` \| .+? \| .+? \| (.+?) \| (.*) \|")

    def __init__(self, path: Path) -> None:
        self._rows: dict[str, tuple[str, str]] = {}
        area = ""
        for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
            if line.startswith("### "):
                area = line.removeprefix("### ").strip().removesuffix(".safetensors")
            elif row := self._ROW.match(line):
                self._rows[f"{area}/{row[1]}"] = (row[2], row[3])

    def tolerance(self, name: str, dtype: np.dtype) -> float | None:
        """None for a value that is only information."""
        written = self._rows.get(name, ("", ""))[0]
        if written in ("informative", "-"):
            return None
        if written.startswith("exact"):
            return 0.0 if written == "exact" else 1e-6
        if re.fullmatch(r"[\d.]+(e-?\d+)?", written):
            return float(written)
        return 0.0 if dtype.kind in "iub" else next(tol for glob, tol in DEFAULT_TOLERANCES if fnmatchcase(name, glob))

    def number(self, name: str, pattern: str, default: float) -> float:
        """The number that `pattern` finds in a tensor's meaning: a parameter which no file holds."""
        found = re.search(pattern, self._rows.get(name, ("", ""))[1])
        return float(found[1]) if found else default


@dataclass(frozen=True)
class Fixtures:
    """A folder with a checkpoint, its golden values, and perhaps tokenizers and audio."""

    folder: Path

    @functools.cached_property
    def root(self) -> Path:
        """The checkpoint's root, whatever it is called."""
        found = sorted(path.parent for path in self.folder.glob(f"*/{checkpoint.TURBO}"))
        if not found:
            raise FileNotFoundError(f"{self.folder} has no sub-folder that contains {checkpoint.TURBO}")
        return found[0]

    @functools.cached_property
    def notes(self) -> Notes:
        return Notes(self.folder / "golden" / "README.md")

    def areas(self) -> list[str]:
        files = (self.folder / "golden").glob("*")
        return sorted({path.stem for path in files if path.suffix in (".safetensors", ".json")})

    def values(self, area: str) -> dict[str, Any]:
        """The tensors and the JSON cases of an area, by name."""
        tensors, cases = (self.folder / "golden" / f"{area}.{kind}" for kind in ("safetensors", "json"))
        found: dict[str, Any] = load_file(tensors) if tensors.is_file() else {}
        return found | (json_cases(json.loads(cases.read_text(encoding="utf-8"))) if cases.is_file() else {})

    def model(self, variant: str = "turbo") -> AceStep:
        return load_model(self.root, f"acestep-v15-{variant.replace('_', '-')}")


def json_cases(content: dict[str, Any]) -> dict[str, Any]:
    """A JSON file flattened by one level: `cases.chinese`, `base.3`, `task_instructions.cover`."""
    found: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            found |= {f"{key}.{name}": item for name, item in value.items()}
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            found |= {f"{key}.{item.get('name', i)}": item for i, item in enumerate(value)}
        elif key != "note":
            found[key] = value
    return found


@functools.cache
def load_model(root: Path, variant: str) -> AceStep:
    return AceStep(checkpoint.find(str(root), variant), mx.float32)


@dataclass
class Bench:
    """One area under test: hands out golden values, compares with them, and knows which of them were used."""

    area: str
    fixtures: Fixtures
    golden: dict[str, Any]
    lines: list[Line] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def read(self, name: str) -> Any:
        """A golden value as it is."""
        self.used.add(name)
        return self.golden[name]

    def tensor(self, name: str) -> mx.array:
        """A golden tensor as an input."""
        value: np.ndarray = self.read(name)
        return mx.array(value.astype(np.int32) if value.dtype.kind in "iu" else value)

    def find(self, pattern: str) -> list[re.Match[str]]:
        """The golden names that match `pattern` completely."""
        return [match for name in self.golden if (match := re.fullmatch(pattern, name))]

    def cases(self, ending: str) -> list[str]:
        """`even` and `odd`, when there is an even.<ending> and an odd.<ending>."""
        return [match[1] for match in self.find(rf"(\w+)\.{ending}")]

    def number(self, name: str, pattern: str, default: float) -> float:
        return self.fixtures.notes.number(f"{self.area}/{name}", pattern, default)

    def check(self, name: str, ours: Any) -> None:
        """Compare with the golden tensor `name`, if there is one (one that is never asked for is reported)."""
        if name in self.golden:
            official: np.ndarray = self.read(name)
            tolerance = self.fixtures.notes.tolerance(f"{self.area}/{name}", official.dtype)
            if tolerance is not None:
                self.compare(name, ours, official, tolerance)

    def compare(self, name: str, ours: Any, official: Any, tolerance: float = 0.0) -> None:
        a, b = np.asarray(ours).astype(np.float64), np.asarray(official).astype(np.float64)
        if a.shape != b.shape:
            self._add(name, FAIL, note=f"has the shape {a.shape}, not {b.shape}")
            return
        difference = float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))
        self._add(name, OK if difference <= tolerance else FAIL, difference, tolerance)  # NaN fails

    def same(self, name: str, ours: Any, official: Any) -> None:
        """Equal texts, numbers or lists."""
        note = "" if ours == official else f"is {ours!r:.120}, not {official!r:.120}"
        self._add(name, FAIL if note else OK, float(bool(note)), 0.0, note)

    def deviates(self, name: str, reason: str) -> None:
        """On purpose not what the official code does."""
        self.used.add(name)
        self._add(name, DEVIATION, note=reason)

    def _add(self, name: str, verdict: str, *numbers: float, note: str = "") -> None:
        self.lines.append(Line(self.area, name, verdict, *numbers[:2], note=note))


AREAS: dict[str, Callable[[Bench], None]] = {}


def area(glob: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Registers what checks the golden files of this name."""

    def register(function: Callable[[Bench], None]) -> Callable[[Bench], None]:
        AREAS[glob] = function
        return function

    return register


@contextmanager
def traced(module: nn.Module) -> Iterator[dict[str, Any]]:
    """What each part of `module` returns while the block runs, by the part's name in the checkpoint."""
    names = {id(part): name for name, part in module.named_modules()}
    kinds = {kind for part in module.modules() for kind in type(part).__mro__ if "__call__" in vars(kind)}
    returned: dict[str, Any] = {}

    def recording(call: Callable[..., Any]) -> Callable[..., Any]:
        def run(part: nn.Module, *arguments: Any) -> Any:
            result = call(part, *arguments)
            if id(part) in names:
                returned[names[id(part)]] = result
            return result

        return run

    with ExitStack() as stack:
        for kind in kinds:
            stack.enter_context(mock.patch.object(kind, "__call__", recording(vars(kind)["__call__"])))
        yield returned


# --- networks --------------------------------------------------------------------------------------------------------


@area("text_encoder")
def text_encoder(bench: Bench) -> None:
    model = bench.fixtures.model()
    encoder = model.text_encoder
    written = [
        token_ids(model.tokenizer, case[f"{kind}_prompt"], limit)
        for name, case in bench.fixtures.values("prompts").items()
        for kind, limit in (("text", prompts.TEXT_LIMIT), ("lyric", prompts.LYRIC_LIMIT))
        if name.startswith("cases.")
    ]
    for case in bench.cases("input_ids"):
        ids = bench.read(f"{case}.input_ids")
        mask = bench.read(f"{case}.attention_mask") if f"{case}.attention_mask" in bench.golden else np.ones_like(ids)
        known = [row[keep > 0].tolist() in written for row, keep in zip(ids, mask, strict=True)]
        bench.same(f"{case}.input_ids written in prompts.json", known, [True] * len(ids))
        with traced(encoder) as parts:
            bench.check(f"{case}.last_hidden_state", encoder(bench.tensor(f"{case}.input_ids")))
        bench.check(f"{case}.embeddings", encoder.embed(bench.tensor(f"{case}.input_ids")))
        for layer in range(len(encoder.layers)):
            bench.check(f"{case}.layer{layer}_out", parts[f"layers.{layer}"])


@area("condition_encoder")
def condition_encoder(bench: Bench) -> None:
    for prefix, variant in (("turbo", "turbo"), ("xl", "xl_turbo")):
        model = bench.fixtures.model(variant)
        condition_batch(bench, prefix, model)
        single = (bench.tensor(f"single.{kind}_hidden_states") for kind in ("text", "lyric"))
        bench.check(f"single.{prefix}.encoder_hidden_states", model.condition(*single))


def condition_batch(bench: Bench, prefix: str, model: AceStep) -> None:
    text, lyrics = (
        (bench.tensor(f"in.{kind}_hidden_states"), bench.tensor(f"in.{kind}_attention_mask"))
        for kind in ("text", "lyric")
    )
    packed, rows = (bench.tensor(f"in.refer_audio_{kind}") for kind in ("acoustic_hidden_states_packed", "order_mask"))
    with (
        traced(model.model.encoder) as parts,
        mock.patch.object(conditioner, "_by_row", side_effect=conditioner._by_row) as by_row,
    ):
        states, mask = model.model.encoder.batch(text, lyrics, (packed, rows))
    timbre, timbre_mask = conditioner._by_row(*by_row.call_args.args)
    bench.check(f"{prefix}.text_proj", parts["text_projector"])
    bench.check(f"{prefix}.lyric_embed", parts["lyric_encoder.embed_tokens"])
    for layer in range(len(model.model.encoder.lyric_encoder.layers)):
        bench.check(f"{prefix}.lyric_layer{layer}", parts[f"lyric_encoder.layers.{layer}"])
    bench.check(f"{prefix}.lyric_out", parts["lyric_encoder"])
    bench.check(f"{prefix}.timbre_packed", parts["timbre_encoder"])
    bench.check(f"{prefix}.timbre_unpacked", timbre)
    bench.check(f"{prefix}.timbre_mask", timbre_mask)
    bench.check(f"{prefix}.encoder_hidden_states", states)
    bench.check(f"{prefix}.encoder_attention_mask", mask)


@area("dit_*")
def diffusion_transformer(bench: Bench) -> None:
    decoder = bench.fixtures.model(bench.area.removeprefix("dit_")).model.decoder
    for case in bench.cases("hidden_states"):
        dit_case(bench, case, decoder)
    t = bench.tensor("time.t")
    bench.check("time.sinusoid", dit.sinusoid(t))
    bench.check("time.temb", decoder.time_embed(t)[0])
    bench.check("time.temb_r", decoder.time_embed_r(t)[0])


def dit_case(bench: Bench, case: str, decoder: dit.DiT) -> None:
    names = ("hidden_states", "context_latents", "timestep", "timestep_r", "encoder_hidden_states")
    x, context, t, r, condition = (bench.tensor(f"{case}.{name}") for name in names)
    with traced(decoder) as parts:
        bench.check(f"{case}.velocity", decoder(x, context, t, r, decoder.cross(condition)))
    bench.check(f"{case}.temb_t", parts["time_embed"][0])
    bench.check(f"{case}.temb_r", parts["time_embed_r"][0])
    bench.check(f"{case}.timestep_proj", decoder.modulation(t, r)[1])
    bench.check(f"{case}.patches", parts["proj_in.1"])
    bench.check(f"{case}.cond", parts["condition_embedder"])
    for layer in range(len(decoder.layers)):
        bench.check(f"{case}.layer{layer}", parts[f"layers.{layer}"])


@area("vae")
def autoencoder(bench: Bench) -> None:
    vae = bench.fixtures.model().vae
    folder = bench.fixtures.root / checkpoint.VAE_FOLDER
    unfused = VAE(VAEConfig.from_folder(folder))
    checkpoint.fit(unfused, *checkpoint.read_tensors(folder, "diffusion_pytorch_model"))
    convolutions = dict(unfused.named_modules())
    for match in bench.find(r"fused\.(.+)"):
        bench.check(match[0], convolutions[match[1]].fused())

    with traced(vae) as parts:
        bench.check("dec.audio", vae.decode(bench.tensor("dec.latents").swapaxes(1, 2)).swapaxes(1, 2))
        for case in bench.cases("audio"):
            if case.startswith("enc"):
                mean, std = vae.encode(bench.tensor(f"{case}.audio").swapaxes(1, 2))
                bench.check(f"{case}.mean", mean.swapaxes(1, 2))
                bench.check(f"{case}.std", std.swapaxes(1, 2))
                vae_parts(bench, case, "encoder", parts)
    vae_parts(bench, "dec", "decoder", parts)

    chunk = bench.number("tiled.audio", rf"chunk_size {NUMBER}", 24)
    overlap = bench.number("tiled.audio", rf"overlap {NUMBER}", 8)
    latents = bench.tensor("tiled.latents").swapaxes(1, 2)
    tiles = vae.decode_tiles(latents, int(chunk - 2 * overlap), int(overlap))
    bench.check("tiled.audio", mx.concatenate(list(tiles), axis=1).swapaxes(1, 2))


def vae_parts(bench: Bench, case: str, half: str, parts: dict[str, mx.array]) -> None:
    """`enc.block3` is the output of encoder.block.3, and `enc.moments` that of the encoder."""
    for match in bench.find(rf"{case}\.([a-z]+)(\d+)"):
        names = (f"{half}.{match[1]}{match[2]}", f"{half}.{match[1]}.{match[2]}")
        bench.check(match[0], next(parts[name] for name in names if name in parts).swapaxes(1, 2))
    bench.check(f"{case}.moments", parts[half].swapaxes(1, 2))


@area("fsq")
def audio_codes(bench: Bench) -> None:
    for prefix, variant in (("", "turbo"), ("xl.", "xl_turbo")):
        model = bench.fixtures.model(variant)
        latents, pool = bench.tensor("latents"), model.config.pool_window_size
        padding = model.silent(-latents.shape[1] % pool)
        padding = mx.broadcast_to(padding, (latents.shape[0], *padding.shape[1:]))
        code_round_trip(bench, prefix, model.model, mx.concatenate([latents, padding], axis=1))
    codes, quantizer = bench.tensor("codes"), bench.fixtures.model().model.tokenizer.quantizer
    bench.check("codes_values", quantizer.vectors(codes[..., 0]))
    bench.check("codes_output", quantizer.output(codes[..., 0]))
    bench.check("codes_hints", bench.fixtures.model().model.detokenizer(quantizer.output(codes[..., 0])))


def code_round_trip(bench: Bench, prefix: str, model: AceStepModel, latents: mx.array) -> None:
    quantizer = model.tokenizer.quantizer
    with traced(model.tokenizer) as parts:
        codes = model.tokenizer(latents)
    pooled, quantized = parts["attention_pooler"], quantizer.output(codes)
    bench.check(f"{prefix}pooled", pooled)
    bench.check(f"{prefix}pre_quant", quantizer.bounded(pooled))
    bench.check(f"{prefix}levels", quantizer.levels(quantizer.bounded(pooled)))
    bench.check(f"{prefix}indices", codes[..., None])
    bench.check(f"{prefix}quantized", quantized)
    bench.check(f"{prefix}detokenized", model.detokenizer(quantized))


# --- sampling --------------------------------------------------------------------------------------------------------


@area("sampler_*")
def samplers(bench: Bench) -> None:
    model = bench.fixtures.model(bench.area.removeprefix("sampler_"))
    plan = turbo_plan if model.config.is_turbo else base_plan
    bench.check("null_condition_emb", model.model.null_condition_emb)
    for case in bench.cases("timesteps"):
        if request := plan(bench, case):
            trajectory(bench, case, model, request)
        elif case == "custom" and model.config.is_turbo:
            wanted = bench.read("custom_timesteps").tolist()
            trajectory(bench, case, model, Request(), sampler.turbo_schedule(sampler.TURBO.shift, wanted))


def turbo_plan(_: Bench, case: str) -> Request | None:
    """`ode_shift2_2` is turbo's own number of steps at shift 2.2."""
    match = re.fullmatch(r"ode_shift(\d+(?:_\d+)?)", case)
    return sampler.TURBO.fill(Request(shift=float(match[1].replace("_", ".")))) if match else None


def base_plan(bench: Bench, case: str) -> Request | None:
    """The parameters that the README writes behind the case's timesteps, else those it had when this was written."""
    cases = {"apg": (5.0, 1.0, 0.0, 1.0), "apg_interval": (5.0, 3.0, 0.3, 0.9), "noguide": (1.0, 1.0, 0.0, 1.0)}
    patterns = rf"guidance {NUMBER}", rf"shift {NUMBER}", rf"{NUMBER} <= t\b", rf"\bt <= {NUMBER}"
    if case not in cases:
        return None
    scale, shift, start, end = (
        bench.number(f"{case}.timesteps", pattern, default)
        for pattern, default in zip(patterns, cases[case], strict=True)
    )
    steps = len(bench.golden[f"{case}.timesteps"])
    request = Request(num_steps=steps, shift=shift, guidance_scale=scale, cfg_interval_start=start, cfg_interval_end=end)
    return sampler.BASE.fill(request)


def trajectory(
    bench: Bench, case: str, model: AceStep, request: Request, schedule: np.ndarray | None = None
) -> None:
    """The whole way from the noise, at the request's timesteps or those of `schedule`."""
    decoder = model.model.decoder
    noise, context, states = (bench.tensor(n) for n in ("noise", "context_latents", "encoder_hidden_states"))
    null = mx.broadcast_to(model.model.null_condition_emb, (len(noise), 1, states.shape[-1]))
    conditions = [decoder.cross(states)] + ([decoder.cross(null)] if request.guidance_scale > 1 else [])

    def velocities(x: mx.array, t: float, count: int) -> list[mx.array]:
        at = mx.full((len(x),), t)
        return [decoder(x, context, at, at, cross) for cross in conditions[:count]]

    def velocity(x: mx.array, t: float, guided: bool) -> tuple[mx.array, mx.array | None]:
        found = velocities(x, t, 1 + guided)
        return found[0], found[1] if guided else None

    times = sampler.timesteps(request, model.config.is_turbo) if schedule is None else schedule
    path = [noise, *sampler.denoise(velocity, noise, times, sampler.Guidance.of(request))]
    bench.check(f"{case}.timesteps", times)
    bench.check(f"{case}.v0", mx.concatenate(velocities(noise, float(times[0]), len(conditions))))
    bench.check(f"{case}.x", mx.stack(path[:-1]))
    bench.check(f"{case}.latents", path[-1])


@area("guidance")
def guidance(bench: Bench) -> None:
    running = None
    steps = sorted(int(match[1]) for match in bench.find(r"apg\.step(\d+)\.out"))
    for step in (f"apg.step{i}" for i in steps):
        cond, uncond = bench.tensor(f"{step}.cond"), bench.tensor(f"{step}.uncond")
        out, running = sampler.apg(cond, uncond, bench.number(f"{step}.out", rf"guidance {NUMBER}", 7), running)
        bench.check(f"{step}.out", out)
        bench.check(f"{step}.running", running)
    # The other cases take the tensors of the last step.
    bench.check("cfg.out", sampler.cfg(cond, uncond, bench.number("cfg.out", rf"\+ {NUMBER} \*", 7)))
    scale = bench.number("apg.small.out", rf"guidance {NUMBER}", 3)
    bench.check("apg.small.out", sampler.apg(cond, bench.tensor("apg.small.uncond"), scale, None)[0])


@area("schedules")
def schedules(bench: Bench) -> None:
    for match in bench.find(r"(\w+)\.\d+"):
        row, turbo = bench.golden[match[0]], match[1] == "turbo"
        custom, steps = row.get("timesteps"), row.get("infer_steps", sampler.DISTILLED_STEPS)
        if "cover_noise_strength" in row or (custom and match[1] not in ("turbo", "base")):
            continue
        if turbo and steps != sampler.DISTILLED_STEPS:
            bench.deviates(match[0], "turbo takes as many steps as the request says")
            continue
        ours = sampler.timesteps(Request(num_steps=steps, shift=row["shift"]), turbo)
        if turbo and custom is not None:
            ours = sampler.turbo_schedule(row["shift"], custom)
        bench.compare(match[0], ours, bench.read(match[0])["dit_timesteps"], 1e-6)


# --- texts -----------------------------------------------------------------------------------------------------------


@area("prompts")
def prompt_texts(bench: Bench) -> None:
    tokenizers = {"tiny": bench.fixtures.model().tokenizer}
    for path in sorted(bench.fixtures.folder.glob("tokenizers/*/tokenizer.json.gz")):
        tokenizers["real"] = Tokenizer.from_str(gzip.decompress(path.read_bytes()).decode())
    prompt_templates(bench)
    for match in bench.find(r"dict_to_meta_examples\.\d+"):
        example = bench.read(match[0])
        bench.same(match[0], prompts.metas(example["input"]), example["output"])
    for match in bench.find(r"build_metadata_examples\.\d+"):
        example = bench.read(match[0])
        bench.same(match[0], prompts.metas(example), prompts.metas(example["output"]))
    for match in bench.find(r"cases\..+"):
        prompt_case(bench, match[0], bench.read(match[0]), tokenizers)


def prompt_templates(bench: Bench) -> None:
    official = bench.read("sft_gen_prompt").format("Play:", "a song", "- bpm: 1\n")
    bench.same("sft_gen_prompt", prompts.text_prompt("a song", "- bpm: 1\n", "Play:"), official)
    official = bench.read("lyric_template").format(language="en", lyrics="la")
    bench.same("lyric_template", prompts.lyric_prompt("la", "en"), official)
    bench.same("track_names", list(prompts.TRACKS), bench.read("track_names"))
    bench.same("default_dit_instruction", prompts.instruction("text2music"), bench.read("default_dit_instruction"))
    name = "default_meta_string_when_metas_is_none"
    bench.same(name, prompts.metas({}), bench.read(name))
    track = bench.golden["track_names"][0]
    for match in bench.find(r"task_instructions\.(\w+?)(_default)?"):
        template = bench.read(match[0])
        tracks = (track,) if "{" in template else ()
        official = template.format(TRACK_NAME=track.upper(), TRACK_CLASSES=track.upper())
        bench.same(match[0], prompts.instruction(match[1], tracks), official)


def prompt_case(bench: Bench, name: str, case: dict[str, Any], tokenizers: dict[str, Tokenizer]) -> None:
    given = case["input"]
    tracks = given.get("complete_track_classes") or [given[key] for key in ("track_name",) if given.get(key)]
    instruction = given.get("instruction") or prompts.instruction(given["task"], tuple(tracks))
    ours = {
        "instruction": instruction,
        "metas": prompts.metas(given),
        "pure_caption": prompts.pure_caption(given["caption"]),
        "text_prompt": prompts.text_prompt(given["caption"], prompts.metas(given), instruction),
        "lyric_prompt": prompts.lyric_prompt(given["lyrics"], given["vocal_language"]),
    }
    for kind, tokenizer in tokenizers.items():
        ours[f"text_ids_{kind}"] = token_ids(tokenizer, ours["text_prompt"], prompts.TEXT_LIMIT)
        ours[f"lyric_ids_{kind}"] = token_ids(tokenizer, ours["lyric_prompt"], prompts.LYRIC_LIMIT)
    for key, value in ours.items():
        bench.same(f"{name}.{key}", value, case[key])


# --- requests --------------------------------------------------------------------------------------------------------


def text2music_request(case: dict[str, Any]) -> Request | None:
    """The request that a case of tasks.json stands for, read from its prompt; None for the other tasks."""
    if case["resolved_task"] != "text2music" or case["uses_src_audio"] or case["uses_reference"]:
        return None
    pattern = r"# Caption\n(.*)\n\n# Metas\n(.*?)<\|.*# Languages\n(.*?)\n\n# Lyric\n(.*)<\|endoftext\|>"
    match = re.search(pattern, case["text_prompt_and_lyrics"], re.DOTALL)
    assert match, f"{case['name']}: not a prompt: {case['text_prompt_and_lyrics']!r}"
    metas = dict(line.removeprefix("- ").split(": ", 1) for line in match[2].splitlines())
    values = {"bpm": metas["bpm"], "key": metas["keyscale"], "time_signature": metas["timesignature"]}
    given = {name: value for name, value in values.items() if value != "N/A"}
    request = Request(prompt=match[1], language=match[3], lyrics=match[4], seconds=case["duration"], seed=0)
    return request.changed(given)


@area("tasks")
def tasks(bench: Bench) -> None:
    model = bench.fixtures.model()
    ours = {
        "sample_rate": SAMPLE_RATE,
        "samples_per_latent_frame": model.vae.config.hop,
        "min_latent_frames": MIN_FRAMES,
        "silence_reference_frames": REFERENCE_FRAMES,
        "frames_per_code": model.config.pool_window_size,
        "codes_per_second": SAMPLE_RATE / model.vae.config.hop / model.config.pool_window_size,
    }
    for name, value in ours.items():
        bench.same(f"constants.{name}", value, bench.read(f"constants.{name}"))
    source_latents(bench, model)
    for match in bench.find(r"cases\.(.+)"):
        if request := text2music_request(bench.golden[match[0]]):
            task_case(bench, match[1], model, request)


def source_latents(bench: Bench, model: AceStep) -> None:
    """audio/src.wav, and the part of it that is the reference (with its channels swapped), as latents."""
    path = bench.fixtures.folder / "audio" / "src.wav"
    if path.is_file():
        sound = soundfile.read(path, dtype="float32", always_2d=True)[0]
        bounds = (rf"samples {NUMBER}\.\.", 24000), (rf"samples \d+\.\.{NUMBER}", 71999)
        first, last = (int(bench.number("ref_latents", pattern, default)) for pattern, default in bounds)
        bench.check("src_latents_of_audio", model.vae.encode(mx.array(sound[None]))[0][0])
        bench.check("ref_latents", model.vae.encode(mx.array(sound[None, first : last + 1, ::-1]))[0][0])


def task_case(bench: Bench, name: str, model: AceStep, request: Request) -> None:
    case = bench.read(f"cases.{name}")
    states = model.condition(*model.encode_text(request))
    noise = model.noise(request)
    with mock.patch.object(model, "_step", side_effect=model._step) as step:
        next(model.latents(request, states, np.ones(1, np.float32), noise))
    context = step.call_args.args[1]
    channels = noise.shape[-1]
    bench.check(f"{name}.src_latents", context[..., :channels])
    bench.check(f"{name}.context_latents", context[..., :channels])
    mask = np.array(context[..., channels:])
    bench.check(f"{name}.chunk_mask", mask[..., 0])
    bench.same(f"{name}.chunk_mask on every channel", mask.min(axis=-1).tolist(), mask.max(axis=-1).tolist())
    bench.check(f"{name}.encoder_hidden_states", states)
    text_prompt, lyric_prompt = prompts.for_request(request)
    ours = {
        "frames": model.frames(request),
        "target_wav_samples": request.samples,
        "text_prompt_and_lyrics": f"{text_prompt}\n\n{lyric_prompt}",
        "text_ids": model.tokens(text_prompt, prompts.TEXT_LIMIT)[0].tolist(),
        "lyric_ids": model.tokens(lyric_prompt, prompts.LYRIC_LIMIT)[0].tolist(),
        "chunk_mask_true_frames": int(mask[0, :, 0].sum()),
        "encoder_length": states.shape[1],
    }
    for key, value in ours.items():
        bench.same(f"cases.{name}.{key}", value, case[key])


@area("end_to_end")
def end_to_end(bench: Bench) -> None:
    """The cases that tasks.json knows as text2music, with its prompt and the turbo model's own steps and shift."""
    model = bench.fixtures.model()
    known = bench.fixtures.values("tasks")
    for case in bench.cases("latents"):
        wanted = text2music_request(known[f"cases.{case}"]) if f"cases.{case}" in known else None
        if wanted:
            clip(bench, case, model, model.defaults.fill(wanted))


def clip(bench: Bench, case: str, model: AceStep, request: Request) -> None:
    states = model.condition(*model.encode_text(request))
    times = sampler.timesteps(request, model.config.is_turbo)
    *_, latents = model.latents(request, states, times, bench.tensor("noise"))
    bench.check(f"{case}.latents", latents)
    decoded = np.concatenate(list(model.vae.decode_tiles(latents)), axis=1).swapaxes(1, 2)
    head = f"{case}.audio_head"
    bench.check(head, decoded[..., : bench.golden[head].shape[-1]] if head in bench.golden else None)
    bench.check(f"{case}.peak", audio.sample_peak(decoded))
    bench.check(f"{case}.rms", np.sqrt(np.mean(np.square(decoded, dtype=np.float64), axis=-1)))


@area("postprocess")
def postprocess(bench: Bench) -> None:
    for match in bench.find(r"(norm|peak)\.out"):
        bench.deviates(match[0], "clips are levelled by their true peak, a little below the target")


# --- names and shapes ------------------------------------------------------------------------------------------------


@area("official_layout")
def official_layout(bench: Bench) -> None:
    for match in bench.find(r"configs\.(.+)"):
        if module := full_size(match[1], bench.golden[match[0]]):
            ours = {name: list(array.shape) for name, array in tree_flatten(module.parameters())}
            official = inventory(bench, match[1])
            wrong = {name for name in ours.keys() | official.keys() if ours.get(name) != official.get(name)}
            bench.same(f"files.{match[1]}: {len(official)} tensors", sorted(wrong), [])


def full_size(folder: str, config: dict[str, Any]) -> nn.Module | None:
    """The network of one folder of the published checkpoints. Its arrays are never computed."""
    if folder.startswith("acestep-v15-"):
        return AceStepModel(AceStepConfig.from_dict(config))
    if folder == checkpoint.TEXT_ENCODER:
        return TextEncoder(TextEncoderConfig.from_dict(config))
    return VAE(VAEConfig.from_dict(config)) if folder == checkpoint.VAE_FOLDER else None


def inventory(bench: Bench, folder: str) -> dict[str, list[int]]:
    """The shapes in one folder's file; a folder without an entry of its own has turbo's tensors."""
    found = bench.find(rf"files\.{re.escape(folder)}/.*") or bench.find(rf"files\.{checkpoint.TURBO}/.*")
    entry = bench.read(found[0][0])
    if "shapes" in entry:
        return dict(entry["shapes"])
    if "shapes_differing_from_turbo" in entry:
        return inventory(bench, checkpoint.TURBO) | entry["shapes_differing_from_turbo"]
    every = entry["shapes_layer0_and_rest"]
    layers = range(entry["layers"])
    return {name.replace("layers.0.", f"layers.{i}."): shape for name, shape in every.items() for i in layers}


# --- the report ------------------------------------------------------------------------------------------------------


def run(fixtures: Fixtures) -> Iterator[Line]:
    """Check every area. An error in one of them is a failed line, and the next ones are still checked."""
    for name in fixtures.areas():
        bench = Bench(name, fixtures, fixtures.values(name))
        function = next((found for glob, found in AREAS.items() if fnmatchcase(name, glob)), None)
        try:
            if function:
                function(bench)
        except Exception as error:
            yield from bench.lines
            yield Line(name, "(stopped here)", FAIL, note=f"{type(error).__name__}: {error}")
            continue
        yield from bench.lines
        for left in bench.golden.keys() - bench.used:
            pass
        yield from (Line(name, left, MISSING) for left in unused(bench))


def unused(bench: Bench) -> list[str]:
    """The golden outputs that nothing was compared with."""
    return [
        name
        for name, value in bench.golden.items()
        if name not in bench.used
        and not any(fnmatchcase(f"{bench.area}/{name}", glob) for glob in INPUTS)
        and bench.fixtures.notes.tolerance(f"{bench.area}/{name}", np.asarray(0.0).dtype) is not None
        and value is not None
    ]


def summary(lines: Sequence[Line]) -> str:
    """Per area, how many of its lines have each verdict."""
    verdicts = (OK, FAIL, MISSING, DEVIATION)
    count = Counter((line.area, line.verdict) for line in lines)
    names = list(dict.fromkeys(line.area for line in lines))
    rows = [(name, *(count[name, verdict] for verdict in verdicts)) for name in names]
    total = ("total", *(sum(column) for column in list(zip(*rows, strict=True))[1:]))
    head = ("area", "passed", "failed", "not implemented", "deviation")
    return "\n".join("{:20} {:>8} {:>8} {:>17} {:>11}".format(*row) for row in (head, *rows, total))


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.parity", description=__doc__)
    parser.add_argument("fixtures", nargs="?", type=Path, default=FIXTURES, help="default: %(default)s")
    fixtures = Fixtures(parser.parse_args(arguments).fixtures)
    if not fixtures.areas():
        parser.error(f"{fixtures.folder / 'golden'} has no golden files")
    lines = []
    for line in run(fixtures):
        print(line)
        lines.append(line)
    print("\n" + summary(lines))
    return int(any(line.verdict == FAIL for line in lines))


if __name__ == "__main__":
    raise SystemExit(main())
