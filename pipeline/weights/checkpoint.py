"""From a name or a folder to loaded networks: find, download, read strictly.

The layout is the published one: a root with `acestep-v15-*` (the DiT and its encoders),
`Qwen3-Embedding-0.6B` and `vae`. Variants other than turbo are published in repositories of their
own, and share the other two.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import mlx.core as mx
from huggingface_hub import constants
from mlx.utils import tree_flatten
from tokenizers import Tokenizer

from .. import untrusted
from ..limits import LIMITS
from ..networks import text_encoder
from ..networks.codec import AudioTokenizer, Detokenizer
from ..networks.conditioner import ConditionEncoder
from ..networks.config import AceStepConfig, JsonConfig, TextEncoderConfig, VAEConfig
from ..networks.dit import DiT
from ..networks.ops import Ops
from ..networks.text_encoder import TextEncoder
from ..networks.typed import TypedModule
from ..networks.vae import VAE
from ..user_paths import expand_path
from ..voices import HUB_MODEL, PLANNERS, VOICES, voice_folder
from . import precision, quantise
from .safetensors_files import check_safetensors
from .tensors import read_torch

# Nobody is told what is fetched but the hub that it is fetched from. The library asks the variable
# when it is imported, which may have been before.
os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
constants.HF_HUB_DISABLE_TELEMETRY = True

TURBO = "acestep-v15-turbo"
TEXT_ENCODER = "Qwen3-Embedding-0.6B"
VAE_FOLDER = "vae"
PLANNER = "acestep-5Hz-lm-"  # and its size
_MAIN_PLANNER = PLANNERS[0]  # the one in the main repository
_SILENCE = "silence_latent.pt"
_POINTER = b"version https://git-lfs"  # which git clone leaves in place of a large file

# how Qwen's tokenizers split a text into words
_SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}"
    r"| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)

_Config = TypeVar("_Config", bound=JsonConfig)


class _Contents(NamedTuple):
    """What one folder of a checkpoint must hold: weights (`stem.safetensors`, or an index and its
    shards) and files.
    """

    stem: str
    files: tuple[str, ...]

    def patterns(self, folder: str = "") -> list[str]:
        """What to download of a repository that has them in `folder`."""
        names = (
            f"{self.stem}.safetensors",
            f"{self.stem}-*.safetensors",
            f"{self.stem}.safetensors.index.json",
        )
        return [f"{folder}/{name}".lstrip("/") for name in (*self.files, *names)]

    def list_files(self, folder: Path) -> list[Path]:
        """Where they are, or should be."""
        return [*(folder / name for name in self.files), *list_shards(folder, self.stem)]

    def find_missing(self, folder: Path) -> Iterator[Path]:
        """The files that are not in `folder`."""
        return (path for path in self.list_files(folder) if _describe_gap(path))


_DIT = _Contents("model", ("config.json", _SILENCE))
_TEXT = _Contents("model", ("config.json", "tokenizer.json"))
_VAE = _Contents("diffusion_pytorch_model", ("config.json",))


class CheckpointError(ValueError):
    """A checkpoint that cannot be found, fetched or read. Names the file and says what to do."""


@dataclass(frozen=True)
class Checkpoint:
    """What a model is called, and the folders of its three parts."""

    name: str
    variant: str
    dit: Path
    text_encoder: Path
    vae: Path

    def find_missing(self) -> Path | None:
        """The first file that is not there."""
        parts = ((_DIT, self.dit), (_TEXT, self.text_encoder), (_VAE, self.vae))
        missing = (path for contents, folder in parts for path in contents.find_missing(folder))
        return next(missing, None)

    def list_files(self) -> dict[str, list[Path]]:
        """Weights and what belongs to them, by the part that they are of."""
        return {
            "transformer": _DIT.list_files(self.dit),
            "text encoder": _TEXT.list_files(self.text_encoder),
            "vae": _VAE.list_files(self.vae),
        }


class AceStepModel(TypedModule):
    """Everything in one `acestep-v15-*` folder; attribute names are the checkpoint's."""

    def __init__(self, config: AceStepConfig, ops: Ops) -> None:
        super().__init__()
        self.decoder = DiT(config, ops)
        self.encoder = ConditionEncoder(config, ops)
        self.tokenizer = AudioTokenizer(config, ops)
        self.detokenizer = Detokenizer(config, ops)
        self.null_condition_emb = mx.zeros((1, 1, config.condition_size))


# --- finding --------------------------------------------------------------------------------------


def find(name: str, variant: str = "", revision: str = "") -> Checkpoint:
    """The checkpoint called `name`, if it is on this machine: an embedded voice, a folder, or a
    hub repository that was downloaded.

    `variant` chooses the DiT's sub-folder; without it that is turbo, or the only one there is.
    `name/variant`, as a take's `model` has it, means the same. `revision` of a hub repository: see
    `fetch`. Raises `CheckpointError` when it is not on this machine or not complete.
    """
    voice, _, voice_variant = name.partition("/")
    if voice in VOICES:
        return _locate_in_folder(voice_folder(voice), variant or voice_variant, voice)
    if folder := _as_folder(name):
        return _locate_in_folder(folder, variant, str(folder))
    return _locate_on_hub(name, variant, revision, local=True)


def fetch(name: str, variant: str = "", revision: str = "") -> Checkpoint:
    """Like `find`, but downloads what is missing, with a progress bar: only the files needed, and
    only once.

    A model that is complete on this machine is never looked for on the hub, so it loads without a
    network too. A download that was interrupted keeps the files that were finished.

    `revision` pins the repository to a commit (safest), tag or branch; empty is its newest.
    Variants in a repository of their own share the text encoder and VAE of the main one: two
    revisions, "this one's,the main one's", pin both. "REPOSITORY=REVISION,..." pins those, whatever
    the model.
    """
    if name.partition("/")[0] in VOICES or _as_folder(name):
        return find(name, variant)
    with contextlib.suppress(CheckpointError):
        return _locate_on_hub(name, variant, revision, local=True)
    return _locate_on_hub(name, variant, revision, local=False)


def is_hub_name(name: str) -> bool:
    """Whether it names a model of the hub, and no embedded voice and no folder that is here."""
    try:
        if name.partition("/")[0] in VOICES or _as_folder(name):
            return False
        _parse_name(name, "")
    except CheckpointError:
        return False
    return True


def fetch_newest(name: str, variant: str = "") -> Checkpoint:
    """Like `fetch`, but of a hub's model its newest, also where an older one is on this machine.
    What is here will do where the hub cannot be reached.
    """
    if name.partition("/")[0] in VOICES or _as_folder(name):
        return find(name, variant)
    return _locate_on_hub(name, variant, "", local=False)


def list_revisions(found: Checkpoint) -> list[str]:
    """The commits that a checkpoint of the hub has been downloaded from, as `fetch` takes them:
    "REPOSITORY=COMMIT" each.
    """
    cache = Path(constants.HF_HUB_CACHE)
    folders = (folder for folder in (found.dit, found.text_encoder, found.vae))
    parts = [path.relative_to(cache).parts for path in folders if is_downloaded(path)]
    # models--OWNER--NAME/snapshots/COMMIT
    pins = (f"{one[0].removeprefix('models--').replace('--', '/', 1)}={one[2]}" for one in parts)
    return list(dict.fromkeys(pins))


def _as_folder(name: str) -> Path | None:
    """The folder that is called so; None where there is none."""
    try:
        path = os.path.abspath(expand_path(name))
    except ValueError as error:
        raise CheckpointError(f"model {error}") from None
    return Path(path) if name and os.path.isdir(path) else None


def _locate_in_folder(root: Path, variant: str, name: str) -> Checkpoint:
    if (root / _SILENCE).exists():  # the DiT's own folder was named
        root, variant = root.parent, variant or root.name
    variants = sorted(path.parent.name for path in root.glob(f"*/{_SILENCE}"))
    chosen = variant or _default_variant(variants)
    if chosen not in variants:
        have = f"it has no folder with a {_SILENCE}"
        if variants:
            have = f"it has {', '.join(variants)}"
        raise CheckpointError(f"{root}: no model variant {chosen or TURBO!r}; {have}")
    found = Checkpoint(name, chosen, root / chosen, root / TEXT_ENCODER, root / VAE_FOLDER)
    if path := found.find_missing():
        raise CheckpointError(
            f"{root} is not complete: {path} {_describe_gap(path)}; a complete one: acestepd pull"
        )
    return found


def _describe_gap(path: Path) -> str:
    """What a file lacks, of which a download leaves a part; empty where it is there."""
    try:
        with path.open("rb") as stream:
            begun = stream.read(len(_POINTER))
    except OSError:
        return "has not been downloaded" if path.is_symlink() else "is missing"
    if begun == _POINTER:
        return "is a pointer of git-lfs in place of the file (git lfs pull fetches it)"
    return "" if begun else "is empty"


def _default_variant(variants: list[str]) -> str:
    """Turbo, or the only one; empty where that leaves a choice."""
    if TURBO in variants:
        return TURBO
    return variants[0] if len(variants) == 1 else ""


def _locate_on_hub(name: str, variant: str, revision: str, local: bool) -> Checkpoint:
    """A checkpoint of the hub: downloaded where it is not on this machine, unless `local`."""
    repository, title, chosen = _parse_name(name, variant)
    own, main = _choose_revisions(revision, repository)
    shared = _TEXT.patterns(TEXT_ENCODER) + _VAE.patterns(VAE_FOLDER)
    if repository == HUB_MODEL:
        root = _get_snapshot(HUB_MODEL, own, _DIT.patterns(TURBO) + shared, local, repository)
        dit = root / TURBO
    else:
        # the smallest file first, so that a wrong name costs no gigabytes
        dit = _get_snapshot(repository, own, [_SILENCE], local, repository)
        if not local and not (dit / _SILENCE).exists():
            raise CheckpointError(
                f"{repository} is not an ACE-Step 1.5 model: it has no {_SILENCE}"
            )
        dit = _get_snapshot(repository, own, _DIT.patterns(), local, repository)
        root = _get_snapshot(HUB_MODEL, main, shared, local, repository)
    found = Checkpoint(title, chosen, dit, root / TEXT_ENCODER, root / VAE_FOLDER)
    if path := found.find_missing():
        advice = f"run: acestepd pull {repository}"
        if not local and not path.is_symlink():
            advice = f"the hub does not have it, or could not be reached: {advice}"
        raise CheckpointError(
            f"{repository} is not complete: {path} {_describe_gap(path)}; {advice}"
        )
    return found


def fetch_planner(size: str = _MAIN_PLANNER, revision: str = "") -> Path:
    """The folder of a planner, downloaded where it is not on this machine. Raises
    `CheckpointError`.

    The one of 1.7B is in the main repository, beside the text encoder; the others have repositories
    of their own.
    """
    if size not in PLANNERS:
        raise CheckpointError(f"a planner must be one of {' '.join(PLANNERS)}, got {size!r}")
    return _locate_planner(size, revision, local=False)


def find_cached_planner(size: str) -> Path | None:
    """The folder of a planner that was downloaded completely, or None."""
    with contextlib.suppress(CheckpointError):
        return _locate_planner(size, "", local=True)
    return None


def is_complete_planner(folder: Path) -> bool:
    """Whether all of its files are there, not only those that a download got to."""
    return not any(_TEXT.find_missing(folder))


def list_planner_files(folder: Path) -> list[Path]:
    """Weights and what belongs to them."""
    return _TEXT.list_files(folder)


def is_downloaded(root: Path) -> bool:
    """Whether a checkpoint is in the hub's cache, and not a folder of somebody's own."""
    return Path(constants.HF_HUB_CACHE) in root.parents


def _locate_planner(size: str, revision: str, local: bool) -> Path:
    inside = f"{PLANNER}{size}" if size == _MAIN_PLANNER else ""
    repository = HUB_MODEL if inside else f"{HUB_MODEL.partition('/')[0]}/{PLANNER}{size}"
    patterns = _TEXT.patterns(inside)
    found = _get_snapshot(repository, revision, patterns, local, f"--planner {size}") / inside
    if path := next(_TEXT.find_missing(found), None):
        raise CheckpointError(
            f"{repository} has no planner: {path} is missing; the hub does not have it"
        )
    return found


def _parse_name(name: str, variant: str) -> tuple[str, str, str]:
    """The repository of the DiT, what the model is called, and its variant.

    Each official variant has one name, however it is written: the hub ignores case, its cache does
    not.
    """
    owner, _, rest = name.partition("/")
    own, _, tail = rest.partition("/")
    if not own or "/" in tail or owner.startswith((".", "~")) or not owner:
        raise CheckpointError(
            f"no model {name!r}: give a folder, a hub name like {HUB_MODEL}, or {', '.join(VOICES)}"
        )
    official, main = HUB_MODEL.split("/")
    chosen = variant or tail
    if owner.lower() != official.lower():
        if chosen not in ("", own):
            raise CheckpointError(f"{owner}/{own} is one model, it has no variant {chosen!r}")
        return f"{owner}/{own}", f"{owner}/{own}", own
    chosen = chosen or (TURBO if own.lower() == main.lower() else own)
    repository = HUB_MODEL if chosen == TURBO else f"{official}/{chosen}"
    return repository, f"{HUB_MODEL}/{chosen}", chosen


def _choose_revisions(revision: str, repository: str) -> tuple[str, str]:
    """Of a repository, and of the main one beside it; empty is the newest."""
    parts = [part.strip() for part in revision.split(",")]
    if "=" not in revision:
        return parts[0], ",".join(parts[1:])
    pins = dict(part.rsplit("=", 1) for part in parts if "=" in part)
    return pins.get(repository, ""), pins.get(HUB_MODEL, "")


def _get_snapshot(
    repository: str, revision: str, patterns: list[str], local: bool, pull: str
) -> Path:
    """The folder of the repository's files, downloaded unless `local`. `pull` are the arguments of
    `acestepd pull` that fetch it.
    """
    # not before: these modules are a third of what a worker imports, and a folder needs none
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        LocalEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    again = f"acestepd pull {pull}"
    pinned = revision or None
    try:
        return Path(
            snapshot_download(
                repository, revision=pinned, allow_patterns=patterns, local_files_only=local
            )
        )
    except LocalEntryNotFoundError as error:
        if local:
            raise CheckpointError(
                f"{repository} is not on this machine, or not all of it; run: {again}"
            ) from error
        reason = f"could not reach {constants.ENDPOINT} for {repository} ({_root_cause(error)})"
        raise CheckpointError(f"{reason}; connect to the network and run: {again}") from error
    except GatedRepoError as error:
        raise CheckpointError(
            f"{repository} wants a login: run hf auth login, then {again}"
        ) from error
    except RevisionNotFoundError as error:
        raise CheckpointError(
            f"{repository} has no revision {revision!r}: a commit, a tag or a branch"
        ) from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        others = (
            f"the official ones are at {constants.ENDPOINT}/ACE-Step, "
            "a private one needs hf auth login"
        )
        raise CheckpointError(f"the hub has no model {repository!r}: {others}") from error
    except Exception as error:  # whatever the network raises
        reason = f"{repository}: the download stopped ({_root_cause(error)})"
        raise CheckpointError(
            f"{reason}; finished files are kept, so go on with: {again}"
        ) from error


def _root_cause(error: BaseException) -> str:
    """The first line of what the innermost cause says, or its type."""
    while error.__cause__ is not None:
        error = error.__cause__
    return (str(error).strip() or type(error).__name__).splitlines()[0]


# --- reading --------------------------------------------------------------------------------------


def read_tensors(folder: Path, stem: str) -> tuple[dict[str, mx.array], dict[str, Path]]:
    """All tensors of `<stem>.safetensors`, or of the shards that its index lists, and the file of
    each.

    Lazy: bytes are read from disk when a tensor is first used.
    """
    weight_map = _read_weight_map(folder, stem)
    if not weight_map:
        path = folder / f"{stem}.safetensors"
        tensors = read_file(path)
        return tensors, dict.fromkeys(tensors, path)
    tensors = {}
    files = {}
    for shard in sorted(set(weight_map.values())):
        for name, array in read_file(folder / shard).items():
            tensors[name] = array
            files[name] = folder / shard
    for name, shard in weight_map.items():
        if files.get(name) != folder / shard:
            raise CheckpointError(
                f"{folder / shard}: tensor {name} is missing, which the index says is there"
            )
    return tensors, files


def list_shards(folder: Path, stem: str) -> list[Path]:
    """The files that the weights are in."""
    names = sorted(set(_read_weight_map(folder, stem).values())) or [f"{stem}.safetensors"]
    return [folder / name for name in names]


def _read_weight_map(folder: Path, stem: str) -> dict[str, str]:
    """The shard of every tensor as the index has it; empty when there is no index."""
    index = folder / f"{stem}.safetensors.index.json"
    if not index.is_file():
        return {}
    try:
        entries = untrusted.read_json(index, LIMITS.index_bytes)["weight_map"].items()
        weight_map = {str(name): str(shard) for name, shard in entries}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CheckpointError(f"{index}: not a safetensors index ({error})") from error
    shards = set(weight_map.values())
    if len(shards) > LIMITS.shards:
        raise CheckpointError(
            f"{index}: weights may be in {LIMITS.shards} files, these are in {len(shards)}"
        )
    for shard in shards:
        if Path(shard).name != shard or not shard.endswith(".safetensors"):
            raise CheckpointError(
                f"{index}: a shard must be the name of a safetensors file, got {shard[:80]!r}"
            )
    return weight_map


def read_file(path: Path) -> dict[str, mx.array]:
    """The tensors of one file, lazily."""
    if not path.is_file():
        raise CheckpointError(f"{path}: file is missing; run: acestepd pull")
    try:
        check_safetensors(path)
        loaded = mx.load(str(path))
    except (OSError, ValueError, RuntimeError) as error:
        raise CheckpointError(
            f"{path}: not a readable safetensors file ({error}); a whole one: acestepd pull"
        ) from error
    assert isinstance(loaded, dict)
    if not loaded:
        raise CheckpointError(f"{path}: holds no tensors")
    return loaded


def load_strictly(
    module: TypedModule, tensors: dict[str, mx.array], files: dict[str, Path]
) -> None:
    """Put every tensor in its place.

    Raises `CheckpointError`, naming file and tensor, where one is missing, extra or has another
    shape.
    """
    parameters: dict[str, mx.array] = dict(tree_flatten(module.parameters()))
    location = os.path.commonpath(files.values())  # the file, or the folder of several
    for name, parameter in parameters.items():
        if name not in tensors:
            shape = tuple(parameter.shape)
            raise CheckpointError(f"{location}: tensor {name} {shape} is missing")
        if problem := _find_problem(parameter, tensors[name]):
            raise CheckpointError(f"{files[name]}: tensor {name} {problem}")
    extra = sorted(set(tensors) - set(parameters))
    if extra:
        raise CheckpointError(
            f"{files[extra[0]]}: unexpected tensor {extra[0]} (one of {len(extra)})"
        )
    module.load_weights(list(tensors.items()), strict=True)


def _find_problem(parameter: mx.array, tensor: mx.array) -> str:
    """Why the tensor cannot be the parameter; empty where it can."""
    if tensor.shape != parameter.shape:
        return f"must have the shape {tuple(parameter.shape)}, got {tuple(tensor.shape)}"
    if parameter.dtype == mx.uint32:  # packed by quantising
        return "" if tensor.dtype == mx.uint32 else f"must be uint32, got {tensor.dtype}"
    if not mx.issubdtype(tensor.dtype, mx.floating):  # MLX reads fp8 as bytes
        return f"must be bf16, f16 or f32, got {tensor.dtype}"
    return ""


def _read_config(kind: type[_Config], folder: Path) -> _Config:
    try:
        return kind.from_folder(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error


def load_quantised(
    module: TypedModule,
    folder: Path,
    tensors: dict[str, mx.array],
    files: dict[str, Path],
    ops: Ops,
    bits: int = 0,
) -> None:
    """Like `load_strictly`, with matrices in as many bits as the folder has them in, or in `bits`
    where that is not 0.
    """
    try:
        saved = quantise.read_bits(folder)
    except ValueError as error:
        raise CheckpointError(str(error)) from error
    if bits and saved not in (0, bits):
        advice = "leave bits out, or load what it was made from"
        raise CheckpointError(
            f"{folder} is in {saved} bits already, it cannot be loaded in {bits}; {advice}"
        )
    if bits and not saved:
        tensors = quantise.quantise_tensors(tensors, bits)
        # scales and biases are from the file of their weight
        files = {
            name: files.get(name) or files[f"{name.rpartition('.')[0]}.weight"] for name in tensors
        }
    if bits or saved:
        quantise.replace_layers(module, tensors, bits or saved, ops)
    load_strictly(module, tensors, files)


def load_model(
    folder: Path, ops: Ops, dtype: mx.Dtype | None, bits: int = 0
) -> tuple[AceStepModel, AceStepConfig]:
    """The networks of one `acestep-v15-*` folder, which compute with `ops` in `dtype`, and their
    configuration. None is the device's own dtype, see `precision`. `bits` (8 or 4) quantises them;
    0 takes them as they are.
    """
    config = _read_config(AceStepConfig, folder)
    model = AceStepModel(config, ops)
    load_quantised(model, folder, *read_tensors(folder, "model"), ops, bits)
    precision.set_dtype(model, dtype, ops)
    model.decoder.fold()
    mx.eval(model.decoder.parameters(), model.encoder.parameters(), model.null_condition_emb)
    return model, config


def load_text_encoder(
    folder: Path, ops: Ops, dtype: mx.Dtype | None, bits: int = 0
) -> tuple[TextEncoder, Tokenizer]:
    """The text encoder of a folder, as `load_model` loads networks, and its tokenizer."""
    encoder = TextEncoder(_read_config(TextEncoderConfig, folder), ops)
    tensors, files = read_tensors(folder, "model")
    files = {name.removeprefix("model."): path for name, path in files.items()}
    load_quantised(encoder, folder, text_encoder.sanitize(tensors), files, ops, bits)
    precision.set_dtype(encoder, dtype, ops)
    mx.eval(encoder.parameters())
    return encoder, load_tokenizer(folder / "tokenizer.json")


def load_tokenizer(path: Path) -> Tokenizer:
    """Raises `CheckpointError`, also for one with regular expressions that are not the published
    ones: somebody else's may take for ever on a text.
    """
    try:
        content = untrusted.read_bytes(path, LIMITS.tokenizer_bytes)
        patterns = _find_patterns(untrusted.parse_json(content))
        if foreign := patterns - {_SPLIT}:
            raise ValueError(
                f"its regular expression {min(foreign)[:40]!r} is not the one of ACE-Step's models"
            )
        tokenizer = Tokenizer.from_buffer(content)
    except Exception as error:  # the tokenizers library raises bare Exception
        raise CheckpointError(f"{path}: not a readable tokenizer ({error})") from error
    tokenizer.no_padding()
    tokenizer.no_truncation()
    return tokenizer


def _find_patterns(tokenizer: Mapping[str, Any]) -> set[str]:
    """The regular expressions of all its parts but the vocabulary."""
    patterns = set()
    level: list[Any] = [part for name, part in tokenizer.items() if name != "model"]
    while level:
        each = level.pop()
        if isinstance(each, dict):
            patterns |= {str(value) for name, value in each.items() if name == "Regex"}
            level += each.values()
        elif isinstance(each, list):
            level += each
    return patterns


def load_vae(folder: Path, ops: Ops) -> VAE:
    """Always float32: the decoder's noise floor would be audible in bfloat16."""
    vae = VAE(_read_config(VAEConfig, folder), ops)
    load_strictly(vae, *read_tensors(folder, "diffusion_pytorch_model"))
    vae.set_dtype(mx.float32)
    vae.fold()
    mx.eval(vae.decoder.parameters())
    return vae


def load_silence(folder: Path) -> mx.array:
    """`silence_latent.pt`, stored channels first (1, 64, T) -> (1, T, 64) float32."""
    path = folder / _SILENCE
    channels = _read_config(AceStepConfig, folder).audio_acoustic_hidden_dim
    try:
        latent = read_torch(path)
    except (OSError, ValueError) as error:
        raise CheckpointError(f"{path}: {error}") from error
    if latent.ndim != 3 or latent.shape[:2] != (1, channels) or latent.shape[2] < 1:
        raise CheckpointError(
            f"{path}: tensor must have the shape (1, {channels}, frames), got {latent.shape}"
        )
    return mx.array(latent).swapaxes(1, 2)
