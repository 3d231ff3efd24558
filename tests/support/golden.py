"""The golden values of the official code: where they are, how exactly to meet them, and what was
met.

A fixtures folder holds a checkpoint, `golden/` with tensors (`<area>.safetensors`) and cases
(`<area>.json`) which are described in its README.md, and perhaps tokenizers and audio. Nothing here
knows its sizes.
"""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from unittest import mock

from pipeline.model import Model
from pipeline.networks.ops import choose_ops

# before MLX, because it loads the fast BLAS that MLX then finds
from pipeline.weights import checkpoint

# isort: split
import mlx.core as mx
import numpy as np
from mlx import nn
from safetensors.numpy import load_file

NUMBER = r"(\d+(?:\.\d+)?)"
OK = "ok"
FAIL = "FAIL"
MISSING = "not implemented"
DEVIATION = "deviation"
ROUNDED = "rounded"  # computed in bfloat16: what is lost is told, and nothing is expected of it
ABSENT = "without inputs"  # of the folder, not of the pipeline

# What is given and not computed, of the cases that nothing reads yet (area/name).
INPUTS = """
    sampler_*/*noise sampler_*/src_latents sampler_*/repaint_mask sampler_*/*_timesteps
    sampler_*/*_non_cover sampler_*/timesteps dit_*/*.encoder_attention_mask fsq/attention_mask
    vae/*.noise guidance/*latents end_to_end/*noise postprocess/*.in postprocess/*.pred
    postprocess/*.src lm_*/*.input_ids lm_*/*.attention_mask lm_*/cfg.columns lm_sampling/logits
    lm_sampling/history official_layout/configs.* official_layout/tokenizer.*
    official_layout/files.*silence_latent.pt
""".split()

# The golden files, where no README names them.
STRUCTURE = """
    text_encoder condition_encoder dit_turbo dit_base dit_xl_turbo sampler_turbo sampler_base
    sampler_xl_turbo sampler_xl_base guidance vae fsq tasks end_to_end postprocess lora prompts
    schedules official_layout lm_1_7B lm_0_6B lm_sampling lm_prompts lm_traces fsm
""".split()

# Where the README says nothing.
INFORMATIVE = "*_bf16", "*max_abs_diff*"
TOLERANCES = [
    ("*timesteps", 1e-6),
    ("sampler_*/*.v0", 2e-4),
    ("sampler_*/*", 2e-3),
    ("tasks/*", 5e-4),
    ("end_to_end/*", 5e-3),
    ("vae/tiled.audio", 2e-3),
    ("*", 1e-4),
]


AREAS: dict[str, Callable[[Bench], None]] = {}


def area(glob: str) -> Callable[[Callable[[Bench], None]], Callable[[Bench], None]]:
    """Registers the function that checks the golden files of this name."""

    def register(function: Callable[[Bench], None]) -> Callable[[Bench], None]:
        AREAS[glob] = function
        return function

    return register


@dataclass(frozen=True)
class Line:
    """One golden value and what became of it. `noise` is the difference's mean square, of 1 for the
    value's own: what people say in dB.
    """

    area: str
    name: str
    verdict: str
    difference: float | None = None  # max |ours - official| / max(1, max |official|)
    tolerance: float | None = None
    note: str = ""
    noise: float | None = None

    def __str__(self) -> str:
        numbers = (
            "" if number is None else f"{number:.1e}"
            for number in (self.difference, self.tolerance)
        )
        return "{:18} {:46} {:>8} {:>8}  {} {}".format(
            self.area, self.name, *numbers, self.verdict, self.note
        ).rstrip()


class Notes:
    """golden/README.md: every tensor's tolerance and meaning. It has none when there is no such
    file.
    """

    _ROW = re.compile(r"\| `(.+?)` \| .+? \| .+? \| (.+?) \| (.*) \|")

    def __init__(self, path: Path) -> None:
        self._rows: dict[str, tuple[str, str]] = {}
        area = ""
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        self.files = {name[:-5] for name in re.findall(r"^- `(\w+\.json)`", text, re.MULTILINE)}
        self.files |= set(re.findall(r"^### (\w+)\.safetensors", text, re.MULTILINE))
        for line in text.splitlines():
            if line.startswith("### "):
                area = line.removeprefix("### ").strip().removesuffix(".safetensors")
            elif row := self._ROW.match(line):
                self._rows[f"{area}/{row[1]}"] = (row[2], row[3])

    def informative(self, name: str) -> bool:
        """Whether `name` (area/tensor) is only there for information."""
        if name in self._rows:
            return self._rows[name][0] in ("informative", "-")
        return any(fnmatchcase(name, glob) for glob in INFORMATIVE)

    def tolerance(self, name: str, dtype: np.dtype) -> float:
        written = self._rows.get(name, ("", ""))[0]
        if written.startswith("exact"):
            return 0.0 if written == "exact" else 1e-6
        if re.fullmatch(r"\d[\d.]*(e-?\d+)?", written):
            return float(written)
        if dtype.kind in "iub":
            return 0.0
        usual = next(number for glob, number in TOLERANCES if fnmatchcase(name, glob))
        return max(usual, 1e-3) if dtype == np.float16 else usual

    def tensors(self, area: str) -> list[str]:
        """Those that are described."""
        return [name.removeprefix(f"{area}/") for name in self._rows if name.startswith(f"{area}/")]

    def meaning(self, name: str) -> str:
        return self._rows.get(name, ("", ""))[1]

    def number(self, name: str, pattern: str, default: float) -> float:
        """The number that `pattern` finds in a tensor's meaning: a parameter which no other file
        holds.
        """
        found = re.search(pattern, self._rows.get(name, ("", ""))[1])
        return float(found[1]) if found else default


@dataclass(frozen=True)
class Fixtures:
    """A folder of them. The networks compute in `dtype`, on MLX's default device."""

    folder: Path
    dtype: mx.Dtype = mx.float32

    @functools.cached_property
    def root(self) -> Path:
        """The checkpoint's root, whatever it is called."""
        folders = sorted(path.parent for path in self.folder.glob(f"*/{checkpoint.TURBO}"))
        if not folders:
            raise FileNotFoundError(
                f"{self.folder} has no sub-folder that contains {checkpoint.TURBO}"
            )
        return folders[0]

    @functools.cached_property
    def notes(self) -> Notes:
        return Notes(self.folder / "golden" / "README.md")

    def areas(self) -> list[str]:
        files = (self.folder / "golden").glob("*")
        return sorted({path.stem for path in files if path.suffix in (".safetensors", ".json")})

    def absent(self) -> list[str]:
        """The golden files, and tensors of those that are there, which belong to the structure and
        are not there.
        """
        areas = self.areas()
        files = [
            f"golden/{name}" for name in sorted((self.notes.files or set(STRUCTURE)) - set(areas))
        ]
        tensors = ((name, set(self.values(name)), self.notes.tensors(name)) for name in areas)
        return files + [
            f"{area}/{name}"
            for area, values, named in tensors
            for name in named
            if name not in values
        ]

    def values(self, area: str) -> dict[str, Any]:
        """The tensors and the JSON cases of an area, by name."""
        tensors, cases = (
            self.folder / "golden" / f"{area}.{kind}" for kind in ("safetensors", "json")
        )
        values: dict[str, Any] = load_file(tensors) if tensors.is_file() else {}
        return values | (
            json_cases(json.loads(cases.read_text(encoding="utf-8"))) if cases.is_file() else {}
        )

    def model(self, variant: str = "turbo") -> Model:
        """`xl_base` is acestep-v15-xl-base; `xl` alone is the turbo one."""
        variant = "xl_turbo" if variant == "xl" else variant
        return _load(self.root, f"acestep-v15-{variant.replace('_', '-')}", self.dtype)


@functools.cache
def _load(root: Path, variant: str, dtype: mx.Dtype) -> Model:
    return Model(checkpoint.find(str(root), variant), choose_ops(), dtype)


def json_cases(content: dict[str, Any]) -> dict[str, Any]:
    """A JSON file flattened by one level: `cases.chinese`, `base.3`, `task_instructions.cover`."""
    values: dict[str, Any] = {}
    for key, value in content.items():
        if isinstance(value, dict):
            values |= {f"{key}.{name}": item for name, item in value.items()}
        elif isinstance(value, list) and all(isinstance(item, dict) for item in value):
            values |= {f"{key}.{item.get('name', i)}": item for i, item in enumerate(value)}
        elif key != "note":
            values[key] = value
    return values


@dataclass
class Bench:
    """One area under test: hands out its golden values, compares with them, and knows which of them
    were used.
    """

    area: str
    fixtures: Fixtures
    golden: dict[str, Any] = field(default_factory=dict)
    lines: list[Line] = field(default_factory=list)
    used: set[str] = field(default_factory=set)

    def read(self, name: str) -> Any:
        """A golden value as it is stored."""
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

    def parts(self, case: str) -> list[str]:
        """The tensors of a case."""
        return [name for name in self.golden if name.startswith(f"{case}.")]

    def read_notes(self, case: str) -> str:
        """What is recorded of a case, in small letters: its name, and what the README says of its
        tensors.
        """
        names = (name for name in self.golden if name == case or name.startswith(f"{case}."))
        meanings = (self.fixtures.notes.meaning(f"{self.area}/{name}") for name in names)
        return " ".join([case.replace("_", " "), *meanings]).lower()

    def check(self, name: str, ours: Any) -> None:
        """Compare with the golden tensor `name`, if there is one. (One that nobody compares with is
        reported.)
        """
        if name in self.golden and not self.fixtures.notes.informative(f"{self.area}/{name}"):
            official: np.ndarray = self.read(name)
            self.compare(
                name,
                ours,
                official,
                self.fixtures.notes.tolerance(f"{self.area}/{name}", official.dtype),
            )

    def compare(self, name: str, ours: Any, official: Any, tolerance: float) -> None:
        a = to_numpy(ours).astype(np.float64)
        b = to_numpy(official).astype(np.float64)
        if a.shape != b.shape:
            self.lines.append(
                Line(self.area, name, FAIL, note=f"has the shape {a.shape}, not {b.shape}")
            )
            return
        difference = float(np.abs(a - b).max(initial=0) / max(1.0, np.abs(b).max(initial=0)))
        verdict = OK if difference <= tolerance else FAIL  # NaN is not
        power = float(np.square(b).mean()) if b.size else 0.0
        noise = float(np.square(a - b).mean()) / power if power else 0.0
        if self.fixtures.dtype != mx.float32 and np.isfinite(difference):
            verdict = ROUNDED
        self.lines.append(Line(self.area, name, verdict, difference, tolerance, noise=noise))

    def same(self, name: str, ours: Any, official: Any) -> None:
        """Equal texts, numbers or lists."""
        note = "" if ours == official else f"is {ours!r:.200}, not {official!r:.200}"
        # the likeliest of tokens that are nearly as likely is another one
        different = FAIL if self.fixtures.dtype == mx.float32 else ROUNDED
        verdict = different if note else OK
        self.lines.append(Line(self.area, name, verdict, float(bool(note)), 0.0, note))

    def deviates(self, name: str, reason: str) -> None:
        """On purpose not what the official code does."""
        self.used.add(name)
        self.lines.append(Line(self.area, name, DEVIATION, note=reason))

    def lacks(self, name: str, reason: str) -> None:
        """What it was made from is not in the folder."""
        self.used.add(name)
        self.lines.append(Line(self.area, name, ABSENT, note=reason))

    def unused(self) -> list[str]:
        """The golden outputs that nothing was compared with."""
        left = {name: f"{self.area}/{name}" for name in self.golden if name not in self.used}
        inputs = {name for name, path in left.items() for glob in INPUTS if fnmatchcase(path, glob)}
        return [
            name
            for name, path in left.items()
            if name not in inputs and not self.fixtures.notes.informative(path)
        ]


def to_numpy(values: Any) -> np.ndarray:
    """numpy has no bfloat16."""
    if isinstance(values, mx.array) and values.dtype == mx.bfloat16:
        values = values.astype(mx.float32)
    return np.asarray(values)


@contextmanager
def traced(module: nn.Module) -> Iterator[dict[str, Any]]:
    """What each part of `module` returns while the block runs, by the part's name in the
    checkpoint.
    """
    names = {id(part): name for name, part in module.named_modules()}
    kinds = {
        kind for part in module.modules() for kind in type(part).__mro__ if "__call__" in vars(kind)
    }
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
            stack.enter_context(
                mock.patch.object(kind, "__call__", recording(vars(kind)["__call__"]))
            )
        yield returned
