"""From a name or a folder to loaded networks: resolve, download, read strictly.

The layout is the published one: a root with `acestep-v15-*` (the DiT and its encoders), `Qwen3-Embedding-0.6B` and
`vae`. Variants other than turbo are published in repositories of their own and share the other two.
"""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from pathlib import Path

import mlx.core as mx
from huggingface_hub import constants, snapshot_download
from huggingface_hub.errors import GatedRepoError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError
from mlx import nn
from mlx.utils import tree_flatten
from tokenizers import Tokenizer

from . import ops, text_encoder
from .codec import AudioTokenizer, Detokenizer
from .conditioner import ConditionEncoder
from .config import AceStepConfig, TextEncoderConfig, VAEConfig
from .dit import DiT
from .tensors import read_torch
from .text_encoder import TextEncoder
from .vae import VAE
from .voices import VOICES, voice_folder

MAIN_REPOSITORY = "ACE-Step/Ace-Step1.5"
TURBO, TEXT_ENCODER, VAE_FOLDER = "acestep-v15-turbo", "Qwen3-Embedding-0.6B", "vae"
_FILES = ("config.json", "*.safetensors", "*.safetensors.index.json", "silence_latent.pt", "tokenizer.json")


class CheckpointError(ValueError):
    """A checkpoint that cannot be found, fetched or read as it is. Names the file, and what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """Where the three parts of one model are, and what it is called."""

    name: str
    dit: Path
    text_encoder: Path
    vae: Path

    @property
    def variant(self) -> str:
        return self.dit.name


class AceStepModel(nn.Module):
    """Everything in one `acestep-v15-*` folder; attribute names are the checkpoint's."""

    def __init__(self, config: AceStepConfig) -> None:
        super().__init__()
        self.decoder = DiT(config)
        self.encoder = ConditionEncoder(config)
        self.tokenizer = AudioTokenizer(config)
        self.detokenizer = Detokenizer(config)
        self.null_condition_emb = mx.zeros((1, 1, config.condition_size))


# --- finding ---------------------------------------------------------------------------------------------------------


def find(name: str, variant: str = "") -> Checkpoint:
    """The checkpoint called `name`, from disk alone: an embedded voice, a folder, or a downloaded hub repository.

    `variant` chooses the DiT's sub-folder; without it that is turbo, or the only one there is.
    Raises `CheckpointError` when it is not on this machine or not complete.
    """
    if name in VOICES:
        return _in_folder(voice_folder(name), variant, name)
    if os.path.isdir(Path(name).expanduser()):
        return _in_folder(Path(name).expanduser(), variant, name)
    return _hub(name, variant, local=True)


def fetch(name: str, variant: str = "") -> Checkpoint:
    """Like `find`, and downloads what is missing (resumable, with a progress bar, only the files needed)."""
    if name in VOICES or Path(name).expanduser().is_dir():
        return find(name, variant)
    return _hub(name, variant, local=False)


def _in_folder(root: Path, variant: str, name: str) -> Checkpoint:
    if (root / "silence_latent.pt").exists():  # the DiT's own folder was named
        root, variant = root.parent, variant or root.name
    variants = sorted(path.parent.name for path in root.glob("*/silence_latent.pt"))
    chosen = variant or (TURBO if TURBO in variants else variants[0] if len(variants) == 1 else "")
    if chosen not in variants:
        have = f"it has {', '.join(variants)}" if variants else "it has no folder with a silence_latent.pt"
        raise CheckpointError(f"{root}: no model variant {chosen or TURBO!r}; {have}")
    for part in (TEXT_ENCODER, VAE_FOLDER):
        if not (root / part / "config.json").is_file():
            raise CheckpointError(f"{root}: the folder {part} with its config.json is missing")
    return Checkpoint(name, root / chosen, root / TEXT_ENCODER, root / VAE_FOLDER)


def _hub(name: str, variant: str, local: bool) -> Checkpoint:
    if name.count("/") != 1 or name.startswith((".", "/", "~")):
        voices = ", ".join(VOICES)
        raise CheckpointError(f"no model {name!r}: give a folder, a hub name like {MAIN_REPOSITORY}, or {voices}")
    main = name.lower() == MAIN_REPOSITORY.lower()  # hub names ignore case, the cache on disk does not
    chosen = variant or (TURBO if main else name.split("/")[1])
    parts = [TEXT_ENCODER, VAE_FOLDER] + ([TURBO] if chosen == TURBO else [])
    patterns = [f"{part}/{file}" for part in parts for file in _FILES]
    root = _snapshot(MAIN_REPOSITORY, patterns, local)
    dit = root / TURBO
    if chosen != TURBO:
        repository = f"{MAIN_REPOSITORY.split('/')[0]}/{chosen}" if main else name
        dit = _snapshot(repository, list(_FILES), local)
    for path in (dit / "silence_latent.pt", root / TEXT_ENCODER / "config.json", root / VAE_FOLDER / "config.json"):
        if not path.exists():
            raise CheckpointError(f"{name} is not complete: {path} is missing; run: acestepd pull {name}")
    return Checkpoint(f"{MAIN_REPOSITORY}/{chosen}", dit, root / TEXT_ENCODER, root / VAE_FOLDER)


def _snapshot(repository: str, patterns: list[str], local: bool) -> Path:
    try:
        return Path(snapshot_download(repository, allow_patterns=patterns, local_files_only=local))
    except LocalEntryNotFoundError as error:
        if local:
            raise CheckpointError(f"{repository} is not on this machine; run: acestepd pull {repository}") from error
        raise CheckpointError(f"could not reach {constants.ENDPOINT} for {repository}: {_reason(error)}") from error
    except GatedRepoError as error:
        raise CheckpointError(f"{repository} wants a login: run hf auth login, then try again") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise CheckpointError(f"the hub has no model {repository!r}") from error
    except Exception as error:  # whatever the network raises: the download resumes where it stopped
        reason = _reason(error)
        raise CheckpointError(f"{repository}: the download stopped ({reason}); run it again to resume") from error


def _reason(error: BaseException) -> str:
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# --- reading ---------------------------------------------------------------------------------------------------------


def read_tensors(folder: Path, stem: str) -> tuple[dict[str, mx.array], dict[str, Path]]:
    """All tensors of `<stem>.safetensors`, or of the shards its index lists, and the file of each.

    Lazy: bytes are read from disk when a tensor is first used.
    """
    index = folder / f"{stem}.safetensors.index.json"
    if not index.is_file():
        path = folder / f"{stem}.safetensors"
        tensors = _read_file(path)
        return tensors, dict.fromkeys(tensors, path)
    try:
        places: dict[str, str] = json.loads(index.read_text())["weight_map"]
    except (OSError, ValueError, KeyError) as error:
        raise CheckpointError(f"{index}: not a safetensors index ({error})") from error
    tensors, files = {}, {}
    for shard in sorted(set(places.values())):
        if Path(shard).name != shard:
            raise CheckpointError(f"{index}: a shard must be a file name, got {shard!r}")
        for name, array in _read_file(folder / shard).items():
            tensors[name], files[name] = array, folder / shard
    for name, shard in places.items():
        if name not in tensors:
            raise CheckpointError(f"{folder / shard}: tensor {name} is missing, which the index says is there")
    return tensors, files


def _read_file(path: Path) -> dict[str, mx.array]:
    if not path.is_file():
        raise CheckpointError(f"{path}: file is missing; run: acestepd pull")
    try:
        loaded = mx.load(str(path))
    except RuntimeError as error:
        raise CheckpointError(f"{path}: not a readable safetensors file ({error})") from error
    assert isinstance(loaded, dict)
    return loaded


def fit(module: nn.Module, tensors: dict[str, mx.array], files: dict[str, Path]) -> None:
    """Put every tensor in its place. A missing, extra or mis-shaped one is an error naming file and tensor."""
    wanted = {name: array.shape for name, array in dict(tree_flatten(module.parameters())).items()}
    anywhere = next(iter(files.values()), Path())
    for name, shape in wanted.items():
        if name not in tensors:
            raise CheckpointError(f"{anywhere}: tensor {name} {tuple(shape)} is missing")
        if tensors[name].shape != shape:
            came = tuple(tensors[name].shape)
            raise CheckpointError(f"{files[name]}: tensor {name} must have the shape {tuple(shape)}, got {came}")
    extra = sorted(set(tensors) - set(wanted))
    if extra:
        raise CheckpointError(f"{files[extra[0]]}: unexpected tensor {extra[0]} (one of {len(extra)})")
    module.load_weights(list(tensors.items()), strict=True)


def default_dtype() -> mx.Dtype:
    """bfloat16 on a GPU; float32 on a CPU, where half-precision products are fifty times slower."""
    return mx.float32 if ops.ON_CPU else mx.bfloat16


def load_model(folder: Path, dtype: mx.Dtype) -> tuple[AceStepModel, AceStepConfig]:
    config = AceStepConfig.from_folder(folder)
    model = AceStepModel(config)
    fit(model, *read_tensors(folder, "model"))
    model.set_dtype(dtype)
    model.decoder.fold()
    mx.eval(model.decoder.parameters(), model.encoder.parameters(), model.null_condition_emb)
    return model, config


def load_text_encoder(folder: Path, dtype: mx.Dtype) -> tuple[TextEncoder, Tokenizer]:
    encoder = TextEncoder(TextEncoderConfig.from_folder(folder))
    tensors, files = read_tensors(folder, "model")
    fit(encoder, text_encoder.sanitize(tensors), {name.removeprefix("model."): path for name, path in files.items()})
    encoder.set_dtype(dtype)
    mx.eval(encoder.parameters())
    path = folder / "tokenizer.json"
    try:
        return encoder, Tokenizer.from_file(str(path))
    except Exception as error:  # the tokenizers library raises bare Exception
        raise CheckpointError(f"{path}: not a readable tokenizer ({error})") from error


def load_vae(folder: Path) -> VAE:
    """Always float32: the decoder's noise floor would be audible in bfloat16."""
    vae = VAE(VAEConfig.from_folder(folder))
    fit(vae, *read_tensors(folder, "diffusion_pytorch_model"))
    vae.set_dtype(mx.float32)
    vae.fold()
    mx.eval(vae.decoder.parameters())
    return vae


def load_silence(folder: Path) -> mx.array:
    """`silence_latent.pt`, stored channels first (1, 64, T) -> (1, T, 64) float32."""
    path = folder / "silence_latent.pt"
    try:
        latent = read_torch(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    if latent.ndim != 3 or latent.shape[0] != 1 or latent.shape[2] < 1:
        raise CheckpointError(f"{path}: tensor must have the shape (1, channels, frames), got {latent.shape}")
    return mx.array(latent).swapaxes(1, 2)
