"""The command line."""

from .authoring import audit, exercises, experiments, release
from .grade import grade
from .group import main
from .interop import gradescope, nbgrader
from .machine import doctor, gpu_check, jail

__all__ = ["main"]

for _command in (
    *(grade, exercises, audit, release, experiments),
    *(doctor, gpu_check, jail, nbgrader, gradescope),
):
    main.add_command(_command)
