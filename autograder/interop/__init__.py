"""Other course software: bring Gradmark's exercises and scores into it."""
