"""Training: the whole course at work, from the first image to the error rate.

Nothing new is differentiated here. Two functions are missing before a network can be trained and
judged; the layers, losses and steps are those of the other files, which are handed in as well.
"""

import math

from autograder.checks import curve, precision, signal, values
from autograder.exercise import Exercise, case, edit, normal
from autograder.training import (
    Run,
    average,
    batch_instance_norm,
    batch_norm,
    constant,
    conv,
    cosine,
    digits,
    dropout,
    group_norm,
    instance_norm,
    kaiming,
    relu,
    restyled,
    sgd_momentum,
    xavier,
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
    done, length = step - warmup_steps, total_steps - warmup_steps  # of the cosine
    return base_lr * (1 + math.cos(math.pi * done / length)) / 2


def _tied(t):
    """Rows with a tie: whole numbers, few enough to meet again."""
    return t.round().clamp(-1, 1)


PREDICTIONS = (
    case("plain", public=True, logits=normal(5, 4)),
    case("ties", public=True, logits=normal(6, 5).map(_tied)),
    case("more examples than classes", logits=normal(40, 3, std=4.0)),
    case("more classes than examples", logits=normal(2, 30)),
    case("all below zero", logits=normal(8, 6).map(lambda t: t - 20)),
    case("hidden ties", logits=normal(30, 6).map(_tied)),
    case("transposed strides", logits=normal(4, 7).map(lambda t: t.T)),
)
PREDICTIONS_FLOAT32 = (
    case("float32", public=True, logits=normal(9, 5)),
    case("float32, large", logits=normal(9, 5, std=1e30)),
)
RATES = (
    case("first step", public=True, step=0, total_steps=10, base_lr=0.1),
    case("in the middle", public=True, step=5, total_steps=10, base_lr=0.1),
    case("last step", step=99, total_steps=100, base_lr=0.3),
    case("at the end", step=50, total_steps=50, base_lr=0.3),
    case("a third", step=7, total_steps=21, base_lr=2.0),
)
WARM_UPS = (
    case("warming up", public=True, step=1, total_steps=10, base_lr=0.1, warmup_steps=4),
    case("first step of all", step=0, total_steps=10, base_lr=0.1, warmup_steps=4),
    case("last of the warm-up", step=3, total_steps=10, base_lr=0.1, warmup_steps=4),
    case("just after it", public=True, step=4, total_steps=10, base_lr=0.1, warmup_steps=4),
    case("long after it", step=31, total_steps=40, base_lr=0.7, warmup_steps=9),
)


# 1: everything that the course has, in one small network.
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


def _small_batches(name, batch, *norm):
    """2: what is left of a norm when there is little to take its statistics over (Wu & He 2018,
    figure 1). Trained for two epochs, batch norm's error at 2 images is many times that at 32,
    and group norm's about the same."""
    width = 128
    return Run(
        f"{name}, batches of {batch}",
        network=(
            *(conv(width, 8), *norm, relu()),
            *(conv(width, 1), *norm, relu()),
            *(conv(width, 1), *norm, relu()),
            conv(10, 1),
        ),
        data=digits(hidden=200),
        optimiser=sgd_momentum(),
        schedule=constant(0.05 * batch / 32),
        batch=batch,
        steps=5,
        whole=2 * (1297 // batch),
    )


STANDARDISED = digits(hidden=200, standardised=True)


def _deep(depth, name, weights, lr):
    """3: a plain network so deep that the initial weights decide (He et al. 2015, figures 2 and 3).
    Trained for 15 epochs at 30 layers, Xavier's has not begun to learn, and Kaiming's has."""
    width = 64
    hidden = (
        layer for _ in range(depth - 2) for layer in (conv(width, 1, weights=weights), relu())
    )
    return Run(
        f"{depth} layers, {name}",
        network=(conv(width, 8, weights=weights), relu(), *hidden, conv(10, 1, weights=weights)),
        data=STANDARDISED,
        optimiser=sgd_momentum(),
        schedule=constant(lr),
        batch=64,
        steps=3,
        whole=300,
    )


def _restyled(name, norm):
    """4: digits of which each has a contrast and a brightness of its own (Nam & Kim 2018). Trained
    for 15 epochs, batch-instance norm errs less than batch norm, and that less than instance norm,
    because it may drop the style in some channels and keep it in others."""
    return Run(
        name,
        network=(
            *(conv(16, 3, padding=1), norm, relu()),
            *(conv(32, 3, stride=2, padding=1), norm, relu()),
            *(average(), conv(10, 1)),
        ),
        data=restyled(digits(), contrast=0.2, brightness=0.2),
        optimiser=sgd_momentum(),
        schedule=cosine(0.2),
        batch=64,
        steps=100,
        whole=300,
    )


BATCHES = (32, 8, 4, 2)
POINTS = {"training": 2, "evaluation": 1}

EXERCISES = (
    Exercise(
        functions=(predict,),
        checks=(
            values(predict, PREDICTIONS, points={"classes": 2}),
            precision(predict, PREDICTIONS_FLOAT32, points={"classes": 0.5}),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.argmax(dim=0)",
                name="over-the-batch",
                hint="There should be one class for each example: along which dimension of logits "
                "do the classes lie?",
            ),
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.argmin(dim=1)",
                name="smallest",
                hint="What does the network say with a large number, and what with a small one?",
            ),
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.abs().argmax(dim=1)",
                name="largest-in-size",
                hint="A logit far below zero speaks against its class. Do you look at its sign?",
            ),
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.amax(dim=1)",
                name="value-for-index",
                hint="Asked for is where the largest number stands, not what it is.",
            ),
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.shape[1] - 1 - logits.flip(1).argmax(dim=1)",
                name="last-of-the-largest",
                hint="Of several largest numbers the first counts. Which one do you find?",
            ),
            edit(
                predict,
                "logits.argmax(dim=1)",
                "logits.argmax(dim=1).to(torch.int32)",
                name="type-of-the-index",
                hint="Class indices are int64 everywhere in PyTorch: what is yours?",
            ),
        ),
    ),
    Exercise(
        functions=(cosine_schedule,),
        checks=(
            values(cosine_schedule, RATES, points={"lr": 2}, name="cosine"),
            values(cosine_schedule, WARM_UPS, points={"lr": 2}, name="with warm-up"),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                cosine_schedule,
                "return base_lr * (step + 1) / warmup_steps",
                "return base_lr * step / warmup_steps",
                name="warm-up-from-zero",
                hint="With which rate is the very first step taken? A rate of zero wastes it.",
            ),
            edit(
                cosine_schedule,
                "step < warmup_steps",
                "step <= warmup_steps",
                name="warm-up-one-too-long",
                hint="Steps count from 0. How many steps does your warm-up have?",
            ),
            edit(
                cosine_schedule,
                "done, length = step - warmup_steps, total_steps - warmup_steps",
                "done, length = step + 1 - warmup_steps, total_steps - warmup_steps",
                name="one-step-ahead",
                hint="At the first step after the warm-up the rate should be base_lr. Is it?",
            ),
            edit(
                cosine_schedule,
                "done, length = step - warmup_steps, total_steps - warmup_steps",
                "done, length = step - warmup_steps, total_steps - warmup_steps - 1",
                name="zero-one-step-early",
                hint="t reaches 1 only after the last step: what is it at step total_steps - 1?",
            ),
            edit(
                cosine_schedule,
                "done, length = step - warmup_steps, total_steps - warmup_steps",
                "done, length = step, total_steps",
                name="warm-up-counted-in",
                hint="The cosine begins where the warm-up ends: what is t there?",
            ),
            edit(
                cosine_schedule,
                "done, length = step - warmup_steps, total_steps - warmup_steps",
                "done, length = step - warmup_steps, total_steps",
                name="length-with-the-warm-up",
                hint="Over how many steps does the cosine come down, if there was a warm-up?",
            ),
            edit(
                cosine_schedule,
                "(1 + math.cos(math.pi * done / length)) / 2",
                "(1 + math.cos(math.pi * done / length))",
                name="not-halved",
                hint="How large is 1 + cos at the beginning?",
            ),
            edit(
                cosine_schedule,
                "(1 + math.cos(math.pi * done / length)) / 2",
                "math.cos(math.pi * done / length / 2)",
                name="quarter-of-a-cosine",
                hint="The rate should come down flat at both ends. Does yours at the last steps?",
            ),
            edit(
                cosine_schedule,
                "(1 + math.cos(math.pi * done / length)) / 2",
                "(1 + math.cos(2 * math.pi * done / length)) / 2",
                name="whole-cosine",
                hint="Your rate comes down, and then goes up again.",
            ),
            edit(
                cosine_schedule,
                "(1 + math.cos(math.pi * done / length)) / 2",
                "(1 - done / length)",
                name="straight-line",
                hint="That is a straight line. Half a cosine is above it first, and then below it.",
            ),
            edit(
                cosine_schedule,
                "(1 + math.cos(math.pi * done / length)) / 2",
                "(1 + math.cos(180 * done / length)) / 2",
                name="radians-and-degrees",
                hint="math.cos takes radians: half a turn is pi.",
            ),
        ),
    ),
    Exercise(
        name="classifier",
        checks=(curve(CLASSIFIER, points={"training": 8, "evaluation": 4}),),
    ),
    Exercise(
        name="small_batches",
        checks=tuple(
            curve(*(_small_batches(name, n, *norm) for n in BATCHES), points=POINTS, name=name)
            for name, norm in (
                ("batch norm", (batch_norm(),)),
                ("group norm", (group_norm(8),)),
                ("no norm", ()),
            )
        ),
    ),
    Exercise(
        name="depth",
        checks=(
            signal("kaiming_normal_", STANDARDISED, 1.5, settings={"nonlinearity": "relu"}),
            signal("xavier_normal_", STANDARDISED, 1.5),
            curve(
                _deep(22, "Xavier", xavier, 0.01),
                _deep(22, "Kaiming", kaiming, 0.01),
                _deep(30, "Xavier", xavier, 0.003),
                _deep(30, "Kaiming", kaiming, 0.003),
                points=POINTS,
                name="first steps",
            ),
        ),
    ),
    Exercise(
        name="styles",
        checks=(
            curve(
                _restyled("batch norm", batch_norm()),
                _restyled("instance norm", instance_norm()),
                _restyled("batch-instance norm", batch_instance_norm()),
                points=POINTS,
                name="digits of many styles",
            ),
        ),
    ),
)
