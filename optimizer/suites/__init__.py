"""Tasks with a grader, one kind of suite a file."""
