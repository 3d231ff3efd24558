"""Reading a torch file without torch: a zip with a pickle, which may rebuild one tensor and do
nothing else.
"""

from __future__ import annotations

import io
import math
import os
import pickle
import pickletools
import zipfile
from collections import OrderedDict
from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from ..limits import LIMITS

_STORAGES: dict[str, np.dtype[Any]] = {
    "FloatStorage": np.dtype("<f4"),
    "DoubleStorage": np.dtype("<f8"),
    "HalfStorage": np.dtype("<f2"),
    "BFloat16Storage": np.dtype("<u2"),  # widened below
}
_MEMO_OPCODES = ("PUT", "BINPUT", "LONG_BINPUT")
_FETCH_OPCODES = ("GET", "BINGET", "LONG_BINGET", "DUP")
_MOST_FETCHES = 32  # of what is there already; the published file has none


class _Storage:
    """Stands for torch's storage class of one dtype while the pickle is read."""

    def __init__(self, name: str) -> None:
        self.name = name


def read_torch(path: Path) -> npt.NDArray[np.float32]:
    """The one tensor in the file, as float32.

    Raises OSError when there is no such file, and ValueError when it is anything else: not a torch
    zip, or a pickle that asks for other objects.
    """
    with path.open("rb") as stream:
        try:
            if os.fstat(stream.fileno()).st_size > LIMITS.torch_bytes:
                raise ValueError("larger than any silence latent")
            tensor = _load_tensor(zipfile.ZipFile(stream))
        except zipfile.BadZipFile as error:
            raise ValueError(f"not a torch zip file ({error})") from error
        except Exception as error:  # whatever a damaged or hostile file provokes in the two
            raise ValueError(f"refused: {error}") from error
    if not isinstance(tensor, np.ndarray):
        raise ValueError(f"refused: holds a {type(tensor).__name__}, not a tensor")
    return tensor


def _load_tensor(archive: zipfile.ZipFile) -> object:
    """What the pickle is of."""
    pickles = [name for name in archive.namelist() if name.endswith("/data.pkl")]
    if len(pickles) != 1:
        raise ValueError(f"a torch file has one data.pkl, and this zip has {len(pickles)}")
    if any(entry.file_size > LIMITS.torch_bytes for entry in archive.infolist()):
        raise ValueError("larger than any silence latent")
    prefix = pickles[0].removesuffix("data.pkl")
    byte_order = f"{prefix}byteorder"
    if byte_order in archive.namelist() and archive.read(byte_order) != b"little":
        raise ValueError("its numbers are not little-endian")
    content = archive.read(pickles[0])
    _check_opcodes(content)
    loaded: object = _TensorUnpickler(io.BytesIO(content), archive, prefix).load()
    return loaded


def _check_opcodes(content: bytes) -> None:
    """Refuse a pickle with memo places beyond its length: Python allocates up to the highest one,
    which may be gigabytes.

    Nor may it use what it has made again and again: a tuple that has one tuple twice, and so on,
    is hashed for ever.
    """
    fetches = 0
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name in _MEMO_OPCODES and int(argument or 0) > len(content):
            raise pickle.UnpicklingError("its memo is larger than the file")
        fetches += opcode.name in _FETCH_OPCODES
        if fetches > _MOST_FETCHES:
            raise pickle.UnpicklingError("it is made of itself, as no tensor is")


class _TensorUnpickler(pickle.Unpickler):
    """Finds what rebuilds a tensor, and refuses everything else."""

    def __init__(self, stream: IO[bytes], archive: zipfile.ZipFile, prefix: str) -> None:
        super().__init__(stream)
        self._archive = archive
        self._prefix = prefix
        self._bytes_left = LIMITS.torch_bytes  # of all storages and tensors together

    def find_class(self, module: str, name: str) -> Any:
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return self._rebuild
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in _STORAGES:
            return _Storage(name)
        raise pickle.UnpicklingError(f"the file asks for {module}.{name}; only tensors are read")

    def persistent_load(self, pid: Any) -> npt.NDArray[np.float32]:
        kind, storage, key, _device, count = pid
        is_known = isinstance(storage, _Storage) and isinstance(key, str) and key.isdecimal()
        if kind != "storage" or not is_known or not isinstance(count, int):
            raise pickle.UnpicklingError("an unknown storage")
        name = f"{self._prefix}data/{key}"
        self._spend(self._archive.getinfo(name).file_size, "numbers")
        content = self._archive.read(name)
        data = np.frombuffer(content, _STORAGES[storage.name])
        if data.size < count:
            raise pickle.UnpicklingError(
                f"storage {key} must hold {count} numbers, got {data.size}"
            )
        if storage.name == "BFloat16Storage":
            data = (data.astype("<u4") << 16).view("<f4")
        return data.astype(np.float32)

    def _rebuild(
        self,
        storage: object,
        offset: int,
        size: tuple[int, ...],
        stride: tuple[int, ...],
        *_: object,
    ) -> npt.NDArray[np.float32]:
        """A copy of the tensor in its storage, after checks that the pickle cannot be trusted
        with.
        """
        if not isinstance(storage, np.ndarray) or len(size) != len(stride):
            raise pickle.UnpicklingError("a tensor with impossible dimensions")
        numbers = (offset, *size, *stride)
        if not all(isinstance(number, int) and number >= 0 for number in numbers):
            raise pickle.UnpicklingError("a tensor with impossible dimensions")
        last = offset + sum((n - 1) * step for n, step in zip(size, stride, strict=True))
        if 0 not in size and last >= storage.size:
            raise pickle.UnpicklingError("a tensor that reaches outside its storage")
        # a stride of 0 makes any size out of one number
        self._spend(math.prod(size) * storage.itemsize, "a tensor")
        byte_strides = [step * storage.itemsize for step in stride]
        return np.lib.stride_tricks.as_strided(storage[offset:], size, byte_strides).copy()

    def _spend(self, size: int, what: str) -> None:
        """Raises UnpicklingError where all together is larger than any silence latent."""
        self._bytes_left -= size
        if self._bytes_left < 0:
            raise pickle.UnpicklingError(f"{what} larger than any silence latent")
