"""The planner's part of `python -m tests.tools.parity`: its network, filters, grammar, texts, and
greedy traces.
"""

from __future__ import annotations

import functools
import hashlib
import json
import math
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pipeline.networks.ops import choose_ops
from pipeline.planner import grammar, loading, logits, templates  # before MLX, see golden.py
from pipeline.planner.grammar import AnswerFormat, GrammarMatcher, TokenSet
from pipeline.planner.logits import Sampling
from pipeline.planner.network import (
    CausalLM,
    DecodingBatch,
    PlannerConfig,
    PrefilledPrompt,
    PromptCache,
    prefill,
)
from pipeline.planner.planner import UNDERSTAND_TEMPERATURE, Planner

# isort: split
import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten
from tokenizers import Tokenizer

from tests.support.golden import MISSING, NUMBER, Bench, Line, area
from tests.support.planners import finish

_LONGEST = 240  # seconds: the most that the official code's budget counts with


@functools.cache
def load(folder: Path, dtype: mx.Dtype) -> Planner:
    return loading.load_planner(folder, choose_ops(), dtype)


def load_size(bench: Bench, size: str) -> Planner:
    return load(bench.fixtures.root / f"{loading.PREFIX}{size}", bench.fixtures.dtype)


# --- the network ----------------------------------------------------------------------------------


@area("lm_[0-9]*")
def check_network(bench: Bench) -> None:
    """A case with an attention mask is of two prompts that guidance leads between; any other is of
    one.
    """
    model = load_size(bench, bench.area.removeprefix("lm_").replace("_", "."))
    for case in bench.cases("input_ids"):
        if f"{case}.attention_mask" in bench.golden:
            check_guidance(bench, case, model)
        else:
            check_logits(bench, case, model)


def check_logits(bench: Bench, case: str, model: Planner) -> None:
    lm = model.lm
    vocabulary = model.vocabulary
    hidden = lm(bench.tensor(f"{case}.input_ids"))
    bench.check(f"{case}.hidden", hidden)
    bench.check(f"{case}.last", lm.logits(hidden[:, -1], vocabulary.all_tokens))
    for name, first in (("head", 0), ("audio", min(vocabulary.code_of))):
        if (part := f"{case}.all_positions_{name}") in bench.golden:
            width = bench.golden[part].shape[-1]
            bench.check(part, lm.logits(hidden, TokenSet(range(first, first + width))))


def check_guidance(bench: Bench, case: str, model: Planner) -> None:
    """Two prompts side by side: prefilled by themselves, and continued together."""
    rows = zip(bench.read(f"{case}.input_ids"), bench.read(f"{case}.attention_mask"), strict=True)
    prompts = [row[keep > 0].tolist() for row, keep in rows]
    columns = mx.array(bench.read(f"{case}.columns").astype(np.int32))
    for name, given in (("", prompts), (" after a step", [ids[:-1] for ids in prompts])):
        if name and len({ids[-1] for ids in prompts}) > 1:
            continue  # they are not continued alike
        batch = DecodingBatch(model.lm, [prefill_prompt(model.lm, ids) for ids in given])
        if name:
            batch.append(mx.array(prompts[0][-1:]))
        scores = model.lm.logits(batch.hidden[:, 0], model.vocabulary.all_tokens)[:, columns]
        ours = {"cond": scores[:1], "uncond": scores[1:]}
        for match in bench.find(rf"{case}\.(guided\w*?(\d+(?:_\d+)?)?)"):
            scale = bench.number(
                match[0], rf"uncond \+ {NUMBER}\*", float((match[2] or "2").replace("_", "."))
            )
            ours[match[1]] = logits.apply_guidance(scores[:1], scores[1:], scale)
        for part, value in ours.items():
            official = bench.read(f"{case}.{part}")
            tolerance = bench.fixtures.notes.tolerance(
                f"{bench.area}/{case}.{part}", official.dtype
            )
            bench.compare(f"{case}.{part}{name}", value, official, tolerance)


def prefill_prompt(lm: CausalLM, ids: list[int]) -> PrefilledPrompt:
    *_, last = prefill(lm, ids, PromptCache())
    assert last is not None
    return last


@area("lm_sampling")
def check_filters(bench: Bench) -> None:
    raw = bench.tensor("logits")
    history = bench.read("history")
    for match in bench.find(r"top_k(\d+)_kept"):
        bench.check(match[0], mark_allowed(logits.keep_top_k(raw, int(match[1]))))
    for match in bench.find(r"top_p(\d+)_(\d+)_kept"):
        bench.check(match[0], mark_allowed(logits.keep_top_p(raw, float(f"{match[1]}.{match[2]}"))))
    both = Sampling(top_k=7, top_p=0.9)
    for match in bench.find(r"top_k(\d+)_then_top_p(\d+)_(\d+)_kept"):
        both = Sampling(top_k=int(match[1]), top_p=float(f"{match[2]}.{match[3]}"))
        bench.check(match[0], mark_allowed(logits.filter_logits(raw, both)))
    seen = mx.array(np.stack([np.isin(np.arange(raw.shape[-1]), row) for row in history]))
    for match in bench.find(r"repetition_penalty_(\d+)_(\d+)"):
        bench.check(
            match[0], logits.penalise_repetition(raw, seen, float(f"{match[1]}.{match[2]}"))
        )
    for match in bench.find(r"probs_t(\d+)_(\d+)"):
        heat = float(f"{match[1]}.{match[2]}")
        bench.check(match[0], mx.softmax(logits.filter_logits(raw, both) / heat, axis=-1))


def mark_allowed(filtered: mx.array) -> mx.array:
    return (filtered > -math.inf).astype(mx.uint8)


# --- the grammar ----------------------------------------------------------------------------------


@area("fsm")
def check_grammar(bench: Bench) -> None:
    constants = {
        "field_order": list(grammar.FIELDS),
        "timesignatures": list(grammar.SIGNATURES),
        "ranges.bpm": [grammar.BPM[0], grammar.BPM[-1]],
        "ranges.duration": [grammar.DURATION[0], grammar.DURATION[-1]],
        "keyscale_notes": list(grammar.NOTE_LETTERS),
        "keyscale_accidentals": list(grammar.ACCIDENTALS),
        "keyscale_modes": list(grammar.MODES),
        "caption_max_tokens": grammar.CAPTION_TOKENS,
        "max_audio_code": grammar.LAST_CODE,
    }
    for name, value in constants.items():
        bench.same(name, value, bench.read(name))
    bench.same("languages", sorted(grammar.VALUES["language"]), sorted(bench.read("languages")))
    words = {
        "THINK_TAG": grammar.THINK,
        "NEWLINE_AFTER_THINK": "\n",
        "THINK_END_TAG": grammar.THINK_END,
    }
    words |= {f"{shorten_field(name)}_NAME": f"{name}:" for name in grammar.FIELDS}
    for match in bench.find(r"fixed_strings\.(\w+)"):
        bench.same(match[0], words.get(match[1]), bench.read(match[0]))
    for match in bench.find(r"value_cases\.(\w+)"):
        ours = [case["value"] in grammar.VALUES[match[1]] for case in bench.read(match[0])]
        bench.same(match[0], ours, [case["accepted"] for case in bench.golden[match[0]]])
    model = load_largest(bench)
    for match in bench.find(r"walks\.\d+"):
        check_walk(bench, match[0], model)


def shorten_field(field: str) -> str:
    return {"timesignature": "TIMESIG"}.get(field, field.upper())


def load_largest(bench: Bench) -> Planner:
    """The walks' token ids are those of the planner with all the audio tokens."""
    models = [load_size(bench, size) for size in loading.list_sizes(bench.fixtures.root)]
    return max(models, key=lambda model: len(model.vocabulary.all_tokens))


def check_walk(bench: Bench, name: str, model: Planner) -> None:
    """Step by step: what is allowed, and whether what is chosen then is. With all logits equal, 0
    is the likeliest.
    """
    case = bench.read(name)
    matcher = start_matcher(model, case["settings"])
    for i, step in enumerate(case["steps"]):
        accepted = check_allowed(
            bench, f"{name} {case['label']} step {i}", matcher, step, step["chosen"]
        )
        bench.same(
            f"{name} {case['label']} step {i} accepts {step['chosen_text']!r}",
            accepted,
            step["accepted"],
        )
        if accepted:
            matcher.accept(step["chosen"])
    check_allowed(bench, f"{name} {case['label']} final", matcher, case["final"])


def start_matcher(model: Planner, settings: dict[str, Any]) -> GrammarMatcher:
    phase = settings.get("phase", "cot")
    seconds = settings.get("dur")
    if phase == "codes":
        return grammar.build_codes_matcher(model.vocabulary, seconds)
    then = choose_ending(phase, settings.get("stop", True))
    given = {name: str(value) for name, value in (settings.get("um") or {}).items()}
    return grammar.build_matcher(
        model.vocabulary, AnswerFormat(given, skipped_fields(settings), then, seconds)
    )


def choose_ending(phase: str, stops_after_metadata: bool) -> str:
    """What comes after the metadata."""
    if phase == "understand":
        return "text"
    return "" if stops_after_metadata else "codes"


def skipped_fields(settings: dict[str, Any]) -> frozenset[str]:
    settings = {"skip_genres": True} | settings
    return frozenset(name for name in grammar.FIELDS if settings.get(f"skip_{name}"))


def check_allowed(
    bench: Bench, name: str, matcher: GrammarMatcher, official: dict[str, Any], chosen: int = -1
) -> bool:
    """Compares what is allowed here; whether `chosen` is."""
    if matcher.needs_top_token:
        matcher.see_top_token(0)
    allowed = matcher.allowed_tokens()
    ours: list[int] = allowed.tokens.ids.tolist()
    if official["state"] == "LANGUAGE_VALUE" and allowed.greedy:
        # which one depends on the order of a set
        bench.same(f"{name} allows", set(official["allowed"]) <= set(ours), True)
    elif "allowed" in official:
        bench.same(f"{name} allows", ours, official["allowed"])
    else:
        digest = hashlib.sha256(",".join(map(str, ours)).encode()).hexdigest()
        bench.same(
            f"{name} allows",
            (len(ours), digest),
            (official["n_allowed"], official["allowed_sha256"]),
        )
    return chosen in ours


# --- the texts ------------------------------------------------------------------------------------


@area("lm_prompts")
def check_texts(bench: Bench) -> None:
    for match in bench.find(r"instructions\.(\w+)"):
        bench.same(match[0], templates.INSTRUCTIONS.get(match[1]), bench.read(match[0]))
    bench.same("audio_code_regex", grammar.CODE.pattern, bench.read("audio_code_regex"))
    bench.same("max_audio_code", grammar.LAST_CODE, bench.read("max_audio_code"))
    bench.same("codes_per_second", grammar.CODES_PER_SECOND, bench.read("codes_per_second"))
    model = load_largest(bench)
    for match in bench.find(r"prompts\.\d+"):
        check_prompt(bench, match[0], model)
    answers: dict[str, Callable[[Any], Any]] = {
        "format_metadata_as_cot": templates.format_thought,
        "extract_lyrics": templates.parse_lyrics,
        "has_all_metas": templates.has_all_metadata,
    }
    for kind, function in answers.items():
        for match in bench.find(rf"{kind}\.\d+"):
            case = bench.read(match[0])
            bench.same(match[0], function(case["input"]), case["output"])
    for match in bench.find(r"parse_lm_output\.\d+"):
        case = bench.read(match[0])
        ours = templates.parse_metadata(case["input"]), templates.extract_codes(case["input"])
        bench.same(match[0], ours, (case["metadata"], case["audio_codes"]))
    for match in bench.find(r"max_new_tokens\.\d+"):
        check_token_budget(bench, match[0])
    check_defaults(bench)


def check_prompt(bench: Bench, name: str, model: Planner) -> None:
    case = bench.read(name)
    if case["function"] not in PROMPTS:
        note = f"nothing here does {case['function']}"
        bench.lines.append(Line(bench.area, name, MISSING, note=note))
        return
    ours = PROMPTS[case["function"]](case["args"])
    name = f"{name} {case['label']}"
    bench.same(name, ours, case["prompt"])
    bench.same(f"{name} ids", model.vocabulary.encode(ours), case["ids_tiny"])
    check_real_ids(bench, f"{name} ids_real", ours, case)


def build_prompt(args: dict[str, Any]) -> str:
    if args.get("is_negative_prompt"):
        return templates.build_metadata_negative(
            args["lyrics"], args.get("negative_prompt", templates.NO_INPUT)
        )
    return templates.build_metadata_prompt(args["caption"], args["lyrics"])


def build_prompt_with_cot(args: dict[str, Any]) -> str:
    if args.get("is_negative_prompt"):
        negative = args.get("negative_prompt", templates.NO_INPUT)
        return templates.build_codes_negative(args["caption"], args["lyrics"], negative)
    return templates.build_codes_prompt(args["caption"], args["lyrics"], args["cot_text"])


def build_other_prompt(
    instruction: str, build_positive: Callable[[dict[str, Any]], str]
) -> Callable[[dict[str, Any]], str]:
    def prompt(args: dict[str, Any]) -> str:
        if args.get("is_negative_prompt"):
            return templates.build_other_negative(
                instruction, args.get("negative_prompt", templates.NO_INPUT)
            )
        return build_positive(args)

    return prompt


PROMPTS: dict[str, Callable[[dict[str, Any]], str]] = {
    "build_formatted_prompt": build_prompt,
    "build_formatted_prompt_with_cot": build_prompt_with_cot,
    "build_formatted_prompt_for_understanding": build_other_prompt(
        "understand", lambda args: templates.build_understand_prompt(args["audio_codes"])
    ),
    "build_formatted_prompt_for_inspiration": build_other_prompt(
        "inspire",
        lambda args: templates.build_inspire_prompt(args["query"], args.get("instrumental", False)),
    ),
    "build_formatted_prompt_for_format": build_other_prompt(
        "format", lambda args: templates.build_format_prompt(args["caption"], args["lyrics"])
    ),
}


def check_real_ids(bench: Bench, name: str, prompt: str, case: dict[str, Any]) -> None:
    """With the full tokenizer, whose audio tokens follow its last token."""
    if "ids_real" not in case:
        return
    codes = [int(code) for code in grammar.CODE.findall(prompt)]
    if tokenizer := load_full_tokenizer(bench.fixtures.folder, max(codes, default=0)):
        bench.same(name, tokenizer.encode(prompt, add_special_tokens=False).ids, case["ids_real"])


@functools.cache
def load_full_tokenizer(folder: Path, last: int) -> Tokenizer | None:
    import gzip

    from tokenizers import AddedToken

    for path in sorted(folder.glob("tokenizers/*/tokenizer.json.gz")):
        tokenizer = Tokenizer.from_str(gzip.decompress(path.read_bytes()).decode())
        tokenizer.add_special_tokens(
            [AddedToken(f"<|audio_code_{code}|>", special=True) for code in range(last + 1)]
        )
        return tokenizer
    return None


def check_token_budget(bench: Bench, name: str) -> None:
    case = bench.read(name)
    ours = grammar.budget_tokens(case["target_duration"], case["phase"])
    if (case["target_duration"] or 0) > _LONGEST and ours > case["output"]:
        bench.deviates(
            name,
            f"a song may be ten minutes long here, the official budget ends at {_LONGEST} seconds",
        )
    else:
        bench.same(name, ours, case["output"])


def check_defaults(bench: Bench) -> None:
    sampling = Sampling()
    ours = {
        "temperature": sampling.temperature,
        "cfg_scale": sampling.guidance,
        "top_k": sampling.top_k,
        "top_p": sampling.top_p,
        "negative_prompt": sampling.negative_prompt or templates.NO_INPUT,
        "cot_phase_cfg_scale_forced_to": 1.0,  # `Planner.write` has no guidance
        "understand_temperature": UNDERSTAND_TEMPERATURE,
    }
    for match in bench.find(r"defaults\.(\w+)"):
        bench.same(match[0], ours.get(match[1]), bench.read(match[0]))


# --- greedy traces --------------------------------------------------------------------------------


@area("lm_traces")
def check_traces(bench: Bench) -> None:
    for match in bench.find(rf"({re.escape(loading.PREFIX)}(.+))\.traces"):
        folder = match[1]
        model = load_size(bench, match[2])
        facts = {
            "audio_code_base_id": min(model.vocabulary.code_of),
            "eos_token_id": model.vocabulary.end,
            "pad_token_id": model.vocabulary.pad,
            "vocab_size": len(model.vocabulary.all_tokens),
            "n_valid_audio_tokens": len(model.vocabulary.codes),
        }
        for name, value in facts.items():
            if f"{folder}.{name}" in bench.golden:
                bench.same(f"{folder}.{name}", value, bench.read(f"{folder}.{name}"))
        for case in bench.read(f"{folder}.traces"):
            check_trace(bench, f"{folder} {case['label']}", model, case)


def check_trace(bench: Bench, name: str, model: Planner, case: dict[str, Any]) -> None:
    model.prompt_cache.clear()
    ids = generate(model, case)
    text = model.vocabulary.decode(ids)
    bench.same(f"{name} tokens", ids, case["output_ids"])
    bench.same(f"{name} text", text, case["output_text"])
    if "parsed" in case:
        bench.same(
            f"{name} parsed",
            [templates.parse_metadata(text), templates.extract_codes(text)],
            case["parsed"],
        )
    bench.same(f"{name} again, from what is remembered", generate(model, case), case["output_ids"])


def generate(model: Planner, case: dict[str, Any]) -> list[int]:
    given = case["params"]
    sampling = Sampling(
        temperature=given["temperature"],
        top_k=given["top_k"] or 0,
        top_p=given["top_p"] or 0.0,
        repetition_penalty=given["repetition_penalty"],
        guidance=given["cfg_scale"],
        negative_prompt=given["negative_prompt"],
    )
    if given["generation_phase"] == "codes":
        negative = templates.build_codes_negative(
            given["caption"], given["lyrics"], given["negative_prompt"]
        )
        if given["target_duration"] is None:  # until the network ends them
            guided = sampling.guidance != 1
            prompts = [case["prompt"], negative] if guided else [case["prompt"]]
            matcher = grammar.build_codes_matcher(model.vocabulary, None)
            budget = grammar.budget_tokens()
            return list(finish(model.write_constrained(prompts, matcher, sampling, budget)).ids)
        count = grammar.count_codes(given["target_duration"])
        codes = finish(model.write_codes(case["prompt"], negative, count, sampling))
        return [*(model.vocabulary.code_ids[code] for code in codes), model.vocabulary.end]
    then = choose_ending(given["generation_phase"], given["stop_at_reasoning"])
    values = {
        name: str(value)
        for name, value in (given["user_metadata"] or {}).items()
        if value is not None
    }
    format = AnswerFormat(values, skipped_fields(given), then, given["target_duration"])
    return list(finish(model.write(case["prompt"], format, sampling)).ids)


# --- the published files --------------------------------------------------------------------------


def check_layouts(bench: Bench) -> None:
    """The number of tensors and the bytes of the file that has exactly these names and shapes in
    bfloat16.
    """
    for match in bench.find(rf"configs\.({re.escape(loading.PREFIX)}.+)"):
        name = f"files.{match[1]}/model.safetensors"
        if name in bench.golden:
            entry = bench.read(name)
            lm = CausalLM(PlannerConfig.from_dict(bench.read(match[0])), choose_ops())
            prefix = entry.get("name_prefix", "")
            shapes = {
                prefix + part: list(array.shape)
                for part, array in dict(tree_flatten(lm.parameters())).items()
            }
            bench.same(f"{match[1]}: tensors", len(shapes), entry["tensors"])
            bench.same(
                f"{match[1]}: bytes", count_file_bytes(shapes, bool(prefix)), entry["file_bytes"]
            )
            if every := entry.get("shapes_layer0_and_rest"):
                wrong = {
                    part for part, shape in every.items() if shapes.get(prefix + part) != shape
                }
                bench.same(f"{match[1]}: shapes", sorted(wrong), [])


def count_file_bytes(shapes: dict[str, list[int]], bare: bool) -> int:
    """Of a safetensors file; `bare`: without metadata, as transformers of old wrote them."""
    header: dict[str, Any] = {} if bare else {"__metadata__": {"format": "pt"}}
    at = 0
    for name in sorted(shapes):
        size = 2 * math.prod(shapes[name])
        header[name] = {"dtype": "BF16", "shape": shapes[name], "data_offsets": [at, at + size]}
        at += size
    length = len(json.dumps(header, separators=(",", ":")))
    return 8 + length + -length % 8 + at
