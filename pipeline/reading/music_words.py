"""Words that may follow a key in a prompt: "A minor ballad"."""

from __future__ import annotations

import re

from ..guide.composer.caption_words import (
    FEELINGS,
    FILLERS,
    MODE_WORDS,
    MOOD_WORDS,
    ROLE_WORDS,
    SPEED_WORDS,
    STYLE_WORDS,
)

_OTHERS = (
    "accompaniment ballade beats cadence composition concerto cover demo edit elegy etude "
    "fantasy fugue hook hymn improvisation intro jam lament loop march meditation mix "
    "modulation movement nocturne orchestration outro overture pentatonic prelude progression "
    "quartet reel remix requiem rhapsody riff romance scale score sequence serenade session "
    "solo sonata soundtrack suite symphony theme toccata trio vamp variation version"
)
_TABLES = (STYLE_WORDS, MOOD_WORDS, ROLE_WORDS, MODE_WORDS, SPEED_WORDS)
MUSIC_WORDS = FILLERS | {
    word
    for words in (
        *(words for table in _TABLES for words in table.values()),
        *(words for _, words in FEELINGS),
        _OTHERS,
    )
    for word in re.findall("[a-z]+", words)
}
