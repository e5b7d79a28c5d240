"""The kinds of dimension: keys, compaction, tools, prompt slots and their order, open texts."""
