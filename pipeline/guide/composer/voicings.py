"""Voicings: where the tones of a chord lie, and how they lead from one chord to the next.

The kinds are those of any book on arranging: close and open position, drop 2, spread, a
pianist's shells, a guitar's chords, and power chords.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterator

KINDS = ("close", "open", "drop 2", "spread", "shell", "guitar", "power")
MOST = 4  # different tones: of more the fifth is left out
CLEAR = 3  # semitones at least between the two lowest notes: seconds down there are mud
STEP_COST = 1.0  # of a semitone that a voice moves
PLACE_COST = 0.7  # of a semitone that the voicing's middle is off its place
RUB_COST = {1: 4.0, 2: 1.5}  # of neighbours that are so few semitones apart
LOW = 52  # MIDI: below it thirds are unclear too
THIRD = 5


def voice_chord(
    chord: tuple[int, ...],
    kind: str,
    low: int,
    high: int,
    centre: float,
    previous: tuple[int, ...] = (),
) -> tuple[int, ...]:
    """The pitches of a chord, lowest first: of all voicings of a kind between `low` and `high` the
    one that moves least from the previous and lies about `centre`. `chord` is pitch classes, the
    bass first.

    The two lowest notes are a minor third apart at least, or a fourth below MIDI 52.
    """
    candidates = _list_voicings(chord, kind, low, high)

    def effort(voicing: tuple[int, ...]) -> tuple[float, tuple[int, ...]]:
        moved = _measure_movement(voicing, previous) if previous else 0.0
        off = abs(sum(voicing) / len(voicing) - centre)
        rubs = sum(RUB_COST.get(high - low, 0) for low, high in itertools.pairwise(voicing))
        return STEP_COST * moved + PLACE_COST * off + rubs, voicing

    return min(candidates, key=effort)


def _measure_movement(voicing: tuple[int, ...], previous: tuple[int, ...]) -> float:
    """How far voices move, each from the nearest before; the top, which is heard, counts twice."""
    moved = sum(min(abs(pitch - other) for other in previous) for pitch in voicing)
    return moved + abs(voicing[-1] - previous[-1])


@functools.lru_cache(maxsize=4096)
def _list_voicings(
    chord: tuple[int, ...], kind: str, low: int, high: int
) -> tuple[tuple[int, ...], ...]:
    """All voicings of a kind that are clear and fit in; close or open ones where it has none, and
    fewer tones where the range is too narrow for those too.
    """
    for tried in (kind, "close", "open"):
        shapes = set(_shape(chord, tried))
        found = {
            tuple(pitch + 12 * octave for pitch in shape)
            for shape in shapes
            for octave in range(11)
        }
        fitting = sorted(
            voicing
            for voicing in found
            if low <= voicing[0] and voicing[-1] <= high and _is_clear(voicing)
        )
        if fitting:
            return tuple(fitting)
    if len(chord) > 1:
        return _list_voicings(chord[:-1], kind, low, high)
    return ((low + (chord[0] - low) % 12,),)


def _is_clear(voicing: tuple[int, ...]) -> bool:
    if len(voicing) < 2:
        return True
    interval = voicing[1] - voicing[0]
    return interval >= (THIRD if voicing[0] < LOW and interval < THIRD else CLEAR)


def _shape(chord: tuple[int, ...], kind: str) -> Iterator[tuple[int, ...]]:
    """The shapes of a kind from any octave: pitches whose lowest is within 0 to 11."""
    tones = chord if len(chord) <= MOST else _leave_out_fifth(chord)
    if kind == "power":
        yield from _stack_power(chord)
    elif kind == "guitar":
        yield from _stack_guitar(tones)
    elif kind == "spread":
        for upper in itertools.permutations(tones[1:]):
            yield _widen((tones[0], *upper))
    elif kind == "shell":
        yield from _stack_all(_choose_shell(chord))
    else:
        for close in _stack_all(tones):
            yield _open_up(close, kind)


def _stack_all(tones: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Close position in every inversion."""
    ordered = sorted(set(tones))
    for index in range(len(ordered)):
        yield _stack((*ordered[index:], *ordered[:index]))


def _stack(tones: tuple[int, ...]) -> tuple[int, ...]:
    """The tones one over the other in this order, each as low as can be."""
    pitches = [tones[0] % 12]
    for tone in tones[1:]:
        pitches.append(pitches[-1] + ((tone - pitches[-1]) % 12 or 12))
    return tuple(pitches)


def _widen(tones: tuple[int, ...]) -> tuple[int, ...]:
    """The tones in this order, with a fifth at least at the bottom and a third above it."""
    pitches = [tones[0] % 12]
    for index, tone in enumerate(tones[1:]):
        room = 7 if index == 0 else 3
        pitches.append(pitches[-1] + room + (tone - pitches[-1] - room) % 12)
    return tuple(pitches)


def _open_up(close: tuple[int, ...], kind: str) -> tuple[int, ...]:
    """Drop 2: the second from above an octave lower. Open: the second from below an octave
    higher.
    """
    if kind == "drop 2" and len(close) >= 4:
        moved = (*close[:-2], close[-2] - 12, close[-1])
    elif kind in ("open", "drop 2") and len(close) >= 3:
        moved = (close[0], close[1] + 12, *close[2:])
    else:
        return close
    lowered = sorted(moved)
    octave = lowered[0] // 12 * 12
    return tuple(pitch - octave for pitch in lowered)


def _choose_shell(chord: tuple[int, ...]) -> tuple[int, ...]:
    """Root, third and seventh; what is above too, where there is something; a triad as it is."""
    if len(chord) > MOST:
        return _leave_out_fifth(chord)
    return chord if len(chord) < MOST else (chord[0], chord[1], *chord[3:])


def _leave_out_fifth(chord: tuple[int, ...]) -> tuple[int, ...]:
    """The tones that tell a chord of five or more from others: of very many the lowest three and
    the highest two. A fifth that is raised or lowered stays.
    """
    # of a chord over another bass the root is the second tone
    fifths = ((root + 7) % 12 for root in chord[:2])
    fifth = next((tone for tone in fifths if tone in chord[2:]), None)
    tones = tuple(tone for tone in chord if tone != fifth)
    return tones if len(tones) <= MOST + 1 else (*tones[:3], *tones[-2:])


def _stack_guitar(tones: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """As on six strings: root, fifth, and the rest over the octave, with the third on top or the
    root again.
    """
    root, *upper = tones
    fifth = upper[1] if len(upper) > 1 else upper[-1]
    high = [tone for tone in upper if tone != fifth]
    for order in itertools.permutations(high):
        yield _stack((root, fifth, root, *order))
        yield _stack((root, fifth, *order))
        yield _stack((root, fifth, root, *order, fifth))


def _stack_power(chord: tuple[int, ...]) -> Iterator[tuple[int, ...]]:
    """Root, fifth and octave."""
    root = chord[0]
    fifth = next((tone for tone in chord if (tone - root) % 12 in (6, 7, 8)), root + 7)
    yield _stack((root, fifth, root))
    yield _stack((root, fifth))
