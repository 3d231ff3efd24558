"""Who sings, as people write it in prompts."""

from __future__ import annotations

import pytest

from pipeline.reading.singer import find_singer


@pytest.mark.parametrize(
    ("prompt", "singer"),
    [
        ("pop with female vocals", "woman"),
        ("Male vocals, rock", "man"),
        ("a soprano over strings", "woman"),
        ("pop", ""),
        ("emails and romance", ""),
        ("tenor saxophone over brushes, female vocals", "woman"),
        ("alto sax solo", ""),
        ("no female vocals, male singer", "man"),
        ("male vocals, not a female voice", "man"),
        ("for my man, female voice", "woman"),
        ("a man sings in the rain", "man"),
        ("female lead vocals, warm tenor guitar", "woman"),
        ("vocals by a woman", "woman"),
        ("girls and boys, pop", ""),
        ("alto voice", "woman"),
        ("warm baritone", "man"),
        ("warme Frauenstimme", "woman"),
        ("weibliche Stimme, Klavier", "woman"),
        ("raue Männerstimme", "man"),
        ("chanson française, voix d'homme", "man"),
        ("voix d’homme", "man"),
        ("voix de femme douce", "woman"),
        ("voix féminine", "woman"),
        ("voix fe\u0301minine", "woman"),
        ("voz femenina", "woman"),
        ("voz de hombre", "man"),
        ("voce femminile", "woman"),
        ("voce maschile", "man"),
        ("voz de mulher", "woman"),
        ("vrouwenstem", "woman"),
        ("женский вокал", "woman"),
        ("грубый мужской голос", "man"),
        ("温かい女声", "woman"),
        ("男性ボーカル、ピアノ", "man"),
        ("여성 보컬", "woman"),
        ("keine Frauenstimme", ""),
        ("sans voix d'homme", ""),
        ("don't use a female voice", ""),
        ("not female but male vocals", "man"),
        ("a woman's voice", "woman"),
        ("homme, femme, une voix", ""),
        ("Frauen und Männer", ""),
    ],
)
def test_a_caption_says_who_sings(prompt: str, singer: str) -> None:
    assert find_singer(prompt).value == singer


def test_what_names_a_singer_is_known_word_by_word() -> None:
    said = find_singer("Male vocals, then a female voice, airy")
    assert (said.said, said.words) == ("female voice", ("male vocals", "female voice"))
