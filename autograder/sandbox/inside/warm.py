"""What a worker for submissions finds imported and set up when it is forked."""

from __future__ import annotations

import importlib

import numpy as np
import torch

from . import scan, trace
from .loading.source import Source

# What submissions import, or torch and Python do at first use.
LIKELY = (
    *(
        "collections",
        "copy",
        "dataclasses",
        "enum",
        "functools",
        "inspect",
        "itertools",
        "linecache",
    ),
    *("math", "numpy.random", "random", "statistics", "tokenize", "traceback", "typing"),
)
# torch imports its compiler, which takes longer than torch itself, behind these names: it is there
# before the first worker whose submission has one of them.
_COMPILER = "torch._dynamo"
WORDS_FOR_MORE = (
    *("optim", "lr_scheduler", "func", "functorch", "jacobian", "hessian", "gradcheck", "compile"),
    *("checkpoint", "checkpoint_sequential", "export", "fx", "TorchDispatchMode", "_dynamo"),
    "flex_attention",
)


def warm_up(device: str = "cpu") -> None:
    """Import what submissions use and run what torch sets up lazily, so that workers need not.

    Args:
        device: what workers compute on. Torch's first backward starts a thread for every device,
            which a fork does not copy: with one beside the CPU, it is left to the workers.
    """
    for name in LIKELY:
        importlib.import_module(name)
    torch.set_num_threads(1)
    torch.set_num_interop_threads(1)
    # Warn only: what has no deterministic kernel shall still run. The other function to say so
    # imports torch's compiler.
    torch.set_deterministic_debug_mode("warn")
    torch.default_generator.manual_seed(0)
    np.random.seed(0)
    for dtype in (torch.float32, torch.float64):
        image = torch.rand(2, 3, 8, 8, dtype=dtype, requires_grad=True)
        kernels = torch.rand(4, 3, 3, 3, dtype=dtype)
        matrix = torch.rand(6, 6, dtype=dtype)
        out = torch.nn.functional.conv2d(image, kernels, padding=1)
        out = torch.nn.functional.max_pool2d(out, 2).flatten(1)
        out = torch.log_softmax(out, 1) + torch.sigmoid(out) * torch.tanh(out).exp()
        out = out.sum() + torch.nn.functional.batch_norm(image, None, None, training=True).sum()
        if device == "cpu":
            torch.autograd.grad(out, image)
        torch.nn.functional.unfold(image, 3)
        torch.einsum("ij,jk->ik", matrix, matrix)
        torch.fft.fft(matrix)
        torch.linalg.svd(matrix)
        torch.linalg.solve(matrix, matrix)
        torch.erf(matrix).sort()
        torch.where(matrix > 0.5, matrix, 0.0).var(0)
        torch.bernoulli(matrix)
        torch.randn(4, dtype=dtype).clamp(min=0).sqrt().pow(2).topk(2)
        matrix[matrix > 0.5].cumsum(0)
        np.asarray(matrix) @ np.asarray(matrix)
    torch.randperm(5)
    str(torch.rand(2, 2))
    torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.ReLU())(torch.rand(1, 2))
    with trace.Operators():
        torch.rand(2, 2).sum(dim=[0, 1])
    scan.scan([Source("a", ("import torch\ntorch.rand(2)",))])


def warm_up_more() -> None:
    """Import what few submissions use, and torch imports on demand."""
    importlib.import_module(_COMPILER)
    torch.use_deterministic_algorithms(True, warn_only=True)  # of the compiler, too
