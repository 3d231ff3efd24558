"""How much memory MLX may use in this process: the DAW wants some too."""

from __future__ import annotations

import mlx.core as mx

CACHE_GB = 2.0  # that MLX may keep while it renders instead of giving them back

_cap = 0


def set_limits(cache_gb: float = CACHE_GB, memory_gb: float = 0.0, wired_gb: float = 0.0) -> None:
    """How much memory MLX may keep for reuse, should stay below, and may wire, in GB of 2^30 bytes.

    0 leaves the last two to MLX. Wiring is something that Metal does: elsewhere it changes nothing.
    Raises ValueError where the machine cannot give that much.
    """
    global _cap
    mx.set_cache_limit(round(cache_gb * 2**30))
    _cap = round(memory_gb * 2**30)
    if memory_gb:
        mx.set_memory_limit(round(memory_gb * 2**30))
    if wired_gb and mx.metal.is_available():
        mx.set_wired_limit(round(wired_gb * 2**30))


def find_cap() -> int:
    """Bytes that MLX should stay below; 0 where there is no such limit."""
    return _cap


set_limits()  # what holds until somebody says otherwise


def release_cache() -> None:
    """Give back the memory that MLX keeps for reuse."""
    mx.clear_cache()
