"""What a grade is, what goes into it and what comes of it."""
