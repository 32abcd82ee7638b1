"""What only training runs need, and a plain installation does not have."""

from importlib.util import find_spec

from autograder.errors import NotInstalled


def installed() -> bool:
    """Whether Gradmark's extra `experiments` is installed."""
    return all(find_spec(name) is not None for name in ("sklearn", "scipy"))


def require() -> None:
    """Raises NotInstalled when it is not."""
    if not installed():
        raise NotInstalled(
            "Training runs need scikit-learn and SciPy: pip install 'gradmark[experiments]'."
        )
