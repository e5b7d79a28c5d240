"""A workspace and the tools of a coding and office agent over it.

``"baselines.workspace:build"`` names it as an environment; ``warm``, ``effects`` and ``readable`` stand beside it.
"""

from baselines.workspace.environment import build, effects, readable, warm

__all__ = ["build", "effects", "readable", "warm"]
