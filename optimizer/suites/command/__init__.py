"""A command of one's own as a suite: run for a fixed time, its metric read and mapped onto a score."""
