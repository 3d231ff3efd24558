"""transformers' side of a comparison of planners: Qwen3 on torch with a static cache, continued
token by token with audio codes only.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import torch
import transformers
from tokenizers import Tokenizer

from . import jobs
from .jobs import Instant
from .serving import Message, Work, serve

_CODE = re.compile(r"<\|audio_code_(\d+)\|>")
_GUIDANCE = 2.0


def hello() -> Message:
    return {"versions": jobs.list_versions(["torch", "transformers"])}


def prepare(job: Message) -> Work:
    where = torch.device("cpu" if job["device"] == "cpu" else "cuda")
    root = Path(job["checkpoint"])
    config = transformers.Qwen3Config(**json.loads((root / "config.json").read_text()))
    lm: Any = transformers.Qwen3ForCausalLM.from_pretrained(
        root, config=config, dtype=getattr(torch, job["dtype"])
    )
    lm = lm.eval().to(where)
    writer = Writer(lm, Tokenizer.from_file(str(root / "tokenizer.json")))

    def work(request: Message) -> Message:
        with torch.no_grad():
            return writer.write_codes(request)

    return work


class Writer:
    def __init__(self, lm: Any, tokenizer: Tokenizer) -> None:
        self._lm = lm
        self._tokenizer = tokenizer
        vocabulary = tokenizer.get_vocab(with_added_tokens=True)
        self._codes = {id: int(m[1]) for name, id in vocabulary.items() if (m := _CODE.match(name))}
        self._forbidden = torch.ones(lm.config.vocab_size, dtype=torch.bool, device=lm.device)
        self._forbidden[list(self._codes)] = False

    def write_codes(self, wanted: Message) -> Message:
        texts = [jobs.write_plan_prompt(number) for number in (1 + wanted["seed"] % 8, 9)]
        encoded = [self._tokenizer.encode(text, add_special_tokens=False).ids for text in texts]
        ids = torch.tensor(encoded[: wanted["rows"]], device=self._lm.device)
        room = ids.shape[1] + wanted["tokens"]
        cache = transformers.StaticCache(config=self._lm.config, max_cache_len=room)
        starts = {"prefill": Instant.now()}
        token = self._choose(self._lm(ids, past_key_values=cache, logits_to_keep=1).logits)
        written = [int(token)]
        starts["codes"] = Instant.now()
        for at in range(ids.shape[1], room - 1):
            rows = token.expand(len(ids), 1)
            place = torch.full((len(ids), 1), at, device=ids.device)
            output = self._lm(rows, position_ids=place, past_key_values=cache)
            token = self._choose(output.logits)
            written.append(int(token))
        codes = [self._codes[id] for id in written]
        return {**jobs.cut(starts, Instant.now()), "outputs": {"codes": codes}}

    def _choose(self, logits: torch.Tensor) -> torch.Tensor:
        """The likeliest code; a second row is what guidance leads away from."""
        scores = logits[:, -1].float()
        if len(scores) == 2:
            scores = scores[1:] + _GUIDANCE * (scores[:1] - scores[1:])
        return scores.masked_fill(self._forbidden, -torch.inf).argmax(dim=-1)


if __name__ == "__main__":
    serve(hello, prepare)
