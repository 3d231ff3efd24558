"""Tunes: where notes are is given, and they get pitches as a singer would find them.

A section's phrases ask and answer, return as sequences, and rise to one climax. Each phrase is the
cheapest way through the notes that the chords allow: near a contour, mostly by step, chord tones
where the beat is heavy, a cadence at its end. Steps, small intervals above all, repeated notes and
a fall after a leap are what tunes of all peoples share (D. Huron, Sweet Anticipation, 2006, ch. 5).
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .arrangement import Arrangement, ChordSpan
from .form import Section, SungBars
from .meter import BarMeter
from .sketch import pick

PHRASE_QUARTERS = 8  # about: two bars of four
PICK_UP = 4  # steps before a line's bars, for the syllables before its first stress
BREATH = 2  # steps, half a beat: the least between two lines
SYLLABLE_SECONDS = 0.3  # of a line that is sung at ease
ON_BEAT = 0.6  # the weight of a note from which on it is on a beat
HELD = 4  # steps for which a line's last syllable is held, at ease

Pitches = npt.NDArray[np.int64]
Costs = npt.NDArray[np.float64]


class Register(NamedTuple):
    """The MIDI pitches of a part: none outside `low` to `high`, most around `centre`."""

    low: int
    centre: float
    high: int


class Spot(NamedTuple):
    """A note that has a place and no pitch yet, in steps from the piece's beginning."""

    begin: float
    length: float
    weight: float  # 0..1: a heavy one is a chord tone

    @property
    def end(self) -> float:
        return self.begin + self.length


class Phrase(NamedTuple):
    """The steps `begin..end` from the piece's beginning, and the notes that are there; a pick-up is
    before it.
    """

    begin: int
    end: int
    spots: tuple[Spot, ...]


class PhrasePlan(NamedTuple):
    """What a phrase of a section is for."""

    motif: str  # phrases of one motif have one contour
    shift: int  # semitones: a sequence lies higher or lower than what it repeats
    answers: bool  # it closes what the one before it has opened


# How four phrases make a whole: motifs, and by how many semitones their sequences are shifted.
_FORMS = (
    (("a", 0), ("b", 0), ("a", 0), ("c", 0)),  # a period: both halves begin alike
    (("a", 0), ("b", 0), ("a", 2), ("c", 0)),
    (("a", 0), ("a", 2), ("b", 0), ("c", 0)),  # a sentence: an idea, its sequence, what follows
    (("a", 0), ("a", -2), ("b", 1), ("c", 0)),
    (("a", 0), ("a", 0), ("b", 2), ("a", 0)),  # a song: the third phrase departs
    (("a", 0), ("b", 0), ("c", 1), ("b", 0)),
)
# Contours in semitones around the middle of the register, at even distances. Phrases of folk songs
# are arches above all, then falls (D. Huron, "The melodic arch in Western folksongs", 1996).
_CONTOURS = {
    "arch": (-3.0, 3.0, 4.0, -3.0),
    "late arch": (-3.0, 0.0, 5.0, 0.0),
    "fall": (4.0, 2.5, -1.0, -4.5),
    "rise": (-4.0, -1.0, 2.0, 4.5),
    "wave": (0.0, 4.0, -2.0, 2.5, -2.5),
    "valley": (3.0, -2.5, -3.0, 2.0),
}
_ASKING: tuple[str, ...] = ("arch", "late arch", "rise", "wave", "late arch")
_ANSWERING: tuple[str, ...] = ("arch", "fall", "wave", "fall", "valley")
_SAD: tuple[str, ...] = ("fall", "arch", "fall", "valley")
_HAPPY: tuple[str, ...] = ("rise", "late arch", "wave", "arch")
_CONTOUR_GRID = 2  # steps between the places where a contour is drawn
_ROUGHNESS = 1.5  # semitones by which a place of a contour is off at most

# What it costs to go on by so many semitones. A step is free; more than a fifth is for despair.
_INTERVALS = np.array((1.1, 0.1, 0.0, 1.2, 1.3, 1.7, 3.0, 2.4, *(6.0 + n for n in range(120))))
_LEAP = 4
_LEAPS_ON = 1.2
_RETURNS = 1.0
_STAYS = 1.6  # on one note for the third time
_FAR = 0.55  # for each semitone away from the contour
# A note outside the chord: on the bar's heavy beats, on others or held, and between the beats.
_FOREIGN_HEAVY = 6.0
_FOREIGN_HELD = 0.7
_FOREIGN_LIGHT = 0.2
_HELD = 6  # steps
_BETWEEN_PHRASES = 0.35  # of an interval's cost
_AT_CADENCE = 12.0  # where a phrase comes to rest otherwise than it should


def list_phrases(meter: BarMeter, section: Section) -> list[Phrase]:
    """The phrases of a section, without notes: two bars each in 4/4 and about as long in other
    meters; the last one of a section is as long as what is left.
    """
    count = 2 ** round(math.log2(PHRASE_QUARTERS / meter.quarters))  # bars in a phrase
    if count >= 1:
        edges = [*range(section.bar, section.end, round(count)), section.end]
        steps = [bar * meter.steps for bar in edges]
    else:
        parts = round(1 / count)  # of a long bar, each from beat to beat
        beats = meter.beats
        inside = sorted({beats[len(beats) * part // parts] for part in range(parts)})
        steps = [
            bar * meter.steps + step for bar in range(section.bar, section.end) for step in inside
        ]
        steps.append(section.end * meter.steps)
    return [Phrase(begin, end, ()) for begin, end in itertools.pairwise(steps)]


def weigh(meter: BarMeter, step: float) -> float:
    """How heavy a step of the meter is, counted from any bar line: 1 at the bar's beginning, 0.6 on
    a beat and more on its middle one, little between beats.
    """
    inside = step % meter.steps
    if inside == 0:
        return 1.0
    if inside in meter.beats:
        return 0.8 if inside * 2 == meter.steps else 0.6
    return 0.3 if inside % 2 == 0 else 0.1


def sung_range(arrangement: Arrangement, line: SungBars) -> tuple[int, int]:
    """The steps from the piece's beginning which a line's words take at most: a pick-up before its
    bars, and of its bars as many beats as its syllables want, so that others may answer behind it.
    """
    sketch = arrangement.sketch
    steps = sketch.meter.steps
    begin = line.bar * steps
    end = (line.bar + line.bars) * steps
    syllables = sketch.lyrics[line.section].lines[line.line].syllables
    step_seconds = 15 / sketch.bpm
    wanted = syllables * max(SYLLABLE_SECONDS / step_seconds, 1.0) * 1.25 + 2 * HELD
    wanted = max(wanted, (end - begin) / 2)
    beats = math.ceil(wanted / 4) * 4
    return max(begin - PICK_UP, 0), min(begin + beats, end)


def find_home(arrangement: Arrangement, section: Section) -> Section:
    """The section in which a section's tune is heard first: the same kind and material. What makes
    the tune is read from it, so that more energy later does not make another.
    """
    return next(
        other
        for other in arrangement.sections
        if (other.kind, other.material) == (section.kind, section.material)
    )


def plan_phrases(arrangement: Arrangement, section: Section, count: int) -> list[PhrasePlan]:
    """What each of a section's phrases is for: a form for every four. Later ones begin as the first
    do, and go on otherwise.
    """
    rng = arrangement.sketch.make_rng("tune", section.material)
    forms = (pick(rng, _FORMS), pick(rng, _FORMS))
    plans = []
    for number in range(count):
        group, place = divmod(number, 4)
        motif, shift = forms[group % 2][place]
        is_new = motif != "a" and group % 2 == 1
        plans.append(PhrasePlan(motif * 2 if is_new else motif, shift, number % 2 == 1))
    return plans


def write_melody(
    arrangement: Arrangement, section: Section, phrases: Sequence[Phrase], register: Register
) -> list[tuple[int, ...]]:
    """The MIDI pitches of every phrase's notes. Phrases at the same place of sections with the same
    material have the same contour, so that the same notes on the same chords are the same tune. A
    tune that comes back at the end of the piece is the same but for its last bar, where it goes
    home.
    """
    home = find_home(arrangement, section)
    if section.ending and section is not home and section.bars <= home.bars:
        back = (section.bar - home.bar) * arrangement.sketch.meter.steps
        tune = write_melody(arrangement, home, [_move(each, -back) for each in phrases], register)
        return _go_home(arrangement, section, phrases, tune)
    plans = plan_phrases(arrangement, section, len(phrases))
    centre = _find_centre(arrangement, section, register)
    contours = [
        _draw_contour(arrangement, section, plan, phrase) + centre
        for plan, phrase in zip(plans, phrases)
    ]
    climax = _choose_climax(arrangement, section, phrases)
    top = _find_peak(arrangement, climax, centre, register) if climax else register.high + 1
    before: int | None = None
    melody = []
    for number, (plan, phrase, contour) in enumerate(zip(plans, phrases, contours)):
        is_last = number + 1 == len(phrases)
        options = []
        costs = []
        for spot in phrase.spots:
            span = span_of(arrangement, spot)
            if spot is climax:
                pitches = np.array([top])
            else:
                pitches = _list_pitches(span.scale, register.low, min(register.high, top - 1))
            aim = _aim(contour, phrase, spot, climax, top)
            options.append(pitches)
            costs.append(_price(pitches, aim, spot, span))
        if phrase.spots and phrase.spots[-1] is not climax:
            rest = _find_rest(arrangement, section, plan, phrase.spots[-1], is_last)
            costs[-1] = costs[-1] + _AT_CADENCE * ~_mark(options[-1], rest)
        pitches_of_phrase = _find_cheapest(options, costs, before)
        before = pitches_of_phrase[-1] if pitches_of_phrase else before
        melody.append(pitches_of_phrase)
    return melody


def _move(phrase: Phrase, steps: int) -> Phrase:
    spots = tuple(spot._replace(begin=spot.begin + steps) for spot in phrase.spots)
    return Phrase(phrase.begin + steps, phrase.end + steps, spots)


def _go_home(
    arrangement: Arrangement,
    section: Section,
    phrases: Sequence[Phrase],
    tune: Sequence[tuple[int, ...]],
) -> list[tuple[int, ...]]:
    """A tune over the chord with which the piece ends: in the last bar what is on a beat is one of
    the chord's tones, and the last note its root.
    """
    last_bar = (section.end - 1) * arrangement.sketch.meter.steps
    last = max((spot for phrase in phrases for spot in phrase.spots), default=None)
    closed = []
    for phrase, pitches in zip(phrases, tune):
        row = []
        for spot, pitch in zip(phrase.spots, pitches):
            chord = span_of(arrangement, spot).chord
            if spot is last:
                pitch = _find_nearest(chord[:1], pitch)
            elif spot.begin >= last_bar and spot.weight >= ON_BEAT:
                pitch = _find_nearest(chord, pitch)
            row.append(pitch)
        closed.append(tuple(row))
    return closed


def _find_nearest(classes: Iterable[int], pitch: int) -> int:
    """The pitch of some pitch classes that is nearest to another, and rather lower."""
    pitches = _list_pitches(classes, pitch - 6, pitch + 6)
    return int(pitches[np.argmin(np.abs(pitches - pitch))])


def _find_centre(arrangement: Arrangement, section: Section, register: Register) -> float:
    """The middle of a section's tune: a lift and a bright or dark mood move it."""
    lift = find_home(arrangement, section).lift
    moved = register.centre + lift + 3 * arrangement.sketch.mood.brightness
    return min(max(moved, register.low + 5), register.high - 5)


def _draw_contour(
    arrangement: Arrangement, section: Section, plan: PhrasePlan, phrase: Phrase
) -> npt.NDArray[np.float64]:
    """Semitones around the middle, at every second step of a phrase."""
    valence = arrangement.sketch.mood.valence
    rng = arrangement.sketch.make_rng("tune", section.material, plan.motif)
    choices = _ANSWERING if plan.answers else _ASKING
    if rng.random() < abs(valence):
        choices = _SAD if valence < 0 else _HAPPY
    points = _CONTOURS[pick(rng, choices)]
    count = math.ceil((phrase.end - phrase.begin) / _CONTOUR_GRID)
    places = np.linspace(0, len(points) - 1, count)
    shape = np.interp(places, np.arange(len(points)), points)
    return shape + _ROUGHNESS * (2 * rng.random(count) - 1) + plan.shift


def _choose_climax(
    arrangement: Arrangement, section: Section, phrases: Sequence[Phrase]
) -> Spot | None:
    """The note that is the highest of its section: a long and heavy one, well behind the middle."""
    sung = [phrase for phrase in phrases if len(phrase.spots) > 1]
    if not sung:
        return None
    rng = arrangement.sketch.make_rng("tune", section.material, "climax")
    phrase = sung[min(int(len(sung) * (0.5 + 0.4 * rng.random())), len(sung) - 1)]
    inner = phrase.spots[1:-1] or phrase.spots[:1]
    return max(inner, key=lambda spot: spot.weight + 0.1 * min(spot.length, 8))


def _find_peak(arrangement: Arrangement, climax: Spot, centre: float, register: Register) -> int:
    """The pitch of the climax: a chord tone a fifth or so above the middle."""
    chord = span_of(arrangement, climax).chord
    aim = min(centre + 7, register.high)
    pitches = _list_pitches(chord, register.high - 11, register.high)
    return int(pitches[np.argmin(np.abs(pitches - aim))])


def _aim(
    contour: npt.NDArray[np.float64], phrase: Phrase, spot: Spot, climax: Spot | None, top: int
) -> float:
    """The pitch that a contour has at a note: near the climax it rises towards that."""
    place = round((spot.begin - phrase.begin) / _CONTOUR_GRID)
    aim = float(contour[min(max(place, 0), len(contour) - 1)])
    if climax and phrase.begin <= climax.begin < phrase.end:
        near = max(0.0, 1 - abs(spot.begin - climax.begin) / 8)
        aim += near * max(top - 2 - aim, 0.0)
    return aim


def _price(pitches: Pitches, aim: float, spot: Spot, span: ChordSpan) -> Costs:
    foreign = ~_mark(pitches, span.chord)
    cost = _FOREIGN_LIGHT
    if spot.weight >= 0.8:
        cost = _FOREIGN_HEAVY
    elif spot.weight >= 0.6 or spot.length >= _HELD:
        cost = _FOREIGN_HELD
    costs: Costs = _FAR * np.abs(pitches - aim) + cost * foreign
    return costs


def _find_rest(
    arrangement: Arrangement, section: Section, plan: PhrasePlan, spot: Spot, is_last: bool
) -> tuple[int, ...]:
    """The pitch classes on which a phrase may end: what asks stays open, what answers closes, and
    the last one ends on the tonic where the chord has it.
    """
    span = span_of(arrangement, spot)
    tonic = arrangement.scale[0]
    if is_last and not arrangement.sketch.loop:
        return (tonic,) if tonic in span.chord else _list_root_and_third(span)
    if plan.answers:
        return _list_root_and_third(span)
    is_open = tuple(pitch for pitch in span.chord if pitch != tonic)
    return is_open or span.chord


def _list_root_and_third(span: ChordSpan) -> tuple[int, ...]:
    return span.chord[:2]


def span_of(arrangement: Arrangement, spot: Spot) -> ChordSpan:
    """The chord under a note: that of the beat which a syncopated one anticipates."""
    heard = max(spot.begin + min(spot.length / 2, 2), 0)
    bar, step = divmod(heard, arrangement.sketch.meter.steps)
    return arrangement.span_at(min(int(bar), arrangement.sketch.bars - 1), step)


def _list_pitches(classes: Iterable[int], low: int, high: int) -> Pitches:
    allowed = set(classes)
    return np.array([pitch for pitch in range(low, high + 1) if pitch % 12 in allowed])


def _mark(pitches: Pitches, classes: Iterable[int]) -> npt.NDArray[np.bool_]:
    """Which of the pitches are of some pitch classes."""
    marked = np.zeros(12, np.bool_)
    marked[list(classes)] = True
    return marked[pitches % 12]


def _find_cheapest(
    options: Sequence[Pitches], costs: Sequence[Costs], before: int | None
) -> tuple[int, ...]:
    """The row of pitches, one of each note's options, whose costs sum up to the least (Viterbi's
    search, in which a state is a note and the one before it).
    """
    if not options:
        return ()
    earlier = options[0] if before is None else np.array([before])
    total = np.broadcast_to(costs[0], (len(earlier), len(options[0])))
    if before is not None:
        total = total + _BETWEEN_PHRASES * _INTERVALS[np.abs(options[0] - before)]
    came_from = []
    for now, later, cost in zip(options, options[1:], costs[1:]):
        onward = _INTERVALS[np.abs(later[None, :] - now[:, None])] + cost
        ways = total[:, :, None] + onward + _price_turns(earlier, now, later)
        came_from.append(np.argmin(ways, 0))
        total = np.min(ways, 0)
        earlier = now
    first, last = np.unravel_index(np.argmin(total), total.shape)
    row = [int(last), int(first)]
    for choices in reversed(came_from):
        row.append(int(choices[row[-1], row[-2]]))
    places = list(reversed(row))[1:]
    return tuple(int(pitches[at]) for pitches, at in zip(options, places))


def _price_turns(earlier: Pitches, now: Pitches, later: Pitches) -> Costs:
    """What three notes in a row cost besides their intervals: a leap that is not followed by its
    way back, a return to the note before, and one note three times.
    """
    came = (now[None, :] - earlier[:, None])[:, :, None]
    goes = (later[None, :] - now[:, None])[None, :, :]
    leaps_on = (np.abs(came) > _LEAP) & (came * goes > 0)
    returns = (goes == -came) & (came != 0)
    stays = (goes == 0) & (came == 0)
    costs: Costs = _LEAPS_ON * leaps_on + _RETURNS * returns + _STAYS * stays
    return costs
