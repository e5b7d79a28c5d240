"""Public sets of data: what is known of them, and how they get here whole."""
