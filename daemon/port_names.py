"""Names of MIDI ports: as people write them in settings, and where two ports have the same.

CoreMIDI gives two controllers of a kind the same name, and the buses of its IAC driver, which
connect programs, other names in each language.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

IAC = re.compile(r"(?<![a-z0-9])iac(?![a-z0-9])")  # as a word, also beside Japanese letters
# what the driver is called besides: a setting of these words alone means any of its buses
DRIVER_WORDS = {"iac", "driver", "treiber", "gestionnaire", "pilote", "bus"}
NUMBER = re.compile(r" #\d+$")


def is_meant(part: str, port: str) -> bool:
    """Whether `part`, of a setting, means that port: it is a part of its name, whatever its case,
    or of the name that an IAC bus has in another language.
    """
    part, port = part.casefold(), port.casefold()
    if part in port:
        return True
    if not (IAC.search(part) and IAC.search(port)):
        return False
    bus = _find_bus(part)
    return bus == "" or bus == _find_bus(port)


def _find_bus(name: str) -> str:
    """What an IAC bus is called or numbered: "1" of "IAC Driver Bus 1", "IAC-Treiber IAC-Bus 1" and
    "Gestionnaire IAC Bus 1"; empty where only the driver is named.
    """
    if numbers := re.findall(r"(?<!\d)\d+$", name):
        return str(int(numbers[0]))
    last = re.findall(r"\w+", name)[-1]
    return "" if last in DRIVER_WORDS else last


def number_names(names: Iterable[str]) -> list[str]:
    """The same with every name once: further ports of a name have " #2" and so on behind it."""
    counts: Counter[str] = Counter()
    numbered = []
    for name in names:
        counts[name] += 1
        numbered.append(f"{name} #{counts[name]}" if counts[name] > 1 else name)
    return numbered


def find_gone(before: Iterable[str], now: Iterable[str]) -> list[str]:
    """Those of the ports before that may not be what they were: they are gone, or one of the same
    name has come or gone, so that the numbers may have changed.
    """
    before = list(before)
    changed = {NUMBER.sub("", name) for name in {*before} ^ {*now}}
    return [name for name in before if NUMBER.sub("", name) in changed]
