"""Packages that are not there while grading: plots, notebooks, progress bars, data sets.

A submission's own `import` of one gives a stand-in, with which nothing that a file does at its top
level goes wrong. What plots or shows progress does nothing inside functions as well; anything else
says there that it is missing. Where the import stands in a `try`, it fails as it would at home.
"""

from __future__ import annotations

import dis
import importlib.abc
import importlib.machinery
import inspect
import sys
from collections.abc import Callable, Iterator
from types import FrameType, FunctionType, ModuleType
from typing import Any

# What draws, shows or counts: no result depends on it.
PROGRESS = {"tqdm", "fastprogress", "alive_progress", "progressbar", "rich", "stqdm"}
QUIET = PROGRESS | {
    *("matplotlib", "mpl_toolkits", "pylab", "seaborn", "plotly", "bokeh", "altair", "ggplot"),
    *("plotnine", "pygal", "visdom", "graphviz", "torchviz", "torchinfo", "torchsummary"),
    *("IPython", "ipywidgets", "ipykernel", "jupyter", "jupyterthemes", "google", "pytest"),
    *("wandb", "tensorboard", "tensorboardX", "mlflow", "tabulate", "prettytable", "termcolor"),
    *("colorama", "livelossplot", "celluloid", "scienceplots", "matplotlib_inline", "nbformat"),
    *("dotenv", "memory_profiler", "line_profiler", "snakeviz", "pprintpp", "icecream"),
}
_UNPACKING = {dis.opmap["UNPACK_SEQUENCE"], dis.opmap["UNPACK_EX"]}


class Missing(RuntimeError):
    """Something was called that is not there while grading."""


class StandIn:
    """Anything of an absent package."""

    def __init__(self, name: str, loading: Callable[[], bool], over: Any = None) -> None:
        """Args:
        loading: whether the submission is still being loaded.
        over: what a progress bar goes over.
        """
        set_ = object.__setattr__
        set_(self, "_name", name)
        set_(self, "_loading", loading)
        set_(self, "_over", over)

    def _more(self, name: str = "") -> StandIn:
        """What comes of using it."""
        if not _is_quiet(self._name) and not self._loading():
            raise Missing(f"{self._name} is not available while grading")
        return StandIn(f"{self._name}{name}"[:200], self._loading)

    def __getattr__(self, name: str) -> Any:
        if name == "__version__":
            return "0"
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self._name}.{name}"[:200], self._loading)

    def __setattr__(self, name: str, value: Any) -> None:
        self._more()

    def __delattr__(self, name: str) -> None:
        self._more()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        more = self._more()
        first = args[0] if args else next(iter(kwargs.values()), None)
        if len(args) == 1 and not kwargs and isinstance(first, FunctionType | type):
            return first  # as a decorator
        if self._name.partition(".")[0] in PROGRESS:
            if self._name.endswith("range"):
                first = range(*args)
            if not isinstance(first, str) and hasattr(type(first), "__iter__"):
                return StandIn(self._name, self._loading, first)
        return more

    def __iter__(self) -> Iterator[Any]:
        if self._over is not None:
            return iter(self._over)
        caller = sys._getframe(1)
        at = caller.f_lasti
        code = caller.f_code.co_code
        count = code[at + 1] if at >= 0 and code[at] in _UNPACKING else 0  # as in `fig, ax = ...`
        more = self._more()
        return iter([StandIn(f"{more._name}[{n}]", self._loading) for n in range(count)])

    def __len__(self) -> int:
        if self._over is None and not _is_quiet(self._name):
            raise TypeError(f"{self._name} is not available while grading")
        return len(self._over or ())

    def __bool__(self) -> bool:
        return False

    def __getitem__(self, key: Any) -> Any:
        return self._more("[...]")

    def __setitem__(self, key: Any, value: Any) -> None:
        self._more()

    def __delitem__(self, key: Any) -> None:
        self._more()

    def __contains__(self, item: Any) -> bool:
        return False

    def __enter__(self) -> Any:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def __instancecheck__(self, instance: Any) -> bool:
        return False

    def __subclasscheck__(self, subclass: Any) -> bool:
        return False

    def __mro_entries__(self, bases: tuple[Any, ...]) -> tuple[type, ...]:
        return ()  # as a base class

    def __repr__(self) -> str:
        return str(self._name)

    def __format__(self, spec: str) -> str:
        return str(self._name)

    def __float__(self) -> float:
        raise Missing(f"{self._name} is not available while grading")

    __int__ = __index__ = __complex__ = __float__

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise Missing(f"{self._name} is not available while grading")


def _operator(self: StandIn, other: Any = None) -> StandIn:
    return self._more()


for _name in ("add", "sub", "mul", "truediv", "floordiv", "mod", "pow", "matmul", "and", "or"):
    setattr(StandIn, f"__{_name}__", _operator)
    setattr(StandIn, f"__r{_name}__", _operator)
for _name in ("neg", "pos", "abs", "invert", "lt", "le", "gt", "ge"):
    setattr(StandIn, f"__{_name}__", _operator)


class StandInModule(ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - a package, so that its submodules can be imported
    __all__: list[str] = []  # noqa: RUF012
    __version__ = "0"

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return StandIn(f"{self.__name__}.{name}", self.__dict__["_loading"])

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return StandIn(self.__name__, self.__dict__["_loading"])(*args, **kwargs)


class AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder to be asked: for packages that no other one has found."""

    def __init__(
        self,
        importer: Callable[[], FrameType | None],
        guarded: Callable[[FrameType], bool],
        loading: Callable[[], bool],
    ) -> None:
        """Args:
        importer: the submission's frame that is importing, if it is one of the submission's.
        guarded: whether what this frame imports may fail, for it is in a `try`.
        """
        self._importer = importer
        self._guarded = guarded
        self._loading = loading

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        frame = self._importer()
        top = fullname.partition(".")[0]
        there = sys.modules.get(top)
        if frame is None or self._guarded(frame):
            return None
        if there is not None and getattr(there, "__file__", None):
            return None  # the package is there, and has no such part
        in_function = bool(frame.f_code.co_flags & inspect.CO_OPTIMIZED)
        if in_function and not _is_quiet(fullname):
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        _made.add(spec.name)
        return StandInModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        module.__dict__["_loading"] = self._loading


# The names of stand-ins: to go through all modules touches all their memory.
_made: set[str] = set()


def forget() -> None:
    """Let the next import decide anew: where one may fail, another gives a stand-in."""
    while _made:
        name = _made.pop()
        if type(sys.modules.get(name)) is StandInModule:
            del sys.modules[name]


def _is_quiet(name: str) -> bool:
    return name.partition(".")[0] in QUIET
