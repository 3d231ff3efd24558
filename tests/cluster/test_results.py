"""What a worker sends is the take that was asked for, or nothing is made of it."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from daemon.cluster import results
from daemon.cluster.parcels import BadParcel, pack
from daemon.cluster.results import read_loaded, read_result, read_told
from daemon.messages import (
    MixLatents,
    ModelLoaded,
    PreviewAudio,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderLines,
    RenderNotes,
    RenderPlan,
    RenderProgress,
    WorkerMessage,
)
from pipeline.explain import Explanation
from pipeline.request import Request
from pipeline.singer.lines import LineTime, WordTime
from pipeline.take import TakeInfo
from pipeline.weights.adapter import Adapter
from tests.support.harness import SteppedModel

TICKET = 7
ASKED = Request(prompt="x", seconds=0.5, seed=3, name="mine", stems="drums")
LINE = LineTime("la", 0.0, 1.0, "Verse", 1, 1, 0, (WordTime("la", 0.0, 1.0),))
INFO = TakeInfo(
    ASKED,
    "mini",
    adapters=(Adapter("warm", 0.5),),
    timesteps=(1.0, 0.5),
    sections=((0.0, "Verse"),),
    chords=((0, "C"),),
    lines=(LINE,),
    planned={"bpm": 120.0, "key": "C major"},
    timings={"plan": 0.1},
    memory={"plan": 3},
    machine={"device": "CPU"},
    notes=("read",),
)
END = RenderFinished(TICKET, INFO, 0.1, {"conditions": [1, 2]})
LATENTS = MixLatents(TICKET, "1234", 1.0, np.zeros((12, 64), np.float32))


def clip(name: Any = "mix", samples: int = 24_000, value: float = 0.25) -> RenderClip:
    return RenderClip(TICKET, name, np.full((2, samples), value, np.float32))


MIX, DRUMS = clip(), clip("drums")


def read(*messages: WorkerMessage, request: Request = ASKED) -> list[WorkerMessage]:
    return read_result(pack(messages), TICKET, request)


def bend(**values: Any) -> RenderFinished:
    """An end whose info has these."""
    return dataclasses.replace(END, info=dataclasses.replace(INFO, **values))


def test_a_take_as_it_was_asked_for_is_taken() -> None:
    *pieces, end = read(MIX, DRUMS, LATENTS, END)
    assert [type(each) for each in pieces] == [
        RenderDescribed,
        RenderClip,
        RenderClip,
        MixLatents,
    ]
    assert pieces[0] == RenderDescribed(TICKET, INFO, 24_000)
    assert end == END


def test_clips_may_come_in_pieces() -> None:
    halves = [clip(samples=12_000)] * 2
    pieces = [*halves, clip("drums", 1), clip("drums", 23_999)]
    came = [each for each in read(*pieces, END) if isinstance(each, RenderClip)]
    assert [(each.name, each.audio.shape[1]) for each in came] == [
        ("mix", 12_000),
        ("mix", 12_000),
        ("drums", 1),
        ("drums", 23_999),
    ]


def test_what_else_a_run_ends_with_is_taken() -> None:
    for end in (RenderFailed(TICKET, 422, "no", "yes"), RenderCancelled(TICKET)):
        assert read(MIX, end) == [end]
    asked = Request(task="understand", source="/x.wav", seconds=1)
    described, _ = read(bend(request=asked), request=asked)
    assert isinstance(described, RenderDescribed)


def test_the_name_the_seed_and_the_format_are_those_that_were_asked_for() -> None:
    theirs = ASKED.changed({"name": "evil", "format": "flac", "seed": 9, "bpm": 120})
    end = read(MIX, bend(request=theirs))[-1]
    assert isinstance(end, RenderFinished)
    assert end.info.request == ASKED.changed({"bpm": 120})


def test_what_a_request_leaves_open_may_be_filled_in_and_nothing_else() -> None:
    theirs = Request(
        prompt="evil",
        lyrics="la",
        seconds=600,
        key="A minor",
        bpm=90,
        task="cover",
        source="/home/me/secret.wav",
        reference="/home/me/secret.wav",
        guide="/home/me/secret.mid",
        num_steps=8,
        loop=True,
    )
    end = read(MIX, bend(request=theirs))[-1]
    assert isinstance(end, RenderFinished)
    filled = {"lyrics": "la", "key": "A minor", "bpm": 90, "num_steps": 8}
    assert end.info.request == ASKED.changed(filled)


def test_an_extract_has_its_tracks_and_no_mix() -> None:
    asked = Request(task="extract", source="/x.wav", stems="drums", seconds=0.5)
    assert len(read(DRUMS, clip("rest"), bend(request=asked), request=asked)) == 4


def test_what_is_made_of_a_source_has_its_whole_length_too() -> None:
    asked = Request(task="extract", source="/x.wav", stems="drums", seconds=0.5)
    with pytest.raises(BadParcel, match="23,999 samples, and not 24,000"):
        read(clip("drums", 23_999), clip("rest", 23_999), bend(request=asked), request=asked)


def test_a_length_that_was_left_open_is_the_takes() -> None:
    asked = Request(prompt="x", seed=3, plan="simple")
    theirs = asked.changed({"prompt": "a song", "seconds": 0.5})
    assert read(MIX, bend(request=theirs), request=asked)[-1] == bend(request=theirs)


def test_a_recording_is_put_into_words_that_play_it() -> None:
    asked = Request(task="understand", source="/x.wav", name="mine", seed=3)
    theirs = Request(prompt="house", seconds=9, key="A minor", codes="1 2", name="evil")
    _, end = read(bend(request=theirs.changed({"source": "/x.wav"})), request=asked)
    assert isinstance(end, RenderFinished)
    assert end.info.request == theirs.changed({"name": "mine", "seed": 3})


@pytest.mark.parametrize(
    "clips",
    [
        (),
        (MIX, MIX),
        (clip(samples=12_000), DRUMS, clip(samples=12_000)),
        (clip(samples=12_000), clip(samples=12_001)),
        (DRUMS,),
        (DRUMS, MIX),
        (MIX, clip("vocals")),
        (clip("/../../escaped"),),
        (clip("mix\0"),),
        (clip(5),),
        (clip([]),),
        (clip(samples=0),),
        (clip(samples=100),),
        (clip(samples=24_001),),
        (clip(samples=23_999),),
        (MIX, clip("drums", 23_999)),
        (clip(value=np.nan),),
        (clip(value=np.inf),),
        (clip(value=5.0),),
        (RenderClip(TICKET, "mix", np.zeros(48_000, np.float32)),),
        (RenderClip(TICKET, "mix", 3),),  # type: ignore[arg-type]
        (MIX, LATENTS, LATENTS),
        (MIX, dataclasses.replace(LATENTS, latents=np.zeros((12, 3), np.float32))),
        (MIX, RenderPlan(TICKET, {})),
        (dataclasses.replace(MIX, ticket=TICKET + 1),),
    ],
)
def test_clips_that_were_not_asked_for_are_refused(clips: tuple[WorkerMessage, ...]) -> None:
    with pytest.raises(BadParcel):
        read(*clips, END)


@pytest.mark.parametrize(
    "end",
    [
        MIX,
        RenderFinished(TICKET, INFO, "q"),  # type: ignore[arg-type]
        RenderFinished(TICKET, INFO, 0.1, {"x": 3}),  # type: ignore[dict-item]
        RenderFinished(TICKET + 1, INFO, 0.1),
        RenderFailed(TICKET, "x", "", ""),  # type: ignore[arg-type]
        RenderFailed(TICKET, 10**30, "", ""),
        RenderFailed(TICKET, 3, "", ""),
        RenderFinished(TICKET, INFO, 1e300),
        RenderFinished(TICKET, INFO, 10**400),
        RenderFinished(TICKET, INFO, float("nan")),
        bend(sections=((10**400, "Verse"),)),
        bend(lines=(LINE._replace(bar=2**31),)),
        bend(sections=(("a", 5),)),
        bend(sections=((1.0, "a", 2),)),
        bend(chords=((0.0, 5),)),
        bend(planned=5),
        bend(planned={"bpm": []}),
        bend(timings={"x": "y"}),
        bend(memory=[]),
        bend(machine={"device": 3}),
        bend(notes=(3,)),
        bend(model=3),
        bend(bits="8"),
        bend(timesteps=("x",)),
        bend(lines=(LINE._replace(bar="x"),)),  # type: ignore[arg-type]
        bend(lines=(LINE._replace(words=(WordTime("la", "x", 1.0),)),)),  # type: ignore[arg-type]
    ],
)
def test_an_end_that_is_none_is_refused(end: WorkerMessage) -> None:
    with pytest.raises(BadParcel):
        read(MIX, end)


def test_nothing_is_no_end() -> None:
    junk: list[Any] = [{"frames": []}, {}, [], None, 3]
    for parcel in junk:
        with pytest.raises(BadParcel):
            read_result(parcel, TICKET, ASKED)


def test_every_fact_about_a_take_is_looked_at() -> None:
    assert results._INFO.keys() == {field.name for field in dataclasses.fields(TakeInfo)}


TOLD = [
    RenderProgress(TICKET, 0.5, "diffusion"),
    RenderPlan(TICKET, {"bpm": 120.0}),
    RenderLines(TICKET, (LINE,)),
    RenderNotes(TICKET, (Explanation("read"),)),
    PreviewAudio(TICKET, 1, MIX.audio),
]


@pytest.mark.parametrize("message", TOLD)
def test_what_is_told_on_the_way_is_heard(message: WorkerMessage) -> None:
    assert len(read_told(pack([message]))) == 1


@pytest.mark.parametrize(
    "message",
    [
        END,
        RenderFailed(TICKET, 500, "", ""),
        RenderProgress(TICKET, "x", "diffusion"),  # type: ignore[arg-type]
        RenderProgress(TICKET, 0.5, 3),  # type: ignore[arg-type]
        RenderProgress(TICKET, 1e300, "diffusion"),
        PreviewAudio(TICKET, 2**31, MIX.audio),
        RenderPlan(TICKET, 5),  # type: ignore[arg-type]
        PreviewAudio(TICKET, 1, MIX.audio[0]),
        RenderNotes(TICKET, ((3, False),)),  # type: ignore[arg-type]
    ],
)
def test_junk_on_the_way_is_refused(message: WorkerMessage) -> None:
    with pytest.raises(BadParcel):
        read_told(pack([message]))


def test_a_worker_says_of_its_model_what_can_be_said() -> None:
    loaded = ModelLoaded("mini", (), SteppedModel().capabilities, 1.0, 0.0)
    assert read_loaded(pack([loaded])) == [loaded]
    wrong: list[dict[str, Any]] = [{"title": 3}, {"seconds_per_cost": "x"}, {"token_cost": -1.0}]
    for values in wrong:
        with pytest.raises(BadParcel):
            read_loaded(pack([dataclasses.replace(loaded, **values)]))
    with pytest.raises(BadParcel):
        read_loaded(pack([RenderCancelled(TICKET)]))
