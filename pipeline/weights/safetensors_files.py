"""Safetensors files, checked before anything of them is loaded: what their headers claim is what is
there.
"""

from __future__ import annotations

import math
import os
from pathlib import Path

from safetensors import SafetensorError, safe_open

from ..limits import LIMITS


def check_safetensors(path: Path) -> None:
    """Raises ValueError for a header that is too large, or that does not describe its file: shapes
    that are not as large as their numbers, tensors on top of each other or outside of the file.
    """
    with path.open("rb") as stream:
        header = int.from_bytes(stream.read(8), "little")
        size = os.fstat(stream.fileno()).st_size
    if not 2 <= header <= size - 8:
        raise ValueError("it ends within its header")
    if header > LIMITS.header_bytes:
        raise ValueError(f"its header has {header} bytes, at most {LIMITS.header_bytes} are read")
    try:
        with safe_open(path, "numpy") as opened:
            names = list(opened.keys())
            if len(names) > LIMITS.tensors:
                raise ValueError(f"it has {len(names)} tensors, at most {LIMITS.tensors} are read")
            sizes = [math.prod(opened.get_slice(name).get_shape()) for name in names]
    except SafetensorError as error:
        raise ValueError(str(error)[:200]) from error
    if (most := max(sizes, default=0)) > LIMITS.tensor_numbers:
        raise ValueError(f"a tensor has {most} numbers, at most {LIMITS.tensor_numbers} are read")
    if (longest := max(map(len, names), default=0)) > LIMITS.tensor_name:
        raise ValueError(
            f"the name of a tensor has {longest} characters, at most {LIMITS.tensor_name} are read"
        )
