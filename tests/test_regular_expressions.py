"""No regular expression of ours takes more than linear time, whatever text it is given.

They are found in the source: a new one is tried without being listed here.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.support.growth import assert_linear, measure
from tests.support.worst_texts import list_worst_texts

ROOT = Path(__file__).parent.parent
METHODS = {"match", "fullmatch", "search", "sub", "subn", "split", "findall", "finditer"}
# Patterns that are made of what came, so that they cannot be tried here. What goes in is escaped.
MADE_OF_ARGUMENTS = {
    r"f'{re.escape(name)}\\d*'",  # a program's name
    r"f'\\b{re.escape(part.casefold())}\\b'",  # a part of a port's name
    r"f'<{tag}>(.*?)</{tag}>'",  # a tag of ours, in what the planner wrote
    r"f'(.*\\.)?({pattern})'",
    r"f'(?<=[._]){re.escape(theirs)}$'",  # an ending of ours, in a layer's name
    r"f'(?<!\\w){re.escape(words)}(?!\\w)'",  # what a prompt says of its tempo
}
QUICK = 0.004  # seconds for 2,000 characters: not worth a second look
SLOW = 0.05  # seconds for a few


class Use(NamedTuple):
    module: str
    method: str
    pattern: re.Pattern[str]

    def run(self, text: str) -> object:
        if self.method in ("sub", "subn"):
            return self.pattern.sub("", text)
        if self.method == "finditer":
            return sum(1 for _ in self.pattern.finditer(text))
        act: Callable[[str], object] = getattr(self.pattern, self.method)
        return act(text)


def list_files() -> Iterator[str]:
    """Those with patterns of their own, as paths below the root."""
    for path in sorted([*ROOT.glob("daemon/**/*.py"), *ROOT.glob("pipeline/**/*.py")]):
        if re.search(r"^import re$", path.read_text("utf-8"), re.MULTILINE):
            yield str(path.relative_to(ROOT))


def list_uses(file: str) -> list[Use]:
    module = file.removesuffix(".py").replace("/", ".")
    namespace = vars(importlib.import_module(module))
    tree = ast.parse((ROOT / file).read_text("utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    uses = [*list_inline(module, calls, namespace), *list_compiled(module, calls, namespace)]
    return list(dict.fromkeys(uses))


def list_inline(module: str, calls: list[ast.Call], namespace: dict[str, object]) -> Iterator[Use]:
    """The patterns that `re`'s functions are called with."""
    for call in calls:
        owner, method = split_method(call)
        if owner != "re" or method not in METHODS:
            continue
        try:
            pattern = evaluate(call.args[0], namespace)
        except NameError:
            assert ast.unparse(call.args[0]) in MADE_OF_ARGUMENTS
            continue
        given = {each.arg: each.value for each in call.keywords}
        if method in ("match", "fullmatch", "search") and len(call.args) > 2:
            given["flags"] = call.args[2]
        flags = evaluate(given["flags"], namespace) if "flags" in given else 0
        if isinstance(pattern, str):
            assert isinstance(flags, int)
            yield Use(module, method, re.compile(pattern, flags))


def list_compiled(
    module: str, calls: list[ast.Call], namespace: dict[str, object]
) -> Iterator[Use]:
    """A module's patterns, and how they are used: where that cannot be seen, everywhere in a
    text.
    """
    for name, value in namespace.items():
        used = {method for owner, method in map(split_method, calls) if owner == name} & METHODS
        for pattern in list_patterns(value, module):
            for method in sorted(used or {"sub", "fullmatch"}):
                yield Use(module, method, pattern)


def list_patterns(value: object, module: str) -> Iterator[re.Pattern[str]]:
    """A pattern, or those of a container or of one of the module's objects."""
    parts: Iterable[object] = ()
    if isinstance(value, re.Pattern):
        if isinstance(value.pattern, str):
            yield value
    elif isinstance(value, tuple | list):
        parts = value
    elif isinstance(value, dict):
        parts = value.values()
    elif type(value).__module__ == module and hasattr(value, "__dict__"):
        parts = vars(value).values()
    for part in parts:
        yield from list_patterns(part, module)


def split_method(call: ast.Call) -> tuple[str, str]:
    """`_LINK.fullmatch(...)` -> _LINK, fullmatch."""
    if isinstance(call.func, ast.Attribute) and isinstance(call.func.value, ast.Name):
        return call.func.value.id, call.func.attr
    return "", ""


def evaluate(node: ast.expr, namespace: dict[str, object]) -> object:
    """The value of an expression of a module's names. Raises NameError where it has others."""
    return eval(compile(ast.Expression(node), "", "eval"), namespace)


def test_patterns_are_found_wherever_they_are() -> None:
    uses = [use for file in list_files() for use in list_uses(file)]
    assert len(uses) > 60
    found = {(use.module, use.method) for use in uses}
    assert ("daemon.watch.lyrics", "fullmatch") in found
    assert ("pipeline.request", "fullmatch") in found
    assert ("pipeline.guide.composer_1.captions", "findall") in found


@pytest.mark.long
@pytest.mark.parametrize("file", [*list_files()])
def test_no_pattern_takes_more_than_linear_time(file: str) -> None:
    for use in list_uses(file):
        expect_linear(use)


def expect_linear(use: Use) -> None:
    for worst in list_worst_texts(use.pattern):
        make = worst.make
        for few in range(16, 33, 4):  # an exponential one goes no further
            message = f"{use.pattern.pattern} takes for ever: {make(few)!r}"
            assert measure(use.run, make(few)) < SLOW, message
        if measure(use.run, make(2000)) > QUICK:
            assert_linear(use.run, make, factor=8)


@pytest.mark.long
@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"!?\[[^\[\]]*\]\([^()\s]*[./#][^()\s]*\)", "fullmatch"),  # a link of Markdown
        (r"[ -]|\d+$", "sub"),  # the number of a section
        (r"([A-G])\s*([#b]?)\s*(m|major)?", "fullmatch"),  # a key
        (r"\s+$", "sub"),
    ],
)
def test_patterns_that_do_are_found_out(pattern: str, method: str) -> None:
    with pytest.raises(AssertionError):
        expect_linear(Use("", method, re.compile(pattern)))


@pytest.mark.parametrize("pattern", [r"(a|aa)+b", r"(a*)*b", r"(\w+ ?)+:"])
def test_patterns_that_take_for_ever_are_found_out(pattern: str) -> None:
    use = Use("", "match", re.compile(pattern))
    with pytest.raises(AssertionError):
        expect_linear(use)
