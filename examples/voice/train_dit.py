"""Train the voice's DiT, condition encoder and text encoder together, on a GPU where there is one.
Stops and resumes where it was, also on another machine.

    python -m examples.voice.train_dit runs/voice --hours 3
    python -m examples.voice.train_dit runs/voice --hours 1 --stop-after 6    # minutes, now

Flow matching on the latents of `latents.py`, also on those that come later. Leaves `dit.pt`, a
moving average of the weights, and `dit_state.pt`, what training goes on from, in 45 MB.
"""

from __future__ import annotations

import os

os.environ["ACESTEPD_MKL"] = "0"  # torch brings its own matrix library; two in one process quarrel
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import argparse
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from .dit import Lesson, Voice
from .fused import compile_chains
from .lessons import LessonPool, get_tokenizer
from .oobleck import choose_device
from .trainer import (
    Meter,
    add_run_options,
    find_rate,
    multiplies_bfloat16,
    report,
    to_half,
    write_files,
)

LOG = "dit.log"
RATE = 1.2e-3
DECAY = 0.01  # of weights
LARGEST_STEP = 1.0  # norm of the gradients
SLOWEST_AVERAGE = 0.998  # how much of itself the average keeps in a step, at most
SHIFT = 3.0  # the timesteps' shift, as turbo takes them
# seconds
SAVE_EVERY = 180.0
JUDGE_EVERY = 900.0
NEW_SHARDS_EVERY = 60.0
JUDGED_AT = (0.3, 0.643, 0.833, 0.955, 1.0)  # timesteps
BATCH = {"cpu": 32, "cuda": 128}


class Options(argparse.Namespace):
    """The command line's."""

    folder: Path
    hours: float
    stop_after: float
    device: str
    threads: int
    batch: int


def read_options(arguments: list[str] | None = None) -> Options:
    """The options, with the device's defaults filled in."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_run_options(parser)
    parser.add_argument("--batch", type=int)
    options = parser.parse_args(arguments, Options())
    if options.batch is None:
        options.batch = BATCH[choose_device(options.device).type]
    return options


def main() -> None:
    options = read_options()
    torch.set_num_threads(options.threads)
    while not (options.folder / "latents" / "0000.npz").exists():
        time.sleep(5)
    train(options)


class Trainer:
    """The networks on their device, their optimiser, and one step."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.voice = Voice().to(device)
        self.average = Voice().to(device)
        self.average.load_state_dict(self.voice.state_dict())
        self.average.requires_grad_(False)
        if compile_chains(device):
            self.voice.compile_layers()
        self.is_mixed = multiplies_bfloat16(device)
        self.optimisers = make_optimisers(self.voice)
        self.step = 0  # in all runs
        self.spent = 0.0  # seconds, in all runs
        self.loss = torch.zeros((), device=device)  # a moving average

    def train_step(self, lesson: Lesson, t: Tensor, rate: float) -> None:
        """Learn from a lesson at the timesteps t (B,). Nothing here waits for the device."""
        for optimiser in self.optimisers:
            optimiser.zero_grad(set_to_none=True)
            for group in optimiser.param_groups:
                group["lr"] = rate
        begin = torch.zeros_like if lesson.single_step else torch.randn_like
        loss = self.measure_loss(self.voice, lesson, t, begin(lesson.target))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.voice.parameters(), LARGEST_STEP)
        for optimiser in self.optimisers:
            optimiser.step()
        keep = min(SLOWEST_AVERAGE, (1 + self.step) / (15 + self.step))
        with torch.no_grad():
            slow, fast = list(self.average.parameters()), list(self.voice.parameters())
            torch._foreach_lerp_(slow, fast, 1 - keep)
        self.loss.lerp_(loss.detach(), 0.02 if self.step else 1.0)
        self.step += 1

    def measure_loss(self, voice: Voice, lesson: Lesson, t: Tensor, noise: Tensor) -> Tensor:
        """The mean squared error of the velocity at the timesteps t (B,)."""
        at = t[:, None, None]
        noisy = (1 - at) * lesson.target + at * noise
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_mixed):
            velocity = voice.predict_velocity(lesson, noisy, t)
        return (velocity - (noise - lesson.target)).square().mean()

    def save(self, folder: Path) -> None:
        """Write what training goes on from, and the average by itself. Weights are in float16, and
        the optimiser warms up again.
        """
        average = to_half(self.average.state_dict())
        state = {
            "voice": to_half(self.voice.state_dict()),
            "average": average,
            "step": self.step,
            "spent": self.spent,
        }
        write_files(folder, {"dit_state.pt": state, "dit.pt": average})

    def restore(self, folder: Path) -> None:
        """Go on from what `save` wrote."""
        state: Any = torch.load(folder / "dit_state.pt", weights_only=True)
        self.voice.load_state_dict(state["voice"])
        self.average.load_state_dict(state["average"])
        self.step, self.spent = state["step"], state["spent"]


def make_optimisers(voice: Voice) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of the layers, AdamW for all else."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, parameter in voice.named_parameters():
        (matrices if "layers." in name and parameter.ndim == 2 else others).append(parameter)
    return [
        torch.optim.Muon(matrices, weight_decay=DECAY, adjust_lr_fn="match_rms_adamw"),
        torch.optim.AdamW(others, betas=(0.9, 0.98), weight_decay=DECAY, fused=True),
    ]


def train(options: Options) -> None:
    """Until the hours are spent, or this run's minutes."""
    folder = options.folder
    device = choose_device(options.device)
    torch.manual_seed(0)
    trainer = Trainer(device)
    if (folder / "dit_state.pt").exists():
        trainer.restore(folder)
        torch.manual_seed(trainer.step)
    rng = np.random.default_rng(trainer.step)
    pool = LessonPool(folder, get_tokenizer(folder), trainer.step, options.batch, device)
    budget = options.hours * 3600
    started_with = trainer.spent
    this_run = min(options.stop_after * 60, budget - started_with)
    first_step = trainer.step
    meter = Meter(device)
    is_due = Clock()
    began = time.monotonic()
    while (elapsed := time.monotonic() - began) < this_run:
        if is_due("shards", NEW_SHARDS_EVERY):
            pool.read_new()
        trainer.spent = started_with + elapsed
        progress = trainer.spent / budget
        rate = RATE * find_rate(trainer.step - first_step, progress, elapsed / this_run)
        with meter.time_step():
            lesson = pool.draw()
            trainer.train_step(lesson, draw_timesteps(lesson, rng), rate)
        if is_due("save", SAVE_EVERY):
            trainer.save(folder)
            scores = judge_tasks(trainer, pool) if is_due("judge", JUDGE_EVERY) else ""
            report(folder / LOG, f"{describe(trainer, pool)}, {meter.read()} {scores}")
    trainer.spent = started_with + max(this_run, 0.0)
    trainer.save(folder)
    report(folder / LOG, f"done: {describe(trainer, pool)} {judge_tasks(trainer, pool)}")


class Clock:
    """What is to be done every so often."""

    def __init__(self) -> None:
        self._last: dict[str, float] = defaultdict(time.monotonic)

    def __call__(self, what: str, seconds: float) -> bool:
        """Whether it is time again."""
        now = time.monotonic()
        is_due = now - self._last[what] > seconds
        if is_due:
            self._last[what] = now
        return is_due


def draw_timesteps(lesson: Lesson, rng: np.random.Generator) -> Tensor:
    """Timesteps (B,) in 0..1, spread evenly and shifted as turbo takes them; all 1 where it is made
    in a single step.
    """
    batch = len(lesson.target)
    if lesson.single_step:
        return lesson.target.new_ones(batch)
    u = (np.arange(batch) + rng.random(batch)) / batch
    return lesson.target.new_tensor(SHIFT * u / (1 + (SHIFT - 1) * u))


def describe(trainer: Trainer, pool: LessonPool) -> str:
    """A line about how far it is."""
    far = f"step {trainer.step}, {trainer.spent / 60:.1f} min, {len(pool.mix)} songs"
    return f"{far}, loss {float(trainer.loss):.4f}"


def judge_tasks(trainer: Trainer, pool: LessonPool) -> str:
    """How good the moving average is at every task: the held-out loss at a few timesteps."""
    return ", ".join(f"{task} {judge(trainer, pool, task)}" for task in ("cover", "text2music"))


@torch.no_grad()
def judge(trainer: Trainer, pool: LessonPool, task: str) -> str:
    """The losses of one task, in the order of `JUDGED_AT`."""
    total: dict[float, list[float]] = defaultdict(list)
    generator = torch.Generator().manual_seed(0)
    for lesson in pool.make_held_out(task):
        noise = torch.randn(lesson.target.shape, generator=generator).to(trainer.device)
        for t in JUDGED_AT:
            at = lesson.target.new_full((1,), t)
            total[t].append(float(trainer.measure_loss(trainer.average, lesson, at, noise)))
    return "[" + " ".join(f"{np.mean(losses):.3f}" for losses in total.values()) + "]"


if __name__ == "__main__":
    main()
