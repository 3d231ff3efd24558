"""What will not happen is refused before it is queued."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
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


def refuse_at_once(client: OscClient, *values: str | int | float) -> str:
    """What the first answer to an order says, which is that it is refused."""
    client.send("/ace/generate", "one", *values)
    address, (id, command, code, message, _) = client.receive()
    assert (address, id, command, code) == ("/ace/fail", "one", "/ace/generate", 422)
    return str(message)


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("prompt", "x", "preview", "2 4"), "preview must be steps before the last of 4, got 4"),
        (("prompt", "x", "plan", "simple", "guide", "Am F"), "the guide says what is played"),
        (("prompt", "x", "codes", "1 2", "guide", "auto"), "codes say what is played, and so"),
        (("prompt", "x", "guide", "Am N.C.", "composer", 1), "composer 1 has no rests"),
        (("task", "repaint", "loop", 1), "repaint keeps its source"),
        (("task", "cover", "guide", "Am F"), "cover follows its source, it takes no guide"),
        (("task", "lego", "stems", "bass", "repaint_start", -1), "lego adds tracks within its"),
        (("task", "repaint", "repaint_end", 0.01), "the window must last at least 0.04 s"),
        (("task", "repaint", "repaint_start", 7, "seconds", 3), "repaint_start must be inside"),
        (("task", "repaint", "repaint_start", -599), "source must make a clip of 0.1..600"),
    ],
)
def test_what_the_model_would_refuse_is_not_queued(
    stage: Stage, client: OscClient, values: tuple[str | int | float, ...], says: str
) -> None:
    write_clip(stage.settings.out / "loop.wav")
    source = ("source", "loop.wav") if "task" in values else ()
    assert says in refuse_at_once(client, *values, *source)
    assert not stage.engine.active()


@pytest.mark.parametrize(
    ("values", "says"),
    [
        (("task", "cover", "source", "none.wav"), "source: none.wav has no sound"),
        (("task", "cover", "source", "nothing.wav"), "source: nothing.wav has no sound"),
        (("task", "understand", "source", "none.wav"), "source: none.wav has no sound"),
        (("prompt", "x", "reference", "none.wav"), "reference: none.wav has no sound"),
        (("prompt", "x", "reference", "tick.wav"), "tick.wav has 0.05 s, at least 0.1 s are"),
        (("prompt", "x", "guide", "torn.mid", "bars", 4), "guide: "),
    ],
)
def test_what_is_wrong_with_its_files_is_not_queued(
    stage: Stage, client: OscClient, values: tuple[str | int, ...], says: str
) -> None:
    out = stage.settings.out
    soundfile.write(out / "none.wav", np.zeros((0, 2)), 8000)
    soundfile.write(out / "tick.wav", np.zeros((400, 2)), 8000)
    (out / "nothing.wav").write_bytes(b"")
    (out / "torn.mid").write_bytes(b"MThd")
    assert says in refuse_at_once(client, *values)
    assert not stage.engine.active()


def test_a_plan_is_not_queued_where_nobody_can_make_one(tmp_path: Path) -> None:
    with on_stage(tmp_path, write_model_without_planner()) as stage, closing(stage.client()) as one:
        assert refuse_at_once(one, "prompt", "x", "plan", "simple") == "it has no planner"
        one.send("/ace/generate", "two", "prompt", "x", "seconds", 1, "plan", "auto")
        assert one.receive()[0] == "/ace/queued"


@pytest.mark.parametrize(
    ("task", "says"),
    [
        ("cover", "loop.wav ends at 8.00 s of 16.00 s: it was repeated every 4 bars, at 120 bpm"),
        ("extract", "loop.wav ends at 8.00 s of 16.00 s: behind that there is nothing to follow"),
    ],
)
def test_what_a_source_is_too_short_for_is_told_with_queued(
    tmp_path: Path, task: str, says: str
) -> None:
    model = SteppedModel(running=False)
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        write_clip(stage.settings.out / "loop.wav")
        client.send("/ace/generate", "one", "task", task, "source", "loop.wav", "bars", 8)
        assert client.receive()[0] == "/ace/queued"
        assert client.until("/ace/note")[-1][1] == ["one", says]
        model.run()
        told = client.until_end("one")
        assert told[-1][0] == "/ace/finished"
        assert ["one", says] not in [values for _, values in told], "once"


def test_what_the_model_cannot_do_well_is_told_with_queued(tmp_path: Path) -> None:
    model = SteppedModel(running=False)
    model.plays_guides = True
    with on_stage(tmp_path, model) as stage, closing(stage.client()) as client:
        write_clip(stage.settings.out / "loop.wav")
        client.send("/ace/generate", "one", "task", "repaint", "source", "loop.wav")
        assert client.receive()[0] == "/ace/queued"
        _, (_, says) = client.until("/ace/note")[-1]
        assert says.startswith("mini was not taught to repaint")
        (job,) = stage.engine.active()
        assert says in job.problems, "the terminal and the report show it as one"
        model.run()
        client.until_end("one")


def test_a_pad_that_cannot_be_made_says_so_when_it_is_hit(stage: Stage, client: OscClient) -> None:
    client.ask("/ace/pad/set", 1, "prompt", "x", "preview", "9")
    client.send("/ace/pad/hit", 1)
    _, values = client.until("/ace/fail")[-1]
    assert values[2:4] == [422, "preview must be steps before the last of 4, got 9"]
    assert not stage.engine.active()


def test_of_two_lengths_bars_count_and_it_is_said(stage: Stage, client: OscClient) -> None:
    client.send("/ace/generate", "one", "prompt", "x", "bpm", 120, "bars", 2, "seconds", 30)
    said = "bars and seconds are both given: it has 2 bars, and not 30 s"
    assert ["one", said] in [values for _, values in client.until_end("one")]
    client.send("/ace/generate", "two", "prompt", "x", "bpm", 120, "bars", 2, "seconds", 4)
    assert "both given" not in str(client.until_end("two")), "they are the same"


def test_a_sound_without_a_sample_is_reported(tmp_path: Path) -> None:
    watch = Watch(folder=tmp_path / "sheets")
    watch.folder.mkdir()
    with on_stage(tmp_path, watch=(watch,)) as stage, closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "read", "queued")
        soundfile.write(watch.folder / "none.wav", np.zeros((0, 2)), 8000)
        told: list[tuple[str, Any]] = []
        while not told or "has no sound" not in str(told[-1]):
            told += client.until("/ace/read")
        assert "/ace/queued" not in [address for address, _ in told]
        report = (watch.out / "none.wav.report.txt").read_text()
        assert "source: none.wav has no sound: it ends behind its header" in report
        assert "export it again, or wait until it is here as a whole" in report


def test_a_sheet_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    watch = Watch(folder=tmp_path / "sheets")
    watch.folder.mkdir()
    with on_stage(tmp_path, watch=(watch,)) as stage, closing(stage.client()) as client:
        client.ask("/ace/notify", 1, 0, "read", "queued")
        (watch.folder / "song.txt").write_text("prompt: x\npreview: 9\n")
        told: list[tuple[str, Any]] = []
        while not told or "preview must be" not in str(told[-1]):
            told += client.until("/ace/read")
        assert "/ace/queued" not in [address for address, _ in told]
        report = (watch.out / "song.txt.report.txt").read_text()
        assert "preview must be steps before the last of 4, got 9" in report


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
