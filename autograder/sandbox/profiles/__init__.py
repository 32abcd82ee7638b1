"""What a worker may reach, for each kind of device: nothing more than code on it needs."""

from autograder.sandbox.profiles.profile import FULL, MAX_SESSIONS, NONE, Isolation, Profile
from autograder.sandbox.profiles.registry import profile_for

__all__ = ["FULL", "MAX_SESSIONS", "NONE", "Isolation", "Profile", "profile_for"]
