"""Which functions and operators a solution uses that it may not: a deterrent, and reported as such.

The facts come from the sandbox: what the source uses, and which operators one call dispatched. They
are judged here. A submission that sets its mind to it can hide from both, and gains a solution that
is still only as right as its answers; what is found is for the instructor to look at.
"""

from autograder.policy.judge import NOT_LOOKED_AT, Code, Cost, Flag, dispatched

__all__ = ["NOT_LOOKED_AT", "Code", "Cost", "Flag", "dispatched"]
