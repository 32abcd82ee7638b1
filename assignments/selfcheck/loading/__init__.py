"""Loads what was handed in, statement by statement, keeping all of it that works.

The same code loads a submission in the sandbox and in the self-check that students get, so it needs
Python alone and imports nothing but itself.
"""
