"""Where rollouts run: confined, bounded, under a hard deadline."""
