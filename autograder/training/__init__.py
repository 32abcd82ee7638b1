"""Training runs through a submission's functions, described in a few lines.

    curve(
        Run(
            "batch norm",
            network=(conv(8, 3, padding=1), batch_norm(), relu(), conv(10, 8)),
            data=digits(),
            optimiser=sgd_momentum(weight_decay=5e-4),
            schedule=cosine(0.1, warmup_steps=5),
            batch=64,
            steps=100,
        ),
        points={"training": 8, "evaluation": 4},
    )

Layers, loss, optimiser and schedule are calls of the submission's functions; what goes from one to
the next, the data, their order, the initial weights and the dropout masks are the grader's.
"""

from autograder.training.data import Data, Split, digits, restyled
from autograder.training.layers import (
    Dropout,
    Layer,
    average,
    batch_instance_norm,
    batch_norm,
    conv,
    dropout,
    group_norm,
    instance_norm,
    kaiming,
    layer,
    relu,
    xavier,
)
from autograder.training.run import (
    Optimiser,
    Run,
    Schedule,
    adamw,
    constant,
    cosine,
    sgd,
    sgd_momentum,
)

__all__ = [
    "Data",
    "Dropout",
    "Layer",
    "Optimiser",
    "Run",
    "Schedule",
    "Split",
    "adamw",
    "average",
    "batch_instance_norm",
    "batch_norm",
    "constant",
    "conv",
    "cosine",
    "digits",
    "dropout",
    "group_norm",
    "instance_norm",
    "kaiming",
    "layer",
    "relu",
    "restyled",
    "sgd",
    "sgd_momentum",
    "xavier",
]
