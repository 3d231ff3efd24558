"""The pipeline computes what the official code does, and `tests/parity.py` notices when it does not."""

from __future__ import annotations

from collections.abc import Callable
from fnmatch import fnmatchcase
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from tests import parity
from tests.golden import DEVIATION, FAIL, MISSING, OK, Fixtures, Line, Notes

GOLDEN = parity.FIXTURES / "golden"
needs_fixtures = pytest.mark.skipif(not GOLDEN.is_dir(), reason=f"the official code's values are not at {GOLDEN}")

# What the pipeline cannot do yet. Whoever adds it strikes it out here.
WITHOUT_CODE = """
    lora/*
    tasks/*text2music_codes* tasks/audio_code_parsing.* tasks/determine_task.* fsq/token_mask
""".split()


@pytest.fixture(scope="module")
def lines() -> list[Line]:
    return list(parity.run(Fixtures(parity.FIXTURES)))


@pytest.fixture
def part(tmp_path: Path) -> Callable[..., Path]:
    """A folder with the checkpoint, the golden README and some of the golden files; its `golden` can be changed."""

    def build(*areas: str, readme: bool = True) -> Path:
        (tmp_path / "golden").mkdir()
        (tmp_path / "a-checkpoint").symlink_to(Fixtures(parity.FIXTURES).root)
        for name in [f"{area}.safetensors" for area in areas] + ["README.md"] * readme:
            (tmp_path / "golden" / name).write_bytes((GOLDEN / name).read_bytes())
        return tmp_path

    return build


def change(folder: Path, area: str, name: str, value: Callable[[np.ndarray], np.ndarray] | None) -> None:
    """Replace one golden tensor, or remove it."""
    path = folder / "golden" / f"{area}.safetensors"
    tensors = load_file(path)
    old = tensors.pop(name)
    save_file(tensors | ({name: value(old)} if value else {}), path)


def without_code(line: Line) -> bool:
    if line.area == "schedules":  # its cases have numbers for names
        case = Fixtures(parity.FIXTURES).values("schedules")[line.name]
        return "cover_noise_strength" in case or (line.name.startswith("sft_and_xl_base") and case["timesteps"])
    return any(fnmatchcase(f"{line.area}/{line.name}", glob) for glob in WITHOUT_CODE)


@needs_fixtures
def test_everything_agrees_with_the_official_code(lines: list[Line]) -> None:
    assert [str(line) for line in lines if line.verdict == FAIL] == []


def test_a_lone_checkout_can_check_turbo_by_itself(capsys: pytest.CaptureFixture[str]) -> None:
    assert parity.main([str(parity.COPY)]) == 0
    passed = {
        line.split()[0]: int(line.split()[1]) for line in capsys.readouterr().out.split("deviation\n")[1].splitlines()
    }
    assert all(
        passed[area] > 3 for area in ("text_encoder", "dit_turbo", "sampler_turbo", "vae", "end_to_end", "tasks")
    )


@needs_fixtures
def test_the_command_then_succeeds(
    lines: list[Line], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(parity, "run", lambda _: iter(lines))  # what the command would compute again
    assert parity.main([str(parity.FIXTURES)]) == 0
    total = capsys.readouterr().out.splitlines()[-1].split()
    assert total[:3] == ["total", str(sum(line.verdict == OK for line in lines)), "0"]


@needs_fixtures
def test_every_area_with_code_has_checks(lines: list[Line]) -> None:
    passed = {line.area for line in lines if line.verdict == OK}
    assert passed >= {"text_encoder", "condition_encoder", "dit_xl_turbo", "sampler_base", "vae", "fsq", "end_to_end"}
    assert passed >= {"lm_0_6B", "lm_1_7B", "lm_sampling", "lm_prompts", "lm_traces", "fsm"}


@needs_fixtures
def test_only_known_areas_have_no_code(lines: list[Line]) -> None:
    assert [str(line) for line in lines if line.verdict == MISSING and not without_code(line)] == []


@needs_fixtures
def test_deviations_say_why(lines: list[Line]) -> None:
    deviations = [line for line in lines if line.verdict == DEVIATION]
    assert {line.area for line in deviations} == {"end_to_end", "lm_prompts", "postprocess", "schedules", "tasks"}
    assert all(line.note for line in deviations)


def one_off(tensor: np.ndarray) -> np.ndarray:
    changed = tensor.copy()
    changed.flat[-1] += 1e-3
    return changed


@needs_fixtures
@pytest.mark.parametrize(
    ("value", "note"),
    [(one_off, ""), (lambda t: np.full_like(t, np.nan), ""), (lambda t: t[:, :-1].copy(), "has the shape")],
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
def test_a_missing_input_fails_its_area_only(part: Callable[..., Path]) -> None:
    folder = part("dit_turbo", "guidance")
    change(folder, "dit_turbo", "odd.context_latents", None)
    lines = list(parity.run(Fixtures(folder)))
    failed = [line for line in lines if line.verdict == FAIL]
    assert [(line.area, line.note) for line in failed] == [("dit_turbo", "KeyError: 'odd.context_latents'")]
    assert any(line.area == "guidance" and line.verdict == OK for line in lines)


@needs_fixtures
def test_the_readme_is_not_needed(part: Callable[..., Path]) -> None:
    assert parity.main([str(part("guidance", "sampler_base", "dit_turbo", "vae", readme=False))]) == 0


def test_a_folder_without_golden_files_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as stopped:
        parity.main([str(tmp_path)])
    assert stopped.value.code == 2


def test_notes_give_tolerances_and_parameters(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    row = "| `{}` | (1, 2) | float32 | {} | 6 steps, guidance 5 (APG), A \\| B |\n"
    tolerances = {"a": "5e-4", "b": "exact", "c": "exact after bf16->f32", "d": "informative", "e": "?"}
    readme.write_text("### x.safetensors\n\n" + "".join(row.format(name, tol) for name, tol in tolerances.items()))
    notes, dtype = Notes(readme), np.dtype(np.float32)
    assert [notes.tolerance(f"x/{name}", dtype) for name in "abce"] == [5e-4, 0.0, 1e-6, 1e-4]
    assert notes.informative("x/d")
    assert notes.number("x/a", rf"guidance {parity.NUMBER}", 1.0) == 5.0
    assert notes.number("y/a", rf"guidance {parity.NUMBER}", 1.0) == 1.0
