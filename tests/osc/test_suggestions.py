"""What is misspelt in a message is answered with what it may mean."""

from __future__ import annotations

import pytest

from tests.support.osc_client import OscClient, expect_fail


@pytest.mark.parametrize(
    ("address", "arguments", "meant"),
    [
        ("/ace/genrate", ("x", "prompt", "p"), "/ace/generate"),
        ("/ace/Go", ("x", "p"), "/ace/go"),
        ("/go", ("x", "p"), "/ace/go"),
        ("/ace/favorite", (), "/ace/favourite"),
        ("/ace/pad/hti", (1,), "/ace/pad/hit"),
        ("/ace/sett/bars", (4,), "/ace/set/<param>"),
        ("/ace/set/bras", (4,), "bars"),
        ("/ace/notify", (1, "finishd"), "finished"),
        ("/ace/generate", ("x", "prompt", "p", "priority", "bach"), "batch"),
        ("/ace/bank/reroll", ("unmarkd",), "unmarked"),
        ("/ace/adapters", ("claer",), "clear"),
        ("/ace/model", ("minni",), "mini"),
    ],
)
def test_the_hint_says_what_may_be_meant(
    client: OscClient, address: str, arguments: tuple[object, ...], meant: str
) -> None:
    assert expect_fail(client, address, *arguments)[3] == f"did you mean {meant}?"


def test_what_resembles_nothing_is_answered_with_all_that_there_is(client: OscClient) -> None:
    id, code, text, hint = expect_fail(client, "/xyzzy")
    assert (id, code, text) == ("", 404, "no such message: /xyzzy")
    assert hint.startswith("messages: /ace/ping ")
