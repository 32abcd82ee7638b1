"""How far a right answer may be from the truth, and what one case came to."""
