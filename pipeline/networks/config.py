"""The shapes of the networks, read from a checkpoint's `config.json` files."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from .. import untrusted
from ..limits import LIMITS

_TYPES: dict[str, tuple[type, ...]] = {
    "int": (int,),
    "int | None": (int, type(None)),
    "float": (int, float),
    "bool": (bool,),
    "str": (str,),
}


@dataclass(frozen=True)
class JsonConfig:
    """A dataclass that is read from a `config.json`."""

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """From the keys that are fields here; a field's metadata has its `key` where that is not
        its name. Raises ValueError, which names a missing one.
        """
        keys = {spec: spec.metadata.get("key", spec.name) for spec in dataclasses.fields(cls)}
        missing = [
            key
            for spec, key in keys.items()
            if spec.default is dataclasses.MISSING and key not in values
        ]
        if missing:
            raise ValueError(f"config.json has no {', '.join(missing)}")
        present = {spec.name: values[key] for spec, key in keys.items() if key in values}
        for spec, key in keys.items():
            if key in values:
                _check_value(key, str(spec.type), values[key])
        return cls(**{name: _as_tuple(value) for name, value in present.items()})

    @classmethod
    def from_folder(cls, folder: Path) -> Self:
        """From `folder/config.json`. Raises ValueError, which names the file."""
        path = folder / "config.json"
        try:
            return cls.from_dict(untrusted.read_json(path, LIMITS.config_bytes))
        except (OSError, ValueError, TypeError) as error:
            raise ValueError(f"{path}: {error}") from error


def _check_value(name: str, kind: str, value: object) -> None:
    """Raises ValueError for a value of another kind, and for a size that no network has: it would
    take all memory, or for ever.
    """
    if kind.startswith("tuple["):
        if not isinstance(value, list | tuple) or len(value) > LIMITS.layers:
            raise ValueError(f"{name} must be a list of at most {LIMITS.layers} values")
        for each in value:
            _check_value(name, kind.removeprefix("tuple[").removesuffix(", ...]"), each)
        return
    types = _TYPES[kind]
    if not isinstance(value, types) or (isinstance(value, bool) and bool not in types):
        raise ValueError(f"{name} must be {kind}, got {value!r:.40}")
    most = LIMITS.layers if name.endswith("_layers") else LIMITS.config_number
    least = 0 if name.endswith(("_layers", "_steps")) else 1
    if kind.startswith("int") and isinstance(value, int) and not least <= value <= most:
        raise ValueError(f"{name} must be in {least}..{most}, got {value}")


def _as_tuple(value: object) -> object:
    """JSON's lists as tuples, which can be hashed."""
    return tuple(value) if isinstance(value, list) else value


@dataclass(frozen=True)
class StackConfig:
    """What one stack of transformer layers needs to know."""

    hidden_size: int
    intermediate_size: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    rms_norm_eps: float
    rope_theta: float
    # a layer's sliding window: it sees |i - j| <= window; None sees everything
    windows: tuple[int | None, ...]

    @classmethod
    def of(cls, config: TextEncoderConfig | AceStepConfig, windows: tuple[int | None, ...]) -> Self:
        """From the fields of another configuration."""
        return cls(
            hidden_size=config.hidden_size,
            intermediate_size=config.intermediate_size,
            num_attention_heads=config.num_attention_heads,
            num_key_value_heads=config.num_key_value_heads,
            head_dim=config.head_dim,
            rms_norm_eps=config.rms_norm_eps,
            rope_theta=config.rope_theta,
            windows=windows,
        )


@dataclass(frozen=True)
class TextEncoderConfig(JsonConfig):
    """`Qwen3-Embedding-0.6B/config.json`."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    vocab_size: int
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6

    @property
    def stack(self) -> StackConfig:
        return StackConfig.of(self, (None,) * self.num_hidden_layers)


@dataclass(frozen=True)
class AceStepConfig(JsonConfig):
    """`acestep-v15-*/config.json`: the DiT, the condition encoder and the audio tokenizer.

    Only the XL files have the encoder_* sizes: their encoders keep the small model's width.
    """

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    sliding_window: int
    layer_types: tuple[str, ...]
    text_hidden_dim: int
    timbre_hidden_dim: int
    audio_acoustic_hidden_dim: int
    in_channels: int
    patch_size: int
    pool_window_size: int
    num_lyric_encoder_hidden_layers: int
    num_timbre_encoder_hidden_layers: int
    num_attention_pooler_hidden_layers: int
    fsq_input_levels: tuple[int, ...]
    rms_norm_eps: float = 1e-6
    rope_theta: float = 1e6
    is_turbo: bool = False
    use_sliding_window: bool = True
    encoder_hidden_size: int | None = None
    encoder_intermediate_size: int | None = None
    encoder_num_attention_heads: int | None = None
    encoder_num_key_value_heads: int | None = None
    # Not in the official files: what a voice of our own was trained for.
    # it plays from a guide, unless a request says otherwise
    plays_guides: bool = field(default=False, metadata={"key": "guided"})
    sings: bool = True  # it reads lyrics
    sings_guide: bool = False  # it sings what is sung in its guide
    steps: int = 0  # that it takes unless a request says otherwise; 0: as its kind does
    extracts: bool = False  # it takes stems out of a mix
    # in so many steps; 0: in as many as everything else takes; 1: from zeros, not from noise
    extract_steps: int = 0
    masks_stems: bool = False  # they are masks of the mix, rather than what it plays

    @property
    def is_xl(self) -> bool:
        return self.encoder_hidden_size is not None

    @property
    def condition_size(self) -> int:
        """Width of the condition encoder and the audio tokenizer."""
        return self.encoder_hidden_size or self.hidden_size

    @property
    def decoder_stack(self) -> StackConfig:
        return self._stack(self.num_hidden_layers, self)

    def encoder_stack(self, layers: int) -> StackConfig:
        """The first `layers` layers of an encoder-side stack."""
        sizes = dataclasses.replace(
            self,
            hidden_size=self.condition_size,
            intermediate_size=self.encoder_intermediate_size or self.intermediate_size,
            num_attention_heads=self.encoder_num_attention_heads or self.num_attention_heads,
            num_key_value_heads=self.encoder_num_key_value_heads or self.num_key_value_heads,
        )
        return self._stack(layers, sizes)

    def _stack(self, layers: int, sizes: AceStepConfig) -> StackConfig:
        return StackConfig.of(sizes, tuple(self._window(i) for i in range(layers)))

    def _window(self, layer: int) -> int | None:
        """A layer behind the listed ones is of the first two kinds by turns."""
        place = layer if layer < len(self.layer_types) else layer % 2
        slides = self.use_sliding_window and self.layer_types[place] == "sliding_attention"
        return self.sliding_window if slides else None


@dataclass(frozen=True)
class VAEConfig(JsonConfig):
    """`vae/config.json` of diffusers' AutoencoderOobleck."""

    audio_channels: int
    channel_multiples: tuple[int, ...]
    decoder_channels: int
    decoder_input_channels: int
    downsampling_ratios: tuple[int, ...]
    encoder_hidden_size: int
    sampling_rate: int

    @property
    def hop(self) -> int:
        """Audio samples per latent frame."""
        return math.prod(self.downsampling_ratios)
