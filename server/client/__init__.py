"""The terminal's side of a server: log in, hand in, follow the grading, read the report.

It needs neither torch nor Flask: it talks to `/api/v1` of a server and prints.
"""
