"""A misspelt option, subcommand or word of one is answered with what it may mean."""

from __future__ import annotations

import pytest

from daemon.cli.parser import build_parser


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["plya", "beat"], "did you mean play?"),
        (["--prot", "9101"], "unrecognized arguments: --prot; did you mean --port?"),
        (["--prot=9101", "status"], "unrecognized arguments: --prot; did you mean --port?"),
        (["play", "beat", "--bras", "4"], "unrecognized arguments: --bras 4; did you mean --bars?"),
        (["integrations", "instal"], "did you mean install?"),
    ],
)
def test_the_error_says_what_may_be_meant(
    arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as end:
        build_parser().parse(arguments)
    assert end.value.code == 2
    assert says in capsys.readouterr().err


def test_an_option_that_no_word_resembles_is_named_as_ever(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse(["status", "--xyzzy"])
    assert capsys.readouterr().err.endswith("unrecognized arguments: --xyzzy\n")


def test_what_is_wrong_is_not_hidden_behind_eighty_options(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse(["play", "beat", "--bras", "4"])
    usage, error = capsys.readouterr().err.splitlines()
    assert usage == "usage: acestepd play --help says what there is"
    assert error == "acestepd play: error: unrecognized arguments: --bras 4; did you mean --bars?"
    with pytest.raises(SystemExit):
        build_parser().parse(["send"])
    assert "usage: acestepd send [-h]" in capsys.readouterr().err, "it is short"


@pytest.mark.parametrize(
    "arguments", [["--model", "demo"], ["--sta", "/tmp", "status"], ["--quiet"], ["--port=9101"]]
)
def test_what_is_right_or_a_beginning_of_it_is_read_as_ever(arguments: list[str]) -> None:
    assert build_parser().parse(arguments).run
