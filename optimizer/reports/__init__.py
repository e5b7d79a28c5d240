"""What happened, for people: tables, plain lines, summaries."""
