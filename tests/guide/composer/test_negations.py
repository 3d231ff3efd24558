"""What a caption denies is found, as far as it goes and no further."""

from __future__ import annotations

import pytest

from pipeline.guide.composer.negations import split_negations


@pytest.mark.parametrize(
    ("text", "kept", "denied"),
    [
        ("dark pop", "dark pop", ()),
        ("not very dark pop", ", pop", ("not very dark",)),
        ("no bass , drums , or lead , pop", ", , pop", ("no bass , drums , or lead",)),
        ("no drums , bass and piano", ", , bass and piano", ("no drums",)),
        ("no drums and bass", ",", ("no drums and bass",)),
        ("no drums and happy", ", and happy", ("no drums",)),
        ("less dark house", ", house", ("less dark",)),
        ("less drums", "less drums", ()),
        ("don t stop dancing", "don t stop dancing", ()),
        ("don t make it too dark but happy", ", but happy", ("don t make it too dark",)),
        ("no drums no bass", ", ,", ("no drums", "no bass")),
        ("no", "no", ()),
    ],
)
def test_a_negation_ends_where_another_thing_begins(
    text: str, kept: str, denied: tuple[str, ...]
) -> None:
    assert split_negations(text) == (kept, denied)
