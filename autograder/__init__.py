"""The engine: exercises, sandbox, judging, reports; it knows neither web nor database."""
