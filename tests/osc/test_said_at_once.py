"""What will not happen is refused before it is queued."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

import numpy as np
import soundfile

from daemon.settings import Watch
from pipeline.request import BadRequest
from tests.support.harness import SteppedModel
from tests.support.osc_client import OscClient, expect_fail, make_clip
from tests.support.stage import Stage, on_stage

SECONDS = 8  # four bars at 120 bpm


def write_clip(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros((SECONDS * 8000, 2)), 8000)
    return path


def write_model_without_planner() -> SteppedModel:
    model = SteppedModel()
    model.obstacle = BadRequest("it has no planner", "fetch one")
    return model


def test_a_recording_is_not_queued_where_nobody_can_put_it_into_words(tmp_path: Path) -> None:
    with on_stage(tmp_path, write_model_without_planner()) as stage, closing(stage.client()) as one:
        write_clip(tmp_path / "out" / "hum.wav")
        id, code, message, hint = expect_fail(one, "/ace/understand", "hum", "hum.wav")
        assert (id, code, message) == ("hum", 422, "it has no planner")
        assert "acestepd pull --planner" in hint
        assert "/ace/model" in hint
        one.send("/ace/generate", "too", "task", "understand", "source", "hum.wav")
        assert one.receive()[1][:3] == ["too", "/ace/generate", 422]
        assert not stage.engine.active()


def test_a_sheet_that_wants_words_says_so_too(tmp_path: Path) -> None:
    watch = Watch(folder=tmp_path / "sheets")
    watch.folder.mkdir()
    model = write_model_without_planner()
    with on_stage(tmp_path, model, watch=(watch,)) as stage, closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "read")
        write_clip(watch.folder / "hum.aiff")
        (watch.folder / "hum.txt").write_text("task: understand\n")
        while "it has no planner" not in str(client.until("/ace/read")[-1][1]):
            pass
        assert "it has no planner" in (watch.out / "hum.aiff.report.txt").read_text()


def test_where_it_is_known_how_it_is_queued(stage: Stage, client: OscClient) -> None:
    write_clip(stage.settings.out / "known.wav")
    client.send("/ace/understand", "known", "known.wav")
    assert client.receive()[0] == "/ace/queued"


def test_nobody_is_there_to_put_a_clip_in(stage: Stage, client: OscClient) -> None:
    make_clip(client, "lonely")
    _, code, message, hint = expect_fail(client, "/ace/insert", "lonely")
    assert code == 503
    assert message == "no integration is connected that could put 'lonely' in"
    assert "acestepd integrations" in hint


def test_a_window_that_its_source_has_not_is_refused_at_once(
    stage: Stage, client: OscClient
) -> None:
    write_clip(stage.settings.out / "loop.wav")
    source = ("task", "repaint", "source", "loop.wav", "bpm", 120)
    client.send("/ace/generate", "far", *source, "repaint_bar", 9)
    address, values = client.receive()
    assert address == "/ace/fail"
    assert values == [
        "far",
        "/ace/generate",
        422,
        "this clip has 4 bars: repaint_bar must be in 1..4, got 9",
        "repaint_bar 5 with repaint_bars goes on behind it",
    ]


def test_a_sheet_s_window_is_reported(tmp_path: Path) -> None:
    watch = Watch(folder=tmp_path / "sheets", audio="repaint")
    watch.folder.mkdir()
    with on_stage(tmp_path, watch=(watch,)) as stage, closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "read")
        (watch.folder / "loop.txt").write_text("bpm: 120\nrepaint_bar: 9\n")
        write_clip(watch.folder / "loop.wav")
        while "this clip has 4 bars" not in str(client.until("/ace/read")[-1][1]):
            pass
        assert "this clip has 4 bars" in (watch.out / "loop.wav.report.txt").read_text()


def test_what_the_model_was_not_taught_is_not_queued(tmp_path: Path) -> None:
    model = SteppedModel()
    model.tasks = ("cover", "repaint")
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        client.send("/ace/generate", "apart", "prompt", "house", "seconds", 1, "stems", "drums")
        address, values = client.receive()
        assert address == "/ace/fail"
        assert values[:3] == ["apart", "/ace/generate", 422]
        assert values[3].startswith("mini cannot take stems out of a clip; ")
        write_clip(tmp_path / "out" / "hum.wav")
        client.send("/ace/generate", "more", "task", "complete", "source", "hum.wav")
        assert client.receive()[1][3].startswith("mini cannot complete; ")


def test_what_the_next_model_may_know_is_not_refused(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    model.tasks = ("cover", "repaint")
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        client.send("/ace/generate", "long", "prompt", "house", "seconds", 1)
        client.until("/ace/progress")
        client.ask("/ace/model", "mini")
        model.tasks = ("extract",)
        client.send("/ace/generate", "apart", "prompt", "house", "seconds", 1, "stems", "drums")
        assert client.until("/ace/queued")[-1][1][0] == "apart"
        model.run()
        assert client.until_end("apart")[-1][0] == "/ace/finished"
