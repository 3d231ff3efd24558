"""Play a bank from a terminal, as a pad controller would: hits, holds, marks, knobs and banks over
a MIDI port.

    python examples/pads/play.py "hit 1" "hit 6" "hold 3" "mark 3" "knob 21 64" "bank 2"
    echo "hit 1" | python examples/pads/play.py

The daemon has `ports = ["virtual"]` under [midi] in its settings. Pads count from 1 at the lower
left. What the pads show is printed as it comes. With
MIDO_BACKEND=daemon.midi.rtmidi_backend/UNIX_JACK it plays on JACK.
"""

from __future__ import annotations

import argparse
import sys
import time

import mido

from daemon.midi import load_backend

# what a velocity means in the profile "generic"
LOOKS = {
    0: "empty",
    4: "failed",
    8: "rendering",
    16: "queued",
    100: "ready",
    127: "favourite",
}
PEDAL = 64  # the shift
TAP = 0.05  # seconds that a pad is down
HOLD = 1.0


def main() -> int:
    parser = argparse.ArgumentParser(description="Play a bank of acestepd from a terminal.")
    parser.add_argument(
        "moves",
        nargs="*",
        help="hit PAD, hold PAD, mark PAD, knob CC VALUE, bank NUMBER; else stdin",
    )
    parser.add_argument("--port", default="acestepd", help="part of the name of the daemon's port")
    parser.add_argument("--first-note", type=int, default=36)
    parser.add_argument(
        "--listen",
        type=float,
        default=5.0,
        help="seconds to go on showing lights after the last move",
    )
    arguments = parser.parse_args()
    backend = load_backend()
    outputs = backend.get_output_names()
    outgoing = next((name for name in outputs if arguments.port in name), None)
    incoming = next((name for name in backend.get_input_names() if arguments.port in name), None)
    if not outgoing or not incoming:
        there = ", ".join(outputs) or "none"
        print(f"no MIDI port is called {arguments.port!r}; there are: {there}", file=sys.stderr)
        return 1

    def show(message: mido.Message) -> None:
        if message.type == "note_on":
            pad = message.note - arguments.first_note + 1
            print(f"pad {pad} {LOOKS.get(message.velocity, 'rendering')}", flush=True)

    with backend.open_output(outgoing) as port, backend.open_input(incoming, callback=show):
        for move in arguments.moves or sys.stdin:
            play(port, move.split(), arguments.first_note)
        time.sleep(arguments.listen)
    return 0


def play(port: mido.ports.BaseOutput, words: list[str], first_note: int) -> None:
    """Make one move, such as `hit 1`."""
    match words:
        case ["hit", pad]:
            tap(port, first_note + int(pad) - 1, TAP)
        case ["hold", pad]:
            tap(port, first_note + int(pad) - 1, HOLD)
        case ["mark", pad]:
            port.send(mido.Message("control_change", control=PEDAL, value=127))
            tap(port, first_note + int(pad) - 1, TAP)
            port.send(mido.Message("control_change", control=PEDAL, value=0))
        case ["knob", control, value]:
            port.send(mido.Message("control_change", control=int(control), value=int(value)))
        case ["bank", number]:
            port.send(mido.Message("program_change", program=int(number)))
        case _:
            print(
                f"what is {' '.join(words)!r}? hit 1, hold 1, mark 1, knob 21 64 or bank 2",
                file=sys.stderr,
            )


def tap(port: mido.ports.BaseOutput, note: int, seconds: float) -> None:
    """Hold a pad down for so long."""
    port.send(mido.Message("note_on", note=note, velocity=100))
    time.sleep(seconds)
    port.send(mido.Message("note_off", note=note))


if __name__ == "__main__":
    raise SystemExit(main())
