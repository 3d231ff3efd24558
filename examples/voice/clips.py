"""Clips that the VAE learns from: rendered by other processes meanwhile, kept on the device."""

from __future__ import annotations

import ctypes
import multiprocessing
import os
import queue
import threading
import time
from typing import Any
from unittest import mock

import torch
from torch import Tensor

from pipeline.request import SAMPLE_RATE

from .rendering import ONE_THREAD, Plan, render_clips, view_slots

SLOTS = 4  # clips that each worker may be ahead
QUIET_SHARE = 0.03  # of the examples are silence
PATIENCE = 5.0  # seconds between two looks at whether somebody renders


class Clips:
    """A pool of clips on the device, in float16. A thread takes over what the workers render, in a
    stream of its own, so that no step waits for it.
    """

    def __init__(self, plan: Plan, device: torch.device, first_seed: int = 0) -> None:
        self.plan = plan
        self.device = device
        self.taken = 0  # clips, in all
        samples = round(plan.seconds * SAMPLE_RATE)
        self.audio = torch.zeros(plan.clips, 2, samples, dtype=torch.float16, device=device)
        self._problem: BaseException | None = None
        self._start_workers(first_seed, samples)
        self._thread = threading.Thread(target=self._fill, daemon=True)
        self._thread.start()
        try:
            while self.taken < min(plan.at_first, plan.clips):
                self._raise_problem()
                time.sleep(0.05)
        except BaseException:
            self.close()
            raise

    def __len__(self) -> int:
        return min(self.taken, self.plan.clips)

    def _start_workers(self, first_seed: int, samples: int) -> None:
        spawning = multiprocessing.get_context("spawn")
        count = SLOTS * self.plan.workers
        shared = spawning.RawArray(ctypes.c_uint16, count * 2 * samples)
        self._slots = view_slots(shared, self.plan.seconds)
        self._free: Any = spawning.Queue()
        self._ready: Any = spawning.Queue()
        for slot in range(count):
            self._free.put(slot)
        self._workers = [
            spawning.Process(
                target=render_clips,
                args=(
                    shared,
                    self._free,
                    self._ready,
                    (first_seed + number, self.plan.workers),
                    self.plan,
                ),
                daemon=True,
            )
            for number in range(self.plan.workers)
        ]
        with mock.patch.dict(os.environ, ONE_THREAD):
            for worker in self._workers:
                worker.start()

    def _fill(self) -> None:
        try:
            on_card = self.device.type == "cuda"
            stream = torch.cuda.Stream(self.device) if on_card else None
            staging = torch.zeros(self.audio.shape[1:], dtype=torch.float16)
            staging = staging.pin_memory() if on_card else staging
            while True:
                slot = self._get_ready_slot()
                staging.copy_(torch.from_numpy(self._slots[slot]))
                self._free.put(slot)
                place = self.taken % self.plan.clips
                # a crop cut here at this very moment has two clips in it: that is rare
                with torch.cuda.stream(stream):
                    self.audio[place].copy_(staging, non_blocking=True)
                if stream:
                    stream.synchronize()
                self.taken += 1
                if self.taken >= self.plan.clips and self.plan.pause:
                    time.sleep(self.plan.pause)
        except BaseException as error:
            self._problem = error

    def _get_ready_slot(self) -> int:
        """Of the next clip. Raises RuntimeError if none comes."""
        while True:
            try:
                slot: int = self._ready.get(timeout=PATIENCE)
            except queue.Empty:
                # they may be slow, or stopped for a while
                if not any(worker.is_alive() for worker in self._workers):
                    message = "no process renders clips any more: see above"
                    raise RuntimeError(message) from None
            else:
                return slot

    def _raise_problem(self) -> None:
        if self._problem:
            raise RuntimeError("clips are not rendered") from self._problem

    def draw(self, batch: int, samples: int) -> Tensor:
        """(batch, 2, samples) float32 from random places of random clips; now and then silence. All
        of it is chosen and cut on the device.
        """
        self._raise_problem()
        on = {"device": self.device}
        chosen = torch.randint(len(self), (batch, 1, 1), **on)
        start = torch.randint(self.audio.shape[2] - samples + 1, (batch, 1, 1), **on)
        times = start + torch.arange(samples, **on)
        crops = self.audio[chosen, torch.arange(2, **on)[:, None], times].float()
        return crops * (torch.rand(batch, 1, 1, **on) >= QUIET_SHARE)

    def close(self) -> None:
        """End the workers."""
        for worker in self._workers:
            worker.terminate()
        for worker in self._workers:
            worker.join()
