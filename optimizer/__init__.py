"""The outer loop: propose an edit, evaluate the variant, keep what is really better."""
