"""The door, the one metered road to a model, and what stands behind it."""
