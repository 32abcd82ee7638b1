"""Packages that students import for plots and notebooks, and that grading does without.

Importing one must not stop the file that holds the solutions; using one says what is the matter.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
from types import ModuleType
from typing import Any, NoReturn

PACKAGES = {
    *("IPython", "ipywidgets", "matplotlib", "pandas", "plotly", "pytest", "scipy", "seaborn"),
    *("sklearn", "torchvision", "tqdm"),
}


class Absent:
    """Anything of an absent package: it can be passed around, but not called."""

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, name: str) -> Absent:
        return _attribute(self._name, name)

    def __call__(self, *_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(f"{self._name} is not available while grading")


class AbsentModule(ModuleType):
    __path__: list[str] = []  # noqa: RUF012 - a package, so that its submodules can be imported

    def __getattr__(self, name: str) -> Absent:
        return _attribute(self.__name__, name)


def _attribute(owner: str, name: str) -> Absent:
    if name.startswith("__"):
        raise AttributeError(name)
    return Absent(f"{owner}.{name}")


class AbsentFinder(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """The last finder to be asked: for packages that no other one has found."""

    def find_spec(
        self, fullname: str, path: object, target: object = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname.partition(".")[0] not in PACKAGES:
            return None
        return importlib.machinery.ModuleSpec(fullname, self, is_package=True)

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType:
        return AbsentModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass
