"""The prompts that the planner reads, and what its answers mean. The exact texts are compared by
tests/tools/parity_planner.py.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.planner import templates
from pipeline.planner.grammar import BPM, KEYS
from tests.support.examples import scale_examples

CAPTIONS = st.text("abc äö音♯:#-'\"{}[]&*!|>%@`,?.0", min_size=1, max_size=120).filter(
    lambda text: text == " ".join(text.split())
)


@settings(max_examples=scale_examples(50))
@given(CAPTIONS, st.sampled_from(BPM), st.sampled_from(KEYS))
def test_metadata_that_are_written_can_be_parsed(caption: str, bpm: int, key: str) -> None:
    text = templates.format_thought({"bpm": bpm, "caption": caption, "keyscale": key})
    read = templates.parse_metadata(
        f"<think>\nbpm: {bpm}\ncaption: {caption}\nkeyscale: {key}\n</think>"
    )
    assert read == {"bpm": bpm, "caption": caption, "keyscale": key}
    assert text.startswith(f"<think>\nbpm: {bpm}\ncaption: ")


def test_a_caption_goes_on_in_indented_lines() -> None:
    assert templates.parse_metadata("<think>\ncaption: one\n  two\nbpm: 90\n") == {
        "caption": "one two",
        "bpm": 90,
    }


@pytest.mark.parametrize(
    "answer", ["", "no tag", "<think>bpm: 1</think>", "<think></think> <|im_end|>"]
)
def test_an_answer_may_have_no_lyrics(answer: str) -> None:
    assert templates.parse_lyrics(answer) == ""


def test_guidance_leads_away_from_the_negative_prompt_or_from_a_song_without_metadata() -> None:
    thought = templates.format_thought({"bpm": 90})
    assert "bpm: 90" in templates.build_codes_prompt("waltz", "la", thought)
    assert templates.build_codes_negative("waltz", "la") == templates.build_codes_prompt(
        "waltz", "la", templates.format_thought({})
    )
    assert "waltz" not in templates.build_codes_negative("waltz", "la", "low quality")
