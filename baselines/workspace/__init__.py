"""A workspace and the tools of a coding and office agent over it.

``"baselines.workspace:build"`` names it as an environment; ``warm`` and ``effects`` stand beside it.
"""

from baselines.workspace.environment import build, effects, warm

__all__ = ["build", "effects", "warm"]
