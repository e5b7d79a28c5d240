"""Questions about the source of Python's standard library, with the truth computed from syntax trees."""
