"""What students hand in, from bytes to the sources that the sandbox loads."""
