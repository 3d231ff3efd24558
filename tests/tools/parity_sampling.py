"""The parity checks of schedules, guidance and whole trajectories.

A case is checked as what it is: by its recorded settings (its tensors, the README's row, the words
of its name), never by its name as a whole.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pipeline import sampler, schedules, variants  # before MLX, see golden.py
from pipeline.model import Model
from pipeline.networks import dit
from pipeline.request import BadRequest, Request
from pipeline.tasks import RepaintBlend, SourceInjection

# isort: split
import mlx.core as mx
import numpy as np

from tests.support.golden import NUMBER, Bench, area

STABILISED = (
    "not offered: clamped or averaged velocities led further away from the exact path, as measured"
)
IGNORED = "timesteps that are asked for are used: the official base class alone ignores them"
MORE_STEPS = "turbo makes as many steps as are asked for, the official one always eight"

# Words that say what a case is.
KINDS = {
    "stabilised": r"stabili[sz]|velocity_norm|velocity_ema",
    "custom": r"\bcustom\b|ignores `timesteps",
    "heun": r"\bheun\b",
    "sde": r"\bsde\b|re-nois",
    "repaint": r"repaint|inject",
    "switch": r"cover[ _]switch|non[-_ ]cover|cover_strength",
    "start": r"cover[ _]noise",
    "adg": r"\badg\b",
    "cfg": r"plain cfg(?! on)|\bcfg case",
    "euler": r"\beuler\b|\bode\b|\d steps|guid|\bapg\b",
}
# Where nothing is recorded: what such a case had in the first folder of this kind.
GUIDANCE = 5.0
HALF = 0.5
INTERVAL = (0.3, 0.9)


@dataclass(frozen=True)
class Case:
    """One trajectory: the request that it stands for, and what no request says."""

    name: str
    request: Request
    times: np.ndarray
    turn: float = 1.0  # part of the steps with the first condition
    hold: RepaintBlend | None = None  # how firmly a repaint holds its source


@area("sampler_*")
def samplers(bench: Bench) -> None:
    model = bench.fixtures.model(bench.area.removeprefix("sampler_"))
    bench.check("null_condition_emb", model.networks.null_condition_emb)
    for name in bench.cases("timesteps"):
        kinds = find_kinds(bench, name)
        if "stabilised" in kinds:
            for part in bench.parts(name):
                bench.deviates(part, STABILISED)
        elif (
            "custom" in kinds
            and custom_times(bench, name) is None
            and usual(bench.golden[f"{name}.timesteps"])
        ):
            for part in bench.parts(name):
                bench.deviates(part, IGNORED)
        else:
            compared(bench, chosen(bench, name, kinds, model), model)


def find_kinds(bench: Bench, name: str) -> set[str]:
    """What the words say, and what the numbers do: times that come twice are a corrector's, a late
    start a cover's.
    """
    notes = bench.read_notes(name)
    kinds = {kind for kind, words in KINDS.items() if re.search(words, notes)}
    times = bench.golden[f"{name}.timesteps"]
    if custom_times(bench, name) is not None:
        kinds |= {"custom"}
    elif "custom" not in kinds and times[0] < 1 - 1e-6:
        kinds |= {"start"}
    return kinds | ({"heun"} if np.any(times[1:] == times[:-1]) else set())


def chosen(bench: Bench, name: str, kinds: set[str], model: Model) -> Case:
    """The case. Where nothing says what it is, the first that leads where it led."""
    case = case_of(bench, name, kinds, model)
    if kinds - {"start", "custom", "heun"} or f"{name}.latents" not in bench.golden:
        return case
    official = bench.golden[f"{name}.latents"]
    for other in possible_kinds(bench, name):
        guess = case_of(bench, name, kinds | other, model)
        *_, last = states(bench, guess, model)[0]
        if np.abs(np.array(last) - official).max() <= 2e-3 * max(1.0, np.abs(official).max()):
            return guess
    return case


def possible_kinds(bench: Bench, name: str) -> Iterator[set[str]]:
    yield set()
    if len(bench.golden.get("sde_noise", ())) >= len(bench.golden[f"{name}.timesteps"]) - 1:
        yield {"sde"}
    if "repaint_mask" in bench.golden:
        yield {"repaint"}
    if "encoder_hidden_states_non_cover" in bench.golden:
        yield {"switch"}
    yield from ({"adg"}, {"cfg"}, {"heun"})


def case_of(bench: Bench, name: str, kinds: set[str], model: Model) -> Case:
    turbo = model.config.is_turbo
    times = bench.golden[f"{name}.timesteps"]
    values: dict[str, Any] = {kind: kind for kind in ("heun", "sde") if kind in kinds}
    values = {"sampler": next(iter(values.values()), "euler")}
    if not turbo:
        values |= guidance_of(bench, name, kinds)
    steps, shift = steps_and_shift(np.unique(times[times > 0])[::-1])
    if "custom" not in kinds:
        values["shift"] = recorded(bench, name, rf"shift {NUMBER}", shift)
        values |= {} if turbo else {"num_steps": steps}
    if "start" in kinds:
        values["cover_noise_strength"] = recorded(
            bench, name, rf"cover_noise_strength {NUMBER}", 1 - float(times[0])
        )
    request = (variants.TURBO if turbo else variants.BASE).fill(Request().changed(values))
    part = recorded(bench, name, rf"int\(\d+\*{NUMBER}\)", HALF) if "switch" in kinds else 1.0
    hold = hold_of(bench, name) if "repaint" in kinds else None
    custom = custom_times(bench, name)
    if custom is None:
        return Case(name, request, schedules.build_timesteps(request, turbo), part, hold)
    return Case(name, *custom_schedule(request, turbo, custom), part, hold)


def recorded(bench: Bench, name: str, pattern: str, default: float) -> float:
    """A number of a case: the README's of it; or as its name has it, `shift2_2`."""
    found = re.search(pattern, bench.read_notes(name)) or re.search(
        pattern.replace(" ", "_?"), name.replace("_", ".")
    )
    return float(found[1]) if found else default


def guidance_of(bench: Bench, name: str, kinds: set[str]) -> dict[str, Any]:
    """Guided are the cases whose first call has rows for both velocities."""
    notes = bench.read_notes(name)
    rows = len(bench.golden.get(f"{name}.v0", ())) or len(bench.golden["noise"]) * (
        1 if "noguide" in notes else 2
    )
    if rows == len(bench.golden["noise"]):
        return {"guidance_scale": 1.0}
    whole = INTERVAL if "interval" in notes else (0.0, 1.0)
    return {
        "guidance_scale": recorded(bench, name, rf"guidance {NUMBER}", usual_guidance(bench)),
        "cfg_interval_start": recorded(bench, name, rf"{NUMBER} <= t\b", whole[0]),
        "cfg_interval_end": recorded(bench, name, rf"\bt <= {NUMBER}", whole[1]),
        "cfg_type": next(
            (kind for kind in ("adg", "cfg") if kind in kinds and "heun" not in kinds), "apg"
        ),
    }


def usual_guidance(bench: Bench) -> float:
    """The scale that most of this area's cases are recorded to have."""
    numbers = (
        re.search(rf"guidance {NUMBER}", bench.read_notes(name))
        for name in bench.cases("timesteps")
    )
    scales = Counter(scale for found in numbers if found and (scale := float(found[1])) != 1)
    return scales.most_common(1)[0][0] if scales else GUIDANCE


def steps_and_shift(times: np.ndarray) -> tuple[int, float]:
    """Of an even schedule from 1 to 0 that was pulled towards 1, told from its last two times."""
    last = float(times[-1])
    before = float(times[-2]) if len(times) > 1 else 2 * float(times[-1])
    bent = before - 2 * last + last * before
    shift = round(last * before / bent, 3) if abs(bent) > 1e-9 else 1.0
    shift = min(max(shift, 0.1), 10.0)
    return max(1, round((shift - (shift - 1) * last) / last)), shift


def custom_times(bench: Bench, name: str) -> list[float] | None:
    """The times that were asked for: of those this area has the ones that make the case's own."""
    official = bench.golden[f"{name}.timesteps"]
    for one in (match[0] for match in bench.find(r"\w*timesteps")):
        custom = bench.golden[one]
        for ours in (custom, custom[:-1], schedules.build_turbo_schedule(3.0, custom.tolist())):
            if len(ours) == len(official) and np.abs(ours - official).max() <= 1e-6:
                times: list[float] = bench.read(one).tolist()
                return times
    return None


def usual(times: np.ndarray) -> bool:
    """Whether times are those of a case for which none were asked."""
    ours = schedules.build_schedule(*steps_and_shift(times))
    return len(ours) == len(times) > 2 and bool(np.abs(ours - times).max() <= 1e-6)


def custom_schedule(
    request: Request, turbo: bool, custom: Sequence[float]
) -> tuple[Request, np.ndarray]:
    """Some of turbo's do not fall, which no request may ask for: they are moved to what it knows
    all the same.
    """
    try:
        request = request.changed({"timesteps": " ".join(map(str, custom))})
    except BadRequest:
        return request, schedules.build_turbo_schedule(request.shift, custom)
    return request, schedules.build_timesteps(request, turbo)


def hold_of(bench: Bench, name: str) -> RepaintBlend:
    """The crossfade can be counted in the latents: what is farther away is the source's, to the
    bit.
    """
    ratio = recorded(bench, name, rf"round\({NUMBER}\*", HALF)
    mask = bench.golden["repaint_mask"] > 0
    source = bench.golden["src_latents"]
    latents = bench.golden.get(f"{name}.latents", source)
    changed = np.abs(latents - source).max(axis=-1) > 1e-6
    place = np.arange(mask.shape[1])
    far = [place[row & ~inside] for row, inside in zip(changed, mask, strict=True)]
    windows = [np.flatnonzero(inside) for inside in mask]
    counted = max(
        (max(w[0] - f.min(), f.max() - w[-1]) for f, w in zip(far, windows, strict=True) if len(f)),
        default=0,
    )
    return RepaintBlend(ratio, int(recorded(bench, name, rf"crossfade {NUMBER}", counted)), 0.0)


# --- trajectories ---------------------------------------------------------------------------------


def compared(bench: Bench, case: Case, model: Model) -> None:
    if len(bench.parts(case.name)) == 1:  # its times are all there is of it
        bench.check(f"{case.name}.timesteps", case.times)
        return
    latents, at, before, velocities = states(bench, case, model)
    bench.check(f"{case.name}.timesteps", at)
    bench.check(f"{case.name}.v0", velocities[0])
    bench.check(f"{case.name}.x", mx.stack(before))
    bench.check(f"{case.name}.latents", latents[-1])


def states(
    bench: Bench, case: Case, model: Model
) -> tuple[list[mx.array], list[float], list[mx.array], list[mx.array]]:
    """After each step; and of each call: its time, its state, its velocities."""
    request = case.request
    times = case.times
    decoder = model.networks.decoder
    noise = bench.tensor("noise")
    keep = keeper(bench, case.hold) if case.hold else None
    if request.cover_noise_strength:
        noise = sampler.add_noise(bench.tensor("src_latents"), noise, times[0].item())
    turn = int(len(times) * case.turn)
    null = decoder.project_condition(
        mx.broadcast_to(
            model.networks.null_condition_emb, (len(noise), 1, model.config.condition_size)
        )
    )
    at: list[float] = []
    before: list[mx.array] = []
    velocities: list[mx.array] = []

    def conditioning(ending: str) -> tuple[dit.CrossKV, mx.array]:
        condition, context = (
            bench.tensor(f"{name}{ending}") for name in ("encoder_hidden_states", "context_latents")
        )
        return decoder.project_condition(condition), context

    first = conditioning("")
    after = conditioning("_non_cover") if case.turn < 1 else first

    def velocity(
        x: mx.array, t: float, step: int, guided: bool
    ) -> tuple[mx.array, mx.array | None]:
        now = mx.full((len(x),), t)
        (cross, context) = first if step < turn else after
        cond = decoder(x, context, now, now, cross)
        # The official code computes the unconditional velocity outside of the interval too.
        uncond = (
            decoder(x, context, now, now, null)
            if guided or (not at and request.guidance_scale != 1)
            else None
        )
        at.append(t)
        before.append(x)
        velocities.append(cond if uncond is None else mx.concatenate([cond, uncond]))
        return cond, uncond if guided else None

    solver = model.build_solver(request, times)
    if isinstance(solver, sampler.Sde):
        solver.draw_noise = bench.tensor("sde_noise").__getitem__
    steps = sampler.denoise(
        velocity, noise, times, sampler.Guidance.of_request(request), keep, solver
    )
    return [state.x for state in steps], at, before, velocities


def keeper(bench: Bench, hold: RepaintBlend) -> sampler.AfterStep:
    """What a repaint keeps: every row of the batch has a window of its own."""
    windows = [np.flatnonzero(row) for row in bench.read("repaint_mask")]
    source = bench.tensor("src_latents")
    noise = bench.tensor("noise")
    rows = [
        SourceInjection(
            source[i : i + 1], noise[i : i + 1], range(int(window[0]), int(window[-1]) + 1), hold
        )
        for i, window in enumerate(windows)
    ]
    return lambda x, *when: mx.concatenate(
        [inject(x[i : i + 1], *when) for i, inject in enumerate(rows)]
    )


# --- guidance -------------------------------------------------------------------------------------


@area("guidance")
def guidance(bench: Bench) -> None:
    """Series of steps that share a momentum; and single steps, on tensors of their own or of the
    last step.
    """
    series = sorted({match[1] for match in bench.find(r"(.+)\.step\d+\.out")})
    last = ""
    for name in series:
        last = guided_series(bench, name)
    for match in bench.find(r"(.+)\.out"):
        if not re.fullmatch(r"\w+\.step\d+", match[1]):
            single_step(bench, match[1], last)


def guided_series(bench: Bench, name: str) -> str:
    steps = sorted(int(match[1]) for match in bench.find(rf"{re.escape(name)}\.step(\d+)\.out"))
    running = None
    for step in (f"{name}.step{i}" for i in steps):
        cond = bench.tensor(f"{step}.cond")
        uncond = bench.tensor(f"{step}.uncond")
        out, running = sampler.apg(
            cond, uncond, bench.number(f"{step}.out", rf"guidance {NUMBER}", 7), running
        )
        bench.check(f"{step}.out", out)
        bench.check(f"{step}.running", running)
    return step


def single_step(bench: Bench, name: str, last: str) -> None:
    """`last` is where tensors are taken from that the case has not itself."""
    notes = bench.read_notes(name)

    def read(kind: str) -> mx.array:
        return bench.tensor(
            f"{name}.{kind}" if f"{name}.{kind}" in bench.golden else f"{last}.{kind}"
        )

    cond = read("cond")
    uncond = read("uncond")
    out = f"{name}.out"
    small = f"{name}.uncond" in bench.golden
    if time := re.search(rf"(?:sigma = t = |\bt){NUMBER}", f"{notes} {name}"):
        latents = bench.find(r".*\blatents")[0][0]
        scale = bench.number(out, rf"guidance {NUMBER}", 7)
        bench.check(out, sampler.adg(bench.tensor(latents), float(time[1]), cond, uncond, scale))
    elif "apg" in notes or small:
        bench.check(
            out,
            sampler.apg(
                cond, uncond, bench.number(out, rf"guidance {NUMBER}", 3 if small else 7), None
            )[0],
        )
    else:
        bench.check(out, sampler.cfg(cond, uncond, bench.number(out, rf"\+ {NUMBER} \*", 7)))


# --- schedules ------------------------------------------------------------------------------------


@area("schedules")
def schedule_tables(bench: Bench) -> None:
    for match in bench.find(r"(\w+)\.\d+"):
        scheduled(bench, match[0], "turbo" in match[1])


def scheduled(bench: Bench, name: str, turbo: bool) -> None:
    row = bench.golden[name]
    custom = row.get("timesteps") or []
    steps = row.get("infer_steps", schedules.DISTILLED_STEPS)
    request = Request(num_steps=steps, shift=row["shift"])
    request = request.changed({"cover_noise_strength": row.get("cover_noise_strength", 0.0)})
    official = row["dit_timesteps"]
    ours = schedules.build_timesteps(request, turbo)
    if turbo and not custom and steps != schedules.DISTILLED_STEPS:
        bench.deviates(name, MORE_STEPS)
    elif (
        custom
        and not turbo
        and len(ours) == len(official)
        and np.abs(ours - official).max() <= 1e-6
    ):
        bench.deviates(name, IGNORED)
    else:
        ours = (
            custom_schedule(replace(request, num_steps=schedules.DISTILLED_STEPS), turbo, custom)[1]
            if custom
            else ours
        )
        bench.compare(name, ours, bench.read(name)["dit_timesteps"], 1e-6)
