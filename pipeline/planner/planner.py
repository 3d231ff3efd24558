"""`Planner`: what the language model decides before the first note is painted.

It plans a song (metadata, then five audio codes a second), makes a whole song out of a sentence,
rewrites a caption and lyrics, and tells what recorded codes are. What a request says is never
overwritten: it is written into the planner's thoughts as it is, and only what was left open is
filled in.

Every mode is a generator of `Written`, for progress; closing it cancels, between two tokens. Source
of the procedure: the official `LLMHandler`.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import mlx.core as mx
import numpy as np

from .. import codes as audio_codes
from ..prompts import INSTRUMENTAL
from ..request import FIELDS, LANGUAGES, BadRequest, OutOfRange, Request, coerce
from . import grammar, logits, templates
from .grammar import Outline, Tokens, Vocabulary, Walk
from .logits import Sampling
from .network import CausalLM, PlannerConfig, Prompts, Reading, read

CONTEXT = 8192  # tokens that it reads and writes at most: ten minutes of codes, and long lyrics
# tokens of a song's metadata: a caption, and the other fields
METADATA = grammar.CAPTION_TOKENS + 250
UNDERSTAND_TEMPERATURE = 0.3
_NAMES = {
    "caption": "prompt",
    "duration": "seconds",
    "keyscale": "key",
    "timesignature": "time_signature",
}
_SUNG = frozenset[str]()  # nothing skipped: what modes that end in lyrics have in their metadata


class Written(NamedTuple):
    """How far it is: `stage` is plan (metadata and texts) or codes; `of` is 0 where nobody knows
    how much comes.
    """

    stage: str
    tokens: int
    of: int = 0


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
    """What a song is painted from.

    `metas` are what the planner thought, `filled` those of them that the request had left open, as
    values of a request; `codes` are its audio codes, five a second.
    """

    codes: tuple[int, ...]
    metas: Mapping[str, Any]
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
        self.prompts = Prompts()

    @property
    def gappy(self) -> str:
        """What to say of a tokenizer that has not all the audio tokens; empty where it has."""
        gaps = self.vocabulary.gaps
        return (
            f"the tokenizer of {self.name} lacks {gaps} of the 64000 audio codes: they are never written"
            * bool(gaps)
        )

    # --- modes ------------------------------------------------------------------------------------

    def plan(self, request: Request, sampling: Sampling) -> Generator[Written, None, Plan]:
        """Metadata, and audio codes for the request's length. Raises `BadRequest`."""
        given = known(request)
        notes = list[str]()
        lyrics = request.lyrics.strip() or INSTRUMENTAL
        metas: dict[str, Any] = dict(given)
        if not templates.has_all_metas(given):
            prompt = templates.metas_prompt(request.prompt or templates.NO_INPUT, lyrics)
            answer = yield from self.write(prompt, Outline(given), sampling, METADATA)
            metas = templates.metas_of(answer.text) | given
            notes += self._runaway(answer)
        caption = request.prompt or str(metas.get("caption", templates.NO_INPUT))
        count = max(1, grammar.code_count(request.length))
        prompt = templates.codes_prompt(caption, lyrics, templates.thinking(metas))
        negative = templates.codes_negative(caption, lyrics, sampling.negative_prompt)
        codes = yield from self.compose(prompt, negative, count, sampling)
        filled = values_of({name: value for name, value in metas.items() if name not in given})
        return Plan(codes, metas, filled, (*notes, *filter(None, [self.gappy])))

    def inspire(
        self, request: Request, sampling: Sampling
    ) -> Generator[Written, None, Description]:
        """A song out of one sentence, the request's prompt: caption, lyrics, metadata.

        A request with lyrics keeps them, and `[Instrumental]` ones ask for none.
        """
        own = request.lyrics.strip()
        instrumental = own.lower() == INSTRUMENTAL.lower()
        prompt = templates.inspire_prompt(
            request.prompt.strip() or templates.NO_INPUT, instrumental
        )
        given = {
            name: value
            for name, value in known(request).items()
            if name != "caption" and _said(request, name)
        }
        answer = yield from self.write(prompt, Outline(given, _SUNG, "text"), sampling)
        described = self._described(answer, own or (INSTRUMENTAL if instrumental else ""))
        return _kept(described, request, "prompt")

    def rewrite(
        self, request: Request, sampling: Sampling
    ) -> Generator[Written, None, Description]:
        """The request's prompt and lyrics, worked out: that is what it is asked to change; the rest
        stays.
        """
        lyrics = request.lyrics.strip() or INSTRUMENTAL
        prompt = templates.format_prompt(request.prompt.strip() or templates.NO_INPUT, lyrics)
        given = {
            name: value
            for name, value in known(request).items()
            if name != "caption" and _said(request, name)
        }
        answer = yield from self.write(prompt, Outline(given, _SUNG, "text"), sampling)
        described = self._described(answer)
        described = dataclasses.replace(described, values={"lyrics": lyrics, **described.values})
        return _kept(described, request, "prompt", "lyrics")

    def understand(
        self, codes: Sequence[int], sampling: Sampling
    ) -> Generator[Written, None, Description]:
        """What music the audio codes are: caption, lyrics, metadata. Raises `BadRequest` for codes
        it has no token for.

        The official code samples with `UNDERSTAND_TEMPERATURE`.
        """
        unknown = [code for code in codes if code not in self.vocabulary.code_ids]
        if not codes or unknown:
            came = f"got {unknown[0]}" if unknown else "got none"
            message = f"audio codes must be in 0..{grammar.LAST_CODE} and have a token in {self.name}, {came}"
            raise BadRequest(message, self.gappy)
        prompt = templates.understand_prompt(audio_codes.tokens(codes))
        answer = yield from self.write(prompt, Outline({}, _SUNG, "text"), sampling)
        return self._described(answer)

    # --- writing ----------------------------------------------------------------------------------

    def write(
        self, prompt: str, outline: Outline, sampling: Sampling, most: int = 0
    ) -> Generator[Written, None, Answer]:
        """What the outline says, behind a prompt. Unguided, as the official code thinks; `most` 0
        is its budget.
        """
        most = most or grammar.budget(outline.seconds)
        return (
            yield from self.follow([prompt], grammar.walk(self.vocabulary, outline), sampling, most)
        )

    def follow(
        self, prompts: Sequence[str], walk: Walk, sampling: Sampling, most: int
    ) -> Generator[Written, None, Answer]:
        """Along a grammar, at most so many tokens, behind a prompt; a second prompt is what
        guidance leads away from.

        Tokens that leave no choice are read together, and of the others only the possible ones are
        computed.
        """
        encoded = [self.encoded(prompt, most) for prompt in prompts]
        pen = Pen(self.lm, encoded[0], sampling, most)
        written = list[int]()
        reading = yield from self._read("plan", encoded)
        while len(written) < most and not self._ended(written):
            if written and walk.free:
                written += yield from self._go_on(
                    reading, pen, walk.allowed().tokens, written, most
                )
                break
            run = walk.forced() or [self._choice(reading, walk, pen, len(written))]
            written += run
            pen.wrote(run)
            yield Written("plan", len(written))
            if not self._ended(written):
                reading.go_on(mx.array(run))
        return Answer(tuple(written), self.vocabulary.decode(written), self._ended(written))

    def compose(
        self, prompt: str, negative: str, count: int, sampling: Sampling
    ) -> Generator[Written, None, tuple[int, ...]]:
        """Exactly `count` audio codes behind a prompt, led away from the negative one."""
        prompts = [self.encoded(prompt, count)]
        if sampling.guidance != 1:
            prompts.append(self.encoded(negative, count))
        reading = yield from self._read("codes", prompts, count)
        pen = Pen(self.lm, prompts[0], sampling, count)
        codes = list[int]()
        for id in pen.stream(reading, self.vocabulary.codes, 0, count):
            codes.append(self.vocabulary.code_of[id])
            yield Written("codes", len(codes), count)
        return tuple(codes)

    def encoded(self, prompt: str, more: int) -> list[int]:
        """The ids of a prompt behind which there is room for `more`. Raises `BadRequest` when there
        is not.
        """
        ids = self.vocabulary.encode(prompt)
        room = min(CONTEXT, self.config.max_position_embeddings) - more
        if len(ids) > room:
            message = f"the planner can read {max(0, room)} tokens and write {more}, got a prompt of {len(ids)}"
            raise BadRequest(
                message,
                "shorten the lyrics or the prompt, ask for a shorter clip, or switch plan off",
            )
        return ids

    def _read(
        self, stage: str, prompts: Sequence[list[int]], of: int = 0
    ) -> Generator[Written, None, Reading]:
        reads = []
        for ids in prompts:
            yield Written(stage, 0, of)
            for part in read(self.lm, ids, self.prompts):
                if part is None:
                    yield Written(stage, 0, of)
                else:
                    reads.append(part)
        return Reading(self.lm, reads)

    def _choice(self, reading: Reading, walk: Walk, pen: Pen, place: int) -> int:
        """One token out of those that are allowed."""
        if walk.curious:
            every = self.vocabulary.every
            walk.see(_number(mx.argmax(self.lm.logits(reading.hidden[:, 0], every))))
        allowed = walk.allowed()
        token = pen.choice(reading.hidden, allowed.tokens, place, allowed.greedy)
        id = _number(token)
        walk.take(id)
        return id

    def _go_on(
        self, reading: Reading, pen: Pen, tokens: Tokens, written: Sequence[int], most: int
    ) -> Generator[Written, None, list[int]]:
        """Free text, up to its end or the budget's."""
        text: list[int] = []
        for id in pen.stream(reading, tokens, len(written), most):
            text.append(id)
            yield Written("plan", len(written) + len(text))
            if self._ended(text):
                break
        return text

    def _ended(self, written: Sequence[int]) -> bool:
        return bool(written) and written[-1] in (self.vocabulary.end, self.vocabulary.pad)

    def _runaway(self, answer: Answer) -> list[str]:
        return (
            []
            if answer.complete
            else [f"the planner did not come to an end: stopped after {len(answer.ids)} tokens"]
        )

    def _described(self, answer: Answer, lyrics: str = "") -> Description:
        metas = templates.metas_of(answer.text)
        text = lyrics or templates.lyrics_of(answer.text)
        values = values_of(metas) | ({"lyrics": text} if text else {})
        return Description(values, str(metas.get("genres", "")), tuple(self._runaway(answer)))


class Pen:
    """Chooses tokens: the sampling of one piece of writing, with a random key for every place in
    it.
    """

    def __init__(
        self, lm: CausalLM, prompt: Sequence[int], sampling: Sampling, places: int
    ) -> None:
        self._lm = lm
        self._sampling = sampling
        self._keys = mx.random.split(mx.random.key(sampling.seed), max(2, places))
        self._history = list(prompt)

    def wrote(self, ids: Sequence[int]) -> None:
        self._history += ids

    def choice(
        self, hidden: mx.array, tokens: Tokens, place: int, greedy: bool = False
    ) -> mx.array:
        """The next token's id (1,), after hidden states (B, 1, width). Nothing is computed yet."""
        return mx.array(tokens.ids)[self._index(hidden, tokens, self._seen(tokens), place, greedy)]

    def stream(self, reading: Reading, tokens: Tokens, place: int, most: int) -> Iterator[int]:
        """Token after token out of the same ones, from a place on. The next is under way while one
        is looked at.
        """
        ids = mx.array(tokens.ids)
        seen = self._seen(tokens)
        columns = mx.arange(len(tokens)) if seen is not None else None
        hidden = reading.hidden
        waiting = None
        for at in range(place, most):
            index = self._index(hidden, tokens, seen, at, False)
            seen = seen if seen is None else seen | (columns == index)
            id = ids[index]
            if at + 1 < most:
                hidden = reading.go_on(id)
            mx.async_eval(id)
            if waiting is not None:
                yield _number(waiting)
            waiting = id
        if waiting is not None:
            yield _number(waiting)

    def _index(
        self, hidden: mx.array, tokens: Tokens, seen: mx.array | None, place: int, greedy: bool
    ) -> mx.array:
        scores = self._lm.logits(hidden[:, 0], tokens)
        if len(scores) == 2:
            scores = logits.guided(scores[:1], scores[1:], self._sampling.guidance)
        scores = logits.filtered(scores, self._sampling, seen)
        return logits.chosen(
            scores, 0.0 if greedy else self._sampling.temperature, self._keys[place]
        )

    def _seen(self, tokens: Tokens) -> mx.array | None:
        """(1, len(tokens)): which of them were read or written before; None where that does not
        matter.
        """
        if self._sampling.repetition_penalty == 1:
            return None
        return mx.array(np.isin(tokens.ids, self._history)[None])


def _number(one: mx.array) -> int:
    mx.eval(one)  # lets other threads run, which reading it does not
    number = one.item()
    assert isinstance(number, int)
    return number


# --- requests -------------------------------------------------------------------------------------


def known(request: Request) -> dict[str, str]:
    """What a request says of the metadata, as the planner writes them.

    It counts whole beats a minute and whole seconds; bars are counted in the signature's beats.
    Raises `OutOfRange` for a language that it has no code for.
    """
    if request.language not in LANGUAGES:
        raise OutOfRange(f"language must be one of {' '.join(LANGUAGES)}, got {request.language!r}")
    signature = request.time_signature or ("4" if request.bars else "")
    said = {
        "bpm": str(round(request.bpm)) if request.bpm else "",
        "caption": " ".join(request.prompt.split()),
        "duration": str(max(1, int(request.length))),
        "keyscale": request.key,
        "language": "" if request.language == "unknown" else request.language,
        "timesignature": signature.partition("/")[0],
    }
    return {name: value for name, value in said.items() if value}


def _said(request: Request, name: str) -> bool:
    """Whether the request decides this, rather than leaving it at what it is by default."""
    return name != "duration" or bool(request.bars) or request.seconds != FIELDS["seconds"].default


def values_of(metas: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as values of a request; what a request cannot have is left out."""
    values: dict[str, Any] = {}
    for name, value in metas.items():
        field = _NAMES.get(name, name)
        if field in FIELDS and str(value).strip():
            try:
                values[field] = coerce(field, value)
            except BadRequest:
                continue
    return values


def _kept(described: Description, request: Request, *asked: str) -> Description:
    """Without what the request has said itself, other than what it asked to have `asked` about."""
    said = {name for name, spec in FIELDS.items() if getattr(request, name) != spec.default} - set(
        asked
    )
    said |= {"seconds", "time_signature"} if request.bars else set()
    kept = {name: value for name, value in described.values.items() if name not in said}
    return dataclasses.replace(described, values=kept)
