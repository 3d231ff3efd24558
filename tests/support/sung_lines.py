"""Lines of words on notes, for ears: stressed syllables on beats, an arch of chord tones."""

from __future__ import annotations

import numpy as np

from pipeline.singer.pronounce import pronounce_line
from pipeline.singer.vocal_line import SungNote, SungSyllable

# Ten lines, and how hama's speller writes what is to be heard. It is a network too: some are odd.
LINES = {
    "we are alive tonight": "weɪ ɛɹ a l i β̞ e toʊnaɪt",
    "walking down the empty street": "wɔkɪŋ daʊn ði ɛmti stɹit",
    "hold me closer in the rain": "hoʊld me kloʊzɝ ɪn ði ɹeɪn",
    "morning light is on the sea": "mɔɹnɪŋ laɪt is ɔn ði si",
    "never let the river run dry": "nɛvɝ lɛt ði ɹɪvə ɹʌn dɹaɪ",
    "I remember every word you said": "i ɹimɛmbɝ ɛvɹi wɝd ju seɪd",
    "dance until the sun comes up": "dæns ʌntɪl ði sʌn koʊmz ʌp",
    "the city sleeps but I am awake": "ði sɪti slips bʌt i æm əweɪk",
    "give me one more day with you": "gaɪv me one mɔɹ deɪ wɪθ ju",
    "stars are falling over the hill": "stɑɹz ɛɹ fɔlɪŋ oʊvə ði hɪl",
}
MORE_LINES = (
    "the kitchen smells of coffee and smoke",
    "all my friends are getting old",
    "paper boats along the shore",
    "turn the radio down again",
    "somebody left the window open",
    "I keep your letter in my coat",
    "cold water under the bridge",
    "we were children playing with fire",
    "the train is leaving at seven",
    "don't ask me how I feel today",
    "shadows jump across the wall",
    "your brother owes me money",
    "summer never lasts for long",
    "I thought the thunder would wake you",
    "a yellow taxi waits outside",
    "put your hands up in the air",
    "the garden is full of roses",
    "nothing but dust on the shelf",
    "she sold her guitar for a ticket home",
    "blue birds fly above the valley",
    "every mountain has a shadow",
    "please forgive me if I stay",
    "they built a house of broken glass",
    "just a minute before the storm",
    "my heart is beating like a drum",
    "wash the salt out of your hair",
    "where did the money go",
    "his voice was soft as velvet",
    "two strangers share a bottle of wine",
    "chasing pictures on a screen",
    "the judge forgot to close the door",
    "winter came and took the leaves",
    "I will carry you back to the village",
    "ring the bell and call my name",
    "black coffee and cheap cigarettes",
    "nobody taught us how to lose",
    "a thousand pages of the truth",
    "sing along with the morning choir",
    "the desert keeps its secrets well",
    "measure the distance with your eyes",
)
LEAD_IN = 0.35  # seconds
LONGEST = 4  # eighths
CHORDS = ((0, 3, 7), (8, 0, 3))  # of A minor, one a bar: semitones above the tonic
SCALE = (0, 2, 3, 5, 7, 8, 10)
TONIC = 9


def place_line(text: str, bpm: float, pitch: int, seed: int) -> list[SungSyllable]:
    """`text` in eighths about a MIDI `pitch`: a stressed syllable waits for a beat, and the last
    one is held.
    """
    syllables = [each for word in pronounce_line(text, "en").words for each in word.syllables]
    first = next((place for place, each in enumerate(syllables) if each.stress == 1), 0)
    eighths: list[int] = []
    at = 2 - min(first, 2)
    for syllable in syllables:
        at += bool(eighths) and syllable.stress == 1 and at % 2
        eighths.append(at)
        at += 1
    rng = np.random.default_rng(seed)
    line = []
    for number, (syllable, begin) in enumerate(zip(syllables, eighths)):
        end = eighths[number + 1] if number + 1 < len(eighths) else begin + 3
        progress = number / max(1, len(syllables) - 1)
        aim = pitch + 4 * np.sin(np.pi * progress) - 2 * progress + rng.normal(0, 1)
        strong = syllable.stress == 1 or number + 1 == len(syllables)
        allowed = CHORDS[begin // 8 % 2] if strong else SCALE
        keys = [key for key in range(pitch - 8, pitch + 9) if (key - TONIC) % 12 in allowed]
        note = SungNote(
            LEAD_IN + begin * 30 / bpm,
            min(end - begin, LONGEST) * 30 / bpm,
            min(keys, key=lambda key: abs(key - aim)),
        )
        line.append(SungSyllable(syllable, (note,), 0.8, False))
    return line
