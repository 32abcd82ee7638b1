"""`gradmark demo`: a generated course, its submissions graded for real, to be looked at."""
