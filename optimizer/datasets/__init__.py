"""Questions with answers as people have them: read from a file, grouped, divided and graded."""
