"""Files that were made to stop the engine, as a client names them: each is refused, and the next
take is played.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from daemon.service import Daemon
from pipeline.private import make_folder
from tests.support.hostile import (
    describe_tensor,
    forge_safetensors,
    forge_wav,
    make_sparse,
    write_peft,
)
from tests.support.osc_client import OscClient, expect_fail, make_clip

Write = Callable[[Path], object]


@pytest.fixture
def folder(daemon: Daemon) -> Path:
    """Where messages may name files."""
    return daemon.settings.out


# --- sound ----------------------------------------------------------------------------------------

# what is made of a file's path, and what the client is told
SOUNDS: dict[str, tuple[Write, str]] = {
    "1,024 channels": (
        lambda path: forge_wav(path, channels=1024, data=2**31 - 2048),
        "has 1024 channels, at most 64 are read",
    ),
    "a rate of 1 Hz": (
        lambda path: forge_wav(path, rate=1, data=2**20),
        "must have a sample rate of 1000..768000 Hz, got 1",
    ),
    "a rate of 2 GHz": (
        lambda path: forge_wav(path, rate=2**31 - 1, data=2**20),
        "must have a sample rate of 1000..768000 Hz, got 2147483647",
    ),
    "no samples": (lambda path: forge_wav(path, data=0), "it ends behind its header"),
    "100 GB of sound": (
        lambda path: forge_wav(path, data=2**31, size=100 * 2**30),
        "source must have at most 8589934592 bytes, got 107374182400",
    ),
    "100 GB of nothing": (
        lambda path: make_sparse(path, 100 * 2**30),
        "source must have at most 8589934592 bytes",
    ),
    "2 GB of nothing": (lambda path: make_sparse(path, 2**31), "is not readable audio"),
}


def ask_for_a_cover(client: OscClient, folder: Path, sound: str, suffix: str) -> None:
    write, says = SOUNDS[sound]
    path = folder / f"hostile{suffix}"
    write(path)
    try:
        client.send("/ace/generate", "h", "task", "cover", "source", path.name, "prompt", "x")
        *_, (address, values) = client.until_end("h")
        assert address == "/ace/fail"
        assert values[2] in (400, 422)
        assert says in values[3]
        assert client.is_quiet()
    finally:
        path.unlink()


@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_a_sound_that_is_none_is_refused(
    client: OscClient, folder: Path, sound: str, suffix: str
) -> None:
    ask_for_a_cover(client, folder, sound, suffix)


@pytest.mark.long
@pytest.mark.parametrize("sound", SOUNDS)
@pytest.mark.parametrize("suffix", [".wav", ".mp3"])
def test_a_take_is_made_after_a_sound_that_is_none(
    client: OscClient, folder: Path, sound: str, suffix: str
) -> None:
    ask_for_a_cover(client, folder, sound, suffix)
    make_clip(client, "next")


# --- adapters -------------------------------------------------------------------------------------


def write_header(folder: Path, header: dict[str, object] | bytes, size: int = 8) -> Path:
    write_peft(folder)
    forge_safetensors(folder / "adapter_model.safetensors", header, size)
    return folder


def alphas(pattern: str) -> str:
    return json.dumps({"peft_type": "LORA", "alpha_pattern": {pattern: 8}})


ADAPTERS: dict[str, tuple[Write, str]] = {
    # each of these takes longer than the universe is old
    "a pattern of pluses": (
        lambda folder: write_peft(folder, alphas("(a+)+$"), layer="a" * 400),
        "alpha_pattern must have names of layers",
    ),
    "a pattern of choices": (
        lambda folder: write_peft(folder, alphas("(\\w|\\w\\w)*!"), layer="a" * 400),
        "alpha_pattern must have names of layers",
    ),
    "a pattern that refers to itself": (
        lambda folder: write_peft(folder, alphas(r"(.*)(.*)(.*)(.*)\1\2\3\4x"), layer="a" * 400),
        "alpha_pattern must have names of layers",
    ),
    "an alpha of 1e400": (
        lambda folder: write_peft(folder, '{"lora_alpha": 1e400}'),
        "a number must be a finite one, got 1e400",
    ),
    "a configuration nested deeply": (
        lambda folder: write_peft(folder, "[" * 1_000_000),
        "nested deeper than 32 levels",
    ),
    "a configuration of 100 GB": (
        lambda folder: make_sparse(write_peft(folder) / "adapter_config.json", 100 * 2**30),
        "has more than 4194304 bytes",
    ),
    "weights of 100 GB": (
        lambda folder: make_sparse(write_peft(folder) / "adapter_model.safetensors", 100 * 2**30),
        "it has 107374182400 bytes, at most",
    ),
    "a header of 100 MB": (
        lambda folder: write_header(folder, b" " * 100_000_000),
        "its header has 100000000 bytes, at most 8388608",
    ),
    "a header nested deeply": (
        lambda folder: write_header(folder, b'{"a":' * 100_000),
        "recursion",
    ),
    "tensors on top of each other": (
        lambda folder: write_header(
            folder, {"a": describe_tensor([2], 0, 8), "b": describe_tensor([2], 0, 8)}
        ),
        "invalid offset",
    ),
    "a tensor of exabytes": (
        lambda folder: write_header(folder, {"a": describe_tensor([2**31, 2**31], 0, 8)}),
        "not a readable safetensors file",
    ),
    "a shape that overflows": (
        lambda folder: write_header(folder, {"a": describe_tensor([2**32, 2**32], 0, 0)}),
        "overflow",
    ),
    "a tensor outside of the file": (
        lambda folder: write_header(folder, {"a": describe_tensor([2**20], 0, 2**22)}),
        "file not fully covered",
    ),
    "an unknown kind of number": (
        lambda folder: write_header(folder, {"a": describe_tensor([2], 0, 8, "Q7")}),
        "not a readable safetensors file",
    ),
    "30,000 tensors": (
        lambda folder: write_header(
            folder, {str(number): describe_tensor([0], 0, 0) for number in range(30_000)}, 0
        ),
        "it has 30000 tensors, at most 20000",
    ),
    "a rank of 30,000": (
        lambda folder: write_peft(folder, rank=30_000),
        "has the rank 30000, at most 2048 are read",
    ),
    "4 GB for a layer of another size": (  # its numbers are not looked at
        lambda folder: write_peft(folder, rank=1024, inputs=2**20),
        "is for another model",
    ),
}


def set_adapter(client: OscClient, folder: Path, adapter: str) -> None:
    write, says = ADAPTERS[adapter]
    lora = folder / f"lora {list(ADAPTERS).index(adapter)}"
    write(lora)
    client.send("/ace/notify", 1)
    client.send("/ace/adapter", lora.name)
    _, values = next(
        (address, values)
        for address, values in iter(client.receive, None)
        if address == "/ace/fail"
    )
    client.send("/ace/notify", 0)
    assert values[1] == "/ace/adapter"
    assert values[2] == 422
    assert says in values[3]
    for path in lora.iterdir():
        path.unlink()
    lora.rmdir()
    client.send("/ace/ping", "after")
    client.until("/ace/pong")


@pytest.mark.parametrize("adapter", ADAPTERS)
def test_an_adapter_that_is_none_is_refused(client: OscClient, folder: Path, adapter: str) -> None:
    set_adapter(client, folder, adapter)


@pytest.mark.long
@pytest.mark.parametrize("adapter", ADAPTERS)
def test_a_take_is_made_after_an_adapter_that_is_none(
    client: OscClient, folder: Path, adapter: str
) -> None:
    set_adapter(client, folder, adapter)
    make_clip(client, "next")


def test_the_names_that_peft_writes_are_understood(client: OscClient, folder: Path) -> None:
    lora = write_peft(folder / "good", alphas(r"^layers\.0\.self_attn\.q_proj$|v_proj"))
    client.send("/ace/adapter", lora.name)
    client.until("/ace/done")
    make_clip(client, "worn")
    client.send("/ace/adapters", "clear")
    client.until("/ace/done")


# --- what is read where a message is handled ------------------------------------------------------


@pytest.mark.parametrize(
    "content", ["[" * 1_000_000, '{"acestepd_bank": 1e400}', '{"program": NaN}', ""]
)
def test_a_bank_that_is_none_is_refused(client: OscClient, daemon: Daemon, content: str) -> None:
    folder = daemon.settings.state / "banks"
    make_folder(folder)  # as private as the daemon would make it: others share this daemon
    path = folder / "hostile.json"
    path.write_text(content)
    assert expect_fail(client, "/ace/bank/load", "hostile")[1] == 422
    make_sparse(path, 100 * 2**30)
    assert expect_fail(client, "/ace/bank/load", "hostile")[1] == 422
    path.unlink()
    assert client.is_quiet()
