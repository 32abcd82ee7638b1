"""The notebook that is handed out, with a cell for each part that people mark."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from server.parts.answers import PLACEHOLDERS
from server.storage.models import Part, PartKind

PLOT = "# Show your image here: the last one that this cell shows is handed in.\n"
_KINDS = {PartKind.TEXT: "markdown", PartKind.IMAGE: "code"}


def with_answers(archive: Path, parts: Sequence[Part]) -> io.BytesIO:
    """The archive, whose notebooks end with what is asked and the cells to answer in. They are
    manually graded cells of nbgrader's, by whose names they are found when they are handed in."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(archive) as source, zipfile.ZipFile(buffer, "w") as target:
        for info in source.infolist():
            content = source.read(info)
            if info.filename.endswith(".ipynb"):
                content = _extended(content, parts)
            target.writestr(info, content, zipfile.ZIP_DEFLATED)
    buffer.seek(0)
    return buffer


def _extended(content: bytes, parts: Sequence[Part]) -> bytes:
    notebook = json.loads(content)
    with_ids = (notebook["nbformat"], notebook["nbformat_minor"]) >= (4, 5)
    for part in parts:
        worth = "1 point" if part.points == 1 else f"{part.points:g} points"
        text = f"## {part.title}\n\n{part.prompt}\n\n*{worth}, marked by hand*"
        notebook["cells"] += [
            _cell("markdown", f"{part.slug}-prompt" if with_ids else "", text, {}),
            _cell(
                _KINDS[part.kind],
                part.slug if with_ids else "",
                PLACEHOLDERS[0] if part.kind is PartKind.TEXT else PLOT,
                {"nbgrader": _marks(part)},
            ),
        ]
    return json.dumps(notebook, ensure_ascii=False, indent=1).encode()


def _cell(kind: str, name: str, text: str, metadata: dict[str, Any]) -> dict[str, Any]:
    id_ = {"id": hashlib.sha256(name.encode()).hexdigest()[:16]} if name else {}
    code: dict[str, Any] = {"execution_count": None, "outputs": []} if kind == "code" else {}
    return {"cell_type": kind, **id_, **code, "metadata": metadata, "source": text}


def _marks(part: Part) -> dict[str, Any]:
    return {
        "schema_version": 3,
        "grade_id": part.slug,
        "grade": True,
        "solution": True,
        "locked": False,
        "task": False,
        "cell_type": _KINDS[part.kind],
        "points": part.points,
    }
