"""The panel that every surface turns."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from daemon.panel import NothingToPlay, Panel
from daemon.tempo import Tempo
from pipeline.request import BadRequest, OutOfRange, Request, UnknownField, coerce
from pipeline.request_files import follow_source, resolve_request

BEAT = Request(prompt="beat")


class Session:
    """A tempo source."""

    name = "link"

    def __init__(self, bpm: float) -> None:
        self.bpm = bpm

    position = None

    def start(self) -> None: ...
    def poll(self, now: float) -> None: ...
    def close(self) -> None: ...


def test_a_wish_is_the_panel_with_what_one_message_changes() -> None:
    panel = Panel(BEAT)
    panel.set("bars", 4)
    assert panel.build_request({"key": "Am"}) == Request(prompt="beat", bars=4, key="A minor")
    assert panel.request == Request(prompt="beat", bars=4)


def test_setting_says_whether_anything_changed_and_tells_who_listens() -> None:
    changes: list[tuple[str, Any]] = []
    panel = Panel(BEAT)
    panel.listen(lambda name, value: changes.append((name, value)))
    assert panel.set("tempo", "128") is True
    assert panel.set("bpm", 128.0) is False
    assert changes == [("bpm", 128.0)]


def test_a_listener_that_fails_does_not_keep_the_others_from_hearing() -> None:
    changes: list[str] = []
    panel = Panel(BEAT)
    panel.listen(lambda name, value: [][0])
    panel.listen(lambda name, value: changes.append(name))
    panel.set("bars", 2)
    assert changes == ["bars"]


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [("bars", -1, OutOfRange), ("brs", 1, UnknownField), ("bpm", "fast", BadRequest)],
)
def test_what_is_refused_changes_nothing(name: str, value: Any, error: type[BadRequest]) -> None:
    panel = Panel(BEAT)
    with pytest.raises(error):
        panel.set(name, value)
    assert panel.request == BEAT


def test_a_knob_that_does_not_go_with_another_is_refused() -> None:
    panel = Panel(BEAT.changed({"cfg_interval_end": 0.5}))
    with pytest.raises(OutOfRange):
        panel.set("cfg_interval_start", 0.6)


def test_a_knob_costs_the_same_whatever_lyrics_are_set(monkeypatch: pytest.MonkeyPatch) -> None:
    panel = Panel(BEAT.changed({"lyrics": "wörds lä " * 7000}))
    coerced: list[str] = []

    def count(name: str, value: object) -> object:
        coerced.append(name)
        return coerce(name, value)

    monkeypatch.setattr("pipeline.request.coerce", count)
    panel.set("bars", 4)
    panel.build_request({"seed": 3})
    assert coerced == ["bars", "seed"]


def test_only_the_files_that_are_named_are_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (song := tmp_path / "song.wav").touch()
    panel = Panel(BEAT)
    panel.set("source", str(song))
    song.unlink()
    looked_for: list[str] = []

    def is_file(path: str) -> bool:
        looked_for.append(path)
        return False

    monkeypatch.setattr("os.path.isfile", is_file)
    panel.set("bars", 4)
    request = panel.build_request({"bars": 8})
    assert not looked_for
    with pytest.raises(OutOfRange, match="source must be the path of an audio file that exists"):
        resolve_request(request)  # when it is submitted
    with pytest.raises(OutOfRange, match="reference must be"):
        panel.build_request({"reference": str(song)})
    assert looked_for == [str(song), str(song)]


def test_neither_prompt_nor_lyrics_is_nothing_to_play() -> None:
    with pytest.raises(NothingToPlay):
        Panel(Request()).build_request({"bars": 4})
    assert Panel(Request()).build_request({"lyrics": "la"}).lyrics == "la"


def test_the_sessions_tempo_is_taken_where_nobody_says_one() -> None:
    panel = Panel(BEAT, Tempo(sources=[Session(98.5)]))
    assert panel.build_request({}).bpm == 98.5
    assert panel.build_request({"bpm": 140}).bpm == 140
    assert panel.build_request({"tempo": 0}).bpm == 0
    panel.set("bpm", 90)
    assert panel.build_request({}).bpm == 90


def test_a_tempo_in_the_prompt_goes_before_the_sessions_and_after_the_panels() -> None:
    panel = Panel(BEAT, Tempo(sources=[Session(98.5)]))
    said = {"prompt": "house, 124 bpm"}
    assert panel.build_request(said).resolved().bpm == 124
    assert panel.build_request(said | {"read_prompt": 0}).resolved().bpm == 98.5
    assert panel.build_request({"prompt": "house, 999 bpm"}).resolved().bpm == 98.5
    assert panel.tempo
    panel.tempo.set(112)  # with /ace/tempo
    assert panel.build_request(said).resolved().bpm == 112
    panel.tempo.set(0)
    panel.set("bpm", 90)
    assert panel.build_request(said).resolved().bpm == 90
    assert panel.build_request(said | {"bpm": 140}).resolved().bpm == 140


def test_what_is_made_of_a_file_needs_no_words_and_keeps_its_own_tempo(tmp_path: Path) -> None:
    panel = Panel(Request(bars=8, key="C major"), Tempo(sources=[Session(98.5)]))
    for name, bpm in (("song_90bpm.wav", 90), ("song.wav", 98.5)):
        (tmp_path / name).touch()
        values = {"task": "extract", "source": str(tmp_path / name)}
        request, _, session, _ = panel.finish(panel.draft(values))
        followed = follow_source(request, session).request
        assert (followed.bpm, followed.key, followed.bars) == (bpm, "C major", 0)
    assert panel.build_request({"task": "understand", "source": str(tmp_path / name)}).bpm == 0


@pytest.mark.parametrize("bpm", [0.0, 20.0, 999.0])
def test_a_tempo_that_is_only_the_default_or_cannot_be_played_is_left_to_the_model(
    bpm: float,
) -> None:
    assert Panel(BEAT, Tempo(sources=[Session(bpm)])).build_request({}).bpm == 0
    assert Panel(BEAT).build_request({}).bpm == 0


def test_an_explicit_tempo_wins_over_the_session_until_it_is_let_go() -> None:
    tempo = Tempo(sources=[Session(98.5)])
    panel = Panel(BEAT, tempo)
    tempo.set(120)
    assert panel.build_request({}).bpm == 120
    tempo.set(0)
    assert panel.build_request({}).bpm == 98.5


def test_codes_alone_are_something_to_play() -> None:
    assert Panel(Request()).build_request({"codes": "1 2 3"}).codes == "1 2 3"
