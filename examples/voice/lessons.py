"""What the DiT learns from, batch by batch: make a song from its guide (most of the time), from the
caption alone, or take one stem out of a mix. Reads the shards of `latents.py`, also those that come
later.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch
from tokenizers import Tokenizer
from torch import Tensor

from pipeline import prompts

from . import songs
from .dit import Lesson
from .layout import SILENT_FRAMES, train_tokenizer

FRAMES = 160  # of an example
EVENNESS = 0.6  # exponent that evens out the latent dimensions: 1 makes all equal
CAPTIONS = 6  # of every song
# shares of the lessons
NO_GUIDE = 0.1
EXTRACT = 0.4
UNCONDITIONAL = 0.03
# frames of silence that the timbre is read from: its window sees no more of the 750 that it gets
# when it plays
REFERENCE = 96
HELD_OUT = 32  # songs of the first shard that it does not learn from

Floats = npt.NDArray[np.floating]


class Example(NamedTuple):
    """One way to ask for one clip. `stem` is -1 for the mix."""

    song: int
    stem: int
    guided: bool


class LessonPool:
    """Everything to learn from, by the length of the caption in tokens; lessons are on `device`."""

    def __init__(
        self, folder: Path, tokenizer: Tokenizer, seed: int, batch: int, device: torch.device
    ) -> None:
        self.folder = folder
        self.tokenizer = tokenizer
        self.batch = batch
        self.device = device
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
        self.lyrics = self._to_tensor([tokenizer.encode(lyrics).ids])
        self.read_new()

    def _read_silence(self) -> Floats:
        encoded = np.load(self.folder / "latents" / "silence.npy").astype(np.float32)
        return find_steady_silence(encoded) * self.scale

    def _to_tensor(self, values: npt.ArrayLike) -> Tensor:
        """Numbers in 32 bits, token ids in 64."""
        array = np.asarray(values)
        kind = np.float32 if array.dtype.kind == "f" else np.int64
        return torch.from_numpy(array.astype(kind)).to(self.device, non_blocking=True)

    def make_reference(self) -> Tensor:
        return self._to_tensor(self.silence[None, :REFERENCE])

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
        song = songs.make_lesson(number)
        for _ in range(CAPTIONS):
            caption = song.write_caption(self.rng)
            text = write_prompt(song, caption, "text2music", self.rng)
            self._add("text2music", Example(number, -1, False), text)
            # the guide is played by whom its own caption names
            text = write_prompt(song, song.caption, "cover", self.rng)
            self._add("cover", Example(number, -1, True), text)
        for stem, track in stems.items():
            text = write_prompt(song, song.caption, "extract", self.rng, (track,))
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
        chosen = [examples[int(i)] for i in self.rng.integers(len(examples), size=self.batch)]
        rows = [self._cut(example) for example, _ in chosen]
        target, source = (self._to_tensor(np.stack(side)) for side in zip(*rows))
        ids = self._to_tensor([ids for _, ids in chosen])
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
            song = songs.make_lesson(number)
            ids = self.tokenizer.encode(write_prompt(song, song.caption, task, rng)).ids
            target, source = self._cut(Example(number, -1, task == "cover"), at=0)
            yield Lesson(
                self._to_tensor(target[None]),
                self._to_tensor(source[None]),
                self._to_tensor([ids]),
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


def get_tokenizer(folder: Path) -> Tokenizer:
    """The voice's tokenizer, trained on prompts where there is none yet."""
    path = folder / "tokenizer.json"
    if not path.exists():
        rng = np.random.default_rng(5)
        tasks = ("text2music", "cover", "extract")
        texts = []
        for seed in range(4000):
            song = songs.make_song(seed, songs.SECONDS, singing=True)
            task = tasks[seed % 3]
            tracks = ("drums",) if task == "extract" else ()
            texts.append(write_prompt(song, song.write_caption(rng), task, rng, tracks))
        train_tokenizer(texts).save(str(path))
    return Tokenizer.from_file(str(path))
