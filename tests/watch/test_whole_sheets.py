"""Whole sheets, put together of what people write: what is a song's is sung, and nothing else."""

from __future__ import annotations

from typing import NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from daemon.watch.notes import SheetNote
from daemon.watch.sheet import read_sheet
from pipeline.section_names import COUNTED, HOMONYMS, NEVER_SUNG, VERSES
from tests.support.examples import scale_examples

# lines of words; none is like another, and none names anything
WORDS = (
    "over the water we wander",
    "nobody wakes in the harbour",
    "the kettle is singing again",
    "little by little it opens",
    "hold on to the railing",
    "mi casa no tiene ventanas",
    "les bateaux sont partis",
    "der Regen fällt leise herab",
    "огни горят над рекой",
    "夜色落在海面上",
    "走れ 走れ 明日へ",
    "밤바다를 걸어요",
    "don't you ever go home",
    "(ooh, stay a while)",
)
TEMPOS = (
    "Tempo: {}",
    "BPM: {}",
    "{} bpm",
    "~{}bpm",
    "Tempo ~ {}",
    "♩ = {}",
    "Темп: {}",
    "速度：每分钟{}拍",
    "템포 {}",
    "Andamento: [{}] BPM",
    "{{tempo: {}}}",
)
KEYS = {
    "Key: {}": "F# minor",
    "Tonart: fis-Moll": "F# minor",
    "Tone: Em": "E minor",
    "Tom: [E]": "E major",
    "Key of Bb": "Bb major",
    "{{key: G}}": "G major",
    "키 Em": "E minor",
    "Тональность: Hm": "B minor",
    "调：1=D": "D major",
}
# what stands around words, and where
ABOVE = (
    "Capo: 2nd fret",
    "Tuning: Drop D",
    "Difficulty: novice",
    "Artist: Nobody",
    "© 2019 Nobody",
    "#song #folk",
    "[[Demo 2]] | ![[memo.m4a]]",
    "Genre: folk",
)
BETWEEN = (
    "Em  D  C  D",
    "| G / / / | D / / / |",
    "e|--0--2--|",
    "N.C.",
    "TODO: a better rhyme",
    "- [ ] rewrite this",
    "See The Band Live",
    "Get tickets as low as $45",
    "x = muted",
)
BELOW = (
    "Sent from my iPhone",
    "Todos os direitos reservados.",
    "CCLI Song # 7100000",
    "Please rate and comment!",
    "12Embed",
    "Alle Rechte vorbehalten",
    "Submit Corrections\nThanks to mia for adding these lyrics.\nOld River",
    "## Notes\ntry it slower",
)
SECTIONS = sorted(name for name in NEVER_SUNG if name not in HOMONYMS | COUNTED)
HEADINGS = ("[{}]", "{}:", "**{}**", "## {}", "{} (8 bars)", "— {} —", "{}", "[{}: Mia & Tom]")


class WrittenSheet(NamedTuple):
    """A text, and what it says: its words in their order, its tempo and its key."""

    text: str
    words: list[str]
    bpm: float | None
    key: str | None


@st.composite
def write_sheets(draw: st.DrawFn) -> WrittenSheet:
    head = draw(st.lists(st.sampled_from(ABOVE), max_size=2, unique=True))
    bpm = draw(st.none() | st.integers(60, 200))
    if bpm is not None:
        head.append(draw(st.sampled_from(TEMPOS)).format(bpm))
    form = draw(st.none() | st.sampled_from([*KEYS]))
    if form is not None:
        head.append(form.format("F#m"))
    head = draw(st.permutations(head))
    title = draw(st.sampled_from(["", "Title: Low Tide", "Low Tide\nNobody\n"]))
    lines = [title, *head, ""] if head or title else []
    words = draw(st.permutations(WORDS))[: draw(st.integers(2, 8))]
    rest = [*words]
    while rest:
        name = draw(st.sampled_from(SECTIONS))
        lines.append(draw(st.sampled_from(HEADINGS)).format(name))
        for _ in range(draw(st.integers(1, 3))):
            is_noted = draw(st.booleans())
            if rest and is_noted:
                lines.append(draw(st.sampled_from(BETWEEN)))
            if rest:
                lines.append(rest.pop(0))
        lines.append("")
    lines += draw(st.lists(st.sampled_from(BELOW), max_size=1))
    return WrittenSheet("\n".join(lines), [*words], bpm, form and KEYS[form])


def find_told(notes: tuple[SheetNote, ...]) -> set[int]:
    """The lines of which it is said that something is to look at."""
    return {
        line for note in notes if note.code for line in range(note.line, note.line + note.lines)
    }


@settings(max_examples=scale_examples(200))
@given(write_sheets())
def test_every_line_of_words_is_sung_once_in_order_or_told_of(sheet: WrittenSheet) -> None:
    read = read_sheet(sheet.text)
    told = find_told(read.notes)
    written = sheet.text.split("\n")
    sung = [line for line in str(read.values["lyrics"]).split("\n") if line and line[0] != "["]
    expected = [words for words in sheet.words if written.index(words) + 1 not in told]
    assert [line for line in sung if line in expected] == expected
    others = [line for line in sung if line not in sheet.words]
    assert all(written.index(line) + 1 in told for line in others), "what is none is told of"


@settings(max_examples=scale_examples(200))
@given(write_sheets())
def test_the_numbers_and_the_key_of_a_head_are_read(sheet: WrittenSheet) -> None:
    values = read_sheet(sheet.text).values
    assert values.get("bpm") == sheet.bpm
    assert values.get("key") == sheet.key


@settings(max_examples=scale_examples(100))
@given(
    st.sampled_from(sorted(set(SECTIONS) - VERSES)),
    st.sampled_from(["[{}]", "{}:", "{}"]),
    st.sampled_from(["Repeat {}", "{} x2", "{} (2x)", "({})", "[{}]"]),
)
def test_a_section_that_comes_again_has_the_words_that_it_had(
    name: str, first: str, again: str
) -> None:
    """Or it is said that it has none: what is played has no words to come again."""
    text = f"{first.format(name)}\none two\n\n[Verse 2]\nthree\n\n{again.format(name)}"
    lyrics = str(read_sheet(text).values["lyrics"])
    sung = [line for line in lyrics.split("\n") if line and line[0] != "["]
    assert sung[:2] == ["one two", "three"]
    assert set(sung[2:]) <= {"one two"}
