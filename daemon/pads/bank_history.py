"""The banks that were played before: steps back, and forth again."""

from __future__ import annotations

from dataclasses import dataclass

from .bank import Bank

MOST = 32  # steps


@dataclass(frozen=True)
class Step:
    """A bank to go back to. It shares the pads that did not change with the one that was made of
    it. `change`: what was done to it, like "a reroll of pad 3". `is_other`: another bank was
    loaded; or else it has the name of the one that is played.
    """

    bank: Bank
    change: str
    is_other: bool = False


class BankHistory:
    """In memory, guarded by the engine's lock."""

    def __init__(self) -> None:
        self._undone: list[Step] = []
        self._done: list[Step] = []

    def add(self, step: Step) -> None:
        """Something has been done, and this was before: what was undone is gone."""
        self._done = [*self._done, step][-MOST:]
        self._undone = []

    def undo(self, current: Bank) -> Step | None:
        """The step back from the current bank; None where there is none."""
        return _exchange(current, self._done, self._undone)

    def redo(self, current: Bank) -> Step | None:
        """The step that was undone last."""
        return _exchange(current, self._undone, self._done)

    def rename(self, name: str, new: str) -> None:
        """The bank of that name has another one now."""
        for step in (*self._done, *self._undone):
            if step.bank.name == name:
                step.bank.name = new


def _exchange(current: Bank, taken: list[Step], kept: list[Step]) -> Step | None:
    if not taken:
        return None
    step = taken.pop()
    kept.append(Step(current, step.change, step.is_other))
    return step
