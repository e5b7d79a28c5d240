"""Figures in words."""

from __future__ import annotations


def points(effect: float) -> str:
    """An effect as signed points of 100: ``+7.1``."""
    text = f"{100 * effect:+.1f}"
    return "+0.0" if text == "-0.0" else text
