"""Gradescope: an autograder that runs there unchanged.

`package` writes the zip that an instructor uploads; `harness` runs inside Gradescope's container.
"""
