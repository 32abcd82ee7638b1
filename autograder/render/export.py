"""The curves of a report as files of their own."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from autograder.render.curve import Curve
from autograder.render.html import curve_svg
from autograder.render.plot import FONTS
from autograder.report import Report

ZOOM = 2  # of the PNG: sharp in print and on dense screens
_LETTER = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9">'
    f'<text y="8" font-family="{FONTS}">M</text></svg>'
)
_BLANK = _LETTER.replace("M", " ")


class NoPictures(Exception):
    """The SVG files are written, but no PNG can be; the message says what is missing."""


def curves_of(view: Report) -> dict[str, Curve]:
    """The curves of a view by name: `<exercise>-<number>`."""
    return {
        f"{exercise['name']}-{at}": curve
        for exercise in view["exercises"]
        for at, curve in enumerate(
            (curve for check in exercise["checks"] for curve in check.get("curves", [])), 1
        )
    }


def write_plots(curves: Mapping[str, Curve], directory: Path) -> list[Path]:
    """Write each curve as `<name>.svg` and `<name>.png`, and return the paths.

    Raises:
        NoPictures: the SVG files are there, but PNG needs a package, or a font, that is not.
    """
    svgs = {name: str(curve_svg(curve)) for name, curve in curves.items()}
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, svg in svgs.items():
        written.append(directory / f"{name}.svg")
        written[-1].write_text(svg, "utf-8")
    if not svgs:
        return []
    try:
        from resvg_py import svg_to_bytes
    except ImportError:
        raise NoPictures(
            f"SVG files are in {directory}; PNG files need `pip install 'gradmark[plots]'`"
        ) from None
    if svg_to_bytes(svg_string=_LETTER) == svg_to_bytes(svg_string=_BLANK):
        raise NoPictures(
            f"SVG files are in {directory}; PNG files need a font on this machine, "
            "such as Debian's fonts-dejavu-core"
        )
    for name, svg in svgs.items():
        written.append(directory / f"{name}.png")
        written[-1].write_bytes(svg_to_bytes(svg_string=svg, zoom=ZOOM))
    return sorted(written)
