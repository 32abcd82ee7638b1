"""What runs confined: it reads what was handed in, and sees of the project only that."""
