"""What the planner may write next: constrained decoding, as a state machine of small segments. No
MLX.

An answer is a row of segments: fixed tokens, a value out of a list, a caption, audio codes. Each
knows which tokens are allowed next, and when it is over. `GrammarMatcher` follows an answer through
its segments, token by token. Source: the official constrained logits processor, checked by
tests/tools/parity_planner.py.
"""

from __future__ import annotations

import functools
import re
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, TypeAlias

import numpy as np
from tokenizers import Tokenizer

from ..request import LANGUAGES, MAX_SECONDS

FIELDS = ("bpm", "caption", "duration", "genres", "keyscale", "language", "timesignature")
BPM = range(30, 301)
DURATION = range(10, 601)
SIGNATURES = (2, 3, 4, 6)
NOTE_LETTERS = "ABCDEFG"
ACCIDENTALS = ("", "#", "b", "♯", "♭")
MODES = ("major", "minor")
KEYS = tuple(
    f"{note}{accidental} {mode}"
    for note in NOTE_LETTERS
    for accidental in ACCIDENTALS
    for mode in MODES
)
VALUES: dict[str, tuple[str, ...]] = {
    "bpm": tuple(map(str, BPM)),
    "duration": tuple(map(str, DURATION)),
    "keyscale": KEYS,
    "language": LANGUAGES,
    "timesignature": tuple(map(str, SIGNATURES)),
}
THINK = "<think>"
THINK_END = "</think>"
END = "<|im_end|>"
PAD = "<|endoftext|>"
BACKTICK = "`"
CODE = re.compile(r"<\|audio_code_(\d+)\|>")
LAST_CODE = 63_999  # 8 * 8 * 8 * 5 * 5 * 5 levels
CODES_PER_SECOND = 5
CAPTION_TOKENS = 512
GENRES_TOKENS = 64
_TOKENS_BESIDES_CODES = {"cot": 500, "codes": 10}  # by the phase of the official code
_MAX_RUNS = 8  # so many slices of a table are cheaper than picking rows out of it

Trie: TypeAlias = "dict[int, Trie]"


class VocabularyError(ValueError):
    """A tokenizer that is not a planner's. Says what is missing."""


class TokenSet:
    """Distinct token ids, in rising order."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = np.sort(np.fromiter(ids, np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    @functools.cached_property
    def runs(self) -> list[slice] | None:
        """The runs of successive ids; None when there are too many."""
        breaks = np.flatnonzero(np.diff(self.ids) != 1) + 1
        if len(breaks) >= _MAX_RUNS:
            return None
        return [slice(int(run[0]), int(run[-1]) + 1) for run in np.split(self.ids, breaks)]


class Vocabulary:
    """What the grammar needs to know of a tokenizer; `size` is the number of tokens that the
    network knows.

    Raises `VocabularyError` when the tokenizer has none of the audio tokens, or more tokens than
    the network.
    """

    def __init__(self, tokenizer: Tokenizer, size: int) -> None:
        self.tokenizer = tokenizer
        id_of = tokenizer.get_vocab(with_added_tokens=True)
        found = {
            int(match[1]): id for token, id in id_of.items() if (match := CODE.fullmatch(token))
        }
        self.code_ids = {code: found[code] for code in sorted(found) if code <= LAST_CODE}
        self.code_of = {id: code for code, id in self.code_ids.items()}
        missing = [token for token in (THINK, THINK_END, END, PAD) if token not in id_of]
        if missing or not self.code_ids:
            raise VocabularyError(
                f"has no {' '.join(missing) or 'audio tokens like <|audio_code_0|>'}"
            )
        if max(id_of.values()) >= size:
            raise VocabularyError(
                f"has ids up to {max(id_of.values())}, and the network knows {size} tokens"
            )
        self.end = id_of[END]
        self.pad = id_of[PAD]
        self.newline = self.encode("\n")[-1]
        all_ids = set(range(size))
        text_ids = all_ids - self.code_of.keys()
        self.all_tokens = TokenSet(all_ids)
        self.codes = TokenSet(self.code_of)
        self.codes_or_end = TokenSet([*self.code_of, self.end])
        self.text = TokenSet(text_ids)
        self.caption = TokenSet(text_ids - {self.encode(BACKTICK)[-1]})
        self.line = TokenSet(text_ids - {self.newline})

    @property
    def missing_codes(self) -> int:
        """How many of the 64,000 codes have no token: they are never written."""
        return LAST_CODE + 1 - len(self.code_ids)

    def encode(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(text, add_special_tokens=False).ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        text: str = self.tokenizer.decode(list(ids), skip_special_tokens=False)
        return text

    @functools.cache  # noqa: B019 a vocabulary lives as long as its network
    def spell(self, text: str) -> tuple[int, ...]:
        """The text in tokens, each the longest beginning of what is left that is one token.

        The tokenizer itself may cut it elsewhere; this is how the field names are written.
        """
        spelled: list[int] = []
        while text:
            lengths = range(len(text), 0, -1)
            length, id = next(
                (length, ids[0])
                for length in lengths
                if len(ids := self.encode(text[:length])) == 1
            )
            spelled.append(id)
            text = text[length:]
        return tuple(spelled)

    @functools.cache  # noqa: B019
    def build_trie(self, name: str) -> Trie:
        """The values of a field, each as the tokenizer writes it behind the name, and a newline."""
        root: Trie = {}
        prefix = self.encode(f"{name}:")
        for value in VALUES[name]:
            ids = self.encode(f"{name}: {value}")
            if ids[: len(prefix)] != prefix:
                continue
            node = root
            for token in (*ids[len(prefix) :], self.newline):
                node = node.setdefault(token, {})
        return root


class AllowedTokens(NamedTuple):
    """What may come next. `greedy`: the likeliest of them is taken, whatever the temperature."""

    tokens: TokenSet
    greedy: bool = False


class Segment(Protocol):
    """A part of an answer."""

    @property
    def done(self) -> bool: ...

    @property
    def needs_top_token(self) -> bool:
        """Whether it must `see_top_token` before it says what is allowed."""

    def see_top_token(self, token: int) -> None:
        """`token` is what the network would write here if everything were allowed."""

    def allowed_tokens(self) -> AllowedTokens: ...

    def accept(self, token: int) -> None:
        """`token` was written."""


@dataclass
class FixedTokens:
    """These tokens and no others."""

    ids: tuple[int, ...]
    needs_top_token = False

    @property
    def done(self) -> bool:
        return not self.ids

    def see_top_token(self, token: int) -> None: ...

    def allowed_tokens(self) -> AllowedTokens:
        return AllowedTokens(TokenSet(self.ids[:1]))

    def accept(self, token: int) -> None:
        self.ids = self.ids[1:]


@dataclass
class ListedValue:
    """A value out of a trie, and a newline.

    A number may end where a longer one goes on (30, 300); of other values the longest is written.
    `greedy`: the first token is the likeliest one.
    """

    node: Trie
    newline: int
    number: bool
    greedy: bool
    done: bool = False
    needs_top_token = False

    def see_top_token(self, token: int) -> None: ...

    def allowed_tokens(self) -> AllowedTokens:
        ends = self.newline in self.node and not self.number
        return AllowedTokens(TokenSet([self.newline] if ends else self.node), self.greedy)

    def accept(self, token: int) -> None:
        self.node = self.node.get(token, {})
        self.greedy = False
        self.done = token == self.newline


@dataclass
class CaptionLines:
    """Lines of text, those after the first indented; it is over when the next field's name has been
    written.

    The network decides after every newline: its top token there is white space, or the beginning of
    a name.
    """

    vocabulary: Vocabulary
    next_field: str = ""  # whose name was written
    done: bool = False
    needs_top_token: bool = False  # after a newline
    naming: bool = False
    name: str = ""
    count: int = 0

    def see_top_token(self, token: int) -> None:
        self.needs_top_token = False
        if self.vocabulary.decode([token])[:1] not in ("", " ", "\t"):
            self.naming = True
            self.name = ""

    def allowed_tokens(self) -> AllowedTokens:
        if self.naming:
            return AllowedTokens(self.vocabulary.all_tokens, greedy=True)
        if self.count >= CAPTION_TOKENS:
            return AllowedTokens(TokenSet([self.vocabulary.newline]))
        return AllowedTokens(self.vocabulary.caption)

    def accept(self, token: int) -> None:
        text = self.vocabulary.decode([token])
        self.count += 1
        self.needs_top_token = "\n" in text
        if self.naming:
            self.name += text
            self.done = ":" in text
            self.next_field = self.name.strip().rstrip(":").strip().lower()


@dataclass
class GenresLine:
    """Some words, over with the newline that is the network's top token."""

    vocabulary: Vocabulary
    done: bool = False
    needs_top_token: bool = False
    over: bool = False
    count: int = 0

    def see_top_token(self, token: int) -> None:
        self.over = token == self.vocabulary.newline

    def allowed_tokens(self) -> AllowedTokens:
        if self.over or self.count >= GENRES_TOKENS:
            return AllowedTokens(TokenSet([self.vocabulary.newline]))
        return AllowedTokens(self.vocabulary.text if self.count else self.vocabulary.line)

    def accept(self, token: int) -> None:
        self.count += 1
        self.needs_top_token = True
        self.done = "\n" in self.vocabulary.decode([token])


@dataclass
class AudioCodes:
    """So many audio codes; None: until the network ends them."""

    vocabulary: Vocabulary
    left: int | None
    needs_top_token = False

    @property
    def done(self) -> bool:
        return self.left == 0

    def see_top_token(self, token: int) -> None: ...

    def allowed_tokens(self) -> AllowedTokens:
        unlimited = self.left is None
        return AllowedTokens(self.vocabulary.codes_or_end if unlimited else self.vocabulary.codes)

    def accept(self, token: int) -> None:
        if self.left is not None:
            self.left -= 1


@dataclass
class FreeText:
    """Anything but audio codes, until the network ends it."""

    vocabulary: Vocabulary
    done = False
    needs_top_token = False

    def see_top_token(self, token: int) -> None: ...

    def allowed_tokens(self) -> AllowedTokens:
        return AllowedTokens(self.vocabulary.text)

    def accept(self, token: int) -> None: ...


class GrammarMatcher:
    """Follows an answer through its segments, given with the names of the fields whose values they
    are ("" for the others).
    """

    def __init__(self, segments: Iterable[tuple[str, Segment]]) -> None:
        self._segments = deque(segments)
        self._drop_done()

    @property
    def _current(self) -> Segment:
        return self._segments[0][1]

    @property
    def needs_top_token(self) -> bool:
        return self._current.needs_top_token

    @property
    def is_free_text(self) -> bool:
        """Whether the same tokens are allowed from here to the end, so that nobody needs to ask
        again.
        """
        return isinstance(self._current, FreeText)

    def see_top_token(self, token: int) -> None:
        self._current.see_top_token(token)

    def allowed_tokens(self) -> AllowedTokens:
        return self._current.allowed_tokens()

    def accept(self, token: int) -> None:
        segment = self._current
        segment.accept(token)
        self._drop_done()
        if isinstance(segment, CaptionLines) and segment.done:
            self._skip_to(segment.next_field)

    def accept_forced(self) -> list[int]:
        """Accepts the tokens from here on that leave no choice, and returns them."""
        forced: list[int] = []
        while self._segments and not self.needs_top_token:
            tokens = self.allowed_tokens().tokens
            if len(tokens) != 1:
                break
            forced.append(int(tokens.ids[0]))
            self.accept(forced[-1])
        return forced

    def _skip_to(self, name: str) -> None:
        """Goes on with the value of that field, if it is still to come."""
        if any(name == other for other, _ in self._segments):
            while self._segments[0][0] != name:
                self._segments.popleft()
            self._drop_done()

    def _drop_done(self) -> None:
        while self._segments and self._current.done:
            self._segments.popleft()


@dataclass(frozen=True)
class AnswerFormat:
    """What an answer consists of: metadata, and what comes after them.

    `values`: fields that are written as they are here. `then`: "" ends it, "codes", or "text".
    `seconds` is how long the codes are; None leaves it to the network.
    """

    values: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset({"genres"})
    then: str = ""
    seconds: float | None = None


def build_matcher(vocabulary: Vocabulary, format: AnswerFormat) -> GrammarMatcher:
    """For an answer that begins with its thoughts: the metadata."""
    segments: list[tuple[str, Segment]] = [
        ("", FixedTokens(vocabulary.spell(THINK))),
        ("", FixedTokens((vocabulary.newline,))),
    ]
    for name in FIELDS:
        if name not in format.skipped:
            segments.append(("", FixedTokens(vocabulary.spell(f"{name}:"))))
            segments.append((name, _value_segment(vocabulary, format, name)))
    if not format.then:
        return GrammarMatcher([*segments, ("", FixedTokens((vocabulary.end,)))])
    segments.append(("", FixedTokens(vocabulary.spell(THINK_END))))
    if format.then == "codes":
        return GrammarMatcher(segments + _codes_segments(vocabulary, format.seconds))
    return GrammarMatcher([*segments, ("", FreeText(vocabulary))])


def build_codes_matcher(vocabulary: Vocabulary, seconds: float | None) -> GrammarMatcher:
    """For an answer of codes alone: the prompt has the metadata already."""
    return GrammarMatcher(_codes_segments(vocabulary, seconds))


def count_codes(seconds: float) -> int:
    """Exactly five for every second; a rest of less than a fifth of one is left over."""
    return int(round(seconds * CODES_PER_SECOND, 6))


def budget_tokens(seconds: float | None = None, phase: str = "cot") -> int:
    """The most tokens of an answer: all its codes, and some room for what is written before
    them.
    """
    if seconds is None:
        return CODES_PER_SECOND * int(MAX_SECONDS) + _TOKENS_BESIDES_CODES["cot"]
    longest = int(max(DURATION[0], min(MAX_SECONDS, seconds)))
    return CODES_PER_SECOND * longest + _TOKENS_BESIDES_CODES[phase]


def _codes_segments(vocabulary: Vocabulary, seconds: float | None) -> list[tuple[str, Segment]]:
    count = None if seconds is None else count_codes(seconds)
    return [("", AudioCodes(vocabulary, count)), ("", FixedTokens((vocabulary.end,)))]


def _value_segment(vocabulary: Vocabulary, format: AnswerFormat, name: str) -> Segment:
    if name in format.values:
        return FixedTokens(tuple(vocabulary.encode(f" {format.values[name]}\n")))
    if name == "duration" and format.seconds is not None:
        # as the official code has it: without a space
        digits = [vocabulary.encode(digit)[-1] for digit in str(int(format.seconds))]
        return FixedTokens((*digits, vocabulary.newline))
    if name == "caption":
        return CaptionLines(vocabulary)
    if name == "genres":
        return GenresLine(vocabulary)
    return ListedValue(
        vocabulary.build_trie(name),
        vocabulary.newline,
        number=name in ("bpm", "duration"),
        greedy=name == "language",
    )
