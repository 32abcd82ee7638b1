"""What can be wrong with a topic file."""


class AuthoringError(ValueError):
    """A topic file is not well formed; the message says where and what to change."""
