"""What processes that grade have in common: the one that they are forked from imports it.

In it, nothing may run in a second thread: who is forked from several hangs at the first lock that
another one held.
"""

import os

os.environ |= {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}

from autograder.grading import grader  # noqa: F401
