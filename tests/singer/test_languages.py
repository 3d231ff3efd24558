"""The language of lyrics is told by scripts, common words and letters; English where nothing is."""

from __future__ import annotations

import pytest

from pipeline.request import LANGUAGES
from pipeline.singer.languages import NAMES, READERS, guess_language


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("I've been walking in the summer rain", "en"),
        ("baby baby ooh", "en"),
        ("", "en"),
        ("🔥 123", "en"),
        ("¿dónde estás? te quiero", "es"),
        ("bailando con la luna y el mar", "es"),
        ("la mia vita è bella con te", "it"),
        ("ich liebe dich für immer", "de"),
        ("je t'aime, mon amour", "fr"),
        ("não sei o que fazer sem você", "pt"),
        ("nie płacz, kiedy odjadę, sercem będę przy tobie", "pl"),
        ("noc i dzien, ale jak", "pl"),
        ("kimi no na wa", "ja"),
        ("きみの love song", "ja"),
        ("君が好き", "ja"),
        ("月亮代表我的心", "zh"),
        ("wǒ ài nǐ", "zh"),
        ("안녕 my love", "ko"),
    ],
)
def test_languages_are_guessed(text: str, language: str) -> None:
    assert guess_language(text) == language


@pytest.mark.parametrize(
    "hook",
    "oh no; no more; no one; no way; no time to die; so what; so far so good; so long; so close; "
    "die hard; die young; die for me; come together; come home; come over; in da club; do or die; "
    "la la la; na na na hey hey; da da da; oh la la; de do do do de da da da; si si si; sin city; "
    "living in sin; war; an angel; man o man; as long as you love me; a star is born; on fire; "
    "o superman; was it you; hat trick; sole survivor; pour some sugar on me; fast car; me so "
    "lonely; take on me; come as you are; one kimono; made of gold; to me; las vegas; los angeles "
    "lights; a café in Rome; women in love; wild; gold; pain; all in; papa don't preach; dare me; "
    "red red wine; hello goodbye; no pain no gain; under pressure".split("; "),
)
def test_short_hooks_are_english(hook: str) -> None:
    assert guess_language(hook) == "en"


@pytest.mark.parametrize(
    ("language", "lines"),
    [
        (
            "es",
            "te quiero; no te vayas; sin ti; para ti; el camino real; la vida loca; te amo mi amor",
        ),
        ("it", "ti amo; ciao bella; il cielo in una stanza; con te partirò; voglio vivere così"),
        ("pt", "mas que nada; eu te amo; chega de saudade; águas de março; vem comigo"),
        (
            "fr",
            "je t'aime; je t’aime; par avion; la vie en rose; ne me quitte pas; l'amour toujours",
        ),
        (
            "de",
            "ich liebe dich; du hast mich; was ist los; tanz mit mir; ich will; ein bisschen mehr",
        ),
        ("ja", "sakura; kimi ga suki; itsumo nando demo; sora wo tobu; aishiteru; hitori janai"),
        ("zh", "wo ai ni; ni hao; wo de ai; nǐ hǎo; women de ge; yue liang dai biao wo de xin"),
    ],
)
def test_short_lines_of_others_are_not(language: str, lines: str) -> None:
    guessed = {line: guess_language(line) for line in lines.split("; ")}
    assert guessed == dict.fromkeys(guessed, language)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("řekni mi, proč jsi tu", "cs"),
        ("jeg elsker dig, når du går", "da"),
        ("minä rakastan sinua yö jälkeen", "fi"),
        ("szeretlek, és nem örök a tél", "hu"),
        ("ik hou van jou, maar niet vandaag", "nl"),
        ("când noaptea vine peste oraș", "ro"),
        ("jag är så kär i dig när natten kommer", "sv"),
        ("seni seviyorum, bu gece gönlüm dağlı", "tr"),
        ("em ơi, tình yêu không còn nữa", "vi"),
    ],
)
def test_languages_that_nobody_reads_are_no_others(text: str, language: str) -> None:
    assert guess_language(text) == language
    assert language not in READERS


def test_every_reader_has_a_name_and_a_code_that_requests_know() -> None:
    assert READERS.keys() <= NAMES.keys() <= set(LANGUAGES)
