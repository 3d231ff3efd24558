"""What diffusers calls the networks and tensors of a checkpoint in the official layout. No
libraries.
"""

from __future__ import annotations

DIT = "transformer"
CONDITION = "condition_encoder"

_PARTS = {
    "decoder.": (DIT, ""),
    "encoder.": (CONDITION, ""),
    "null_condition_emb": (CONDITION, "null_condition_emb"),
}
_NEW_NAMES = {
    "q_proj": "to_q",
    "k_proj": "to_k",
    "v_proj": "to_v",
    "o_proj": "to_out.0",
    "q_norm": "norm_q",
    "k_norm": "norm_k",
    "proj_in.1": "proj_in_conv",  # 0 and 2 turn axes
    "proj_out.1": "proj_out_conv",
}


def translate(name: str) -> tuple[str, str] | None:
    """A tensor's network there, and its name in that; None for those of the audio codes, which a
    take from text has no use for.
    """
    for prefix, (network, start) in _PARTS.items():
        if not name.startswith(prefix):
            continue
        rest = "." + start + name.removeprefix(prefix)
        for old, new in _NEW_NAMES.items():
            rest = rest.replace(f".{old}.", f".{new}.")
        return network, rest[1:]
    return None
