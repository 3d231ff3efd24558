"""How much computing a request is."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from pipeline import load
from pipeline.cost import estimate_cost
from pipeline.request import Request
from pipeline.variants import BASE, TURBO, Defaults

ROOT = Path(__file__).parents[2]


def test_the_cost_is_known_without_a_model() -> None:
    ace_step = load("mini")
    request = Request(prompt="x", bars=8, bpm=100, stems="drums")
    elsewhere = Defaults(**json.loads(json.dumps(ace_step.capabilities.defaults._asdict())))
    told = estimate_cost(request, elsewhere, divides=True)
    assert told == ace_step.estimate_cost(request) > 0
    by_network = request.changed({"guide": "off"})
    taken_out = estimate_cost(by_network, elsewhere)
    assert taken_out == ace_step.estimate_cost(by_network) > told
    assert told > ace_step.estimate_cost(request.changed({"stems": ""}))


def test_stems_that_a_guide_tells_cost_as_much_however_many_there_are() -> None:
    one, three = Request(stems="drums"), Request(stems="drums bass vocals")
    assert estimate_cost(one, TURBO, divides=True) == estimate_cost(three, TURBO, divides=True)
    assert estimate_cost(Request(), TURBO, divides=True) == estimate_cost(Request(), TURBO)


def test_the_cost_grows_with_what_there_is_to_do() -> None:
    short = Request()
    assert estimate_cost(Request(seconds=60), TURBO) == 2 * estimate_cost(short, TURBO)
    assert estimate_cost(short, BASE) > 5 * estimate_cost(short, TURBO)
    assert estimate_cost(Request(stems="drums, bass"), TURBO) == 3 * estimate_cost(short, TURBO)
    source = "x.wav"
    assert estimate_cost(Request(task="cover", source=source), TURBO) == estimate_cost(short, TURBO)
    assert estimate_cost(Request(task="extract", source=source), TURBO) == 2 * estimate_cost(
        short, TURBO
    )
    # the model's shortest clip
    assert estimate_cost(Request(seconds=0.1), TURBO) == estimate_cost(Request(seconds=5), TURBO)


def test_the_cost_needs_no_mlx() -> None:
    code = "import sys, pipeline.cost; print('mlx.core' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert done.stdout.strip() == "False"
