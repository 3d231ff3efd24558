"""What the newest composer reads in captions, besides what both read alike."""

from __future__ import annotations

from typing import Any

import pytest

from pipeline.guide.bands import choose_sounds
from pipeline.guide.composer.caption_words import FACTORS, FEELINGS, FILLERS
from pipeline.guide.composer.captions import Caption, describe_caption, read_caption, read_sounds
from pipeline.guide.composer.compose import compose
from pipeline.guide.composer.form import LyricSection
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.mood import Mood
from pipeline.guide.composer.sketch import Sketch
from pipeline.guide.composer.sound_words import SOUND_WORDS
from pipeline.guide.composer.styles import STYLES
from pipeline.guide.palette import INSTRUMENTS, KITS
from pipeline.guide.score import ROLES

ALL = ROLES
TONAL = ("bass", "chords", "lead")


def read(prompt: str, **changes: Any) -> Caption:
    values: dict[str, Any] = {"bpm": 0, "key": "", "bars": 4, "meter": read_meter(4), "seed": 1}
    return read_caption(prompt, **{**values, **changes})


def sketch_of(prompt: str, **changes: Any) -> Sketch:
    return read(prompt, **changes).sketch


@pytest.mark.parametrize(
    ("prompt", "style"),
    [
        ("lo fi house", "house"),
        ("R&B slow jam", "r&b"),
        ("nu-disco", "disco"),
        ("heavy metal", "metal"),
        ("indie folk", "country"),
        ("country road", "country"),
        ("smooth jazz", "jazz"),
        ("soul", "r&b"),
        ("latin", "bossa nova"),
        ("swing", "jazz"),
        ("2-step", "uk garage"),
        ("UKG", "uk garage"),
        ("amapiano", "afrobeats"),
        ("bluegrass", "country"),
        ("kpop", "pop"),
        ("jpop", "pop"),
        ("bossanova", "bossa nova"),
        ("lowfi", "lo-fi"),
        ("low-fi beats", "lo-fi"),
        ("electropop", "synthwave"),
        ("not jazz, rock", "rock"),
        ("no jazz, rock", "rock"),
        ("not jazz but rock", "rock"),
        ("anything but techno or trance, funk", "funk"),
        ("not only jazz", "jazz"),
        ("not too dark techno", "techno"),
    ],
)
def test_captions_name_styles(prompt: str, style: str) -> None:
    assert sketch_of(prompt).style == style


@pytest.mark.parametrize(
    ("prompt", "parts"),
    [
        ("no bass, drums, or lead", ("chords",)),
        ("no bass, drums or lead, dark pop", ("chords",)),
        ("remove the drums, pop", TONAL),
        ("skip the bass, pop", ("drums", "chords", "lead")),
        ("drums off, pop", TONAL),
        ("drums are off the hook, pop", ALL),
        ("no dark pads, house", ("drums", "bass", "lead")),
        ("less piano, pop", ALL),
    ],
)
def test_captions_name_parts(prompt: str, parts: tuple[str, ...]) -> None:
    assert sketch_of(prompt).parts == parts


def test_every_sketch_can_be_composed() -> None:
    for seed in range(8):
        sketch = sketch_of("", seed=seed, bars=2, meter=read_meter(3))
        assert sketch == sketch_of("", seed=seed, bars=2, meter=read_meter(3))
        assert compose(sketch).score.notes


def mood_of(prompt: str) -> Mood:
    return sketch_of(prompt).mood


@pytest.mark.parametrize(
    ("prompt", "scale", "sign"),
    [
        ("energetic pop", "energy", 1),
        ("calm pop", "energy", -1),
        ("sparse pop", "density", -1),
        ("busy pop", "density", 1),
        ("sad pop", "valence", -1),
        ("happy pop", "valence", 1),
        ("dreamy pop", "dream", 1),
        ("dark pop", "brightness", -1),
        ("bright pop", "brightness", 1),
        ("dusty pop", "dust", 1),
        ("heavy pop", "weight", 1),
        ("slow pop", "energy", -1),
        ("hat rolls, trap", "hats", 1),
        ("trap with hi-hat rolls", "hats", 1),
        ("house, no hats", "hats", -1),
        ("house without hi-hats", "hats", -1),
        ("deep house", "dream", 1),
        ("neurofunk", "weight", 1),
    ],
)
def test_words_act(prompt: str, scale: str, sign: int) -> None:
    assert getattr(mood_of(prompt), scale) * sign >= 0.3


def test_no_hats_leave_the_other_drums() -> None:
    assert sketch_of("house, no hats").parts == ROLES


def test_halftime_and_swing() -> None:
    for word in ("halftime", "half-time", "half time"):
        assert mood_of(f"{word} dnb").half_time
    assert mood_of("pop").swing is None
    assert mood_of("swinging pop").swing == 0.6
    assert mood_of("shuffle rock").swing == 1.0
    assert mood_of("straight funk").swing == 0.0


def test_what_stands_before_an_adjective_counts() -> None:
    dark = mood_of("dark pop").brightness
    assert mood_of("very dark pop").brightness < dark
    assert dark < mood_of("slightly dark pop").brightness < 0
    assert mood_of("not dark, pop").brightness > 0
    assert mood_of("dark dark dark pop") == mood_of("dark pop")
    assert mood_of("dark bright pop").brightness == 0


def test_the_name_of_a_style_is_no_mood() -> None:
    for prompt in ("pop", "heavy metal", "hard rock", "big beat", "dark ambient", "drum and bass"):
        assert mood_of(prompt).weight <= 0
    for style in STYLES:
        assert mood_of(style) == Mood(), style


def test_tables_have_no_word_twice() -> None:
    words = [word for _, listed in FEELINGS for word in listed.split(", ")]
    assert all(changes.keys() <= {*Mood._fields} for changes, _ in FEELINGS)
    assert len({*words}) == len(words)
    assert not {*words} & FILLERS
    assert not {*words} & {*FACTORS}


def test_it_is_known_which_words_acted_and_which_did_nothing() -> None:
    caption = read("very dark purple house with flute, no bass, at 124 bpm in A minor, please")
    acted = {reading.words: reading.meaning for reading in caption.acted}
    assert acted["house"] == "style house"
    assert acted["very dark"] == "duller, lower, sadder"
    assert acted["124 bpm"] == "tempo"
    assert acted["a minor"] == "key"
    assert acted["flute"] == "part lead"
    assert acted["no bass"] == "bass left out"
    assert caption.ignored == ("purple",)
    assert describe_caption(caption) == (
        "the guide read in the prompt: very dark (duller, lower, sadder), house, 124 bpm, a minor, "
        "flute (part lead), no bass; nothing of the guide is made of: purple (the model may know "
        "them)"
    )
    given = read("house at 124 bpm", bpm=100)
    assert "124 bpm" not in [reading.words for reading in given.acted]


def test_a_mood_changes_neither_tempo_nor_tonic() -> None:
    for one, other in (("sparse", "busy"), ("bright", "dark"), ("dusty", "dreamy")):
        first, second = sketch_of(f"{one} pop"), sketch_of(f"{other} pop")
        assert first.bpm == second.bpm
        assert first.key.split()[0] == second.key.split()[0]


def test_a_seed_has_another_key_in_every_style() -> None:
    assert len({sketch_of(style).key for style in STYLES}) > 6


@pytest.mark.parametrize(
    ("prompt", "scale", "sign"),
    [
        ("pop that isn't dark", "brightness", 1),
        ("don't make it dark, pop", "brightness", 1),
        ("not very dark pop", "brightness", 1),
        ("neither dark nor moody pop", "valence", 1),
        ("less energetic house", "energy", -1),
        ("less bass, techno", "weight", -1),
        ("hats off, house", "hats", -1),
        ("no bass, hats, or lead", "hats", -1),
        ("darker pop", "brightness", -1),
        ("the darkest pop", "brightness", -1),
        ("brighter pop", "brightness", 1),
        ("happier pop", "valence", 1),
        ("bigger pop", "weight", 1),
        ("drier pop", "dream", -1),
        ("not dark but happy pop", "valence", 1),
    ],
)
def test_words_act_as_they_are_meant(prompt: str, scale: str, sign: int) -> None:
    assert getattr(mood_of(prompt), scale) * sign >= 0.1


def test_what_is_denied_says_nothing_else() -> None:
    assert mood_of("no hat rolls, trap").hats == 0
    assert sketch_of("no hat rolls, trap").parts == ROLES
    assert mood_of("not swinging, pop").swing == 0.0
    assert not mood_of("no half time, dnb").half_time
    assert mood_of("no dark pads, house") == Mood()
    for seed in range(12):
        assert sketch_of("pop, not dark", seed=seed).key.endswith("major")
        assert sketch_of("pop, not happy", seed=seed).key.endswith("minor")
        assert sketch_of("not pop", seed=seed).style != "pop"
        slow, usual = (sketch_of(text, seed=seed) for text in ("less energetic house", "house"))
        assert slow.bpm == usual.bpm


def test_a_factor_belongs_to_the_word_behind_it() -> None:
    assert mood_of("highlight, very light pop") == mood_of("very light pop")
    assert mood_of("very light pop").weight < mood_of("light pop").weight


def test_the_names_of_places_are_no_moods() -> None:
    for scenery in ("city lights", "deep sea", "old town", "full moon", "big city"):
        caption = read(f"pop about {scenery}")
        assert caption.sketch.mood == Mood(), scenery
        assert {*scenery.split()} <= {*caption.ignored}


def test_how_a_caption_was_read_is_a_sentence() -> None:
    for plain in ("", "pop", "dnb", "rock with guitar and drums"):
        assert not describe_caption(read(plain)), plain
    assert describe_caption(read("house, sad, no hats, 92 bpm")) == (
        "the guide read in the prompt: sad (sadder, calmer, key minor), no hats, house, 92 bpm"
    )
    assert describe_caption(read("zydeco")) == (
        "nothing of the guide is made of: zydeco (the model may know them)"
    )
    assert "h and 2 more" not in describe_caption(read("aa bb cc"))
    assert "hh and 2 more" in describe_caption(read("aa bb cc dd ee ff gg hh ii jj"))


@pytest.mark.parametrize(
    ("prompt", "part", "sign", "told"),
    [
        ("less piano, pop", "chords", -1, "less piano (chords quieter)"),
        ("fewer drums, pop", "drums", -1, "fewer drums (sparser, drums quieter)"),
        ("pop, more bass", "bass", 1, "more bass (heavier, bass louder)"),
        ("less bass guitar, funk", "bass", -1, "less bass guitar (bass quieter)"),
        ("rock with less electric guitar", "chords", -1, "less electric guitar (chords quieter)"),
        ("quieter lead, house", "lead", -1, "quieter lead"),
        ("less vocals, pop", "voice", -1, "less vocals (singer quieter)"),
        ("pop with louder vocals", "voice", 1, "louder vocals (singer louder)"),
        ("house, less hats", "hats", -1, "less hats (fewer hats)"),
        ("fewer hi-hats, trap", "hats", -1, "fewer hi hats (fewer hats)"),
        ("louder hats, techno", "drums", 1, "louder hats (drums louder)"),
        ("quieter hi-hats, trap", "drums", -1, "quieter hi hats (drums quieter)"),
    ],
)
def test_more_and_less_of_a_part_is_a_degree(prompt: str, part: str, sign: int, told: str) -> None:
    caption = read(prompt)
    assert sign * getattr(caption.sketch.mood, part) > 0
    assert caption.sketch.parts == ALL
    assert told in describe_caption(caption)


def test_hats_that_are_louder_do_not_roll() -> None:
    assert mood_of("louder hats, techno").hats == 0 < mood_of("more hats, techno").hats


def test_who_sings_is_no_word_that_is_ignored() -> None:
    lyrics = (LyricSection("Verse", "verse", ()),)
    sung = read("pop, soulful female vocals", lyrics=lyrics)
    assert "female" not in sung.ignored
    assert "female vocals (sung by a woman)" in describe_caption(sung)
    both = describe_caption(read("male vocals, then female vocals", lyrics=lyrics))
    assert "male vocals (another singer), female vocals (sung by a woman)" in both
    assert "female" in read("pop, soulful female vocals").ignored  # nobody sings


def test_a_part_or_a_style_that_is_denied_is_said() -> None:
    assert "no guitar (chords left out)" in describe_caption(read("pop without guitar"))
    assert "not techno (another style)" in describe_caption(read("not techno"))
    assert read("more drum and bass").sketch.mood == Mood()


def test_a_quieter_part_is_played_softer_and_the_others_as_before() -> None:
    plain, quiet = (compose(sketch_of(prompt)).score for prompt in ("pop", "pop, less piano"))
    for one, other in zip(plain.notes, quiet.notes):
        assert one._replace(velocity=0) == other._replace(velocity=0)
        assert (one.velocity > other.velocity) == (one.role == "chords")


@pytest.mark.parametrize(
    ("prompt", "ignored"),
    [
        ("chanson française, voix grave", ("chanson", "française", "voix", "grave")),
        ("chanson franc\u0327aise, voix grave", ("chanson", "française", "voix", "grave")),
        ("jazz à l'ancienne, accordéon", ("ancienne", "accordéon")),
        ("jazz, słodki głos", ("słodki", "głos")),
        ("jazz, уличный музыкант", ("уличный", "музыкант")),
        ("jazz, हिन्दी गीत", ("हिन्दी", "गीत")),
    ],
)
def test_words_with_accents_are_told_whole(prompt: str, ignored: tuple[str, ...]) -> None:
    assert read(prompt).ignored == ignored


@pytest.mark.parametrize(
    "prompt", ["bôssa nova", "bo\u0302ssa nova", "ｂｏｓｓａ　ｎｏｖａ", "Bóssa Nóva"]
)
def test_words_are_known_with_accents(prompt: str) -> None:
    assert read(prompt).sketch.style == "bossa nova"


# --- who plays --------------------------------------------------------------------------------


def sounds_of(prompt: str, **changes: Any) -> dict[str, str]:
    """Those that are not usual in the style."""
    caption = read(prompt, **changes)
    usual = choose_sounds(caption.sketch.style)
    return {role: name for role, name in caption.sounds.items() if name != usual[role]}


@pytest.mark.parametrize(
    ("prompt", "sounds"),
    [
        ("lo-fi", {}),
        ("lo-fi with an electric piano", {"chords": "electric piano"}),
        ("rock, tenor sax solo, hammond", {"lead": "saxophone", "chords": "rotary organ"}),
        ("jazz with 808s", {"drums": "808"}),
        ("jazz, 808 bass", {"bass": "808 bass"}),
        ("techno 303", {}),
        ("house, TB-303", {"bass": "acid bass"}),
        ("pop, brushes and double bass", {"drums": "brushes", "bass": "upright bass"}),
        ("trap, lo-fi drums", {"drums": "lo-fi"}),
        ("metal with guitar", {}),
        ("pop with guitar", {"chords": "guitar"}),
        ("pop, guitar solo", {"lead": "distorted guitar"}),
        ("synthpop with a drum machine", {}),
        ("jazz with a drum machine", {"drums": "909"}),
        ("pop with strings", {"chords": "string section"}),
        ("pop, piano and strings", {"lead": "string section"}),
        ("trap, bell chords, bell melody", {"lead": "bell"}),
        ("funk, piano lead", {"lead": "piano"}),
        ("funk, clavinet stabs", {"chords": "clavinet"}),
        ("lo-fi, no rhodes, piano", {"chords": "piano"}),
        ("jazz without any brushes", {"drums": "acoustic"}),
        ("metal, no acid bass", {}),
        ("drum and bass", {}),
        ("house, vocal chops", {"lead": "vocal"}),
    ],
)
def test_those_play_whom_a_caption_names(prompt: str, sounds: dict[str, str]) -> None:
    assert sounds_of(prompt) == sounds


def test_who_sings_has_a_part_that_no_instrument_takes() -> None:
    section = LyricSection("Chorus", "chorus", ())
    assert sounds_of("house, vocal chops", lyrics=(section,)) == {}


@pytest.mark.parametrize("role", ROLES)
def test_each_sound_has_a_name_and_names_mean_what_can_play_their_part(role: str) -> None:
    playable = (
        set(KITS)
        if role == "drums"
        else {name for name, instrument in INSTRUMENTS.items() if role in instrument.roles}
    )
    named = {
        sound
        for roles, sounds, _ in SOUND_WORDS
        if role in roles.split()
        for sound in sounds.split(", ")
    }
    assert named <= playable
    for sound in playable:
        suffix = {"chords": " chords", "lead": " lead", "drums": " drums"}.get(role, "")
        name = sound if sound.endswith(("percussion", "lead")) else f"{sound}{suffix}"
        (family,) = {
            sounds
            for _, sounds, words in SOUND_WORDS
            if sound.replace("-", " ").removesuffix("s") in words.split(", ")
        } or {sound}
        assert read_sounds(f"reggae, {name}", "reggae")[role] in family.split(", "), name


def test_it_is_said_who_plays_and_who_cannot() -> None:
    said = describe_caption(read("pop with cello, violin, piano and rhodes"))
    assert "violin (played by fiddle)" in said
    assert "cello (played by string section)" in said
    assert "piano (no part of the guide is left for it)" in said
    assert "rhodes (no part of the guide is left for it)" in said
    assert describe_caption(read("rock with guitar")) == "", "it plays in any case"
