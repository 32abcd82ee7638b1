"""What is graded next, by whom, and what becomes of it."""
