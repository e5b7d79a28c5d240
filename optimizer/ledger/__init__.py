"""The durable record: SQLite for what happened, git for what the harness was."""
