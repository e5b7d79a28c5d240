"""One file for each format that transcripts come in."""
