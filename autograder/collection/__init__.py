"""A class's submissions as a course system gives them out, and what it takes back."""
