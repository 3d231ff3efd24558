"""What OSCQuery tells: every parameter and command as a tree of nodes, each with its address, its
types and what it is for. From the same tables as the READMEs'. No sockets here.

The words in capitals are OSCQuery's (github.com/Vidvox/OSCQueryProposal).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

from pipeline.request import FIELDS, FieldSpec, Request

from ..osc.command import Command
from ..osc.command_table import COMMANDS
from ..osc.guard import HELLO
from ..osc.outgoing import EVENTS, SEEDS
from ..osc.wire import Value

Node = dict[str, object]
State = tuple[Value, ...]  # state, model, waiting: as /ace/state says it

NAME = "acestepd"
EVERY_ADDRESS = "0.0.0.0"
NO_ACCESS = 0  # of a container
READ = 1
WRITE = 2
READ_AND_WRITE = READ | WRITE
# those that a node may be asked for; it need not have them
ATTRIBUTES = frozenset(
    "FULL_PATH CONTENTS TYPE ACCESS VALUE RANGE DESCRIPTION "
    "TAGS EXTENDED_TYPE UNIT CRITICAL CLIPMODE".split()
)
EXTENSIONS = {
    "ACCESS": True,
    "VALUE": True,
    "RANGE": True,
    "DESCRIPTION": True,
    "LISTEN": False,
    "PATH_CHANGED": False,
    "CLIPMODE": False,
}
SET = "/ace/set/"
TEMPO = "/ace/tempo"
STATE = "/ace/state"
NEUTRAL: dict[str, Value] = {"s": "", "i": 0, "f": 0.0}  # a value of each type


def build_host_info(host: str, port: int) -> Node:
    """Where OSC goes. Where the daemon listens on every address, it is the one that was asked."""
    info: Node = {"NAME": NAME, "OSC_PORT": port, "OSC_TRANSPORT": "UDP", "EXTENSIONS": EXTENSIONS}
    if host != EVERY_ADDRESS:
        info["OSC_IP"] = host
    return info


def build_tree(request: Request, state: State, bpm: float) -> Node:
    """The root, with all nodes below it. `request` is the panel's, `bpm` the session's."""
    root = _build_container("/")
    for node in _list_methods(request, state, bpm):
        _add_node(root, node)
    return root


def find_node(root: Node, path: str) -> Node | None:
    """The node of an address, whether it ends in a slash or not."""
    node: object = root
    for name in path.strip("/").split("/") if path.strip("/") else ():
        contents = node.get("CONTENTS") if isinstance(node, dict) else None
        node = contents.get(name) if isinstance(contents, dict) else None
    return node if isinstance(node, dict) else None


def pick_attribute(node: Node, attribute: str) -> Node | None:
    """That attribute alone; None where the node has it not. What may not be read has no value,
    though the tree has one there: clients know the types by it.
    """
    is_hidden = attribute == "VALUE" and node["ACCESS"] == WRITE
    return {attribute: node[attribute]} if attribute in node and not is_hidden else None


def _build_container(address: str) -> Node:
    return {"FULL_PATH": address, "ACCESS": NO_ACCESS, "CONTENTS": {}}


def _add_node(root: Node, node: Node) -> None:
    """Put a node in its place, and the containers above it."""
    *folders, name = str(node["FULL_PATH"]).strip("/").split("/")
    container = root
    address = ""
    for folder in folders:
        address += f"/{folder}"
        contents = container["CONTENTS"]
        assert isinstance(contents, dict), f"{address} is below a method"
        container = contents.setdefault(folder, _build_container(address))
    contents = container["CONTENTS"]
    assert isinstance(contents, dict)
    assert name not in contents
    contents[name] = node


def _list_methods(request: Request, state: State, bpm: float) -> Iterator[Node]:
    for name, spec in FIELDS.items():
        yield _describe_parameter(name, spec, getattr(request, name))
    tempo = COMMANDS[TEMPO]
    yield _build_method(TEMPO, READ_AND_WRITE, tempo.types, [bpm], tempo.help)
    row = EVENTS["state"]
    yield _build_method(STATE, READ, row.types, list(state), f"{row.arguments}: {row.help}")
    for command in COMMANDS.values():
        if _is_listed(command):
            yield _describe_command(command)


def _build_method(
    address: str, access: int, types: str, value: list[Value | None], help: str
) -> Node:
    return {
        "FULL_PATH": address,
        "ACCESS": access,
        "TYPE": types,
        "VALUE": value,
        "DESCRIPTION": help,
    }


def _describe_parameter(name: str, spec: FieldSpec, value: Value) -> Node:
    """As it is sent: a seed as a text, a switch as 1 or 0."""
    if name in SEEDS:
        return _build_method(SET + name, READ_AND_WRITE, "s", [str(value)], spec.help)
    if isinstance(value, bool):
        node = _build_method(SET + name, READ_AND_WRITE, "i", [int(value)], spec.help)
        return node | {"RANGE": [{"MIN": 0, "MAX": 1}]}
    if isinstance(value, str):
        node = _build_method(SET + name, READ_AND_WRITE, "s", [value], spec.help)
        return node | {"RANGE": [{"VALS": list(spec.choices)}]} if spec.choices else node
    types = "f" if isinstance(value, float) else "i"
    node = _build_method(SET + name, READ_AND_WRITE, types, [value], spec.help)
    if math.isfinite(spec.low) and math.isfinite(spec.high):
        node["RANGE"] = [{"MIN": spec.low, "MAX": spec.high}]
    return node


def _is_listed(command: Command) -> bool:
    """Whether a client's page should offer it: not what has a node already, and not what makes
    sense to programs only.
    """
    is_pattern = "<" in command.address  # /ace/set/<param>
    is_for_programs = command.address == HELLO or command.address.startswith("/ace/lyrics/")
    return not is_pattern and not is_for_programs and command.address != TEMPO


def _describe_command(command: Command) -> Node:
    help = f"{command.arguments}: {command.help}" if command.arguments else command.help
    if command.ignores_release and command.arguments[:1] in ("", "["):  # it needs no argument
        node = _build_method(command.address, WRITE, "f", [0.0], help)
        return node | {"RANGE": [{"MIN": 0, "MAX": 1}]}  # a button
    if not command.types:
        return _build_method(command.address, WRITE, "N", [None], help)
    value: list[Value | None] = [NEUTRAL[tag] for tag in command.types]
    return _build_method(command.address, WRITE, command.types, value, help)
