"""Which model plays, by what is in its files: two machines with the same make the same takes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple, Self

from .. import untrusted
from ..limits import LIMITS
from ..private import replace_private
from . import checkpoint
from .adapter import Adapter
from .checkpoint import Checkpoint

PLANNER = "planner"  # of the parts: it may be missing
_SHORT = 8  # digits of a digest that people are shown
_MOST = 1000  # parts or adapters of an identity that is read
_MOST_LETTERS = 500  # of a name in it


class AdapterIdentity(NamedTuple):
    """An adapter by its file's name, its content, and how much of it is added."""

    name: str
    digest: str
    scale: float


@dataclass(frozen=True)
class ModelIdentity:
    """`parts` are digests of the weights with their configuration: transformer, text encoder, vae,
    and the planner where there is one. `bits` are those that they are quantised to at load; 0: as
    they are.
    """

    title: str
    parts: Mapping[str, str]
    bits: int = 0
    adapters: tuple[AdapterIdentity, ...] = ()

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: object) -> Self:
        """Raises ValueError for what is none, whatever that is."""
        match data:
            case {
                "title": str(title),
                "parts": dict(parts),
                "bits": int(bits),
                "adapters": list() | tuple() as worn,
            } if max(len(parts), len(worn)) <= _MOST and _are_short(title, *parts, *parts.values()):
                return cls(title, parts, bits, tuple(map(_read_adapter, worn)))
        raise ValueError("this is no identity of a model")

    def is_same(self, other: ModelIdentity) -> bool:
        """Whether both make the same takes; what they are called does not matter."""
        return not self.describe_difference(other)

    def describe_difference(self, ours: ModelIdentity) -> str:
        """How it differs from ours, in words; empty where it is the same model."""
        return ", ".join(self._list_differences(ours))

    def _list_differences(self, ours: ModelIdentity) -> Iterator[str]:
        for part in dict.fromkeys((*ours.parts, *self.parts)):
            theirs, wanted = self.parts.get(part, ""), ours.parts.get(part, "")
            if theirs != wanted:
                yield f"its {part} differs: {_shorten(theirs)}, not {_shorten(wanted)}"
        if self.bits != ours.bits:
            yield f"its weights have {_name_bits(self.bits)}, not {_name_bits(ours.bits)}"
        theirs_on, ours_on = _list_contents(self.adapters), _list_contents(ours.adapters)
        if theirs_on != ours_on:
            worn, wanted = _name_adapters(self.adapters), _name_adapters(ours.adapters)
            yield f"it has other adapters: {worn}, not {wanted}"


class FileDigests:
    """SHA-256 of files, remembered by path, size and time in a file of the folder, as gigabytes
    take seconds.
    """

    def __init__(self, folder: Path) -> None:
        self._file = folder / "digests.json"
        self._known: dict[str, Any] = {}
        with suppress(OSError, ValueError):
            found = untrusted.read_json(self._file, LIMITS.index_bytes)
            self._known = found if isinstance(found, dict) else {}

    def read(self, path: Path) -> str:
        """Raises OSError."""
        found = os.stat(path)
        stamp = [found.st_size, found.st_mtime_ns]
        match self._known.get(str(path)):
            case [size, when, str(digest)] if [size, when] == stamp:
                return digest
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
        self._known[str(path)] = [*stamp, digest]
        with suppress(OSError):  # then it is read again the next time
            replace_private(self._file, json.dumps(self._known).encode())
        return digest


def identify(
    found: Checkpoint,
    digests: FileDigests,
    *,
    bits: int = 0,
    planner: Path | None = None,
    adapters: Iterable[Adapter] = (),
) -> ModelIdentity:
    """Of a checkpoint on this machine, with the bits, the planner's folder and the adapters that it
    is loaded with. Raises OSError.
    """
    parts = {part: _digest_all(files, digests) for part, files in found.list_files().items()}
    if planner:
        parts[PLANNER] = _digest_all(checkpoint.list_planner_files(planner), digests)
    worn = tuple(
        AdapterIdentity(os.path.basename(one.path), _digest_adapter(one, digests), one.scale)
        for one in adapters
    )
    return ModelIdentity(found.name, parts, bits, worn)


def _digest_all(files: Iterable[Path], digests: FileDigests) -> str:
    whole = hashlib.sha256()
    for path in sorted(files, key=lambda each: each.name):
        whole.update(digests.read(path).encode())
    return whole.hexdigest()


def _digest_adapter(adapter: Adapter, digests: FileDigests) -> str:
    path = Path(adapter.path)
    inside = (*path.glob("*.safetensors"), *path.glob("adapter_config.json"))
    return _digest_all(inside or [path], digests)


def _read_adapter(data: object) -> AdapterIdentity:
    match data:
        case [str(name), str(digest), int() | float() as scale] if _are_short(name, digest):
            return AdapterIdentity(name, digest, scale)
    raise ValueError("this is no identity of an adapter")


def _are_short(*texts: object) -> bool:
    return all(isinstance(text, str) and len(text) <= _MOST_LETTERS for text in texts)


def _list_contents(adapters: Iterable[AdapterIdentity]) -> list[tuple[str, float]]:
    return [(one.digest, one.scale) for one in adapters]


def _name_adapters(adapters: Iterable[AdapterIdentity]) -> str:
    return " ".join(f"{one.name}={one.scale:g}" for one in adapters) or "none"


def _name_bits(bits: int) -> str:
    return f"{bits} bits" if bits else "bits as published"


def _shorten(digest: str) -> str:
    return digest[:_SHORT] or "none"
