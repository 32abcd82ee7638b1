"""What is right, worked out once per secret and version, and whose misconception an answer is."""
