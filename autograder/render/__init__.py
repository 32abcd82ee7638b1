"""Faces of a report: each renderer takes a view of it and nothing else."""
