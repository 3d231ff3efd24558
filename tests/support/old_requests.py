"""Requests as they were stored before they had all of today's fields."""

from __future__ import annotations

from typing import Any

from pipeline.request import BEFORE, Request


def build_old_request(**values: Any) -> Request:
    """What a stored request of before there were these fields is read as: none of it was done."""
    return Request(**(BEFORE | values))
