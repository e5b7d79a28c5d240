"""What a harness is and what in it may change. Runs inside the sandbox and imports nothing of ``optimizer``."""
