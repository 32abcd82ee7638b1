"""A grading run from submission to report, and the runs that prove the grading itself."""
