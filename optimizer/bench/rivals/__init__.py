"""Optimizers that the bench compares, one a file, behind one protocol."""
