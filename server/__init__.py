"""The web server: takes submissions, has them graded, shows their reports.

It knows the autograder only through `server.engine`.
"""
