"""What students receive, derived from a topic: stubs, notebooks, the self-check and its data."""
