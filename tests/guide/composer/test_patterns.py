"""The tables of patterns: many, different, written without mistakes, and true to their style."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest

from pipeline.guide.composer.groove import FEELS
from pipeline.guide.composer.meter import read_meter
from pipeline.guide.composer.patterns import PATTERNS
from pipeline.guide.composer.patterns.notation import (
    FOUR_FOUR,
    METERS,
    DrumPattern,
    StylePatterns,
    read_bass,
    read_drums,
)
from pipeline.guide.composer.patterns.places import PatternPlace, find_place, name_meter, read_row
from pipeline.guide.composer.styles import STYLES


def find(style: str, name: str) -> DrumPattern:
    return next(pattern for pattern in PATTERNS[style].drums if pattern.name == name)


def every_bar(patterns: StylePatterns) -> Iterator[tuple[DrumPattern, int]]:
    """All patterns that last whole bars, each with the steps of its bar."""
    for pattern in (*patterns.drums, *patterns.turns, *patterns.lifts):
        yield pattern, 16
    for pattern in (*patterns.breaks, *patterns.family.breaks):
        yield pattern, 16
    for meter, table in patterns.family.drums.items():
        for pattern in table:
            yield pattern, METERS[meter]


def count_shared(one: DrumPattern, other: DrumPattern) -> float:
    """The share of strokes that two patterns have in common."""
    strokes = [
        {
            (drum, step)
            for drum, row in pattern.rows.items()
            for step in range(32)
            if row[step % len(row)] not in "._"
        }
        for pattern in (one, other)
    ]
    return len(strokes[0] & strokes[1]) / len(strokes[0] | strokes[1])


def test_every_style_has_patterns_and_a_feel() -> None:
    assert len(PATTERNS) == 20
    assert {*PATTERNS} == {*FEELS} == {*STYLES}


def test_every_style_has_ten_patterns_that_differ() -> None:
    for style, patterns in PATTERNS.items():
        assert len(patterns.drums) >= 10, style
        assert len({pattern.name for pattern in patterns.drums}) == len(patterns.drums)
        for one, other in itertools.combinations(patterns.drums, 2):
            assert count_shared(one, other) < 0.86, (style, one.name, other.name)
        assert len(patterns.turns) >= 8
        assert len(patterns.lifts) >= 3
        assert len((*patterns.fills, *patterns.family.fills)) >= 4
        assert len({*patterns.bass}) == len(patterns.bass) >= 6


def test_rows_fit_their_bars() -> None:
    for style, patterns in PATTERNS.items():
        for pattern, steps in every_bar(patterns):
            assert pattern.rows, (style, pattern.name)
            for row in pattern.rows.values():
                assert len(row) % steps == 0 or steps % len(row) == 0, (style, pattern.name, row)
        for fill in (*patterns.fills, *patterns.family.fills):
            assert {len(row) for row in fill.rows.values()} == {8}, (style, fill.name)
        assert all(len(pattern.row) % 16 == 0 for pattern in patterns.bass), style
        for meter, table in patterns.family.bass.items():
            assert len(table) >= 3
            assert all(len(pattern.row) == METERS[meter] for pattern in table)
        assert {*patterns.family.drums} == {*patterns.family.bass} == {*METERS} - {FOUR_FOUR}
        assert all(len(table) >= 3 for table in patterns.family.drums.values())


def test_only_what_is_laid_over_silences() -> None:
    for style, patterns in PATTERNS.items():
        for pattern in (*patterns.drums, *patterns.breaks):
            assert not any("_" in row for row in pattern.rows.values()), (style, pattern.name)


@pytest.mark.parametrize("text", ["name\n  gong x...", "name\n  kick x..y"])
def test_a_drum_or_a_symbol_that_does_not_exist_is_said(text: str) -> None:
    with pytest.raises(ValueError, match=r"a row is a drum .*got "):
        read_drums(text)


def test_a_bass_has_its_symbols_only() -> None:
    with pytest.raises(ValueError, match="a bass has the symbols"):
        read_bass("1--q")


def test_a_text_is_read_as_names_and_rows() -> None:
    one, other = read_drums(
        """
        one drop
            kick        ........X.......
            closed hat  x.
        steppers
            kick        X...
        """
    )
    assert one == ("one drop", {"kick": "........X.......", "closed hat": "x."})
    assert other.name == "steppers"


def test_meters_have_patterns_of_their_own() -> None:
    cases = {
        (4, ""): "4/4",
        (3, ""): "3/4",
        (3, "6/8"): "6/8",
        (6, "12/8"): "6/8",
        (6, ""): "3/4",
        (3.5, ""): "7/8",
        (5, ""): "5/4",
        (7.3, ""): "4/4",
        (0.5, ""): "4/4",
    }
    for (quarters, signature), name in cases.items():
        assert name_meter(read_meter(quarters, signature)) == name, (quarters, signature)


def test_short_bars_share_a_pattern_and_long_ones_repeat_it() -> None:
    short, long = read_meter(1), read_meter(32)
    assert find_place(short, 5, 2) == PatternPlace(1, 6)
    assert find_place(long, 1, 17) == PatternPlace(9, 1)
    assert read_row("ab", PatternPlace(0, 3), 16) == "b"
    assert read_row("x" * 16 + "o" * 16, PatternPlace(3, 0), 16) == "o"
    # in three the second bar begins with the first step of a row that is written for four
    assert read_row("X" + "." * 15, PatternPlace(1, 0), 12) == "X"


# --- what a style is known by ---------------------------------------------------------------------


def test_reggae_has_one_drop_rockers_and_steppers() -> None:
    one_drop = find("reggae", "one drop").rows
    assert one_drop["kick"].index("X") == one_drop["rim"].index("X") == 8
    assert one_drop["kick"].count("X") == 1
    assert find("reggae", "steppers").rows["kick"] == "X...X...X...X..."
    assert find("reggae", "rockers").rows["kick"][::2] == "XxxxXxxx"


def test_drum_and_bass_has_two_step_and_the_amen() -> None:
    two_step = find("drum and bass", "two-step").rows
    assert [step for step, symbol in enumerate(two_step["kick"]) if symbol == "X"] == [0, 10]
    amen = find("drum and bass", "amen").rows
    assert len(amen["kick"]) == 64
    assert amen["snare"][4] == amen["snare"][36] == "X"
    assert amen["snare"][44] == "." != amen["snare"][46]  # held back by an eighth
    assert amen["crash"][58] == "x"


def test_the_floor_has_a_kick_on_every_beat() -> None:
    for style, least in (("house", 10), ("techno", 9), ("disco", 9), ("uk garage", 3)):
        kicks = [pattern.rows["kick"] for pattern in PATTERNS[style].drums]
        on_beats = [kick for kick in kicks if all(kick[step] == "X" for step in (0, 4, 8, 12))]
        assert len(on_beats) >= least, style


def test_garage_steps_over_the_second_beat() -> None:
    kick = find("uk garage", "two-step").rows["kick"]
    assert kick[0] == "X"
    assert kick[4] == kick[8] == kick[12] == "."


def test_bossa_has_its_claves() -> None:
    rim = find("bossa nova", "bossa").rows["rim"]
    assert [step // 2 for step, symbol in enumerate(rim) if symbol == "x"] == [0, 3, 6, 10, 13]
    son = find("bossa nova", "son clave").rows["claves"]
    assert [step // 2 for step, symbol in enumerate(son) if symbol == "x"] == [0, 3, 6, 10, 12]
    assert any("n" in pattern.row for pattern in PATTERNS["bossa nova"].bass)


def test_metal_gallops_blasts_and_breaks_down() -> None:
    blast = find("metal", "blast beat").rows
    assert all((k == ".") != (s == ".") for k, s in zip(blast["kick"], blast["snare"]))
    assert find("metal", "breakdown").rows["snare"].index("X") == 8
    assert find("metal", "d-beat").rows["kick"][:5] == "X..xX"


def test_country_trains_accent_the_offbeats() -> None:
    snare = find("country", "train").rows["snare"]
    assert {snare[step] for step in (2, 6, 10, 14)} == {"X"}
    assert {snare[step] for step in (0, 1, 3)} <= {"o", "g"}


def test_jazz_rides_and_closes_the_hat_on_two_and_four() -> None:
    ride = find("jazz", "spang-a-lang").rows
    assert ride["ride"] == "x...X.x.x...X.x."
    closed = [pattern.rows.get("pedal hat") for pattern in PATTERNS["jazz"].drums]
    assert closed.count("....x.......x...") >= 8
    assert sum("w" in pattern.row for pattern in PATTERNS["jazz"].bass) >= 4


def test_disco_basses_play_octaves_and_trap_basses_glide() -> None:
    assert sum("8.1.8" in pattern.row for pattern in PATTERNS["disco"].bass) >= 3
    gliding = [pattern for pattern in PATTERNS["trap"].bass if {*pattern.row} & {*"uds"}]
    assert len(gliding) >= 4


def test_trap_rolls_its_hats_and_hip_hop_has_a_backbeat() -> None:
    rolling = [
        pattern for pattern in PATTERNS["trap"].drums if {*pattern.rows["closed hat"]} & {*"rt"}
    ]
    assert len(rolling) >= 7
    for pattern in PATTERNS["hip hop"].drums:
        backbeat = pattern.rows.get("snare") or pattern.rows["clap"]
        assert {backbeat[4], backbeat[12]} <= {*"Xx"}, pattern.name


def test_ghost_notes_are_where_players_play_them() -> None:
    for style, least in (("funk", 7), ("drum and bass", 4), ("hip hop", 3), ("lo-fi", 4)):
        snares = [pattern.rows.get("snare", "") for pattern in PATTERNS[style].drums]
        assert sum("g" in snare for snare in snares) >= least, style


def test_basses_lock_with_the_kick_where_styles_do() -> None:
    for style in ("hip hop", "trap", "rock", "pop", "funk", "r&b", "metal", "lo-fi", "afrobeats"):
        assert any(pattern.on_kick for pattern in PATTERNS[style].bass), style
