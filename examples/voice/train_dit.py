"""Train the voice's DiT, condition encoder and text encoder together, with the pipeline's own
modules in MLX.

    python -m examples.voice.train_dit runs/voice --hours 3

Flow matching on latents: paint a song from its guide (most of the time), from the caption alone, or
take one stem out of a mix. Reads the shards of `latents.py`, also those that come later. Stops and
resumes where it was.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pipeline  # noqa: F401  (before MLX: it brings the fast matrix library)

import mlx.core as mx  # isort: skip
import numpy as np
from mlx import nn, optimizers
from mlx.utils import tree_flatten, tree_map, tree_map_with_path, tree_unflatten
from tokenizers import Tokenizer

from pipeline import prompts
from pipeline.networks.config import AceStepConfig, TextEncoderConfig
from pipeline.networks.ops import choose_ops
from pipeline.networks.text_encoder import TextEncoder
from pipeline.weights.checkpoint import AceStepModel

from . import songs
from .layout import DIT, SILENT_FRAMES, TEXT, train_tokenizer

BATCH = 32
FRAMES = 160
RATE = 1.2e-3
WARM_UP = 100
CLIP = 1.0
KEEP = 0.998  # of the moving average
SHIFT = 3.0  # the timesteps' shift, as turbo takes them
EVENNESS = 0.6  # exponent that evens out the latent dimensions: 1 makes all equal
CAPTIONS = 6  # of every song
NO_GUIDE = 0.1  # shares of the lessons
EXTRACT = 0.3
UNCONDITIONAL = 0.03
SAVE_EVERY = 180.0
JUDGE_EVERY = 900.0
NEW_SHARDS_EVERY = 60.0
# frames of silence the timbre is read from: its window sees no more of the 750 it gets when it
# plays
REFERENCE = 96
HELD_OUT = 32  # songs of the first shard that are not learned from


class Voice(nn.Module):
    """What is trained; its parts are what a checkpoint's folders hold."""

    def __init__(self) -> None:
        super().__init__()
        ops = choose_ops(differentiable=True)
        self.text = TextEncoder(TextEncoderConfig.from_dict(TEXT), ops)
        self.model = AceStepModel(AceStepConfig.from_dict(DIT), ops)
        self.model.decoder.fold()

    def velocity(self, lesson: Lesson, noisy: mx.array, t: mx.array) -> mx.array:
        batch = noisy.shape[0]
        condition = self.condition(lesson)
        model = self.model
        if lesson.blind:
            condition = mx.broadcast_to(model.null_condition_emb, (batch, 1, condition.shape[-1]))
        context = mx.concatenate([lesson.source, mx.ones_like(lesson.source)], axis=-1)
        return model.decoder(noisy, context, t, t, model.decoder.project_condition(condition))

    def condition(self, lesson: Lesson) -> mx.array:
        """Lyrics, timbre and caption as `ConditionEncoder` orders them; the first two are the same
        for all.
        """
        encoder = self.model.encoder
        batch = lesson.caption.shape[0]
        lyrics = encoder.lyric_encoder(self.text.embed(lesson.lyrics))
        timbre = encoder.timbre_encoder(lesson.silence)[None]
        same = mx.concatenate([lyrics, timbre], axis=1)
        same = mx.broadcast_to(same, (batch, *same.shape[1:]))
        return mx.concatenate([same, encoder.text_projector(self.text(lesson.caption))], axis=1)


class Lesson(NamedTuple):
    target: mx.array  # (B, T, 64)
    source: mx.array  # (B, T, 64): the guide, the mix or silence
    # (B, S) token ids, all of one length: nothing is padded, here as when it plays
    caption: mx.array
    lyrics: mx.array  # (1, L)
    silence: mx.array  # (1, R, 64)
    blind: bool = False  # whether the condition is left out
    at_once: bool = False  # whether it is painted in a single step, from noise alone


def start(voice: Voice, key: mx.array) -> None:
    """Small random weights; gates at zero; and the noisy latents and the source pass through the
    residual stream.
    """
    arrays = dict(tree_flatten(voice.parameters()))
    filled: dict[str, mx.array] = {}
    for (name, array), k in zip(sorted(arrays.items()), mx.random.split(key, len(arrays))):
        if array.ndim == 1 or "scale_shift_table" in name or "time_proj" in name:
            filled[name] = (
                mx.ones_like(array) if name.endswith("norm.weight") else mx.zeros_like(array)
            )
        elif ("embed_tokens" in name and name.startswith("text")) or name.endswith(
            ("special_token", "emb")
        ):
            filled[name] = 0.05 * mx.random.normal(array.shape, key=k)
        else:
            size = array.shape[-1] ** -0.5 * (
                0.3 if name.endswith(("o_proj.weight", "down_proj.weight")) else 1.0
            )
            filled[name] = size * mx.random.normal(array.shape, key=k)
    latent = DIT["audio_acoustic_hidden_dim"]
    patch = DIT["patch_size"]
    width = DIT["hidden_size"]
    into = np.zeros((width, patch, 3 * latent), np.float32)
    out = np.zeros((patch, latent, width), np.float32)
    for place in range(patch):  # the folded forms of `dit.Patches`
        for dim in range(latent):
            into[place * latent + dim, place, 2 * latent + dim] = 1
            into[(patch + place) * latent + dim, place, dim] = 1
            out[place, dim, place * latent + dim] = 0.7
    filled["model.decoder.proj_in.1.weight"] = mx.array(into.reshape(width, -1))
    filled["model.decoder.proj_out.1.weight"] = mx.array(out.reshape(-1, width))
    voice.update(tree_unflatten(list(filled.items())))


# --- lessons --------------------------------------------------------------------------------------


class Entry(NamedTuple):
    """One way to ask for one clip; `stem` is -1 for the mix."""

    song: int
    stem: int
    guided: bool


class Lessons:
    """Everything to learn from, by the length of the caption in tokens."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, seed: int) -> None:
        self.folder = folder
        self.tokenizer = tokenizer
        self.rng = np.random.default_rng(seed)
        self.mix: list[np.ndarray] = []
        self.guide: list[np.ndarray] = []
        self.stem: list[np.ndarray] = []
        self.by_length: dict[tuple[str, int], list[tuple[Entry, list[int]]]] = defaultdict(list)
        self.shards = 0
        self.scale = scale(np.load(folder / "latents" / "0000.npz")["mix"])
        self.silence = self._silence()
        lyrics = prompts.lyric_prompt(prompts.INSTRUMENTAL, "unknown")
        self.lyrics = mx.array([tokenizer.encode(lyrics).ids])
        self.read_new()

    def _silence(self) -> np.ndarray:
        encoded = np.load(self.folder / "latents" / "silence.npy").astype(np.float32)
        return steady(encoded) * self.scale

    def reference(self) -> mx.array:
        return mx.array(self.silence[None, :REFERENCE])

    def read_new(self) -> None:
        while (path := self.folder / "latents" / f"{self.shards:04d}.npz").exists():
            data = {name: array * self.scale.astype(np.float16) for name, array in _loaded(path)}
            tracks = np.load(path)["stem_track"], np.load(path)["stem_song"]
            for place in range(len(data["mix"])):
                number = self.shards * songs.SHARD + place
                self.mix.append(data["mix"][place])
                self.guide.append(data["guide"][place])
                song = songs.song(songs.FIRST_SEED + number, songs.SECONDS)
                if number < HELD_OUT:
                    continue
                captions = [song.caption(self.rng) for _ in range(CAPTIONS)]
                for caption in captions:
                    for guided in (True, False):
                        task = "cover" if guided else "text2music"
                        self._add(
                            task, Entry(number, -1, guided), prompt(song, caption, task, self.rng)
                        )
                for stem, track in ((i, t) for i, (t, s) in enumerate(zip(*tracks)) if s == place):
                    text = prompt(song, captions[0], "extract", self.rng, (str(track),))
                    self._add("extract", Entry(number, len(self.stem) + stem, False), text)
            self.stem.extend(data.get("stem", ()))
            self.shards += 1

    def _add(self, task: str, entry: Entry, text: str) -> None:
        ids = self.tokenizer.encode(text).ids
        self.by_length[task, len(ids)].append((entry, ids))

    def draw(self) -> Lesson:
        share = self.rng.random()
        task = (
            "extract"
            if share < EXTRACT and self.stem
            else "text2music"
            if share < EXTRACT + NO_GUIDE
            else "cover"
        )
        lengths = [key for key in self.by_length if key[0] == task]
        weights = np.array([len(self.by_length[key]) for key in lengths], float)
        entries = self.by_length[
            lengths[int(self.rng.choice(len(lengths), p=weights / weights.sum()))]
        ]
        chosen = [entries[int(i)] for i in self.rng.integers(len(entries), size=BATCH)]
        rows = [self._clip(entry) for entry, _ in chosen]
        target, source = (mx.array(np.stack(side).astype(np.float32)) for side in zip(*rows))
        ids = mx.array([ids for _, ids in chosen])
        blind = task == "text2music" and self.rng.random() < UNCONDITIONAL / NO_GUIDE
        # What is taken out of a mix is there already: the mean of what it can be comes closer than
        # any choice from it.
        return Lesson(
            target, source, ids, self.lyrics, self.reference(), blind, at_once=task == "extract"
        )

    def _clip(self, entry: Entry, at: int = -1) -> tuple[np.ndarray, np.ndarray]:
        mix = self.mix[entry.song]
        at = int(self.rng.integers(0, (len(mix) - FRAMES) // 2 + 1)) * 2 if at < 0 else at
        window = slice(at, at + FRAMES)
        if entry.stem >= 0:
            return self.stem[entry.stem][window], mix[window]
        return mix[window], self.guide[entry.song][window] if entry.guided else self.silence[
            :FRAMES
        ]

    def held_out(self, task: str) -> Iterator[Lesson]:
        """The first songs one by one, from their start, asked for in a fixed way."""
        rng = np.random.default_rng(1)
        for number in range(HELD_OUT):
            song = songs.song(songs.FIRST_SEED + number, songs.SECONDS)
            ids = self.tokenizer.encode(prompt(song, song.caption(rng), task, rng)).ids
            target, source = self._clip(Entry(number, -1, task == "cover"), at=0)
            target = target[None].astype(np.float32)
            source = source[None].astype(np.float32)
            yield Lesson(
                mx.array(target), mx.array(source), mx.array([ids]), self.lyrics, self.reference()
            )


def steady(silence: np.ndarray) -> np.ndarray:
    """(SILENT_FRAMES, 64): the middle of encoded silence, where the ends' padding is not felt."""
    middle = silence[len(silence) // 2 - 5 : len(silence) // 2 + 5].mean(axis=0)
    return np.tile(middle, (SILENT_FRAMES, 1))


def _loaded(path: Path) -> Iterator[tuple[str, np.ndarray]]:
    with np.load(path) as data:
        for name in ("mix", "guide", "stem"):
            if name in data:
                yield name, data[name]


def scale(mixes: np.ndarray) -> np.ndarray:
    """Factors (64,) that make the latents' mean square 1 and their dimensions more even."""
    size = mixes.reshape(-1, mixes.shape[-1]).astype(np.float32).std(0) + 1e-3
    factors = size**-EVENNESS
    return (factors / np.sqrt(np.mean((size * factors) ** 2))).astype(np.float32)


def prompt(
    song: songs.Song,
    caption: str,
    task: str,
    rng: np.random.Generator,
    tracks: tuple[str, ...] = (),
) -> str:
    """As a request would be written: bpm and key are mostly known, the length is anything."""
    sketch = song.sketch
    known = {
        "bpm": int(sketch.bpm) if rng.random() < 0.9 else None,
        "keyscale": sketch.key if rng.random() < 0.9 else "",
        "timesignature": "3" if sketch.beats_per_bar == 3 and rng.random() < 0.5 else "",
        "duration": int(rng.integers(2, 60)),
    }
    return prompts.text_prompt(caption, prompts.metas(known), prompts.instruction(task, tracks))


# --- training -------------------------------------------------------------------------------------


def loss(voice: Voice, lesson: Lesson, t: mx.array, noise: mx.array) -> mx.array:
    at = t[:, None, None]
    noisy = (1 - at) * lesson.target + at * noise
    return mx.mean(mx.square(voice.velocity(lesson, noisy, t) - (noise - lesson.target)))


def shifted(u: np.ndarray) -> mx.array:
    return mx.array((SHIFT * u / (1 + (SHIFT - 1) * u)).astype(np.float32))


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path)
    parser.add_argument("--hours", type=float, default=3.0)
    options = parser.parse_args()
    folder = options.folder
    while not (folder / "latents" / "0000.npz").exists():
        time.sleep(5)
    train(folder, options.hours * 3600)


def tokenizer_for(folder: Path) -> Tokenizer:
    path = folder / "tokenizer.json"
    if not path.exists():
        rng = np.random.default_rng(5)
        made = (songs.song(seed, 8.0) for seed in range(4000))
        tasks = ("text2music", "cover", "extract")
        texts = [
            prompt(s, s.caption(rng), tasks[i % 3], rng, ("drums",) * (i % 3 == 2))
            for i, s in enumerate(made)
        ]
        train_tokenizer(texts).save(str(path))
    return Tokenizer.from_file(str(path))


def train(folder: Path, budget: float) -> None:
    voice = Voice()
    spent = 0.0
    step = 0
    start(voice, mx.random.key(0))
    optimiser = optimizers.AdamW(RATE, betas=[0.9, 0.98], weight_decay=0.01)
    optimiser.init(voice.trainable_parameters())
    average = tree_map(lambda x: x, voice.parameters())
    if (folder / "dit_state.safetensors").exists():
        spent, step, average = restore(folder, voice, optimiser)
    rng = np.random.default_rng(step)
    mx.random.seed(step)
    lessons = Lessons(folder, tokenizer_for(folder), seed=step)
    value_and_grad = nn.value_and_grad(voice, loss)
    last = looked = judged = time.monotonic()
    running = 0.0
    while spent < budget:
        started = time.monotonic()
        if started - looked > NEW_SHARDS_EVERY:
            looked = started
            lessons.read_new()
        left = 1 - spent / budget
        optimiser.learning_rate = (
            RATE * min(1, (step + 1) / WARM_UP) * max(0.02, min(1, left / 0.6))
        )
        lesson = lessons.draw()
        t = (
            mx.ones(BATCH)
            if lesson.at_once
            else shifted((np.arange(BATCH) + rng.random(BATCH)) / BATCH)
        )
        value, grads = value_and_grad(voice, lesson, t, mx.random.normal(lesson.target.shape))
        grads, _ = optimizers.clip_grad_norm(grads, CLIP)
        optimiser.update(voice, grads)
        keep = min(KEEP, (1 + step) / (15 + step))
        average = tree_map(
            lambda slow, fast, keep=keep: keep * slow + (1 - keep) * fast,
            average,
            voice.parameters(),
        )
        mx.eval(voice.parameters(), optimiser.state, average, value)
        running = value.item() if not running else 0.98 * running + 0.02 * value.item()
        step += 1
        spent += time.monotonic() - started
        if time.monotonic() - last > SAVE_EVERY or spent >= budget:
            last = time.monotonic()
            save(folder, voice, optimiser, average, spent, step)
            scores = ""
            if last - judged > JUDGE_EVERY or spent >= budget:
                judged = last
                now = voice.parameters()
                voice.update(average)
                scores = ", ".join(
                    f"{task} {judge(voice, lessons, task)}" for task in ("cover", "text2music")
                )
                voice.update(now)
            report(
                folder,
                f"step {step}, {spent / 60:.0f} min, {len(lessons.mix)} songs, loss {running:.4f} {scores}",
            )


def judge(voice: Voice, lessons: Lessons, task: str) -> str:
    """The held-out loss at a few timesteps."""
    total = defaultdict(list)
    for number, lesson in enumerate(lessons.held_out(task)):
        noise = mx.random.normal(lesson.target.shape, key=mx.random.key(number))
        for t in (0.3, 0.643, 0.833, 0.955, 1.0):
            total[t].append(loss(voice, lesson, mx.array([t]), noise).item())
    return "[" + " ".join(f"{np.mean(values):.3f}" for values in total.values()) + "]"


def report(folder: Path, line: str) -> None:
    print(line, flush=True)
    with (folder / "dit.log").open("a") as log:
        log.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def save(folder: Path, voice: Voice, optimiser: Any, average: Any, spent: float, step: int) -> None:
    trees = {"voice": voice.parameters(), "optimiser": optimiser.state, "average": average}
    arrays = {
        name: array
        for name, array in dict(tree_flatten(trees)).items()
        if isinstance(array, mx.array)
    }
    path = folder / "part.safetensors"
    mx.save_safetensors(str(path), arrays, {"spent": str(spent), "step": str(step)})
    path.replace(folder / "dit_state.safetensors")


def restore(folder: Path, voice: Voice, optimiser: Any) -> tuple[float, int, Any]:
    loaded: Any = mx.load(str(folder / "dit_state.safetensors"), return_metadata=True)
    arrays, about = loaded

    def saved(tree: Any, name: str) -> Any:
        return tree_map_with_path(lambda path, new: arrays.get(f"{name}.{path}", new), tree)

    voice.update(saved(voice.parameters(), "voice"))
    optimiser.state = saved(optimiser.state, "optimiser")
    return float(about["spent"]), int(about["step"]), saved(voice.parameters(), "average")


if __name__ == "__main__":
    main()
