"""`Planner`: what the language model decides before the diffusion begins.

It plans a song (metadata, then five audio codes a second), makes a whole song out of a sentence,
rewrites a caption and lyrics, and tells what audio codes of a recording are. What a request says is
never overwritten: it is written into the planner's thoughts as it is, and only what was left open
is filled in.

Every mode is a generator of `PlanProgress`; closing it cancels, between two tokens. Source of the
procedure: the official `LLMHandler`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mlx.core as mx

from .. import codes as audio_codes
from ..prompts import INSTRUMENTAL
from ..request import BadRequest, Request
from . import grammar, templates
from .grammar import AnswerFormat, GrammarMatcher, TokenSet, Vocabulary
from .logits import Sampling
from .metadata import drop_fixed, fixed_metadata, metadata_of, values_of
from .network import CausalLM, DecodingBatch, PlannerConfig, PromptCache, prefill
from .token_sampler import TokenSampler, read_id

CONTEXT = 8192  # tokens that it reads and writes at most: ten minutes of codes, and long lyrics
# tokens of a song's metadata: a caption, and the other fields
METADATA_TOKENS = grammar.CAPTION_TOKENS + 250
UNDERSTAND_TEMPERATURE = 0.3
_NOTHING = frozenset[str]()  # is skipped in the metadata of modes that end in lyrics


class PlanProgress(NamedTuple):
    """How far a plan is: `stage` is plan (metadata and texts) or codes; `total` is 0 where nobody
    knows how many tokens come.
    """

    stage: str
    tokens: int
    total: int = 0


@dataclass(frozen=True)
class Answer:
    """What the planner wrote, token by token. `complete`: it came to its end before the budget
    did.
    """

    ids: tuple[int, ...]
    text: str
    complete: bool


@dataclass(frozen=True)
class Plan:
    """What a song is made from.

    `metadata` are what the planner thought, `filled` those of them that the request had left open,
    as values of a request; `codes` are its audio codes, five a second.
    """

    codes: tuple[int, ...]
    metadata: Mapping[str, str | int]
    filled: Mapping[str, Any]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Description:
    """A song in words: `values` of a request (prompt, lyrics, bpm, ...), and its genres."""

    values: Mapping[str, Any]
    genres: str = ""
    notes: tuple[str, ...] = ()


class Planner:
    """One loaded language model. Belongs to the thread that loaded it, as all of MLX does."""

    def __init__(
        self, name: str, lm: CausalLM, config: PlannerConfig, vocabulary: Vocabulary
    ) -> None:
        self.name = name
        self.lm = lm
        self.config = config
        self.vocabulary = vocabulary
        self.prompt_cache = PromptCache()

    @property
    def missing_codes_note(self) -> str:
        """What to say of a tokenizer that has not all the audio tokens; empty where it has."""
        missing = self.vocabulary.missing_codes
        if not missing:
            return ""
        return (
            f"the tokenizer of {self.name} lacks {missing} of the 64000 audio codes: "
            "they are never written"
        )

    # --- modes ------------------------------------------------------------------------------------

    def plan(self, request: Request, sampling: Sampling) -> Generator[PlanProgress, None, Plan]:
        """Metadata, and audio codes for the request's length. Raises `BadRequest`."""
        given = metadata_of(request)
        notes = list[str]()
        lyrics = request.lyrics.strip() or INSTRUMENTAL
        metadata: dict[str, str | int] = dict(given)
        if not templates.has_all_metadata(given):
            caption = request.prompt or templates.NO_INPUT
            prompt = templates.build_metadata_prompt(caption, lyrics)
            answer = yield from self.write(prompt, AnswerFormat(given), sampling, METADATA_TOKENS)
            metadata = {**templates.parse_metadata(answer.text), **given}
            notes += _notes_about(answer)
        caption = request.prompt or str(metadata.get("caption", templates.NO_INPUT))
        thought = templates.format_thought(metadata)
        prompt = templates.build_codes_prompt(caption, lyrics, thought)
        negative = templates.build_codes_negative(caption, lyrics, sampling.negative_prompt)
        count = max(1, grammar.count_codes(request.length))
        codes = yield from self.write_codes(prompt, negative, count, sampling)
        open = {name: value for name, value in metadata.items() if name not in given}
        if note := self.missing_codes_note:
            notes.append(note)
        return Plan(codes, metadata, values_of(open), tuple(notes))

    def inspire(
        self, request: Request, sampling: Sampling
    ) -> Generator[PlanProgress, None, Description]:
        """A song out of one sentence, the request's prompt: caption, lyrics, metadata.

        A request with lyrics keeps them, and `[Instrumental]` ones ask for none.
        """
        lyrics = request.lyrics.strip()
        instrumental = lyrics.lower() == INSTRUMENTAL.lower()
        query = request.prompt.strip() or templates.NO_INPUT
        prompt = templates.build_inspire_prompt(query, instrumental)
        format = AnswerFormat(fixed_metadata(request), _NOTHING, "text")
        answer = yield from self.write(prompt, format, sampling)
        song = _describe(answer, lyrics)
        return dataclasses.replace(song, values=drop_fixed(song.values, request, "prompt"))

    def rewrite(
        self, request: Request, sampling: Sampling
    ) -> Generator[PlanProgress, None, Description]:
        """The request's prompt and lyrics, worked out: these two it may change; the rest stays."""
        lyrics = request.lyrics.strip() or INSTRUMENTAL
        caption = request.prompt.strip() or templates.NO_INPUT
        prompt = templates.build_format_prompt(caption, lyrics)
        format = AnswerFormat(fixed_metadata(request), _NOTHING, "text")
        answer = yield from self.write(prompt, format, sampling)
        song = _describe(answer)
        values = {"lyrics": lyrics, **song.values}
        return dataclasses.replace(song, values=drop_fixed(values, request, "prompt", "lyrics"))

    def understand(
        self, codes: Sequence[int], sampling: Sampling
    ) -> Generator[PlanProgress, None, Description]:
        """What music the audio codes are: caption, lyrics, metadata. Raises `BadRequest` for codes
        it has no token for.

        The official code samples with `UNDERSTAND_TEMPERATURE`.
        """
        unknown = [code for code in codes if code not in self.vocabulary.code_ids]
        if not codes or unknown:
            came = f"got {unknown[0]}" if unknown else "got none"
            raise BadRequest(
                f"audio codes must be in 0..{grammar.LAST_CODE} and have a token in {self.name}, "
                f"{came}",
                self.missing_codes_note,
            )
        prompt = templates.build_understand_prompt(audio_codes.format_tokens(codes))
        answer = yield from self.write(prompt, AnswerFormat({}, _NOTHING, "text"), sampling)
        return _describe(answer)

    # --- writing ----------------------------------------------------------------------------------

    def write(
        self, prompt: str, format: AnswerFormat, sampling: Sampling, budget: int = 0
    ) -> Generator[PlanProgress, None, Answer]:
        """An answer of this format to a prompt. Unguided, as the official code thinks. `budget`:
        tokens at most; 0 is the format's.
        """
        budget = budget or grammar.budget_tokens(format.seconds)
        matcher = grammar.build_matcher(self.vocabulary, format)
        return (yield from self.write_constrained([prompt], matcher, sampling, budget))

    def write_constrained(
        self, prompts: Sequence[str], matcher: GrammarMatcher, sampling: Sampling, budget: int
    ) -> Generator[PlanProgress, None, Answer]:
        """An answer of at most `budget` tokens that a grammar allows; a second prompt is what
        guidance leads away from.

        Tokens that leave no choice are read together, and of the others only the allowed ones are
        computed.
        """
        encoded = [self._encode_prompt(prompt, budget) for prompt in prompts]
        sampler = TokenSampler(self.lm, encoded[0], sampling, budget)
        written = list[int]()
        batch = yield from self._prefill("plan", encoded)
        while len(written) < budget and not self._ends(written):
            if written and matcher.is_free_text:
                tokens = matcher.allowed_tokens().tokens
                written += yield from self._write_text(batch, sampler, tokens, written, budget)
                break
            ids = matcher.accept_forced()
            if not ids:
                ids = [self._choose_token(batch, matcher, sampler, len(written))]
            written += ids
            sampler.record(ids)
            yield PlanProgress("plan", len(written))
            if not self._ends(written):
                batch.append(mx.array(ids))
        return Answer(tuple(written), self.vocabulary.decode(written), self._ends(written))

    def write_codes(
        self, prompt: str, negative: str, count: int, sampling: Sampling
    ) -> Generator[PlanProgress, None, tuple[int, ...]]:
        """Exactly `count` audio codes behind a prompt, led away from the negative one."""
        prompts = [self._encode_prompt(prompt, count)]
        if sampling.guidance != 1:
            prompts.append(self._encode_prompt(negative, count))
        batch = yield from self._prefill("codes", prompts, count)
        sampler = TokenSampler(self.lm, prompts[0], sampling, count)
        codes = list[int]()
        for id in sampler.stream(batch, self.vocabulary.codes, 0, count):
            codes.append(self.vocabulary.code_of[id])
            yield PlanProgress("codes", len(codes), count)
        return tuple(codes)

    def _encode_prompt(self, prompt: str, reserved: int) -> list[int]:
        """The ids of a prompt behind which there is room for `reserved` tokens. Raises `BadRequest`
        when there is not.
        """
        ids = self.vocabulary.encode(prompt)
        room = min(CONTEXT, self.config.max_position_embeddings) - reserved
        if len(ids) > room:
            raise BadRequest(
                f"the planner can read {max(0, room)} tokens and write {reserved}, "
                f"got a prompt of {len(ids)}",
                "shorten the lyrics or the prompt, ask for a shorter clip, or switch plan off",
            )
        return ids

    def _prefill(
        self, stage: str, prompts: Sequence[list[int]], total: int = 0
    ) -> Generator[PlanProgress, None, DecodingBatch]:
        prefilled = []
        for ids in prompts:
            yield PlanProgress(stage, 0, total)
            for prompt in prefill(self.lm, ids, self.prompt_cache):
                if prompt is None:
                    yield PlanProgress(stage, 0, total)
                else:
                    prefilled.append(prompt)
        return DecodingBatch(self.lm, prefilled)

    def _choose_token(
        self, batch: DecodingBatch, matcher: GrammarMatcher, sampler: TokenSampler, place: int
    ) -> int:
        """One token out of those that are allowed, accepted."""
        if matcher.needs_top_token:
            scores = self.lm.logits(batch.hidden[:, 0], self.vocabulary.all_tokens)
            matcher.see_top_token(read_id(mx.argmax(scores)))
        allowed = matcher.allowed_tokens()
        id = read_id(sampler.sample(batch.hidden, allowed.tokens, place, allowed.greedy))
        matcher.accept(id)
        return id

    def _write_text(
        self,
        batch: DecodingBatch,
        sampler: TokenSampler,
        tokens: TokenSet,
        written: Sequence[int],
        budget: int,
    ) -> Generator[PlanProgress, None, list[int]]:
        """Free text, up to its end or the budget's."""
        text: list[int] = []
        for id in sampler.stream(batch, tokens, len(written), budget):
            text.append(id)
            yield PlanProgress("plan", len(written) + len(text))
            if self._ends(text):
                break
        return text

    def _ends(self, written: Sequence[int]) -> bool:
        return bool(written) and written[-1] in (self.vocabulary.end, self.vocabulary.pad)


def _describe(answer: Answer, lyrics: str = "") -> Description:
    """The song that an answer describes. `lyrics`: its own, instead of the answer's."""
    metadata = templates.parse_metadata(answer.text)
    values = values_of(metadata)
    if text := lyrics or templates.parse_lyrics(answer.text):
        values["lyrics"] = text
    return Description(values, str(metadata.get("genres", "")), tuple(_notes_about(answer)))


def _notes_about(answer: Answer) -> list[str]:
    if answer.complete:
        return []
    return [f"the planner did not come to an end: stopped after {len(answer.ids)} tokens"]
