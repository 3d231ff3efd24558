"""tests.tools.bench --peer, without the peers: neither torch nor diffusers is needed here."""

from __future__ import annotations

import argparse
import importlib.util
import json
import sys
from pathlib import Path

import mlx.core as mx
import pytest
from mlx.utils import tree_flatten
from PIL import Image

from pipeline.networks.config import AceStepConfig
from pipeline.networks.ops import choose_ops
from pipeline.voices import voice_folder
from pipeline.weights import full_size
from pipeline.weights.checkpoint import AceStepModel
from tests.tools.peers import bench, names
from tests.tools.peers.checkpoints import SIZES
from tests.tools.peers.jobs import Instant, cut
from tests.tools.peers.processes import PeerError, Process
from tests.tools.peers.turns import Pair, Row, Turn, compare, count_alike, format_row


def make_pair(ours: float, peer: float, others: float | None = None) -> Pair:
    own = {"decode": ours, "land": 1.0}
    return Pair(Turn(own, own), Turn({"decode": peer}, {"decode": 2 * peer}, others=others))


def parse(*arguments: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    bench.add_options(parser)
    return parser.parse_args(arguments)


def test_a_ratio_says_how_many_times_as_fast_we_are_at_what_both_do() -> None:
    assert make_pair(2.0, 3.0).ratios == {"decode": 1.5}
    assert make_pair(2.0, 3.0).by_processor().ratios == {"decode": 3.0}


def test_what_counts_is_the_median_of_the_pairs_ratios() -> None:
    """The machine was busy in the second pair: of the medians the ratio would be 1.5."""
    row = Row("a take", 10, (make_pair(1.0, 2.0), make_pair(10.0, 10.0), make_pair(2.0, 3.0)))
    assert row.ratio == {"decode": 1.5}
    assert row.ours["decode"] == 2.0
    assert row.peer["decode"] == 3.0
    busy = Row("a take", 10, (make_pair(1.0, 3.0), make_pair(10.0, 10.0), make_pair(2.0, 8.0)))
    assert busy.ratio == {"decode": 3.0}
    assert busy.peer["decode"] / busy.ours["decode"] == 4.0


def test_a_row_says_how_much_of_the_machine_others_had() -> None:
    row = Row("a take", 10, (make_pair(1.0, 2.0, 0.2), make_pair(1.0, 2.0, 1.4)))
    assert row.others == 1.4
    assert "other programs had up to 1.4 cores" in format_row(row, "diffusers")
    unknown = Row("a take", 10, (make_pair(1.0, 2.0),))
    assert unknown.others is None
    assert "other programs" not in format_row(unknown, "diffusers")


def test_a_table_has_each_pair_and_what_only_one_side_does() -> None:
    text = format_row(Row("a take", 10, (make_pair(1.0, 2.0), make_pair(1.0, 3.0))), "diffusers")
    assert "2.00 3.00" in text
    assert "acestepd only" in text


def test_tokens_are_told_as_so_many_a_second() -> None:
    ours, peer = {"codes": 2.0}, {"codes": 4.0}
    pair = Pair(Turn(ours, ours), Turn(peer, peer))
    line = format_row(Row("codes", 1, (pair,), 60), "transformers").splitlines()[-2]
    assert line.split() == ["a", "second", "30.0", "15.0"]


def test_a_stage_ends_where_the_next_begins() -> None:
    starts = {"text": Instant(1.0, 0.0), "decode": Instant(3.0, 4.0)}
    assert cut(starts, Instant(8.0, 5.0)) == {
        "stages": {"text": 2.0, "decode": 5.0, "whole": 7.0},
        "processor": {"text": 4.0, "decode": 1.0, "whole": 5.0},
    }


def test_outputs_are_alike_up_to_their_scale() -> None:
    assert compare([1.0, 2.0], [2.0, 4.0]) == pytest.approx(1)
    assert compare([1.0, 0.0], [0.0, 1.0]) == 0
    with pytest.raises(ValueError, match="one output has 1 numbers, the other 2"):
        compare([1.0], [1.0, 2.0])
    assert count_alike([4, 5, 6], [4, 5, 7]) == 2
    assert count_alike([4, 5], [4, 5]) == 2


def test_each_tensor_has_one_place_in_the_peers_networks() -> None:
    config = AceStepConfig.from_dict({**full_size.DIT, **SIZES["tiny"][0]})
    network = AceStepModel(config, choose_ops())
    tensors: dict[str, mx.array] = dict(tree_flatten(network.parameters()))
    places = {name: names.translate(name) for name in tensors}
    left_out = {name.partition(".")[0] for name, place in places.items() if place is None}
    assert left_out == {"tokenizer", "detokenizer"}
    found = [place for place in places.values() if place]
    assert len(set(found)) == len(found)
    assert not [name for _, name in found if "_proj.weight" in name and "attn" in name]
    assert names.translate("decoder.layers.0.self_attn.o_proj.weight") == (
        names.DIT,
        "layers.0.self_attn.to_out.0.weight",
    )
    assert names.translate("null_condition_emb") == (names.CONDITION, "null_condition_emb")


@pytest.mark.skipif(importlib.util.find_spec("diffusers") is not None, reason="diffusers is here")
def test_without_the_peer_it_says_how_to_install_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(parse("--peer", "diffusers")) == 1
    said = capsys.readouterr().err
    assert "No module named 'diffusers'" in said
    assert "pip install torch diffusers transformers" in said
    assert "--python" in said


def test_only_diffusers_is_compiled(capsys: pytest.CaptureFixture[str]) -> None:
    assert bench.main(parse("--peer", "transformers", "--compile")) == 1
    assert "leave it out" in capsys.readouterr().err


def test_a_python_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(PeerError, match="no-python cannot be started"):
        Process(str(tmp_path / "no-python"), "acestepd_takes")


def test_a_process_that_cannot_go_on_says_why(tmp_path: Path) -> None:
    with (
        Process(sys.executable, "acestepd_plans") as process,
        pytest.raises(PeerError, match=r"acestepd_plans: CheckpointError: .*config\.json"),
    ):
        process.ask({"device": "cpu", "checkpoint": str(tmp_path)})


def test_two_processes_take_turns_and_their_outputs_are_compared(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Both are acestepd here."""
    contest = bench.CONTESTS["diffusers"]._replace(peer="acestepd_takes")
    monkeypatch.setitem(bench.CONTESTS, "diffusers", contest)
    picture = tmp_path / "stages.png"
    own = ("--peer", "diffusers", "--checkpoint", str(voice_folder("mini")), "--seconds", "0.4")
    assert (
        bench.main(parse(*own, "--steps", "1", "--pairs", "1", "--json", "--picture", str(picture)))
        == 0
    )
    printed = capsys.readouterr()
    assert "DiT 1.000000, VAE 1.000000" in printed.err
    report = json.loads(printed.out)
    (row,) = report["rows"]
    (pair,) = row["pairs"]
    assert {"text", "condition", "diffusion", "decode", "finish", "whole"} == set(pair["ratios"])
    assert set(pair["ratios"]) <= set(pair["processor_ratios"])
    assert pair["ours"]["memory"] > 0
    with Image.open(picture) as image:
        assert len(image.getcolors(image.width * image.height) or ()) > 5
