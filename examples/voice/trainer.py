"""One step of the VAE's training, on a CPU or a GPU, and what training goes on from.

Nothing in a step waits for the device: a card gets its work long before it is done with the last.
"""

from __future__ import annotations

import argparse
import math
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from .discriminators import Discriminators
from .linear_codec import write_linear_codec
from .losses import SIZES, Probe, Spectra, compare_balances, to_mid_side
from .oobleck import CONFIG, VAE

NOISE = 0.1  # on the latents that the decoder learns from, at most
EVEN_WEIGHT = 0.003  # on the latents' squares
LARGEST_STEP = 2.0  # norm of the gradients
WARM_UP = 100  # steps, after every start
SETTLING = 0.2  # part of a run that ends before the plan does, in which the rate falls
LOWEST_RATE = 0.03
# how far the directions of weights go in a step beside lengths and all else: there are many in a
# row, and what the linear codec knows would be lost in the noise of them all
TURNING = 0.2
SIZES_AT_ONCE = {"cpu": 3, "cuda": len(SIZES)}  # spectra of a step: other ones each time
HEARD = 24_576  # samples of an example that the discriminators hear
WELCOME = 300  # steps until what they say counts fully
# how much of itself the average keeps in a step, at most
SLOWEST_AVERAGE = {"cpu": 0.995, "cuda": 0.998}


def find_rate(step: int, progress: float, progress_of_run: float) -> float:
    """The learning rate as a part of its highest: a short warm-up in every run, a cosine over all
    of them, and a fall at the end of each, which leaves something that can be used. `step` is the
    run's; both progresses are in 0..1.
    """
    cosine = 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
    falling = min(1.0, (1 - progress_of_run) / SETTLING)
    warm = min(1.0, (step + 1) / WARM_UP)
    return warm * (LOWEST_RATE + (1 - LOWEST_RATE) * min(cosine, falling))


def multiplies_bfloat16(device: torch.device) -> bool:
    """Whether the device has units for products of bfloat16 matrices, as CPUs with AMX do: five
    times as fast as float32 there.
    """
    if device.type == "cuda":
        return True
    ask: Any = getattr(torch.cpu, "get_capabilities", None)  # newer than the oldest torch
    return bool(ask and ask().get("amx_bf16"))


class Trainer:
    """The networks on their device, their optimisers, and one step."""

    def __init__(self, device: torch.device, config: dict[str, Any] = CONFIG) -> None:
        self.device = device
        self.config = config
        self.vae = VAE(config)
        self.average = VAE(config)
        self.probe = Probe()
        self.discriminators = Discriminators()
        self.spectra = Spectra().to(device)
        for network in (self.vae, self.average, self.probe, self.discriminators):
            network.to(device)
        self.average.requires_grad_(False)
        self.is_mixed = multiplies_bfloat16(device)
        self.slowest_average = SLOWEST_AVERAGE[device.type]
        # a fused optimiser leaves a step out by itself, so that nobody waits for the norm
        settings: dict[str, Any] = {"betas": (0.8, 0.99), "fused": True}
        directions: list[nn.Parameter] = []
        others = list(self.probe.parameters())
        for name, parameter in self.vae.named_parameters():
            (directions if name.endswith("weight_v") else others).append(parameter)
        groups = [{"params": directions, "share": TURNING}, {"params": others}]
        self.optimiser = torch.optim.AdamW(groups, weight_decay=1e-4, **settings)
        self.listening = torch.optim.AdamW(
            self.discriminators.parameters(), weight_decay=1e-3, **settings
        )
        self.step = 0  # in all runs
        self.listened = 0  # steps with discriminators
        self.spent = 0.0  # seconds, in all runs
        self.is_frozen = False
        self.losses: dict[str, Tensor] = {}  # moving averages

    def start(self, audio: Tensor) -> None:
        """From a linear codec for audio (B, 2, samples)."""
        write_linear_codec(self.vae, audio, self.config["downsampling_ratios"])
        self.average.load_state_dict(self.vae.state_dict())

    def start_from(self, weights: dict[str, Tensor]) -> None:
        """From a VAE that there is: the decoder learns on. Latents stay what they were."""
        self.vae.load_state_dict(weights)
        self.average.load_state_dict(weights)
        self.freeze_encoder()

    def freeze_encoder(self) -> None:
        """Take the encoder's average as its last word."""
        self.vae.encoder.load_state_dict(self.average.encoder.state_dict())
        self.vae.encoder.requires_grad_(False)
        self.is_frozen = True
        self.losses = {}  # some are of the encoder

    @contextmanager
    def _mixed_precision(self) -> Iterator[None]:
        with torch.autocast(self.device.type, torch.bfloat16, enabled=self.is_mixed):
            yield

    def train_step(self, audio: Tensor, rate: float, is_judged: bool) -> None:
        """Learn from audio (B, 2, samples); `is_judged`: by discriminators too. Nothing here waits
        for the device.
        """
        self._set_rate(rate)
        batch = len(audio)
        with self._mixed_precision(), torch.set_grad_enabled(not self.is_frozen):
            mean = self.vae.encode(audio).float()
        # from none, as latents of the encoder have, to as much as a DiT leaves
        noise = NOISE * torch.rand(batch, 1, 1, device=self.device)
        with self._mixed_precision():
            decoded = self.vae.decode(mean + noise * torch.randn_like(mean)).float()
        losses = self._compare(decoded, audio)
        if not self.is_frozen:
            losses["probe"] = self.probe.measure_loss(mean, audio)
            losses["even"] = EVEN_WEIGHT * mean.square().mean()
        if is_judged:
            losses |= self._listen(decoded, audio)
        self._descend(losses)

    def finish_step(self, latents: Tensor, audio: Tensor, rate: float) -> None:
        """Let the decoder learn from latents (B, 64, frames), whose middle should be the audio
        (B, 2, samples).
        """
        self._set_rate(rate)
        with self._mixed_precision():
            decoded = self.vae.decode(latents).float()
        margin = (decoded.shape[2] - audio.shape[2]) // 2
        decoded = decoded[..., margin : margin + audio.shape[2]]
        balance = compare_balances(to_mid_side(decoded), to_mid_side(audio))
        self._descend(self._compare(decoded, audio) | {"balance": balance})

    def _set_rate(self, rate: float) -> None:
        for group in self.optimiser.param_groups:
            group["lr"] = rate * group.get("share", 1.0)
        for group in self.listening.param_groups:
            group["lr"] = rate / 2

    def _compare(self, decoded: Tensor, audio: Tensor) -> dict[str, Tensor]:
        """How far decoded audio is from what it should be, by some of the spectra."""
        ours, theirs = to_mid_side(decoded), to_mid_side(audio)
        shuffled = torch.tensor(list(SIZES))[torch.randperm(len(SIZES))].tolist()
        return self.spectra(ours, theirs, shuffled[: SIZES_AT_ONCE[self.device.type]])

    def _descend(self, losses: dict[str, Tensor]) -> None:
        """A step down all of them."""
        total = torch.stack(list(losses.values())).sum()
        self.optimiser.zero_grad(set_to_none=True)
        total.backward()
        self._apply(self.optimiser)
        self._move_average()
        self._note({"loss": total, **losses})
        self.step += 1

    def _listen(self, decoded: Tensor, audio: Tensor) -> dict[str, Tensor]:
        """Teach the discriminators, then ask them."""
        start = int(torch.randint(audio.shape[2] - HEARD + 1, ()))
        ours, theirs = (
            torch.stack(to_mid_side(each[..., start : start + HEARD]).chunk(2), dim=1)
            for each in (decoded, audio)
        )
        with self._mixed_precision():
            loss = self.discriminators.measure_loss(ours, theirs)
        self.listening.zero_grad(set_to_none=True)
        loss.backward()
        self._apply(self.listening)
        self._note({"discriminators": loss})
        counts = min(1.0, self.listened / WELCOME)
        self.listened += 1
        # what the decoder does to them is no lesson of theirs
        self.discriminators.requires_grad_(False)
        with self._mixed_precision():
            said = self.discriminators.measure_deceit(ours, theirs)
        self.discriminators.requires_grad_(True)
        return {name: counts * loss for name, loss in said.items()}

    def _apply(self, optimiser: Any) -> None:
        """A step of the optimiser with clipped gradients, or none if they are not finite."""
        parameters = [each for group in optimiser.param_groups for each in group["params"]]
        trained = [each for each in parameters if each.grad is not None]
        norm = torch.nn.utils.clip_grad_norm_(trained, LARGEST_STEP)
        optimiser.grad_scale = None
        optimiser.found_inf = (~torch.isfinite(norm)).float()
        optimiser.step()

    @torch.no_grad()
    def _move_average(self) -> None:
        keep = min(self.slowest_average, (1 + self.step) / (20 + self.step))
        torch._foreach_lerp_(list(self.average.parameters()), list(self.vae.parameters()), 1 - keep)

    @torch.no_grad()
    def _note(self, losses: dict[str, Tensor]) -> None:
        for name, loss in losses.items():
            before = self.losses.get(name)
            now = loss.detach().float()
            self.losses[name] = now if before is None else before.lerp(now, 0.03)

    # --- what training goes on from ---------------------------------------------------------------

    def pack(self) -> dict[str, Any]:
        """The weights in float16, and how far it is. The optimisers begin anew: what they know of
        the gradients holds for one size of batch, and the warm-up is long enough to learn it again.
        """
        networks = {name: getattr(self, name).state_dict() for name in NETWORKS}
        state: dict[str, Any] = {name: to_half(tensors) for name, tensors in networks.items()}
        numbers = ("step", "listened", "spent", "is_frozen", "config")
        return state | {name: getattr(self, name) for name in numbers}

    def unpack(self, state: dict[str, Any]) -> None:
        """Go on from what `pack` gave."""
        for name in NETWORKS:
            getattr(self, name).load_state_dict(state[name])
        self.step = state["step"]
        self.listened = state["listened"]
        self.spent = state["spent"]
        if state["is_frozen"]:
            self.freeze_encoder()

    def save(self, folder: Path) -> None:
        """Write what training goes on from, and the average by itself."""
        state = self.pack()
        write_files(folder, {"vae_state.pt": state, "vae.pt": state["average"]})


NETWORKS = ("vae", "average", "probe", "discriminators")


def add_run_options(parser: argparse.ArgumentParser) -> None:
    """The options of any training: where it lives, for how long, and what computes."""
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=3.0, help="of training, in all runs")
    parser.add_argument(
        "--stop-after", type=float, default=math.inf, metavar="MINUTES", help="of this run"
    )
    parser.add_argument("--device", default="auto", help="auto, cuda or cpu")
    parser.add_argument("--threads", type=int, default=2, help="of the CPU")


def write_files(folder: Path, contents: dict[str, Any]) -> None:
    """Whole files of torch, by name: who reads one meanwhile has the one before."""
    for name, content in contents.items():
        torch.save(content, folder / f"{name}.part")
        (folder / f"{name}.part").replace(folder / name)


def report(log: Path, line: str) -> None:
    """Print a line, and append it to the log."""
    print(line, flush=True)
    with log.open("a") as file:
        file.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def to_half(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """In float16, on the CPU."""
    return {name: tensor.half().cpu() for name, tensor in tensors.items()}


class Meter:
    """How much of the wall's time the device is in steps. On a card, steps are timed by the card
    itself, and read when they are over: nobody waits for them.
    """

    def __init__(self, device: torch.device) -> None:
        self.on_card = device.type == "cuda"
        self._started = time.perf_counter()
        self._under_way: deque[tuple[Any, Any]] = deque()
        self._inside = 0.0
        self._steps = 0

    @contextmanager
    def time_step(self) -> Iterator[None]:
        first = self._mark()
        yield
        self._under_way.append((first, self._mark()))
        self._steps += 1

    def _mark(self) -> Any:
        if not self.on_card:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def read(self) -> str:
        """Since the last reading: steps a second, and the share. A card's step that is still under
        way counts next time.
        """
        while self._under_way and (not self.on_card or self._under_way[0][1].query()):
            first, last = self._under_way.popleft()
            self._inside += first.elapsed_time(last) / 1000 if self.on_card else last - first
        now = time.perf_counter()
        wall = now - self._started
        text = f"{self._steps / wall:.2f} steps/s, {self._inside / wall:.0%} of the time in steps"
        if self.on_card:
            text += f", card busy {read_utilisation()}"
        self._started, self._inside, self._steps = now, 0.0, 0
        return text


def read_utilisation() -> str:
    """What the driver says of the last moment."""
    try:
        return f"{torch.cuda.utilization()} %"
    except Exception:  # whatever the driver's library may raise
        return "?"
