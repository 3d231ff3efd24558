"""The texts that pass between us and the planner: the prompts of every mode in the model's chat
template, and what its answers say. No MLX.

Source: the official code, `golden/lm_prompts.json`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import yaml

from .grammar import CODE, FIELDS, THINK, THINK_END

INSTRUCTIONS = {
    "generate": "Generate audio semantic tokens based on the given conditions:",
    "understand": (
        "Understand the given musical conditions and describe the audio semantics accordingly:"
    ),
    "inspire": "Expand the user's input into a more detailed and specific musical description:",
    "format": "Format the user's input into a more detailed and specific musical description:",
}
NO_INPUT = "NO USER INPUT"  # what stands for an empty field
_THOUGHT_FIELDS = tuple(name for name in FIELDS if name != "genres")

# --- prompts --------------------------------------------------------------------------------------


def build_metadata_prompt(caption: str, lyrics: str) -> str:
    """After which it writes the metadata."""
    return _apply_chat_template("generate", _format_song(caption, lyrics))


def build_metadata_negative(lyrics: str, negative: str = NO_INPUT) -> str:
    """What guidance leads away from; without a negative prompt a song that has no caption."""
    if _is_given(negative):
        return _apply_chat_template("generate", _format_song(negative, lyrics))
    return _apply_chat_template("generate", f"# Lyric\n{lyrics}\n")


def build_codes_prompt(caption: str, lyrics: str, thought: str) -> str:
    """After which it writes audio codes; `thought` is what `format_thought` returns."""
    return build_metadata_prompt(caption, lyrics) + _close_thought(thought)


def build_codes_negative(caption: str, lyrics: str, negative: str = NO_INPUT) -> str:
    """What guidance leads away from: no metadata; without a negative prompt the caption stays."""
    caption = negative if _is_given(negative) else caption
    return build_codes_prompt(caption, lyrics, format_thought({}))


def build_understand_prompt(codes: str) -> str:
    """`codes` is what `codes.format_tokens` returns."""
    return _apply_chat_template("understand", codes)


def build_inspire_prompt(query: str, instrumental: bool) -> str:
    content = f"{query}\n\ninstrumental: {str(instrumental).lower()}"
    return _apply_chat_template("inspire", content)


def build_format_prompt(caption: str, lyrics: str) -> str:
    return _apply_chat_template("format", f"# Caption\n{caption}\n\n# Lyric\n{lyrics}")


def build_other_negative(instruction: str, negative: str = NO_INPUT) -> str:
    """What guidance would lead the other three modes away from. The official code does not guide
    them, nor do we.
    """
    return _apply_chat_template(instruction, negative if negative.strip() else "")


def _apply_chat_template(instruction: str, content: str) -> str:
    return (
        f"<|im_start|>system\n# Instruction\n{INSTRUCTIONS[instruction]}\n\n<|im_end|>\n"
        f"<|im_start|>user\n{content}<|im_end|>\n<|im_start|>assistant\n"
    )


def _format_song(caption: str, lyrics: str) -> str:
    return f"# Caption\n{caption}\n\n# Lyric\n{lyrics}\n"


def _close_thought(thought: str) -> str:
    inside = thought.removeprefix(THINK).removesuffix(THINK_END).strip("\n")
    return f"{THINK}\n{inside}\n{THINK_END}\n\n<|im_end|>\n"


def _is_given(negative: str) -> bool:
    return negative.strip() not in ("", NO_INPUT)


def format_thought(metadata: Mapping[str, object]) -> str:
    """The metadata as the model was trained to think them: YAML, sorted."""
    items = {
        name: _plain_value(name, metadata[name])
        for name in _THOUGHT_FIELDS
        if metadata.get(name) is not None
    }
    lines = yaml.dump(items, allow_unicode=True, sort_keys=True).strip() if items else ""
    return f"{THINK}\n{lines}\n{THINK_END}"


def _plain_value(name: str, value: object) -> object:
    """Whole numbers as numbers; of a time signature the beats in a bar."""
    if name == "timesignature":
        value = str(value).removesuffix("/4")
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value)
    return value


def has_all_metadata(metadata: Mapping[str, object] | None) -> bool:
    """Whether there is nothing left to think about."""
    return {"bpm", "keyscale", "timesignature", "duration"} <= (metadata or {}).keys()


# --- answers --------------------------------------------------------------------------------------


def parse_metadata(answer: str) -> dict[str, str | int]:
    """The metadata in an answer. A field goes on in the indented lines below it; bpm and duration
    are numbers.
    """
    lines: dict[str, list[str]] = {}
    name = ""
    for line in _extract_thought(answer).split("\n"):
        if line.strip().startswith("<"):
            continue
        if ":" in line and not line[0].isspace():
            name, value = (part.strip() for part in line.split(":", 1))
            name = name.lower()
            lines[name] = [value] if value else []
        elif line[:1] in (" ", "\t") and name:
            lines[name].append(line)
    return {name: _parse_value(name, "\n".join(lines[name])) for name in FIELDS if lines.get(name)}


def _extract_thought(answer: str) -> str:
    for tag in ("think", "reasoning"):
        if found := re.search(rf"<{tag}>(.*?)</{tag}>", answer, re.DOTALL):
            if found[1].strip():
                return found[1].strip()
            break
    return answer.split("<|audio_code_")[0].strip()


def _parse_value(name: str, value: str) -> str | int:
    if name == "caption":
        return " ".join(line.strip() for line in value.split("\n") if line.strip())
    if name in ("bpm", "duration"):
        try:
            return int(value)
        except ValueError:
            pass
    return value.strip()


def parse_lyrics(answer: str) -> str:
    """The lyrics in an answer: what follows the metadata."""
    _, found, after = answer.partition(THINK_END)
    text = re.sub(r"^#\s*Lyric?\s*\n", "", after.strip(), flags=re.IGNORECASE) if found else ""
    return re.sub(r"<\|im_end\|>\s*$", "", text).strip()


def extract_codes(answer: str) -> str:
    """Only the audio codes of an answer, as it wrote them."""
    return "".join(match[0] for match in CODE.finditer(answer))
