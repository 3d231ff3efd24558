"""A torch file read without torch: a zip with a pickle that may rebuild one tensor and do nothing
else.
"""

from __future__ import annotations

import math
import pickle
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np

_STORAGES: dict[str, np.dtype] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<u2"),  # widened below
}
_LARGEST = 2**30  # bytes; the published file has 3.8 million


class _Storage:
    """Stands for torch's storage class of one dtype while the pickle is read."""

    def __init__(self, name: str) -> None:
        self.name = name


def read_torch(path: Path) -> np.ndarray:
    """The one tensor in the file, as float32.

    Raises OSError when there is no such file, and ValueError when it is anything else: not a torch
    zip, or a pickle that asks for other objects.
    """
    with path.open("rb") as stream:
        try:
            tensor = _only_tensor(zipfile.ZipFile(stream))
        except zipfile.BadZipFile as error:
            raise ValueError(f"not a torch zip file ({error})") from error
        except (
            Exception
        ) as error:  # whatever a damaged or hostile file provokes in zipfile and pickle
            raise ValueError(f"refused: {error}") from error
    if not isinstance(tensor, np.ndarray):
        raise ValueError(f"refused: holds a {type(tensor).__name__}, not a tensor")
    return tensor


def _only_tensor(archive: zipfile.ZipFile) -> Any:
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"a torch file has one data.pkl, and this zip has {len(pickles)}")
    if any(entry.file_size > _LARGEST for entry in archive.infolist()):
        raise ValueError("larger than any silence latent")
    prefix = pickles[0].removesuffix("data.pkl")
    if (
        f"{prefix}byteorder" in archive.namelist()
        and archive.read(f"{prefix}byteorder") != b"little"
    ):
        raise ValueError("its numbers are not little-endian")
    with archive.open(pickles[0]) as stream:
        return _TensorsOnly(stream, archive, prefix).load()


class _TensorsOnly(pickle.Unpickler):
    def __init__(self, stream: Any, archive: zipfile.ZipFile, prefix: str) -> None:
        super().__init__(stream)
        self._archive = archive
        self._prefix = prefix

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return _Storage(name)
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}; only tensors are read")

    def persistent_load(self, pid: Any) -> np.ndarray:
        kind, storage, key, _device, count = pid
        if kind != "storage" or not isinstance(storage, _Storage) or not str(key).isdecimal():
            raise pickle.UnpicklingError(f"unknown storage {pid!r}")
        data = np.frombuffer(
            self._archive.read(f"{self._prefix}data/{key}"), _STORAGES[storage.name]
        )
        if data.size < count:
            raise pickle.UnpicklingError(
                f"storage {key} must hold {count} numbers, got {data.size}"
            )
        if storage.name == "BFloat16Storage":
            data = (data.astype("<u4") << 16).view("<f4")
        return data.astype(np.float32)


def _rebuild(
    storage: Any, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> np.ndarray:
    if (
        not isinstance(storage, np.ndarray)
        or len(size) != len(stride)
        or min((offset, *size, *stride)) < 0
    ):
        raise pickle.UnpicklingError("a tensor with impossible dimensions")
    if (
        0 not in size
        and offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        >= storage.size
    ):
        raise pickle.UnpicklingError("a tensor that reaches outside its storage")
    if (
        math.prod(size) * storage.itemsize > _LARGEST
    ):  # a stride of 0 makes any size out of one number
        raise pickle.UnpicklingError("a tensor larger than any silence latent")
    bytes_per = storage.itemsize
    view = np.lib.stride_tricks.as_strided(
        storage[offset:], size, [step * bytes_per for step in stride]
    )
    return view.copy()
