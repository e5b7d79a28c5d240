"""How many rollouts run side by side."""
