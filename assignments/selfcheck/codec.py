"""Calls and expectations as JSON, for the self-check's public data: no pickle, no code."""

from __future__ import annotations

import base64
import dataclasses
import json
import zlib
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .call import Call, Held, Seed
from .compare import Expected, ValueExpectation
from .laws import FillExpectation, MaskExpectation, Normal, Uniform
from .refusal import RefusalExpectation
from .script import RandomScript, ScriptExpectation
from .tree import array_as_tensor

_CLASSES: dict[str, type[Any]] = {
    cls.__name__: cls
    for cls in (
        Call,
        Held,
        Seed,
        Expected,
        ValueExpectation,
        ScriptExpectation,
        RandomScript,
        RefusalExpectation,
        FillExpectation,
        MaskExpectation,
        Normal,
        Uniform,
    )
}


_SELDOM = {"held", "silent"}  # fields that are left out where they say nothing


def dumps(value: Any) -> str:
    """JSON text of lists, dicts, tensors and the classes of this package."""
    return json.dumps(_encode(value), indent=1, allow_nan=False) + "\n"


def loads(text: str) -> Any:
    """What `dumps` wrote."""
    return _decode(json.loads(text))


def _encode(value: Any) -> Any:
    if isinstance(value, Tensor):
        flat = torch.as_strided(
            value, (value.untyped_storage().nbytes() // value.element_size(),), (1,), 0
        )
        data = zlib.compress(flat.contiguous().view(torch.uint8).numpy().tobytes(), 9)
        return {
            "is": "tensor",
            "dtype": str(value.dtype).removeprefix("torch."),
            "shape": list(value.shape),
            "strides": list(value.stride()),
            "offset": value.storage_offset(),
            "data": base64.b64encode(data).decode(),
        }
    if isinstance(value, np.ndarray):
        return {**_encode(array_as_tensor(value)), "is": "array"}
    if type(value).__name__ in _CLASSES:
        fields = {
            field.name: _encode(getattr(value, field.name))
            for field in dataclasses.fields(value)
            if field.name not in _SELDOM or getattr(value, field.name) != field.default
        }
        return {"is": type(value).__name__, **fields}
    if isinstance(value, tuple):
        return {"is": "tuple", "items": [_encode(item) for item in value]}
    if isinstance(value, list):
        return [_encode(item) for item in value]
    if isinstance(value, dict):
        return {"is": "dict", "items": {key: _encode(item) for key, item in value.items()}}
    if isinstance(value, float):
        return {"is": "float", "value": value.hex()}
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, list):
        return [_decode(item) for item in value]
    if not isinstance(value, dict):
        return value
    kind = value["is"]
    if kind in {"tensor", "array"}:
        raw = bytearray(zlib.decompress(base64.b64decode(value["data"])))
        dtype: torch.dtype = getattr(torch, value["dtype"])
        flat = torch.frombuffer(raw, dtype=dtype) if raw else torch.empty(0, dtype=dtype)
        tensor = torch.as_strided(flat, value["shape"], value["strides"], value["offset"])
        return tensor if kind == "tensor" else tensor.numpy()
    if kind == "tuple":
        return tuple(_decode(item) for item in value["items"])
    if kind == "dict":
        return {key: _decode(item) for key, item in value["items"].items()}
    if kind == "float":
        return float.fromhex(value["value"])
    return _CLASSES[kind](**{key: _decode(item) for key, item in value.items() if key != "is"})
