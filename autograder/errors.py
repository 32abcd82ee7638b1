"""What can be wrong with a topic."""


class AuthoringError(ValueError):
    """A topic is not well formed; the message says where and what to change."""


class NotInstalled(Exception):
    """What is asked for needs packages that only an extra of Gradmark's brings."""
