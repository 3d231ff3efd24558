"""The texts that pass between us and the planner: prompts of every mode, and what it answered. No
MLX.

Source: the official code, `golden/lm_prompts.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

from .grammar import CODE, FIELDS, THINK, THOUGHT

INSTRUCTIONS = {
    "generate": "Generate audio semantic tokens based on the given conditions:",
    "understand": "Understand the given musical conditions and describe the audio semantics accordingly:",
    "inspire": "Expand the user's input into a more detailed and specific musical description:",
    "format": "Format the user's input into a more detailed and specific musical description:",
}
NO_INPUT = "NO USER INPUT"  # what stands for an empty field
_WRITTEN = tuple(name for name in FIELDS if name != "genres")


def metas_prompt(caption: str, lyrics: str) -> str:
    """After which it writes the metadata."""
    return _asked("generate", _song(caption, lyrics))


def metas_negative(lyrics: str, negative: str = NO_INPUT) -> str:
    """What guidance leads away from; without a negative prompt a song that has no caption."""
    return _asked(
        "generate", _song(negative, lyrics) if _meant(negative) else f"# Lyric\n{lyrics}\n"
    )


def codes_prompt(caption: str, lyrics: str, thought: str) -> str:
    """After which it writes audio codes; `thought` is what `thinking` returns."""
    return metas_prompt(caption, lyrics) + _closed(thought)


def codes_negative(caption: str, lyrics: str, negative: str = NO_INPUT) -> str:
    """What guidance leads away from: no metadata; without a negative prompt the caption stays."""
    return codes_prompt(negative if _meant(negative) else caption, lyrics, thinking({}))


def understand_prompt(codes: str) -> str:
    """`codes` is what `codes.tokens` returns."""
    return _asked("understand", codes)


def inspire_prompt(query: str, instrumental: bool) -> str:
    return _asked("inspire", f"{query}\n\ninstrumental: {str(instrumental).lower()}")


def format_prompt(caption: str, lyrics: str) -> str:
    return _asked("format", f"# Caption\n{caption}\n\n# Lyric\n{lyrics}")


def other_negative(instruction: str, negative: str = NO_INPUT) -> str:
    """What guidance would lead the other three modes away from. The official code does not guide
    them, nor do we.
    """
    return _asked(instruction, negative if negative.strip() else "")


def _asked(instruction: str, content: str) -> str:
    system = f"# Instruction\n{INSTRUCTIONS[instruction]}\n\n"
    return f"<|im_start|>system\n{system}<|im_end|>\n<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"


def _song(caption: str, lyrics: str) -> str:
    return f"# Caption\n{caption}\n\n# Lyric\n{lyrics}\n"


def _closed(thought: str) -> str:
    inside = thought.removeprefix(THINK).removesuffix(THOUGHT).strip("\n")
    return f"{THINK}\n{inside}\n{THOUGHT}\n\n<|im_end|>\n"


def _meant(negative: str) -> bool:
    return negative.strip() not in ("", NO_INPUT)


def thinking(metas: Mapping[str, Any]) -> str:
    """The metadata as it was trained to think them: YAML, sorted."""
    items = {name: _plain(name, metas[name]) for name in _WRITTEN if metas.get(name) is not None}
    lines = yaml.dump(items, allow_unicode=True, sort_keys=True).strip() if items else ""
    return f"{THINK}\n{lines}\n{THOUGHT}"


def _plain(name: str, value: Any) -> Any:
    if name == "timesignature":
        value = str(value).removesuffix("/4")
    return int(value) if isinstance(value, str) and value.isdecimal() and value.isascii() else value


def has_all_metas(metas: Mapping[str, Any] | None) -> bool:
    """Whether there is nothing left to think about."""
    return {"bpm", "keyscale", "timesignature", "duration"} <= (metas or {}).keys()


def metas_of(answer: str) -> dict[str, Any]:
    """The metadata in an answer. A field goes on in the indented lines below it; bpm and duration
    are numbers.
    """
    lines: dict[str, list[str]] = {}
    name = ""
    for line in _thought(answer).split("\n"):
        if line.strip().startswith("<"):
            continue
        if ":" in line and not line[0].isspace():
            name, value = (part.strip() for part in line.split(":", 1))
            name = name.lower()
            lines[name] = [value] if value else []
        elif line[:1] in (" ", "\t") and name:
            lines[name].append(line)
    return {name: _read(name, "\n".join(lines[name])) for name in FIELDS if lines.get(name)}


def _thought(answer: str) -> str:
    for tag in ("think", "reasoning"):
        if found := re.search(rf"<{tag}>(.*?)</{tag}>", answer, re.DOTALL):
            if found[1].strip():
                return found[1].strip()
            break
    return answer.split("<|audio_code_")[0].strip()


def _read(name: str, value: str) -> Any:
    if name == "caption":
        return " ".join(line.strip() for line in value.split("\n") if line.strip())
    if name in ("bpm", "duration"):
        try:
            return int(value)
        except ValueError:
            pass
    return value.strip()


def lyrics_of(answer: str) -> str:
    """The lyrics in an answer: what follows the metadata."""
    _, found, after = answer.partition(THOUGHT)
    text = re.sub(r"^#\s*Lyric?\s*\n", "", after.strip(), flags=re.IGNORECASE) if found else ""
    return re.sub(r"<\|im_end\|>\s*$", "", text).strip()


def codes_text(answer: str) -> str:
    """Only the audio codes of an answer, as it wrote them."""
    return "".join(match[0] for match in CODE.finditer(answer))
