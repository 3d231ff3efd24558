from __future__ import annotations

import contextlib
import io
import os
import pickle
import sys
import types
import zipfile
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.limits import LIMITS
from pipeline.weights import tensors
from pipeline.weights.tensors import read_torch
from tests.support.examples import scale_examples
from tests.support.hostile import make_sparse

# --- what torch.save writes, without torch --------------------------------------------------------


class Storage:
    """A storage of the file: `data/<key>` of this kind and size."""

    def __init__(self, kind: str = "FloatStorage", count: int = 24, key: str = "0") -> None:
        self.kind = kind
        self.count = count
        self.key = key


class Tensor:
    """A tensor as torch pickles it: a call of `_rebuild_tensor_v2`."""

    def __init__(self, storage: Any, offset: Any, size: Any, stride: Any) -> None:
        self.arguments: tuple[Any, ...] = (storage, offset, size, stride, False, OrderedDict())

    def __reduce__(self) -> tuple[Any, ...]:
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.arguments


class Call:
    """Anything else a pickle may ask for."""

    def __init__(self, function: Callable[..., Any], *arguments: Any) -> None:
        self.function = function
        self.arguments = arguments

    def __reduce__(self) -> tuple[Any, ...]:
        return self.function, self.arguments


class _Pickler(pickle.Pickler):
    def persistent_id(self, value: Any) -> Any:
        if not isinstance(value, Storage):
            return None
        return "storage", getattr(sys.modules["torch"], value.kind), value.key, "cpu", value.count


@pytest.fixture(autouse=True)
def torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """The names that torch's pickles refer to."""
    torch = types.ModuleType("torch")
    utils = types.ModuleType("torch._utils")
    for kind in (
        "FloatStorage",
        "DoubleStorage",
        "HalfStorage",
        "BFloat16Storage",
        "LongStorage",
        "FakeStorage",
    ):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))
    for name in ("_rebuild_tensor_v2", "_rebuild_parameter"):
        function = types.FunctionType((lambda *_: None).__code__, {}, name)
        function.__module__ = "torch._utils"
        function.__qualname__ = name
        setattr(utils, name, function)
    monkeypatch.setitem(sys.modules, "torch", torch)
    monkeypatch.setitem(sys.modules, "torch._utils", utils)


NUMBERS = np.linspace(-3, 3, 24, dtype=np.float32)


def pickled(value: Any, protocol: int = 2) -> bytes:
    stream = io.BytesIO()
    _Pickler(stream, protocol).dump(value)
    return stream.getvalue()


def entries(
    value: Any, data: bytes = NUMBERS.tobytes(), byteorder: str = "little"
) -> list[tuple[str, bytes]]:
    """What is in the zip that `torch.save(value, ...)` writes."""
    named = {
        "data.pkl": pickled(value),
        "byteorder": byteorder.encode(),
        "data/0": data,
        "version": b"3\n",
    }
    return [(f"archive/{name}", content) for name, content in named.items()]


def save(
    path: Path, files: Iterable[tuple[str, bytes]], compression: int = zipfile.ZIP_STORED
) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in files:
            archive.writestr(name, content)
    return path


def whole(kind: str = "FloatStorage") -> Tensor:
    return Tensor(Storage(kind), 0, (2, 3, 4), (12, 4, 1))


# --- what is read ---------------------------------------------------------------------------------


def test_the_published_file_is_read(tiny: Path) -> None:
    path = tiny / "acestep-v15-turbo" / "silence_latent.pt"
    latent = read_torch(path)
    with zipfile.ZipFile(path) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/data/0"))
        stored = np.frombuffer(archive.read(name), np.float32)
    assert latent.dtype == np.float32
    assert latent.shape == (1, 64, 1000)
    assert np.array_equal(latent.reshape(-1), stored)


@pytest.mark.parametrize(
    ("kind", "dtype", "error"),
    [("FloatStorage", "<f4", 0.0), ("DoubleStorage", "<f8", 0.0), ("HalfStorage", "<f2", 2e-3)],
)
def test_floats_of_every_width_become_float32(
    tmp_path: Path, kind: str, dtype: str, error: float
) -> None:
    path = save(tmp_path / "t.pt", entries(whole(kind), NUMBERS.astype(dtype).tobytes()))
    latent = read_torch(path)
    assert latent.dtype == np.float32
    np.testing.assert_allclose(latent.reshape(-1), NUMBERS, atol=error, rtol=0)


def test_bfloat16_is_widened_exactly(tmp_path: Path) -> None:
    high_halves = NUMBERS.view("<u4") >> 16
    path = save(
        tmp_path / "t.pt", entries(whole("BFloat16Storage"), high_halves.astype("<u2").tobytes())
    )
    assert np.array_equal(read_torch(path).reshape(-1), (high_halves << 16).view("<f4"))


@pytest.mark.parametrize(
    ("offset", "size", "stride", "expected"),
    [
        (0, (24,), (1,), NUMBERS),
        (4, (2, 3), (8, 2), NUMBERS[[[4, 6, 8], [12, 14, 16]]]),
        (0, (4, 6), (1, 4), NUMBERS.reshape(6, 4).T),
        (23, (1, 1), (1, 1), NUMBERS[23:].reshape(1, 1)),
        (3, (), (), NUMBERS[3]),
        (0, (5, 2), (0, 1), np.tile(NUMBERS[:2], (5, 1))),
        (24, (0, 3), (3, 1), np.zeros((0, 3))),
    ],
)
def test_offsets_and_strides_are_followed(
    tmp_path: Path,
    offset: int,
    size: tuple[int, ...],
    stride: tuple[int, ...],
    expected: np.ndarray,
) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(Storage(), offset, size, stride)))
    assert np.array_equal(read_torch(path), expected)


@pytest.mark.parametrize("compression", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_the_zip_may_be_compressed_and_older_than_the_byteorder_entry(
    tmp_path: Path, compression: int
) -> None:
    files = [entry for entry in entries(whole()) if "byteorder" not in entry[0]]
    assert read_torch(save(tmp_path / "t.pt", files, compression)).shape == (2, 3, 4)


# --- what is refused ------------------------------------------------------------------------------


def test_a_pickle_that_calls_a_program_is_refused_and_nothing_runs(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    evil = Call(os.system, f"touch '{marker}'")
    pickle.loads(pickle.dumps(evil))
    assert marker.exists(), "the pickle would work"
    marker.unlink()
    path = save(tmp_path / "t.pt", entries(evil))
    with pytest.raises(
        ValueError, match=r"refused: the file asks for (posix|nt)\.system; only tensors are read"
    ):
        read_torch(path)
    assert not marker.exists()


def test_a_program_hidden_in_a_tensor_s_arguments_does_not_run(tmp_path: Path) -> None:
    marker = tmp_path / "it ran"
    path = save(
        tmp_path / "t.pt",
        entries(Tensor(Storage(), Call(os.system, f"touch '{marker}'"), (2,), (1,))),
    )
    with pytest.raises(ValueError, match="only tensors are read"):
        read_torch(path)
    assert not marker.exists()


@pytest.mark.parametrize(
    "name",
    [
        "builtins eval",
        "builtins getattr",
        "torch._utils _rebuild_parameter",
        "torch LongStorage",
        "torch load",
    ],
)
def test_other_globals_are_refused(tmp_path: Path, name: str) -> None:
    module, attribute = name.split()
    asks = f"c{module}\n{attribute}\n.".encode()
    files = [
        (path, asks if path.endswith("data.pkl") else content) for path, content in entries(whole())
    ]
    with pytest.raises(
        ValueError,
        match=rf"refused: the file asks for {module}\.{attribute}; only tensors are read",
    ):
        read_torch(save(tmp_path / "t.pt", files))


def test_a_dotted_name_does_not_reach_behind_an_allowed_one(tmp_path: Path) -> None:
    asks = (
        pickle.dumps("torch._utils")[:-1]
        + pickle.dumps("_rebuild_tensor_v2.__globals__")[2:-1]
        + b"\x93."
    )
    files = [
        (path, asks if path.endswith("data.pkl") else content) for path, content in entries(whole())
    ]
    with pytest.raises(
        ValueError,
        match=r"refused: the file asks for torch\._utils\._rebuild_tensor_v2\.__globals__",
    ):
        read_torch(save(tmp_path / "t.pt", files))


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        pytest.param(0, (25,), (1,), id="one too many"),
        pytest.param(1, (24,), (1,), id="one too far"),
        pytest.param(24, (1,), (1,), id="behind the end"),
        pytest.param(0, (2, 3), (23, 1), id="a long stride"),
        pytest.param(2**62, (1,), (1,), id="a huge offset"),
        pytest.param(0, (2,), (2**63,), id="a huge stride"),
        pytest.param(0, (2**40,), (1,), id="a huge dimension"),
    ],
)
def test_a_tensor_that_reaches_outside_its_storage_is_refused(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(Storage(), offset, size, stride)))
    with pytest.raises(ValueError, match="refused: a tensor that reaches outside its storage"):
        read_torch(path)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        pytest.param(-1, (2,), (1,), id="negative offset"),
        pytest.param(0, (-2,), (1,), id="negative dimension"),
        pytest.param(8, (2,), (-1,), id="negative stride"),
        pytest.param(0, (2, 3), (1,), id="too few strides"),
    ],
)
def test_impossible_dimensions_are_refused(
    tmp_path: Path, offset: int, size: tuple[int, ...], stride: tuple[int, ...]
) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(Storage(), offset, size, stride)))
    with pytest.raises(ValueError, match="refused: a tensor with impossible dimensions"):
        read_torch(path)


@pytest.mark.parametrize("size", [(2**40,), (2**31, 2**31, 2**31), (2**29, 1)])
def test_a_stride_of_zero_does_not_make_a_huge_tensor_of_one_number(
    tmp_path: Path, size: tuple[int, ...]
) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(Storage(), 0, size, (0,) * len(size))))
    with pytest.raises(ValueError, match="refused: a tensor larger than any silence latent"):
        read_torch(path)


@pytest.mark.parametrize(
    ("offset", "size", "stride"),
    [
        (0, (1.5,), (1,)),
        (0, ("2",), (1,)),
        (None, (2,), (1,)),
        (0, 2, 1),
        (0, (2,), (0.5,)),
        (0, (1,) * 99, (1,) * 99),
    ],
)
def test_dimensions_of_another_kind_are_refused(
    tmp_path: Path, offset: Any, size: Any, stride: Any
) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(Storage(), offset, size, stride)))
    with pytest.raises(ValueError, match=r"^refused: "):
        read_torch(path)


@pytest.mark.parametrize(
    "storage",
    [
        pytest.param(Storage(count=25), id="more numbers than there are"),
        pytest.param(Storage(count=2**60), id="far more numbers"),
        pytest.param(Storage(key="1"), id="no such entry"),
        pytest.param(Storage(key="../data.pkl"), id="another entry"),
        pytest.param(Storage("LongStorage"), id="integers"),
        pytest.param([1.0, 2.0], id="a list"),
    ],
)
def test_a_storage_that_is_not_one_is_refused(tmp_path: Path, storage: Any) -> None:
    path = save(tmp_path / "t.pt", entries(Tensor(storage, 0, (2,), (1,))))
    with pytest.raises(ValueError, match=r"^refused: "):
        read_torch(path)


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        ({"latent": 1}, "dict"),
        ([1.0], "list"),
        (None, "NoneType"),
        (OrderedDict(a=1), "OrderedDict"),
        (3.5, "float"),
    ],
)
def test_anything_but_one_tensor_is_refused(tmp_path: Path, value: Any, kind: str) -> None:
    with pytest.raises(ValueError, match=f"refused: holds a {kind}, not a tensor"):
        read_torch(save(tmp_path / "t.pt", entries(value)))


def test_tensors_in_a_list_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="refused: holds a list, not a tensor"):
        read_torch(save(tmp_path / "t.pt", entries([whole(), whole()])))


def test_a_torch_file_older_than_the_zip_format_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.pt"
    path.write_bytes(
        pickled(0x1950A86A20F9469CFC6C) + pickled(1001) + pickled({}) + pickled(whole())
    )
    with pytest.raises(ValueError, match="not a torch zip file"):
        read_torch(path)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.pt"
    path.touch()
    with pytest.raises(ValueError, match="not a torch zip file"):
        read_torch(path)


@pytest.mark.parametrize("length", [10, 200, -30, -1])
def test_a_truncated_zip_is_refused(tmp_path: Path, length: int) -> None:
    path = save(tmp_path / "t.pt", entries(whole()))
    path.write_bytes(path.read_bytes()[:length])
    with pytest.raises(ValueError, match="not a torch zip file"):
        read_torch(path)


@pytest.mark.parametrize("second", ["archive/data.pkl", "other/data.pkl"])
@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_a_zip_with_two_pickles_is_refused(tmp_path: Path, second: str) -> None:
    files = [*entries(whole()), (second, pickled(None))]
    with pytest.raises(
        ValueError, match=r"refused: a torch file has one data\.pkl, and this zip has 2"
    ):
        read_torch(save(tmp_path / "t.pt", files))


def test_a_zip_that_is_no_torch_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ValueError, match=r"refused: a torch file has one data\.pkl, and this zip has 0"
    ):
        read_torch(save(tmp_path / "t.pt", [("readme.txt", b"hello")]))


def test_big_endian_numbers_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", entries(whole(), NUMBERS.astype(">f4").tobytes(), "big"))
    with pytest.raises(ValueError, match="refused: its numbers are not little-endian"):
        read_torch(path)


def test_entries_that_unpack_to_more_than_the_limit_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "LIMITS", replace(LIMITS, torch_bytes=1000))
    data = bytes(1001)
    path = save(tmp_path / "t.pt", entries(whole(), data), zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < len(data)
    with pytest.raises(ValueError, match="refused: larger than any silence latent"):
        read_torch(path)


def test_a_memo_that_would_take_gigabytes_is_refused(tmp_path: Path) -> None:
    """Python makes room for every place up to the highest one."""
    files = dict(entries(whole()))
    content = files["archive/data.pkl"]
    files["archive/data.pkl"] = content[:-1] + b"r" + (2**31).to_bytes(4, "little") + b"."
    with pytest.raises(ValueError, match="refused: its memo is larger than the file"):
        read_torch(save(tmp_path / "t.pt", files.items()))


def test_damaged_numbers_are_refused(tmp_path: Path) -> None:
    path = save(tmp_path / "t.pt", entries(whole()))
    content = bytearray(path.read_bytes())
    content[content.index(NUMBERS.tobytes()) + 5] ^= 1
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"not a torch zip file .*CRC"):
        read_torch(path)


def test_a_file_that_is_not_there_is_an_oserror(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        read_torch(tmp_path / "t.pt")


@pytest.fixture(scope="module")
def damaged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("damaged") / "t.pt"


def read_or_refuse(path: Path) -> None:
    """Any other exception fails the test."""
    with contextlib.suppress(ValueError):
        assert read_torch(path).dtype == np.float32


@settings(max_examples=scale_examples(300), derandomize=True)
@given(place=st.integers(0, 10_000), bits=st.integers(1, 255))
def test_a_damaged_byte_anywhere_is_read_or_refused(damaged: Path, place: int, bits: int) -> None:
    content = bytearray(save(damaged, entries(whole()), zipfile.ZIP_DEFLATED).read_bytes())
    content[place % len(content)] ^= bits
    damaged.write_bytes(content)
    read_or_refuse(damaged)


@settings(max_examples=scale_examples(300), derandomize=True)
@given(place=st.integers(0, 10_000), replacement=st.binary(max_size=12), length=st.integers(0, 12))
def test_a_damaged_pickle_is_read_or_refused(
    damaged: Path, place: int, replacement: bytes, length: int
) -> None:
    files = dict(entries(whole()))
    content = files["archive/data.pkl"]
    place %= len(content)
    files["archive/data.pkl"] = content[:place] + replacement + content[place + length :]
    save(damaged, files.items())
    read_or_refuse(damaged)


def nest(count: int) -> bytes:
    """A tuple with a tuple twice, with a tuple twice, ...: its text and its hash take 2^count."""
    return b")" + b"q\0h\0\x86" * count


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x80\2}" + nest(60) + b"K\1s.", id="as a key"),
        pytest.param(b"\x80\2(X\7\0\0\0storage" + nest(60) + b"tQ.", id="as a storage"),
        pytest.param(b"\x80\2}" + b")" + b"2\x86" * 60 + b"K\1s.", id="doubled"),
    ],
)
def test_what_is_made_of_itself_is_refused(tmp_path: Path, content: bytes) -> None:
    files = dict(entries(whole())) | {"archive/data.pkl": content}
    with pytest.raises(ValueError, match="refused: it is made of itself, as no tensor is"):
        read_torch(save(tmp_path / "t.pt", files.items()))


def test_storages_that_are_large_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tensors, "LIMITS", replace(LIMITS, torch_bytes=6000))
    files = entries([whole(), whole()], bytes(5000))
    path = save(tmp_path / "t.pt", files, zipfile.ZIP_DEFLATED)
    assert path.stat().st_size < 6000
    with pytest.raises(ValueError, match="refused: numbers larger than any silence latent"):
        read_torch(path)


def test_a_huge_file_is_not_looked_into(tmp_path: Path) -> None:
    make_sparse(tmp_path / "t.pt", 100 * 2**30, b"PK")
    with pytest.raises(ValueError, match="refused: larger than any silence latent"):
        read_torch(tmp_path / "t.pt")
