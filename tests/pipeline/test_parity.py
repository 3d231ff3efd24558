"""The pipeline computes what the official code does, and `tests/tools/parity.py` notices when it
does not.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests.support.golden import ABSENT, DEVIATION, FAIL, MISSING, NUMBER, OK, Fixtures, Line, Notes
from tests.tools import parity

# isort: split
import mlx.core as mx

GOLDEN = parity.FIXTURES / "golden"
needs_fixtures = pytest.mark.skipif(
    not GOLDEN.is_dir(), reason=f"the official code's values are not at {GOLDEN}"
)


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(parity.run(Fixtures(parity.FIXTURES)))


@pytest.fixture
def part(tmp_path: Path) -> Callable[..., Path]:
    """A folder with the checkpoint, the golden README and some of the golden files; its `golden`
    can be changed.
    """

    def build(*areas: str, readme: bool = True) -> Path:
        (tmp_path / "golden").mkdir()
        (tmp_path / "a-checkpoint").symlink_to(Fixtures(parity.FIXTURES).root)
        for name in [f"{area}.safetensors" for area in areas] + ["README.md"] * readme:
            (tmp_path / "golden" / name).write_bytes((GOLDEN / name).read_bytes())
        return tmp_path

    return build


def change(
    folder: Path, area: str, name: str, value: Callable[[np.ndarray], np.ndarray] | None
) -> None:
    """Replace one golden tensor, or remove it."""
    path = folder / "golden" / f"{area}.safetensors"
    tensors = load_file(path)
    old = tensors.pop(name)
    save_file(tensors | ({name: value(old)} if value else {}), path)


@needs_fixtures
@pytest.mark.long
def test_everything_agrees_with_the_official_code(lines: list[Line]) -> None:
    assert [str(line) for line in lines if line.verdict == FAIL] == []


@pytest.mark.long
def test_a_lone_checkout_can_check_turbo_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main([str(parity.COPY)]) == 0
    passed = {
        line.split()[0]: int(line.split()[1])
        for line in capsys.readouterr().out.split("deviation\n")[1].splitlines()
    }
    assert all(
        passed[area] > 3
        for area in ("text_encoder", "dit_turbo", "sampler_turbo", "vae", "end_to_end", "tasks")
    )


@needs_fixtures
@pytest.mark.long
def test_the_command_then_succeeds(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    # what the command would compute again
    monkeypatch.setattr(parity, "run", lambda _: iter(lines))
    assert parity.main([str(parity.FIXTURES)]) == 0
    total = capsys.readouterr().out.splitlines()[-1].split()
    assert total[:3] == ["total", str(sum(line.verdict == OK for line in lines)), "0"]


@needs_fixtures
@pytest.mark.long
def test_every_area_with_code_has_checks(lines: list[Line]) -> None:
    passed = {line.area for line in lines if line.verdict == OK}
    assert passed >= {
        "text_encoder",
        "condition_encoder",
        "dit_xl_turbo",
        "sampler_base",
        "vae",
        "fsq",
        "end_to_end",
    }
    assert passed >= {"lm_0_6B", "lm_1_7B", "lm_sampling", "lm_prompts", "lm_traces", "fsm"}


@needs_fixtures
@pytest.mark.long
def test_nothing_is_without_code(lines: list[Line]) -> None:
    assert [str(line) for line in lines if line.verdict == MISSING] == []


@needs_fixtures
@pytest.mark.long
def test_deviations_say_why(lines: list[Line]) -> None:
    deviations = [line for line in lines if line.verdict == DEVIATION]
    areas = {
        "end_to_end",
        "lm_prompts",
        "postprocess",
        "sampler_base",
        "sampler_turbo",
        "schedules",
        "tasks",
    }
    assert {line.area for line in deviations} == areas
    assert all(line.note for line in deviations)


def renamed(folder: Path, area: str, row: int | None = None) -> None:
    """Other names for its cases, in the file and in the README; and of a batch one row alone."""
    path, readme = (folder / "golden" / name for name in (f"{area}.safetensors", "README.md"))
    tensors = load_file(path)
    words = readme.read_text()
    batch = len(tensors["noise"]) if "noise" in tensors else 0
    cases = sorted({name.partition(".")[0] for name in tensors if "." in name} - {"fused"})
    names = {case: f"unseen_{number}" for number, case in enumerate(cases)}
    head, mark, part = words.partition(f"### {area}.safetensors")
    part, end, rest = part.partition("\n### ")
    for old, new in names.items():
        part = part.replace(f"| `{old}.", f"| `{new}.")
    readme.write_text(head + mark + part + end + rest)
    changed = {}
    for name, tensor in tensors.items():
        case, dot, part = name.partition(".")
        if row is not None:
            selected = (
                np.s_[row::batch]
                if part == "v0" or tensor.shape[:1] == (batch,)
                else np.s_[:, row : row + 1]
            )
            tensor = (
                tensor
                if tensor.ndim < 2 or name == "null_condition_emb"
                else np.ascontiguousarray(tensor[selected])
            )
        changed[names.get(case, case) + dot + part] = tensor
    save_file(changed, path)


@pytest.mark.long
@needs_fixtures
def test_a_case_is_known_by_what_is_recorded_of_it_not_by_its_name(
    part: Callable[..., Path],
) -> None:
    """Whatever it is called, and whatever its batch."""
    folder = part("sampler_turbo", "sampler_base", "dit_turbo", "vae")
    for area, row in (
        ("sampler_turbo", 1),
        ("sampler_base", 1),
        ("dit_turbo", None),
        ("vae", None),
    ):
        renamed(folder, area, row)
    lines = list(parity.run(Fixtures(folder)))
    assert [str(line) for line in lines if line.verdict in (FAIL, MISSING)] == []
    assert len([line for line in lines if line.verdict == OK]) > 90
    assert [
        line.name for line in lines if line.verdict == DEVIATION and line.area == "sampler_base"
    ]


@needs_fixtures
def test_what_is_not_there_is_named(
    part: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    folder = part("guidance", "postprocess")
    change(folder, "guidance", "cfg.out", None)
    assert parity.main([str(folder)]) == 0
    listed = capsys.readouterr().out.partition("not there, and so not compared")[2].split()
    assert {"golden/vae", "golden/tasks", "golden/prompts", "guidance/cfg.out"} <= set(listed)
    assert not {"golden/guidance", "golden/postprocess"} & set(listed)


@needs_fixtures
def test_what_was_made_from_a_golden_file_that_is_not_there_is_no_failure(
    part: Callable[..., Path],
) -> None:
    """The adapter's inputs are the DiT's, a whole generation's prompt and window are in
    tasks.json.
    """
    lines = list(parity.run(Fixtures(part("lora", "end_to_end"))))
    assert {line.area for line in lines} == {"lora", "end_to_end"}
    assert {line.verdict for line in lines} == {ABSENT}
    assert all(line.note for line in lines)


def one_off(tensor: np.ndarray) -> np.ndarray:
    changed = tensor.copy()
    changed.flat[-1] += 1e-3
    return changed


@needs_fixtures
@pytest.mark.parametrize(
    ("value", "note"),
    [
        (one_off, ""),
        (lambda t: np.full_like(t, np.nan), ""),
        (lambda t: t[:, :-1].copy(), "has the shape"),
    ],
    ids=["one number", "NaN", "shape"],
)
def test_a_changed_tensor_fails(
    part: Callable[..., Path],
    capsys: pytest.CaptureFixture[str],
    value: Callable[[np.ndarray], np.ndarray],
    note: str,
) -> None:
    folder = part("guidance")
    change(folder, "guidance", "apg.step1.out", value)
    assert parity.main([str(folder)]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if FAIL in line]
    assert len(failed) == 1
    assert "apg.step1.out" in failed[0]
    assert note in failed[0]


@needs_fixtures
def test_in_bfloat16_a_table_says_what_is_lost_and_nothing_is_expected(
    part: Callable[..., Path], capsys: pytest.CaptureFixture[str]
) -> None:
    assert parity.main([str(part("dit_turbo", "guidance")), "--dtype", "bfloat16"]) == 0
    [row] = capsys.readouterr().out.partition("noise is of")[2].splitlines()[1:]
    area, rounded, largest, noise, *_ = row.split()
    assert area == "dit_turbo"
    assert int(rounded) > 10
    assert 1e-4 < float(largest) < 0.1  # in float32 the tolerance is 1e-4
    assert -60 < float(noise) < -20


@needs_fixtures
def test_what_is_no_number_fails_in_bfloat16_too(part: Callable[..., Path]) -> None:
    folder = part("dit_turbo")
    change(folder, "dit_turbo", "odd.velocity", lambda t: np.full_like(t, np.nan))
    assert parity.main([str(folder), "--dtype", "bfloat16"]) == 1


def test_a_device_that_is_not_there_is_said_and_nothing_is_compared(
    capsys: pytest.CaptureFixture[str],
) -> None:
    if mx.is_available(mx.gpu):
        pytest.skip("there is a GPU")
    assert parity.main([str(parity.COPY), "--device", "gpu"]) == 0
    assert capsys.readouterr().out == "skipped: MLX has no GPU here; see: acestepd doctor\n"


@needs_fixtures
def test_a_missing_input_fails_its_area_only(part: Callable[..., Path]) -> None:
    folder = part("dit_turbo", "guidance")
    change(folder, "dit_turbo", "odd.context_latents", None)
    lines = list(parity.run(Fixtures(folder)))
    failed = [line for line in lines if line.verdict == FAIL]
    assert [(line.area, line.note) for line in failed] == [
        ("dit_turbo", "KeyError: 'odd.context_latents'")
    ]
    assert any(line.area == "guidance" and line.verdict == OK for line in lines)


@pytest.mark.long
@needs_fixtures
def test_the_readme_is_not_needed(part: Callable[..., Path]) -> None:
    assert (
        parity.main([str(part("guidance", "sampler_base", "dit_turbo", "vae", readme=False))]) == 0
    )


def test_a_folder_without_golden_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        parity.main([str(tmp_path)])
    assert stopped.value.code == 2


def test_notes_give_tolerances_and_parameters(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    row = "| `{}` | (1, 2) | float32 | {} | 6 steps, guidance 5 (APG), A \\| B |\n"
    tolerances = {
        "a": "5e-4",
        "b": "exact",
        "c": "exact after bf16->f32",
        "d": "informative",
        "e": "?",
    }
    readme.write_text(
        "### x.safetensors\n\n" + "".join(row.format(name, tol) for name, tol in tolerances.items())
    )
    notes = Notes(readme)
    dtype = np.dtype(np.float32)
    assert [notes.tolerance(f"x/{name}", dtype) for name in "abce"] == [5e-4, 0.0, 1e-6, 1e-4]
    assert notes.informative("x/d")
    assert notes.number("x/a", rf"guidance {NUMBER}", 1.0) == 5.0
    assert notes.number("y/a", rf"guidance {NUMBER}", 1.0) == 1.0
