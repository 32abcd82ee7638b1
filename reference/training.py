"""Training: the whole course at work, from the first image to the error rate.

Nothing new is differentiated here. Two functions are missing before a network can be trained and
judged; the layers, losses and steps are those of the other files, which are handed in as well.
"""

import math

from autograder.checks import curve, gradients, precision, values  # noqa: F401
from autograder.exercise import Exercise, case, edit, normal
from autograder.training import (
    Run,
    batch_norm,
    conv,
    cosine,
    digits,
    dropout,
    relu,
    sgd_momentum,
)


def predict(logits):
    """The class of the largest number in each row.

    Args:
        logits: `(N, C)`, one number per class.

    Returns:
        int64 `(N,)`, in 0..C-1; where several numbers are largest, the lowest of their indices.
    """
    return logits.argmax(dim=1)


def cosine_schedule(step, total_steps, base_lr, warmup_steps=0):
    """The learning rate of a step: a linear warm-up, then half a cosine down to zero (Loshchilov &
    Hutter 2017, equation 5, without restarts; the warm-up is that of Goyal et al. 2017).

    In the first warmup_steps steps, which count from 0,

        lr = base_lr * (step + 1) / warmup_steps,

    and after them, with t = (step - warmup_steps) / (total_steps - warmup_steps),

        lr = base_lr * (1 + cos(pi * t)) / 2.

    Args:
        step: the number of the step, from 0 to total_steps.
        total_steps: how many steps there are, the warm-up's included.
        base_lr: the highest rate.
        warmup_steps: how many steps the warm-up has; 0 for none.

    Returns:
        lr, a float.
    """
    if step < warmup_steps:
        return base_lr * (step + 1) / warmup_steps
    t = (step - warmup_steps) / (total_steps - warmup_steps)
    return base_lr * (1 + math.cos(math.pi * t)) / 2


PREDICTIONS = (
    case("plain", public=True, logits=normal(5, 4)),
    case("ties", public=True, logits=normal(6, 5).map(lambda t: t.round().clamp(-1, 1))),
)
RATES = (
    case("no warm-up", public=True, step=3, total_steps=10, base_lr=0.1),
    case("warm-up", public=True, step=1, total_steps=10, base_lr=0.1, warmup_steps=4),
)

CLASSIFIER = Run(
    "a convolutional classifier",
    network=(
        *(conv(8, 3, padding=1), batch_norm(), relu()),
        *(conv(16, 3, stride=2, padding=1), batch_norm(), relu()),
        *(dropout(0.25), conv(10, 4)),
    ),
    data=digits(),
    optimiser=sgd_momentum(weight_decay=5e-4),
    schedule=cosine(0.1, warmup_steps=5),
    batch=64,
    steps=100,
)


EXERCISES = (
    Exercise(
        functions=(predict,),
        checks=(values(predict, PREDICTIONS, points={"classes": 2}),),
        misconceptions=(
            edit(
                predict,
                "dim=1",
                "dim=0",
                name="over-the-batch",
                hint="Which dimension holds the classes?",
            ),
        ),
    ),
    Exercise(
        functions=(cosine_schedule,),
        checks=(values(cosine_schedule, RATES, points={"lr": 2}),),
    ),
    Exercise(
        name="classifier",
        checks=(curve(CLASSIFIER, points={"training": 8, "evaluation": 4}),),
    ),
)
