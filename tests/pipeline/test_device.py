"""What computes is called by its name."""

from __future__ import annotations

from importlib import metadata
from typing import Any

import mlx.core as mx
import pytest

from pipeline import device
from pipeline.take import describe_machine


@pytest.mark.parametrize(
    ("facts", "name"),
    [
        ({"device_name": "NVIDIA H200", "total_memory": 150_120_000_000}, "NVIDIA H200, 140 GB"),
        ({"device_name": "Apple M3 Max", "memory_size": 68_719_476_736}, "Apple M3 Max, 64 GB"),
        ({"device_name": "Xeon", "architecture": "x86_64"}, "Xeon"),
    ],
)
def test_a_device_is_called_by_its_name_and_memory(
    monkeypatch: pytest.MonkeyPatch, facts: dict[str, Any], name: str
) -> None:
    monkeypatch.setattr(mx, "device_info", lambda: facts)
    for is_cpu, kind in ((False, "GPU"), (True, "CPU")):
        monkeypatch.setattr(device, "is_cpu", lambda is_cpu=is_cpu: is_cpu)
        assert device.name_device() == f"{kind} ({name})"
        assert device.describe() == f"{kind} ({name}), MLX {metadata.version('mlx')}"
        assert describe_machine(device.name_device())["device"] == f"{kind} ({name})"


def test_a_device_that_nothing_is_known_of_is_told_by_its_kind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(mx, "device_info", dict)
    monkeypatch.setattr(device, "is_cpu", lambda: True)
    assert device.name_device() == "CPU"
