"""What the planner may write next: its constrained decoding, as data and small segments. No MLX.

A piece of writing is a row of segments: fixed words, a value out of a list, a caption, audio codes.
Each knows which tokens may come next, and when it is over. `walk` makes the row, `Walk` goes along
it token by token. Source: the official constrained logits processor, checked by
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
NOTES = "ABCDEFG"
ACCIDENTALS = ("", "#", "b", "♯", "♭")
MODES = ("major", "minor")
KEYS = tuple(
    f"{note}{accidental} {mode}" for note in NOTES for accidental in ACCIDENTALS for mode in MODES
)
VALUES: dict[str, tuple[str, ...]] = {
    "bpm": tuple(map(str, BPM)),
    "duration": tuple(map(str, DURATION)),
    "keyscale": KEYS,
    "language": LANGUAGES,
    "timesignature": tuple(map(str, SIGNATURES)),
}
THINK = "<think>"
THOUGHT = "</think>"
END = "<|im_end|>"
PAD = "<|endoftext|>"
BACKTICK = "`"
CODE = re.compile(r"<\|audio_code_(\d+)\|>")
LAST_CODE = 63_999  # 8 * 8 * 8 * 5 * 5 * 5 levels
CODES_PER_SECOND = 5
CAPTION_TOKENS = 512
GENRES_TOKENS = 64
_ROOM = {"cot": 500, "codes": 10}  # tokens, besides the codes
_RUNS = 8  # so many slices of a table are cheaper than picking rows out of it

Trie: TypeAlias = "dict[int, Trie]"


class VocabularyError(ValueError):
    """A tokenizer that is not a planner's. Says what is missing."""


class Tokens:
    """Distinct token ids, in rising order."""

    def __init__(self, ids: Iterable[int]) -> None:
        self.ids = np.sort(np.fromiter(ids, np.int32))

    def __len__(self) -> int:
        return len(self.ids)

    @functools.cached_property
    def runs(self) -> list[slice] | None:
        """The runs of neighbours among them; None when there are too many."""
        breaks = np.flatnonzero(np.diff(self.ids) != 1) + 1
        if len(breaks) >= _RUNS:
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
        known = tokenizer.get_vocab(with_added_tokens=True)
        found = {
            int(match[1]): id for token, id in known.items() if (match := CODE.fullmatch(token))
        }
        self.code_ids = {code: found[code] for code in sorted(found) if code <= LAST_CODE}
        self.code_of = {id: code for code, id in self.code_ids.items()}
        missing = [token for token in (THINK, THOUGHT, END, PAD) if token not in known]
        if missing or not self.code_ids:
            raise VocabularyError(
                f"has no {' '.join(missing) or 'audio tokens like <|audio_code_0|>'}"
            )
        if max(known.values()) >= size:
            raise VocabularyError(
                f"has ids up to {max(known.values())}, and the network knows {size} tokens"
            )
        self.end, self.pad, self.newline = known[END], known[PAD], self.encode("\n")[-1]
        every = set(range(size))
        self.every = Tokens(every)
        self.codes = Tokens(self.code_of)
        self.codes_or_end = Tokens([*self.code_of, self.end])
        self.text = Tokens(every - self.code_of.keys())
        self.caption = Tokens(every - self.code_of.keys() - {self.encode(BACKTICK)[-1]})
        self.line = Tokens(every - self.code_of.keys() - {self.newline})

    @property
    def gaps(self) -> int:
        """How many of the 64,000 codes have no token: they are never written."""
        return LAST_CODE + 1 - len(self.code_ids)

    def encode(self, text: str) -> list[int]:
        return self.tokenizer.encode(text, add_special_tokens=False).ids

    def decode(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(list(ids), skip_special_tokens=False)

    @functools.cache  # noqa: B019 a vocabulary lives as long as its network
    def spelled(self, text: str) -> tuple[int, ...]:
        """The text in tokens, each the longest beginning of what is left that is one token.

        The tokenizer itself may cut it elsewhere; this is how the field names are written.
        """
        ids: list[int] = []
        while text:
            lengths = range(len(text), 0, -1)
            length, token = next(
                (n, one[0]) for n in lengths if len(one := self.encode(text[:n])) == 1
            )
            ids.append(token)
            text = text[length:]
        return tuple(ids)

    @functools.cache  # noqa: B019
    def trie(self, name: str) -> Trie:
        """The values of a field, each as the tokenizer writes it behind the name, and a newline."""
        root: Trie = {}
        context = self.encode(f"{name}:")
        for value in VALUES[name]:
            node = root
            ids = self.encode(f"{name}: {value}")
            for token in (
                (*ids[len(context) :], self.newline) if ids[: len(context)] == context else ()
            ):
                node = node.setdefault(token, {})
        return root


class AllowedTokens(NamedTuple):
    """What may come next. `greedy`: the likeliest of them is taken, whatever the temperature."""

    tokens: Tokens
    greedy: bool = False


class Segment(Protocol):
    """A part of a piece of writing."""

    @property
    def done(self) -> bool: ...

    @property
    def curious(self) -> bool:
        """Whether it wants to `see` the token that the network likes best, before it says what is
        allowed.
        """

    def see(self, favourite: int) -> None: ...

    def allowed(self) -> AllowedTokens: ...

    def take(self, token: int) -> None: ...


@dataclass
class Fixed:
    """These tokens and no others."""

    ids: tuple[int, ...]
    curious = False

    @property
    def done(self) -> bool:
        return not self.ids

    def see(self, favourite: int) -> None: ...

    def allowed(self) -> AllowedTokens:
        return AllowedTokens(Tokens(self.ids[:1]))

    def take(self, token: int) -> None:
        self.ids = self.ids[1:]


@dataclass
class OneOf:
    """A value out of a trie, and a newline.

    A number may end where a longer one goes on (30, 300); of other values the longest is written.
    `greedy`: the first token is the likeliest one.
    """

    node: Trie
    newline: int
    number: bool
    greedy: bool
    done: bool = False
    curious = False

    def see(self, favourite: int) -> None: ...

    def allowed(self) -> AllowedTokens:
        ends = self.newline in self.node and not self.number
        return AllowedTokens(Tokens([self.newline] if ends else self.node), self.greedy)

    def take(self, token: int) -> None:
        self.node = self.node.get(token, {})
        self.greedy = False
        self.done = token == self.newline


@dataclass
class Caption:
    """Lines of text, those after the first indented; it is over when the next field's name has been
    written.

    The network decides after every newline: what it likes best there is white space, or the
    beginning of a name.
    """

    vocabulary: Vocabulary
    follows: str = ""  # the field whose name was written
    done: bool = False
    curious: bool = False  # after a newline
    naming: bool = False
    name: str = ""
    count: int = 0

    def see(self, favourite: int) -> None:
        self.curious = False
        if self.vocabulary.decode([favourite])[:1] not in ("", " ", "\t"):
            self.naming = True
            self.name = ""

    def allowed(self) -> AllowedTokens:
        if self.naming:
            return AllowedTokens(self.vocabulary.every, greedy=True)
        if self.count >= CAPTION_TOKENS:
            return AllowedTokens(Tokens([self.vocabulary.newline]))
        return AllowedTokens(self.vocabulary.caption)

    def take(self, token: int) -> None:
        text = self.vocabulary.decode([token])
        self.count += 1
        self.curious = "\n" in text
        if self.naming:
            self.name += text
            self.done = ":" in text
            self.follows = self.name.strip().rstrip(":").strip().lower()


@dataclass
class LineSegment:
    """Some words, over with the newline that the network likes best."""

    vocabulary: Vocabulary
    done: bool = False
    curious: bool = False
    over: bool = False
    count: int = 0

    def see(self, favourite: int) -> None:
        self.over = favourite == self.vocabulary.newline

    def allowed(self) -> AllowedTokens:
        if self.over or self.count >= GENRES_TOKENS:
            return AllowedTokens(Tokens([self.vocabulary.newline]))
        return AllowedTokens(self.vocabulary.text if self.count else self.vocabulary.line)

    def take(self, token: int) -> None:
        self.count += 1
        self.curious = True
        self.done = "\n" in self.vocabulary.decode([token])


@dataclass
class Codes:
    """So many audio codes; None: until the network ends them."""

    vocabulary: Vocabulary
    left: int | None
    curious = False

    @property
    def done(self) -> bool:
        return self.left == 0

    def see(self, favourite: int) -> None: ...

    def allowed(self) -> AllowedTokens:
        return AllowedTokens(
            self.vocabulary.codes_or_end if self.left is None else self.vocabulary.codes
        )

    def take(self, token: int) -> None:
        self.left = None if self.left is None else self.left - 1


@dataclass
class Text:
    """Anything but audio codes, until the network ends it."""

    vocabulary: Vocabulary
    done = False
    curious = False

    def see(self, favourite: int) -> None: ...

    def allowed(self) -> AllowedTokens:
        return AllowedTokens(self.vocabulary.text)

    def take(self, token: int) -> None: ...


class Walk:
    """Along the segments, of which those that are a field's value carry its name."""

    def __init__(self, segments: Iterable[tuple[str, Segment]]) -> None:
        self._ahead = deque(segments)
        self._skip()

    @property
    def curious(self) -> bool:
        return self._ahead[0][1].curious

    @property
    def free(self) -> bool:
        """Whether the same tokens are allowed from here to the end, so that nobody needs to ask
        again.
        """
        return isinstance(self._ahead[0][1], Text)

    def see(self, favourite: int) -> None:
        self._ahead[0][1].see(favourite)

    def allowed(self) -> AllowedTokens:
        return self._ahead[0][1].allowed()

    def take(self, token: int) -> None:
        segment = self._ahead[0][1]
        segment.take(token)
        if segment.done:
            self._ahead.popleft()
            if isinstance(segment, Caption) and any(
                name == segment.follows for name, _ in self._ahead
            ):
                while self._ahead[0][0] != segment.follows:
                    self._ahead.popleft()
        self._skip()

    def forced(self) -> list[int]:
        """The tokens from here on that leave no choice, taken."""
        run: list[int] = []
        while self._ahead and not self.curious and len(only := self.allowed().tokens) == 1:
            run.append(int(only.ids[0]))
            self.take(run[-1])
        return run

    def _skip(self) -> None:
        while self._ahead and self._ahead[0][1].done:
            self._ahead.popleft()


@dataclass(frozen=True)
class Outline:
    """What a piece of writing has in it: metadata, and what comes after them.

    `given`: values that are written as they are. `then`: "" ends it, "codes", or "text". `seconds`
    is how long the codes are; None leaves it to the network.
    """

    given: Mapping[str, str] = field(default_factory=dict)
    skipped: frozenset[str] = frozenset({"genres"})
    then: str = ""
    seconds: float | None = None


def walk(vocabulary: Vocabulary, outline: Outline) -> Walk:
    segments: list[tuple[str, Segment]] = [
        ("", Fixed(vocabulary.spelled(THINK))),
        ("", Fixed((vocabulary.newline,))),
    ]
    for name in FIELDS:
        if name not in outline.skipped:
            segments += [
                ("", Fixed(vocabulary.spelled(f"{name}:"))),
                (name, _value(vocabulary, outline, name)),
            ]
    if not outline.then:
        return Walk([*segments, ("", Fixed((vocabulary.end,)))])
    segments.append(("", Fixed(vocabulary.spelled(THOUGHT))))
    return Walk(
        segments
        + (_codes(vocabulary, outline) if outline.then == "codes" else [("", Text(vocabulary))])
    )


def codes_walk(vocabulary: Vocabulary, seconds: float | None) -> Walk:
    """Where the prompt has the metadata already."""
    return Walk(_codes(vocabulary, Outline(seconds=seconds)))


def code_count(seconds: float) -> int:
    """Exactly five for every second; a rest of less than a fifth of one is left over."""
    return int(round(seconds * CODES_PER_SECOND, 6))


def budget(seconds: float | None = None, phase: str = "cot") -> int:
    """The most tokens of an answer: all its codes, and some room for what is written before
    them.
    """
    if seconds is None:
        return CODES_PER_SECOND * int(MAX_SECONDS) + _ROOM["cot"]
    return CODES_PER_SECOND * int(max(DURATION[0], min(MAX_SECONDS, seconds))) + _ROOM[phase]


def _codes(vocabulary: Vocabulary, outline: Outline) -> list[tuple[str, Segment]]:
    count = None if outline.seconds is None else code_count(outline.seconds)
    return [("", Codes(vocabulary, count)), ("", Fixed((vocabulary.end,)))]


def _value(vocabulary: Vocabulary, outline: Outline, name: str) -> Segment:
    if name in outline.given:
        return Fixed(tuple(vocabulary.encode(f" {outline.given[name]}\n")))
    if (
        name == "duration" and outline.seconds is not None
    ):  # as the official code has it: without a space
        return Fixed(
            (
                *(vocabulary.encode(digit)[-1] for digit in str(int(outline.seconds))),
                vocabulary.newline,
            )
        )
    if name == "caption":
        return Caption(vocabulary)
    if name == "genres":
        return LineSegment(vocabulary)
    return OneOf(
        vocabulary.trie(name), vocabulary.newline, name in ("bpm", "duration"), name == "language"
    )
