"""The process that owns the model and nothing else: it takes messages from a pipe, renders, and
sends back what it made.

It touches no file and no socket, so it may be killed at any time. What is said on the pipe:
`messages.py`. The daemon's end of it: `engine/supervisor.py`.
"""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from pipeline.audio import count_samples, read_frames
from pipeline.latent_store import LatentStore
from pipeline.request import PREVIEW, UNDERSTAND, Request
from pipeline.take import PendingClip, Progress, TakeInfo, describe_machine

from .jobs import describe_failure
from .messages import (
    AdaptersRefused,
    AdaptersSet,
    CancelRender,
    FetchingModel,
    LoadModel,
    MixLatents,
    ModelLoaded,
    ModelLoadFailed,
    PreviewAudio,
    Render,
    RenderCancelled,
    RenderClip,
    RenderDescribed,
    RenderFailed,
    RenderFinished,
    RenderLines,
    RenderNotes,
    RenderPlan,
    RenderProgress,
    SetAdapters,
    WorkerMessage,
    receive_message,
    send_message,
)

if TYPE_CHECKING:
    from pipeline.generate import AceStep
    from pipeline.planner.planner import Description

# How far it stands back for programs that want the same processor: a DAW's sound must not stop,
# and the daemon's answers must not wait, because a take is made.
NICENESS = 5

log = logging.getLogger("acestepd.worker")

PROGRESS_SECONDS = 0.05  # between two messages about a job's progress
ORPHAN_SECONDS = 2.0  # between two looks whether the daemon is still there
SIGN_SECONDS = 2.0  # between two signs of life while a model is fetched

Loader = Callable[[LoadModel, Callable[[], None]], "AceStep"]


def load_model(message: LoadModel, on_fetching: Callable[[], None]) -> AceStep:
    """The model of a load message. `on_fetching` is called now and then while its files are
    downloaded. Raises `CheckpointError` and other `ValueError`s for what cannot be loaded.
    """
    from pipeline.generate import load
    from pipeline.memory import set_limits
    from pipeline.weights import checkpoint

    with call_periodically(SIGN_SECONDS, on_fetching):
        checkpoint.fetch(message.model, message.variant, message.revision)
    model = load(
        message.model,
        variant=message.variant,
        revision=message.revision,
        bits=message.bits,
        planner=message.planner,
    )
    model.confine(message.linked_adapters)
    model.set_adapters(*message.adapters)
    set_limits(message.cache_gb, message.memory_gb, message.wired_gb)
    model.limit_cache(message.conditions_mb)
    if message.latents_mb:
        model.keep_latents(LatentStore(Path(message.latents_folder), message.latents_mb))
    return model


@contextmanager
def call_periodically(seconds: float, call: Callable[[], None]) -> Iterator[None]:
    """Call it every so often, from another thread, until the block ends."""
    done = threading.Event()

    def keep_calling() -> None:
        with suppress(OSError):  # the pipe is closed: the block will notice
            while not done.wait(seconds):
                call()

    thread = threading.Thread(target=keep_calling, daemon=True)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


class Worker:
    """Renders one take at a time. A newer one goes on top of it, and it goes on afterwards."""

    def __init__(self, connection: Connection, load: Loader) -> None:
        self._connection = connection
        self._load = load
        self._renderings: list[Rendering] = []  # a stack: the last one is being rendered

    def run(self) -> None:
        """Until the other end closes."""
        try:
            self._serve()
        except (EOFError, BrokenPipeError, ConnectionResetError):
            pass  # the daemon has ended, or does not need this worker any more
        finally:
            self._renderings.clear()
            self._connection.close()
            from pipeline.device import leave_thread

            leave_thread()

    def _serve(self) -> None:
        message = receive_message(self._connection)
        assert isinstance(message, LoadModel)
        try:
            model = self._load(message, lambda: self._send(FetchingModel()))
            seconds_per_cost = warm_up(model, message.plans_takes)
        except Exception as error:  # whatever a checkpoint can do wrong
            if not isinstance(error, ValueError):
                log.exception("the model could not be loaded")
            self._send(ModelLoadFailed(f"the model could not be loaded: {error}"))
            return
        obstacle = model.find_obstacle_to_understanding()
        self._send(
            ModelLoaded(
                model.title,
                tuple(model.adapters),
                model.capabilities,
                seconds_per_cost,
                model.token_cost,
                (str(obstacle), obstacle.hint) if obstacle else (),
            )
        )
        while True:
            while not self._renderings or self._connection.poll():
                self._handle(model, receive_message(self._connection))
            self._advance()

    def _handle(self, model: AceStep, message: WorkerMessage) -> None:
        match message:
            case Render():
                self._renderings.append(Rendering(model, message.ticket, message.request))
            case CancelRender():
                self._cancel(message.ticket)
            case SetAdapters():
                self._set_adapters(model, message)

    def _cancel(self, ticket: int) -> None:
        for rendering in [each for each in self._renderings if each.ticket == ticket]:
            self._renderings.remove(rendering)
            rendering.close()
            self._send(RenderCancelled(ticket))

    def _set_adapters(self, model: AceStep, message: SetAdapters) -> None:
        try:
            model.set_adapters(*message.adapters)
        except ValueError as error:
            self._send(AdaptersRefused(str(error)))
        except Exception as error:
            log.exception("the adapters %s", message.adapters)
            self._send(AdaptersRefused(f"{type(error).__name__}: {error}"))
        else:
            self._send(AdaptersSet(model.title, tuple(model.adapters)))

    def _advance(self) -> None:
        """One step of the rendering on top."""
        rendering = self._renderings[-1]
        try:
            output = next(rendering.outputs, None)
            if output is not None:
                self._pass_on(rendering, output)
                return
            self._deliver(rendering)
        except Exception as error:
            self._send(_failed(rendering.ticket, error))
        self._renderings.pop()

    def _pass_on(self, rendering: Rendering, output: Progress | PendingClip) -> None:
        """Send what a rendering has on its way; clips are kept until all are there."""
        if isinstance(output, PendingClip):
            if output.name.startswith(PREVIEW):
                step = int(output.name.removeprefix(PREVIEW))
                self._send(PreviewAudio(rendering.ticket, step, output.render().samples))
            else:
                rendering.clips.append(output)
        elif output.planned is not None:
            self._send(RenderPlan(rendering.ticket, dict(output.planned)))
        elif output.lines is not None:
            self._send(RenderLines(rendering.ticket, output.lines))
        elif output.notes is not None:
            self._send(RenderNotes(rendering.ticket, output.notes))
        elif time.monotonic() - rendering.progress_sent >= PROGRESS_SECONDS:
            rendering.progress_sent = time.monotonic()
            self._send(RenderProgress(rendering.ticket, output.fraction, output.label))

    def _deliver(self, rendering: Rendering) -> None:
        """Send all of a take that is made, in one go: the daemon writes what came while the rest is
        computed, and no other take of this worker lands meanwhile.
        """
        ticket = rendering.ticket
        model = rendering.model
        if rendering.description is not None:
            info = _description_info(rendering, rendering.description)
            self._send(RenderDescribed(ticket, info, 0))
        else:
            mix = rendering.clips[0]
            info = mix.info
            self._send(RenderDescribed(ticket, info, count_samples(mix.sound)))
            if mix.latents is not None and model.keeps_latents:
                latents = np.asarray(mix.latents)
                self._send(MixLatents(ticket, model.vae_digest, mix.gain, latents))
            for clip in rendering.clips:
                for frames in read_frames(clip.sound):
                    self._send(RenderClip(ticket, clip.name, frames.T))
        self._send(RenderFinished(ticket, info, model.token_cost, model.count_cached()))
        from pipeline.memory import release_cache

        release_cache()  # now nobody waits for that

    def _send(self, message: WorkerMessage) -> None:
        send_message(self._connection, message)


class Rendering:
    """One take in the making. `outputs` makes it, a step with every value."""

    def __init__(self, model: AceStep, ticket: int, request: Request) -> None:
        self.model = model
        self.ticket = ticket
        self.request = request
        self.clips: list[PendingClip] = []
        self.description: Description | None = None  # of a recording that is put into words
        self.progress_sent = 0.0  # time.monotonic() of its newest message about progress
        self.outputs = self._render()

    def _render(self) -> Generator[Progress | PendingClip, None, None]:
        if self.request.task != UNDERSTAND:
            yield from self.model.render_pending(self.request)
            return
        self.description = yield from self.model.understand(self.request)
        yield Progress("plan", 1.0, planned=self.description.values)

    def close(self) -> None:
        """Stop it where it is."""
        self.outputs.close()


def _description_info(rendering: Rendering, description: Description) -> TakeInfo:
    """What was understood of a recording, with a request that plays it."""
    from pipeline import device

    request = Request(seed=rendering.request.seed, name=rendering.request.name).changed(
        description.values
    )
    return TakeInfo(
        request,
        rendering.model.title,
        codes=request.codes,
        planned=dict(description.values),
        machine=describe_machine(device.name_device()),
        notes=description.notes,
    )


def _failed(ticket: int, error: Exception) -> RenderFailed:
    """What to tell of a rendering that has failed; bugs are logged."""
    if isinstance(error, OSError):
        message = f"a file could not be read: {error}"
        return RenderFailed(ticket, 422, message, "check the request's files")
    if not isinstance(error, ValueError):
        log.error("job %s failed", ticket, exc_info=error)
    return RenderFailed(ticket, *describe_failure(error))


WARM_UP = Request(prompt="warm up", seconds=1, seed=0, num_steps=2, plan="off")
PLANNED_WARM_UP = WARM_UP.changed(
    {"plan": "auto", "seconds": 3, "bpm": 120, "key": "C major", "time_signature": "4"}
)


def warm_up(model: AceStep, with_planner: bool = True) -> float:
    """Render short takes and throw them away: kernels get compiled, and the speed of this machine
    gets known. Returns the seconds that a unit of cost takes.

    A planner that takes are made with, and that the memory has room for beside the model, is warmed
    up too.
    """
    requests = [WARM_UP, WARM_UP]  # the first one compiles
    if with_planner and model.can_plan and model.has_room_for_planner:
        requests = [PLANNED_WARM_UP, PLANNED_WARM_UP, *requests]
    seconds = 0.0
    for request in requests:
        started = time.monotonic()
        model.rehearse(request)
        seconds = time.monotonic() - started
    return seconds / model.estimate_cost(WARM_UP)


def _exit_with_parent(parent: int) -> None:
    """A daemon that was killed says nothing: its worker would go on loading, or downloading, for
    nobody.
    """
    while os.getppid() == parent:
        time.sleep(ORPHAN_SECONDS)
    os._exit(1)


def main() -> None:
    handle, parent = map(int, sys.argv[1:])
    os.nice(NICENESS)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # meant for the daemon, which ends us in its own time
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    threading.Thread(target=_exit_with_parent, args=(parent,), daemon=True).start()
    Worker(Connection(handle), load_model).run()


if __name__ == "__main__":
    main()
