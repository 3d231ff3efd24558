"""French: what is mute, what is nasal, and what two words do to each other."""

from __future__ import annotations

import pytest

from tests.support.sung import sing


@pytest.mark.parametrize(
    ("word", "syllables"),
    [
        ("bonjour", "B ON . ZH UW1 RX"),
        ("amour", "A . M UW1 RX"),
        ("nuit", "N WY IY1"),
        ("fille", "F IY1 Y"),
        ("ville", "V IY1 L"),
        ("cœur", "K OEH1 RX"),
        ("oiseau", "W A . Z O1"),
        ("soleil", "S AO . L EH1 Y"),
        ("travail", "T RX A . V A1 Y"),
        ("montagne", "M ON . T A1 NY"),
        ("yeux", "Y OE1"),
        ("femme", "F A1 M"),
        ("demain", "D AX . M EN1"),
        ("temps", "T AN1"),
        ("garçon", "G A RX . S ON1"),
        ("heureux", "OEH . RX OE1"),
        ("vieille", "V Y EH1 Y"),
        ("pays", "P E . IY1"),
        ("jamais", "ZH A . M EH1"),
        ("langue", "L AN1 G"),
        ("monde", "M ON1 D"),
        ("chanson", "SH AN . S ON1"),
        ("l'amour", "L A . M UW1 RX"),
        ("j'ai", "ZH EH1"),
        ("qu'il", "K IY1 L"),
        ("aujourd'hui", "O . ZH UW RX . D WY IY1"),
        ("avaient", "A . V EH1"),
    ],
)
def test_words_are_sung_as_they_are_spelled(word: str, syllables: str) -> None:
    assert sing([word], "fr") == [syllables]


@pytest.mark.parametrize(
    ("line", "sung"),
    [
        ("les amis", "L E | Z A . M IY1"),  # liaison
        ("les copains", "L E | K AO . P EN1"),
        ("les héros", "L E | E . RX O1"),  # none before an aspirated h
        ("un oiseau", "EN | N W A . Z O1"),
        ("c'est ici", "S EH | T IY . S IY1"),
        ("une belle étoile", "UE . N AX | B EH1 L | E . T W A1 L"),  # a mute e before a vowel
        ("une belle femme", "UE . N AX | B EH1 . L AX | F A1 M"),  # before a consonant, at the end
        ("ils chantent", "IY L | SH AN1 T"),
        ("le vent chante", "L AX | V AN1 | SH AN1 T"),
    ],
)
def test_words_beside_each_other_change(line: str, sung: str) -> None:
    assert " | ".join(sing(line, "fr")) == sung


def test_the_last_full_syllable_has_the_stress() -> None:
    assert sing("la montagne bleue", "fr")[1] == "M ON . T A1 . NY AX"
