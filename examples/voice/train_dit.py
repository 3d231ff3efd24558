"""Train the voice's DiT, condition encoder and text encoder together, with the pipeline's own
modules in MLX.

    python -m examples.voice.train_dit runs/voice --hours 3

Flow matching on latents: make a song from its guide (most of the time), from the caption alone, or
take one stem out of a mix. Reads the shards of `latents.py`, also those that come later. Stop it,
and the same command goes on where it was.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pipeline  # noqa: F401  (before MLX: it brings the fast matrix library)

import mlx.core as mx  # isort: skip
import numpy as np
import numpy.typing as npt
from mlx import nn, optimizers
from mlx.utils import tree_flatten, tree_map, tree_map_with_path, tree_unflatten
from tokenizers import Tokenizer

from pipeline import prompts
from pipeline.networks.config import AceStepConfig, TextEncoderConfig
from pipeline.networks.ops import choose_ops
from pipeline.networks.text_encoder import TextEncoder
from pipeline.networks.typed import TypedModule
from pipeline.weights.checkpoint import AceStepModel

from . import songs
from .layout import DIT, SILENT_FRAMES, TEXT, train_tokenizer

BATCH = 32
FRAMES = 160  # of an example
RATE = 1.2e-3
WARM_UP = 100  # steps
CLIP = 1.0  # the largest norm of the gradients
KEEP = 0.998  # of the moving average
SHIFT = 3.0  # the timesteps' shift, as turbo takes them
EVENNESS = 0.6  # exponent that evens out the latent dimensions: 1 makes all equal
CAPTIONS = 6  # of every song
# shares of the lessons
NO_GUIDE = 0.1
EXTRACT = 0.3
UNCONDITIONAL = 0.03
# seconds
SAVE_EVERY = 180.0
JUDGE_EVERY = 900.0
NEW_SHARDS_EVERY = 60.0
# frames of silence that the timbre is read from: its window sees no more of the 750 that it gets
# when it plays
REFERENCE = 96
HELD_OUT = 32  # songs of the first shard that it does not learn from
JUDGED_AT = (0.3, 0.643, 0.833, 0.955, 1.0)  # timesteps

Floats = npt.NDArray[np.floating]
Tree = dict[str, Any]  # arrays in nested dicts and lists, as MLX keeps parameters


class Voice(TypedModule):
    """All networks that are trained. Their tensors are those of a checkpoint's folders."""

    def __init__(self) -> None:
        super().__init__()
        ops = choose_ops(differentiable=True)
        self.text = TextEncoder(TextEncoderConfig.from_dict(TEXT), ops)
        self.model = AceStepModel(AceStepConfig.from_dict(DIT), ops)
        self.model.decoder.fold()

    def predict_velocity(self, lesson: Lesson, noisy: mx.array, t: mx.array) -> mx.array:
        """The velocity (B, T, 64) at `noisy` (B, T, 64) and the timesteps t (B,)."""
        batch = noisy.shape[0]
        condition = self.encode_condition(lesson)
        model = self.model
        if lesson.unconditional:
            condition = mx.broadcast_to(model.null_condition_emb, (batch, 1, condition.shape[-1]))
        context = mx.concatenate([lesson.source, mx.ones_like(lesson.source)], axis=-1)
        return model.decoder(noisy, context, t, t, model.decoder.project_condition(condition))

    def encode_condition(self, lesson: Lesson) -> mx.array:
        """Lyrics, timbre and caption in the order of `ConditionEncoder`. The whole batch has the
        same lyrics and timbre.
        """
        encoder = self.model.encoder
        batch = lesson.caption.shape[0]
        lyrics = encoder.lyric_encoder(self.text.embed(lesson.lyrics))
        timbre = encoder.timbre_encoder(lesson.silence)[None]
        shared = mx.concatenate([lyrics, timbre], axis=1)
        shared = mx.broadcast_to(shared, (batch, *shared.shape[1:]))
        return mx.concatenate([shared, encoder.text_projector(self.text(lesson.caption))], axis=1)


class Lesson(NamedTuple):
    """One batch to learn from."""

    target: mx.array  # (B, T, 64)
    source: mx.array  # (B, T, 64): the guide, the mix or silence
    # (B, S) token ids, all of one length: nothing is padded, here as when it plays
    caption: mx.array
    lyrics: mx.array  # (1, L)
    silence: mx.array  # (1, R, 64)
    unconditional: bool = False  # whether the condition is left out
    single_step: bool = False  # whether it is made in a single step, from noise alone


def fill_weights(voice: Voice, key: mx.array) -> None:
    """Small random weights and closed gates. The noisy latents and the source pass through the
    residual stream.
    """
    arrays = dict(tree_flatten(voice.parameters()))
    keys = mx.random.split(key, len(arrays))
    filled = {
        name: make_weight(name, array, k) for (name, array), k in zip(sorted(arrays.items()), keys)
    }
    filled |= make_patches()
    voice.update(tree_unflatten(list(filled.items())))


def make_weight(name: str, array: mx.array, key: mx.array) -> mx.array:
    """What a parameter starts as."""
    if array.ndim == 1 or "scale_shift_table" in name or "time_proj" in name:
        return mx.ones_like(array) if name.endswith("norm.weight") else mx.zeros_like(array)
    is_table = "embed_tokens" in name and name.startswith("text")
    if is_table or name.endswith(("special_token", "emb")):
        return 0.05 * mx.random.normal(array.shape, key=key)
    ends_branch = name.endswith(("o_proj.weight", "down_proj.weight"))
    size: float = array.shape[-1] ** -0.5 * (0.3 if ends_branch else 1.0)
    return size * mx.random.normal(array.shape, key=key)


def make_patches() -> dict[str, mx.array]:
    """The folded weights of `dit.Patches`, which pass latents on as they are."""
    latent = DIT["audio_acoustic_hidden_dim"]
    patch = DIT["patch_size"]
    width = DIT["hidden_size"]
    into = np.zeros((width, patch, 3 * latent), np.float32)
    out = np.zeros((patch, latent, width), np.float32)
    for place in range(patch):
        for dim in range(latent):
            into[place * latent + dim, place, 2 * latent + dim] = 1
            into[(patch + place) * latent + dim, place, dim] = 1
            out[place, dim, place * latent + dim] = 0.7
    return {
        "model.decoder.proj_in.1.weight": mx.array(into.reshape(width, -1)),
        "model.decoder.proj_out.1.weight": mx.array(out.reshape(-1, width)),
    }


# --- lessons --------------------------------------------------------------------------------------


class Example(NamedTuple):
    """One way to ask for one clip. `stem` is -1 for the mix."""

    song: int
    stem: int
    guided: bool


class LessonPool:
    """Everything to learn from, by the length of the caption in tokens."""

    def __init__(self, folder: Path, tokenizer: Tokenizer, seed: int) -> None:
        self.folder = folder
        self.tokenizer = tokenizer
        self.rng = np.random.default_rng(seed)
        # latents (frames, 64) of every song, and of the stems that there are
        self.mix: list[Floats] = []
        self.guide: list[Floats] = []
        self.stem: list[Floats] = []
        self.by_length: dict[tuple[str, int], list[tuple[Example, list[int]]]] = defaultdict(list)
        self.shards = 0
        self.scale = measure_scale(np.load(folder / "latents" / "0000.npz")["mix"])
        self.silence = self._read_silence()
        lyrics = prompts.build_lyric_prompt(prompts.INSTRUMENTAL, "unknown")
        self.lyrics = mx.array([tokenizer.encode(lyrics).ids])
        self.read_new()

    def _read_silence(self) -> Floats:
        encoded = np.load(self.folder / "latents" / "silence.npy").astype(np.float32)
        return find_steady_silence(encoded) * self.scale

    def make_reference(self) -> mx.array:
        return mx.array(self.silence[None, :REFERENCE])

    def read_new(self) -> None:
        """Read the shards that were written since."""
        while (path := self.folder / "latents" / f"{self.shards:04d}.npz").exists():
            data = {
                name: array * self.scale.astype(np.float16) for name, array in _read_shard(path)
            }
            tracks = np.load(path)["stem_track"]
            owners = np.load(path)["stem_song"]
            for place in range(len(data["mix"])):
                number = self.shards * songs.SHARD + place
                self.mix.append(data["mix"][place])
                self.guide.append(data["guide"][place])
                if number >= HELD_OUT:
                    stems = {i: str(tracks[i]) for i, owner in enumerate(owners) if owner == place}
                    self._add_song(number, stems)
            self.stem.extend(data.get("stem", ()))
            self.shards += 1

    def _add_song(self, number: int, stems: Mapping[int, str]) -> None:
        """Add one song's examples; `stems` are the tracks of its stems, by place in the shard."""
        song = songs.make_song(songs.FIRST_SEED + number, songs.SECONDS)
        captions = [song.write_caption(self.rng) for _ in range(CAPTIONS)]
        for caption in captions:
            for guided in (True, False):
                task = "cover" if guided else "text2music"
                text = write_prompt(song, caption, task, self.rng)
                self._add(task, Example(number, -1, guided), text)
        for stem, track in stems.items():
            text = write_prompt(song, captions[0], "extract", self.rng, (track,))
            self._add("extract", Example(number, len(self.stem) + stem, False), text)

    def _add(self, task: str, example: Example, text: str) -> None:
        ids = self.tokenizer.encode(text).ids
        self.by_length[task, len(ids)].append((example, ids))

    def draw(self) -> Lesson:
        """A random batch, of one task and of captions of one length."""
        task = self._draw_task()
        lengths = [key for key in self.by_length if key[0] == task]
        counts = np.array([len(self.by_length[key]) for key in lengths], float)
        length = lengths[int(self.rng.choice(len(lengths), p=counts / counts.sum()))]
        examples = self.by_length[length]
        chosen = [examples[int(i)] for i in self.rng.integers(len(examples), size=BATCH)]
        rows = [self._cut(example) for example, _ in chosen]
        target, source = (mx.array(np.stack(side).astype(np.float32)) for side in zip(*rows))
        ids = mx.array([ids for _, ids in chosen])
        unconditional = task == "text2music" and self.rng.random() < UNCONDITIONAL / NO_GUIDE
        return Lesson(
            target,
            source,
            ids,
            self.lyrics,
            self.make_reference(),
            unconditional,
            # A stem is in its mix already: the mean of all that it can be comes closer to it than
            # any choice among them.
            single_step=task == "extract",
        )

    def _draw_task(self) -> str:
        share = self.rng.random()
        if share < EXTRACT and self.stem:
            return "extract"
        return "text2music" if share < EXTRACT + NO_GUIDE else "cover"

    def _cut(self, example: Example, at: int = -1) -> tuple[Floats, Floats]:
        """Target and source (FRAMES, 64), from frame `at`, or from a random one."""
        mix = self.mix[example.song]
        if at < 0:
            at = int(self.rng.integers(0, (len(mix) - FRAMES) // 2 + 1)) * 2
        window = slice(at, at + FRAMES)
        if example.stem >= 0:
            return self.stem[example.stem][window], mix[window]
        if example.guided:
            return mix[window], self.guide[example.song][window]
        return mix[window], self.silence[:FRAMES]

    def make_held_out(self, task: str) -> Iterator[Lesson]:
        """The first songs one by one, from their start, asked for in a fixed way."""
        rng = np.random.default_rng(1)
        for number in range(HELD_OUT):
            song = songs.make_song(songs.FIRST_SEED + number, songs.SECONDS)
            ids = self.tokenizer.encode(write_prompt(song, song.write_caption(rng), task, rng)).ids
            target, source = self._cut(Example(number, -1, task == "cover"), at=0)
            target = target[None].astype(np.float32)
            source = source[None].astype(np.float32)
            yield Lesson(
                mx.array(target),
                mx.array(source),
                mx.array([ids]),
                self.lyrics,
                self.make_reference(),
            )


def find_steady_silence(silence: Floats) -> Floats:
    """(SILENT_FRAMES, 64): the middle of encoded silence, which the padding at the ends does not
    reach.
    """
    middle = silence[len(silence) // 2 - 5 : len(silence) // 2 + 5].mean(axis=0)
    return np.tile(middle, (SILENT_FRAMES, 1))


def _read_shard(path: Path) -> Iterator[tuple[str, Floats]]:
    with np.load(path) as data:
        for name in ("mix", "guide", "stem"):
            if name in data:
                yield name, data[name]


def measure_scale(mixes: Floats) -> npt.NDArray[np.float32]:
    """Factors (64,) that make the latents' mean square 1 and their dimensions more even."""
    size = mixes.reshape(-1, mixes.shape[-1]).astype(np.float32).std(0) + 1e-3
    factors = size**-EVENNESS
    even: npt.NDArray[np.float32] = factors / np.sqrt(np.mean((size * factors) ** 2))
    return even.astype(np.float32)


def write_prompt(
    song: songs.Song,
    caption: str,
    task: str,
    rng: np.random.Generator,
    tracks: tuple[str, ...] = (),
) -> str:
    """What the text encoder reads: bpm and key are mostly given, the length is any."""
    sketch = song.sketch
    metadata = {
        "bpm": int(sketch.bpm) if rng.random() < 0.9 else None,
        "keyscale": sketch.key if rng.random() < 0.9 else "",
        "timesignature": "3" if sketch.meter.quarters == 3 and rng.random() < 0.5 else "",
        "duration": int(rng.integers(2, 60)),
    }
    return prompts.build_text_prompt(
        caption, prompts.format_metadata(metadata), prompts.build_instruction(task, tracks)
    )


# --- training -------------------------------------------------------------------------------------


def measure_loss(voice: Voice, lesson: Lesson, t: mx.array, noise: mx.array) -> mx.array:
    """The mean squared error of the velocity at the timesteps t (B,)."""
    at = t[:, None, None]
    noisy = (1 - at) * lesson.target + at * noise
    return mx.mean(mx.square(voice.predict_velocity(lesson, noisy, t) - (noise - lesson.target)))


def shift_timesteps(u: Floats) -> mx.array:
    """Timesteps (B,) in 0..1, shifted as turbo takes them."""
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


def get_tokenizer(folder: Path) -> Tokenizer:
    """The voice's tokenizer, trained on prompts where there is none yet."""
    path = folder / "tokenizer.json"
    if not path.exists():
        rng = np.random.default_rng(5)
        tasks = ("text2music", "cover", "extract")
        texts = []
        for seed in range(4000):
            song = songs.make_song(seed, 8.0)
            task = tasks[seed % 3]
            tracks = ("drums",) if task == "extract" else ()
            texts.append(write_prompt(song, song.write_caption(rng), task, rng, tracks))
        train_tokenizer(texts).save(str(path))
    return Tokenizer.from_file(str(path))


def train(folder: Path, budget: float) -> None:
    """For `budget` seconds in all, with those of earlier runs."""
    voice = Voice()
    spent = 0.0
    step = 0
    fill_weights(voice, mx.random.key(0))
    optimiser = optimizers.AdamW(RATE, betas=[0.9, 0.98], weight_decay=0.01)
    optimiser.init(voice.trainable_parameters())
    average: Tree = tree_map(lambda array: array, voice.parameters())
    if (folder / "dit_state.safetensors").exists():
        spent, step, average = restore(folder, voice, optimiser)
    rng = np.random.default_rng(step)
    mx.random.seed(step)
    lessons = LessonPool(folder, get_tokenizer(folder), seed=step)
    value_and_grad = nn.value_and_grad(voice, measure_loss)
    saved_at = read_at = judged_at = time.monotonic()
    running = 0.0
    while spent < budget:
        started = time.monotonic()
        if started - read_at > NEW_SHARDS_EVERY:
            read_at = started
            lessons.read_new()
        optimiser.learning_rate = find_rate(step, spent / budget)
        lesson = lessons.draw()
        t = mx.ones(BATCH)
        if not lesson.single_step:
            t = shift_timesteps((np.arange(BATCH) + rng.random(BATCH)) / BATCH)
        noise = mx.random.normal(lesson.target.shape)
        value, gradients = value_and_grad(voice, lesson, t, noise)
        gradients, _ = optimizers.clip_grad_norm(gradients, CLIP)
        optimiser.update(voice, gradients)
        average = mix_trees(average, voice.parameters(), min(KEEP, (1 + step) / (15 + step)))
        mx.eval(voice.parameters(), optimiser.state, average, value)
        latest = float(value)
        running = latest if not running else 0.98 * running + 0.02 * latest
        step += 1
        spent += time.monotonic() - started
        if time.monotonic() - saved_at > SAVE_EVERY or spent >= budget:
            saved_at = time.monotonic()
            save(folder, voice, optimiser, average, spent, step)
            scores = ""
            if saved_at - judged_at > JUDGE_EVERY or spent >= budget:
                judged_at = saved_at
                scores = judge_average(voice, average, lessons)
            progress = f"step {step}, {spent / 60:.0f} min, {len(lessons.mix)} songs"
            report(folder, f"{progress}, loss {running:.4f} {scores}")


def find_rate(step: int, progress: float) -> float:
    """The learning rate: a warm-up, and a descent in the last six tenths. `progress`: 0..1."""
    return RATE * min(1, (step + 1) / WARM_UP) * max(0.02, min(1, (1 - progress) / 0.6))


def mix_trees(slow: Tree, fast: Tree, keep: float) -> Tree:
    """A moving average, which keeps so much of itself."""
    mixed: Tree = tree_map(lambda old, new: keep * old + (1 - keep) * new, slow, fast)
    return mixed


def judge_average(voice: Voice, average: Tree, lessons: LessonPool) -> str:
    """How good the moving average is at every task."""
    current = voice.parameters()
    voice.update(average)
    scores = [f"{task} {judge(voice, lessons, task)}" for task in ("cover", "text2music")]
    voice.update(current)
    return ", ".join(scores)


def judge(voice: Voice, lessons: LessonPool, task: str) -> str:
    """The held-out loss at a few timesteps."""
    total: dict[float, list[float]] = defaultdict(list)
    for number, lesson in enumerate(lessons.make_held_out(task)):
        noise = mx.random.normal(lesson.target.shape, key=mx.random.key(number))
        for t in JUDGED_AT:
            total[t].append(float(measure_loss(voice, lesson, mx.array([t]), noise)))
    return "[" + " ".join(f"{np.mean(values):.3f}" for values in total.values()) + "]"


def report(folder: Path, line: str) -> None:
    """Print a line, and append it to the log."""
    print(line, flush=True)
    with (folder / "dit.log").open("a") as log:
        log.write(f"{time.strftime('%H:%M:%S')} {line}\n")


def save(
    folder: Path,
    voice: Voice,
    optimiser: optimizers.Optimizer,
    average: Tree,
    spent: float,
    step: int,
) -> None:
    """Write what training goes on from."""
    trees = {"voice": voice.parameters(), "optimiser": optimiser.state, "average": average}
    arrays = {
        name: array
        for name, array in dict(tree_flatten(trees)).items()
        if isinstance(array, mx.array)
    }
    path = folder / "part.safetensors"
    mx.save_safetensors(str(path), arrays, {"spent": str(spent), "step": str(step)})
    path.replace(folder / "dit_state.safetensors")


def restore(folder: Path, voice: Voice, optimiser: optimizers.Optimizer) -> tuple[float, int, Tree]:
    """Read what `save` wrote into voice and optimiser. Returns the seconds spent, the steps and the
    average.
    """
    loaded: Any = mx.load(str(folder / "dit_state.safetensors"), return_metadata=True)
    arrays, metadata = loaded

    def read(tree: Tree, name: str) -> Tree:
        filled: Tree = tree_map_with_path(lambda path, new: arrays.get(f"{name}.{path}", new), tree)
        return filled

    voice.update(read(voice.parameters(), "voice"))
    optimiser.state = read(optimiser.state, "optimiser")
    average = read(voice.parameters(), "average")
    return float(metadata["spent"]), int(metadata["step"]), average


if __name__ == "__main__":
    main()
