"""Experiment definitions and what they are measured on, one folder each."""
