"""The planner's parity, on a folder whose cases are called otherwise, are fewer, shorter, and of
other widths.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from pipeline.planner import loading
from tests.support.golden import FAIL, MISSING, OK, Fixtures, Line
from tests.tools import parity

GOLDEN = parity.FIXTURES / "golden"
pytestmark = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"the official code's values are not at {GOLDEN}"
)
CASES = {"logits": "metas_prompt", "cfg": "beside"}
THIRD = ("columns", "cond", "uncond", "guided_scale2")


def renamed(file: Path) -> dict[str, np.ndarray]:
    """With fewer columns, one more scale of guidance, and the beginning of a prompt as a case of
    its own.
    """
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in load_file(file).items():
        case, _, part = name.partition(".")
        tensor = tensor[..., :17] if part.startswith("all_positions") else tensor
        tensors[f"{CASES[case]}.{part}"] = tensor[..., ::3] if part in THIRD else tensor
    cond = tensors["beside.cond"]
    uncond = tensors["beside.uncond"]
    tensors["beside.guided_scale3_5"] = uncond + np.float32(3.5) * (cond - uncond)
    for part in ("input_ids", "hidden", "all_positions_head"):
        tensors[f"short.{part}"] = tensors[f"metas_prompt.{part}"][:, :50]
    return {name: np.ascontiguousarray(tensor) for name, tensor in tensors.items()}


@pytest.fixture(scope="module")
def lines(tmp_path_factory: pytest.TempPathFactory) -> list[Line]:
    folder = tmp_path_factory.mktemp("unseen")
    (folder / "golden").mkdir()
    (folder / "a-checkpoint").symlink_to(Fixtures(parity.FIXTURES).root)
    for file in GOLDEN.glob("lm_[0-9]*.safetensors"):
        save_file(renamed(file), folder / "golden" / file.name)
    rows = {
        name: np.ascontiguousarray(t[:2])
        for name, t in load_file(GOLDEN / "lm_sampling.safetensors").items()
    }
    save_file(rows, folder / "golden" / "lm_sampling.safetensors")
    traces = json.loads((GOLDEN / "lm_traces.json").read_text())
    for planner in traces.values():
        planner["traces"] = [
            case | {"label": f"case {i}"} for i, case in enumerate(planner["traces"][::-1][:2])
        ]
    absent = f"{loading.PREFIX}9B"
    (folder / "golden" / "lm_traces.json").write_text(json.dumps(traces | {absent: {"traces": []}}))
    prompts = json.loads((GOLDEN / "lm_prompts.json").read_text())
    prompts["prompts"] = [*prompts["prompts"][::-1], prompts["prompts"][0] | {"function": "dance"}]
    (folder / "golden" / "lm_prompts.json").write_text(json.dumps(prompts))
    return list(parity.run(Fixtures(folder)))


@pytest.mark.long
def test_every_case_is_compared_whatever_it_is_called(lines: list[Line]) -> None:
    met = {line.name for line in lines if line.verdict == OK}
    parts = {"short.hidden", "metas_prompt.all_positions_audio", "top_k7_kept"}
    assert met > parts | {"beside.guided_scale2", "beside.guided_scale3_5"}
    assert {line.area for line in lines if line.verdict == OK} == {
        "lm_0_6B",
        "lm_1_7B",
        "lm_prompts",
        "lm_sampling",
        "lm_traces",
    }


@pytest.mark.long
def test_what_is_not_there_is_named(lines: list[Line]) -> None:
    (failed,) = (line for line in lines if line.verdict == FAIL)
    assert failed.area == "lm_traces"
    assert "acestep-5Hz-lm-9B" in failed.note
    (missing,) = (line for line in lines if line.verdict == MISSING)
    assert missing.note == "nothing here does dance"
