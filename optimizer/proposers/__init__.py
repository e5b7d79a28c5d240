"""Where proposals come from, one proposer a file."""
