"""A module that cannot be loaded."""

raise RuntimeError("the sources are missing")
