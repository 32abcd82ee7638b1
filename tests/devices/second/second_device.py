"""A second torch device with real values, in Python alone: PrivateUse1, renamed.

Its tensors hold one of the CPU's each, on which every operator runs. What a GPU refuses is refused:
operators on tensors of both devices (numbers may be anywhere), and numpy's view of its memory.
Autograd, views, operations in place and modules work.

It can fail as a GPU does: while the file LOST is beside this one, nothing runs on it any more; and
`torch.second.broken = True` leaves it unusable for the process that says so. With the file COARSE
beside this one it computes in bfloat16 what it is asked for in float32.
"""

import os
from functools import wraps

import torch
from torch.utils._mode_utils import no_dispatch
from torch.utils._pytree import tree_leaves, tree_map
from torch.utils.backend_registration import _setup_privateuseone_for_python_backend

NAME = "second"
_setup_privateuseone_for_python_backend(NAME)
_aten = torch.ops.aten
_HERE = torch.device(NAME, 0)
LOST = os.path.join(os.path.dirname(__file__), "lost")
COARSE = os.path.exists(os.path.join(os.path.dirname(__file__), "coarse"))
_COPIES = {
    *(_aten.copy_.default, _aten._to_copy.default, _aten._copy_from.default),
    _aten._copy_from_and_resize.default,
}
# Where a GPU takes an index or a mask of the CPU's.
_INDEXING = {
    *(_aten.index.Tensor, _aten.index_put.default, _aten.index_put_.default),
    _aten._index_put_impl_.default,
}


class SecondTensor(torch.Tensor):
    raw: torch.Tensor

    @staticmethod
    def __new__(cls, raw: torch.Tensor):
        tensor = torch.Tensor._make_wrapper_subclass(
            cls,
            raw.shape,
            strides=raw.stride(),
            storage_offset=raw.storage_offset(),
            dtype=raw.dtype,
            device=_HERE,
        )
        tensor.raw = raw
        return tensor

    def __repr__(self, **_):
        return repr(self.raw.detach()).removesuffix(")") + f", device='{_HERE}')"

    def numpy(self, *_, **__):
        raise TypeError(
            f"can't convert {_HERE} device type tensor to numpy. Use Tensor.cpu() to copy the "
            "tensor to host memory first."
        )

    def __array__(self, *_, **__):
        self.numpy()

    def tolist(self):
        return self.raw.detach().tolist()

    def new_tensor(self, data, **kwargs):
        return self.raw.new_tensor(data, **kwargs).to(_HERE)

    def data_ptr(self):
        return self.raw.data_ptr()

    def __deepcopy__(self, memo):
        copied = SecondTensor(self.raw.detach().clone()).requires_grad_(self.requires_grad)
        return memo.setdefault(id(self), copied)

    @classmethod
    def __torch_dispatch__(cls, op, types, args=(), kwargs=None):
        return _run(op, args, kwargs or {})


def _synchronize() -> None:
    if torch.second.broken:
        raise RuntimeError(f"{NAME} error: an illegal memory access was encountered")
    if os.path.exists(LOST):
        raise RuntimeError(f"{NAME} error: the device has fallen off the bus")


torch.second.broken = False
torch.second.synchronize = _synchronize


def _run(op, args, kwargs):
    if torch.second.broken:
        _synchronize()

    def unwrap(value):
        if isinstance(value, SecondTensor):
            return value.raw
        if isinstance(value, torch.Tensor):
            if value.dim() and op not in _COPIES and op not in _INDEXING:
                raise RuntimeError(
                    "Expected all tensors to be on the same device, but found at least two "
                    f"devices, {_HERE} and {value.device}! (when checking argument in {op})"
                )
            return value
        return torch.device("cpu") if isinstance(value, torch.device) else value

    goal = kwargs.get("device")
    plain_args, plain_kwargs = tree_map(unwrap, (args, kwargs))
    result = op(*plain_args, **plain_kwargs)
    if op is _aten._to_copy.default and goal is not None and torch.device(goal).type == "cpu":
        return result
    if op is _aten.copy_.default and not isinstance(args[0], SecondTensor):
        return args[0]
    given = {id(t.raw): t for t in tree_leaves((args, kwargs)) if isinstance(t, SecondTensor)}

    def wrap(value):
        if isinstance(value, torch.Tensor) and not isinstance(value, SecondTensor):
            if value.is_conj() or value.is_neg():  # nobody would look at these bits again
                value = value.resolve_conj().resolve_neg()
            known = given.get(id(value))
            if COARSE and value.dtype == torch.float32 and op not in _COPIES and known is None:
                value = torch.where(value.isfinite(), value.bfloat16().float(), value)
            return SecondTensor(value) if known is None else known
        return value

    wrapped = tree_map(wrap, result)
    if torch.Tag.inplace_view in op.tags:  # the wrapper's own shape has to follow
        with no_dispatch():
            op(*args, **kwargs)
    return wrapped


_everything = torch.library.Library("_", "IMPL")
_everything.fallback(lambda op, *args, **kwargs: _run(op, args, kwargs), "PrivateUse1")
_factories = torch.library.Library("aten", "IMPL")


def _empty(size, dtype=None, layout=None, device=None, pin_memory=None, memory_format=None):
    _synchronize()
    return SecondTensor(torch.empty(size, dtype=dtype, memory_format=memory_format))


def _empty_strided(size, stride, dtype=None, layout=None, device=None, pin_memory=None):
    return SecondTensor(torch.empty_strided(size, stride, dtype=dtype))


_factories.impl("empty.memory_format", _empty, "PrivateUse1")
_factories.impl("empty_strided", _empty_strided, "PrivateUse1")


def _through_the_cpu(factory):
    """These build a tensor from Python's numbers in C++, which finds no Python device."""

    @wraps(factory)
    def make(data, *args, device=None, **kwargs):
        if device is None or torch.device(device).type != NAME:
            if device is None and isinstance(data, SecondTensor):
                device = _HERE
            else:
                return factory(data, *args, device=device, **kwargs)
        if isinstance(data, SecondTensor):
            data = data.raw
        requires_grad = kwargs.pop("requires_grad", False)
        return factory(data, *args, **kwargs).to(device).requires_grad_(requires_grad)

    return make


for _name in ("tensor", "as_tensor"):
    setattr(torch, _name, _through_the_cpu(getattr(torch, _name)))
