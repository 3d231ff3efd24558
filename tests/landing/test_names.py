"""Names of files: what importers read from them, and that every volume takes them."""

from __future__ import annotations

import shlex
import urllib.parse
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from daemon.landing import names
from pipeline.request import Request


@pytest.mark.parametrize(
    ("values", "stem"),
    [
        (
            {"prompt": "Night drive!", "bars": 8, "bpm": 128, "key": "Am"},
            "night-drive_128bpm_Amin_8bars_s42",
        ),
        ({"prompt": "x", "bars": 1, "bpm": 84.5, "key": "F♯"}, "x_84.5bpm_Gbmaj_1bars_s42"),
        ({"prompt": "x", "bars": 1, "bpm": 84, "key": "D# major"}, "x_84bpm_Ebmaj_1bars_s42"),
        ({"prompt": "x", "bars": 1, "bpm": 84, "key": "C#m"}, "x_84bpm_Dbmin_1bars_s42"),
        ({"prompt": "x", "bars": 1, "bpm": 84, "key": "Cb"}, "x_84bpm_Bmaj_1bars_s42"),
        ({"prompt": "Café Größe, Łódź"}, "cafe-grosse-lodz_30s_s42"),
        ({"prompt": "x", "variation": 0.3, "variation_seed": 3}, "x_30s_s42_v3"),
        ({"prompt": "x", "variation_seed": 3}, "x_30s_s42"),
        ({"prompt": "warm pad", "seconds": 4}, "warm-pad_4s_s42"),
        ({"prompt": "x", "seconds": 16 / 3}, "x_5.33s_s42"),
        (
            {"prompt": "techno, 140 bpm, Em", "bars": 2, "bpm": 100, "key": "Am"},
            "techno_100bpm_Amin_2bars_s42",
        ),
        (
            {"prompt": "techno, 140 bpm, Em", "bars": 2, "bpm": 140, "key": "Em"},
            "techno-140-bpm-em_140bpm_Emin_2bars_s42",
        ),
        (
            {"prompt": "prog, 7/8", "bars": 2, "bpm": 90, "time_signature": "3/4"},
            "prog_90bpm_2bars_s42",
        ),
        ({"prompt": "140 bpm", "bars": 2, "bpm": 90}, "140-bpm_90bpm_2bars_s42"),
        ({"prompt": "p", "name": "My Take"}, "my-take_30s_s42"),
        ({"lyrics": "only words"}, "only-words_30s_s42"),
        ({"prompt": "../../etc/passwd\\:*?"}, "etc-passwd_30s_s42"),
        ({"prompt": "♪ ✨"}, "take_30s_s42"),
        ({"prompt": "がんばれ"}, "がんばれ_30s_s42"),
        ({"prompt": "中国风流行"}, "中国风流行_30s_s42"),
        ({"prompt": "word " * 200}, "-".join(["word"] * 9) + "_30s_s42"),
        ({"prompt": "x" * 500}, "take_30s_s42"),
    ],
)
def test_names_tell_importers_tempo_key_and_length(values: dict[str, object], stem: str) -> None:
    assert names.build_base_name(Request(seed=42).changed(values)) == stem


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_text_makes_a_name_that_every_volume_takes(name: str, prompt: str) -> None:
    stem = names.build_base_name(
        Request(name=name, prompt=prompt, seed=1, bars=1, bpm=30.123, key="Bb minor")
    )
    assert Path(stem).name == stem
    latin = stem.encode("ascii", "ignore").decode()
    assert shlex.quote(latin) == urllib.parse.quote(latin, safe="") == latin
    assert not set(stem) & set('\0/\\:*?"<>|\n') | ({*stem[:1]} & set(".-_ "))
    assert len(f"{stem}_backing_vocals.wav.json.part".encode()) < 255
