"""What experiments taught: lessons, and recalling them."""
