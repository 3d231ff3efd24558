"""diffusers' side of a comparison of takes: its own pipeline, on torch, with the weights of a
checkpoint in the official layout.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import diffusers
import torch
import transformers
from diffusers.pipelines.ace_step import AceStepConditionEncoder
from safetensors.torch import load_file

from . import jobs, names
from .jobs import Instant
from .serving import Message, Work, serve

_TURBO = "acestep-v15-turbo"
_TEXT = "Qwen3-Embedding-0.6B"


def hello() -> Message:
    return {"versions": jobs.list_versions(["torch", "diffusers", "transformers"])}


def prepare(job: Message) -> Work:
    where = torch.device("cpu" if job["device"] == "cpu" else "cuda")
    pipe = load(Path(job["checkpoint"]), where, getattr(torch, job["dtype"]))
    pipe.set_progress_bar_config(disable=True)
    if job["compile"]:
        pipe.transformer.compile()
        pipe.vae.decoder.compile()
    clock = Clock(pipe, where)

    def work(request: Message) -> Message:
        with torch.no_grad():
            return check(pipe) if request["do"] == "check" else make_take(pipe, clock, request)

    return work


def load(root: Path, where: torch.device, dtype: torch.dtype) -> Any:
    """Its pipeline, without what encodes audio into codes."""
    config = read_config(root / _TURBO)
    tensors: dict[str, dict[str, torch.Tensor]] = {names.DIT: {}, names.CONDITION: {}}
    for name, tensor in load_file(root / _TURBO / "model.safetensors").items():
        if place := names.translate(name):
            tensors[place[0]][place[1]] = tensor
    silence = torch.load(root / _TURBO / "silence_latent.pt", weights_only=True).swapaxes(1, 2)
    repeats = -(-15_000 // silence.shape[1])
    tensors[names.CONDITION]["silence_latent"] = silence.repeat(1, repeats, 1)[:, :15_000]
    text_config = transformers.Qwen3Config(**read_config(root / _TEXT))
    return diffusers.AceStepPipeline(
        vae=build(
            diffusers.AutoencoderOobleck,
            read_config(root / "vae"),
            load_file(root / "vae" / "diffusion_pytorch_model.safetensors"),
            where,
            dtype,
        ),
        text_encoder=transformers.Qwen3Model.from_pretrained(
            root / _TEXT, config=text_config, dtype=dtype
        ).to(where),
        tokenizer=transformers.PreTrainedTokenizerFast(
            tokenizer_file=str(root / _TEXT / "tokenizer.json"), pad_token="<|endoftext|>"
        ),
        transformer=build(
            diffusers.AceStepTransformer1DModel, config, tensors[names.DIT], where, dtype
        ),
        condition_encoder=build(
            AceStepConditionEncoder,
            {**config, "layer_types": None},  # the DiT's are not its own
            tensors[names.CONDITION],
            where,
            dtype,
        ),
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(num_train_timesteps=1, shift=1.0),
    )


def read_config(folder: Path) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((folder / "config.json").read_text())
    return config


def build(
    kind: Any,
    config: dict[str, Any],
    tensors: dict[str, torch.Tensor],
    where: torch.device,
    dtype: torch.dtype,
) -> Any:
    """A network with these tensors, and no others."""
    with torch.device("meta"):
        network = kind.from_config(config)
    placed = {name: tensor.to(where, dtype) for name, tensor in tensors.items()}
    network.load_state_dict(placed, strict=True, assign=True)
    return network.eval()


class Clock:
    """When the stages of a take begin: as its networks are called for the first time."""

    def __init__(self, pipe: Any, where: torch.device) -> None:
        self._on_gpu = where.type == "cuda"
        self.starts: dict[str, Instant] = {}
        pipe.condition_encoder.register_forward_pre_hook(lambda *_: self.mark("condition"))
        pipe.transformer.register_forward_pre_hook(lambda *_: self.mark("diffusion"))
        decode = pipe.vae.decode

        def decode_between_marks(*args: Any, **kwargs: Any) -> Any:
            self.mark("decode")
            decoded = decode(*args, **kwargs)
            self.mark("finish")
            return decoded

        pipe.vae.decode = decode_between_marks

    def mark(self, stage: str) -> None:
        if stage in self.starts:
            return
        if self._on_gpu:
            torch.cuda.synchronize()
        self.starts[stage] = Instant.now()


def make_take(pipe: Any, clock: Clock, wanted: Message) -> Message:
    clock.starts.clear()
    clock.mark("text")
    pipe(
        prompt=jobs.PROMPT,
        lyrics=jobs.LYRICS,
        vocal_language="en",
        audio_duration=wanted["seconds"],
        num_inference_steps=wanted["steps"],
        guidance_scale=1.0,
        generator=torch.Generator("cpu").manual_seed(wanted["seed"]),
        output_type="np",
    )
    return jobs.cut(clock.starts, Instant.now())


def check(pipe: Any) -> Message:
    """One pass of the DiT, and what the VAE makes of some latents."""
    network = pipe.transformer
    config = network.config

    def draw(seed: int, *shape: int) -> torch.Tensor:
        return torch.from_numpy(jobs.draw(seed, *shape)).to(network.device, network.dtype)

    channels = config.audio_acoustic_hidden_dim
    x = draw(2, 1, jobs.CHECKED_FRAMES, channels)
    time = torch.full((1,), 0.5, device=network.device, dtype=network.dtype)
    velocity = network(
        hidden_states=x,
        timestep=time,
        timestep_r=time,
        encoder_hidden_states=draw(1, 1, jobs.CHECKED_TOKENS, config.hidden_size),
        context_latents=draw(3, 1, jobs.CHECKED_FRAMES, config.in_channels - channels),
        return_dict=False,
    )[0]
    audio = pipe.vae.decode(x.swapaxes(1, 2)).sample
    return {
        "outputs": {
            "DiT": jobs.pick_some(velocity.float().cpu().numpy()),
            "VAE": jobs.pick_some(audio.float().cpu().numpy()),
        }
    }


if __name__ == "__main__":
    serve(hello, prepare)
