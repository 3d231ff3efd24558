"""The parameters of a request as the page's drawer shows them: the same that OSC and the README's
table are made from.
"""

from __future__ import annotations

import math
from typing import Any

from pipeline.request import FIELDS, FieldSpec


def list_parameters() -> list[dict[str, Any]]:
    """Each with its kind, default, range or choices, and help."""
    return [{"name": name, **_describe(spec)} for name, spec in FIELDS.items()]


def _describe(spec: FieldSpec) -> dict[str, Any]:
    kind = "text"
    if isinstance(spec.default, bool):
        kind = "switch"
    elif isinstance(spec.default, int | float):
        kind = "whole" if isinstance(spec.default, int) else "number"
    elif spec.choices:
        kind = "choice"
    described: dict[str, Any] = {"kind": kind, "default": spec.default, "help": spec.help}
    if spec.choices:
        described["choices"] = list(spec.choices)
    bounds = {"low": spec.low, "high": spec.high}
    return described | {name: bound for name, bound in bounds.items() if math.isfinite(bound)}
