"""A step of stochastic gradient descent with momentum."""

import torch

from autograder.checks import precision, values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _SGD, _alike


def sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0):
    """One step of gradient descent with momentum (Polyak 1964), as `torch.optim.SGD` takes it.

    The velocity sums up the gradients of all steps so far, older ones faded:

        velocity <- momentum * velocity + (grad + weight_decay * weight)
        weight   <- weight - lr * velocity, with the new velocity.

    Sutskever et al. 2013, equations 1 and 2, have the learning rate within the velocity. While lr
    is constant both are the same; when lr changes, here the whole velocity feels it at once.

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, without the penalty's, of the shape of weight.
        velocity: what the step before returned, of the shape of weight; zeros before the first
            step. Left as it is.
        lr: the learning rate.
        momentum: the share of the velocity that is carried on, in [0, 1).
        weight_decay: as in `sgd_step`.

    Returns:
        the new weight and the new velocity, of the shape of weight.
    """
    gradient = grad + weight_decay * weight
    velocity = momentum * velocity + gradient
    return weight - lr * velocity, velocity


_MOMENTUM = ("weight", "grad", "velocity")
MOMENTUM_PLAIN = (
    case("convolution", public=True, **_alike(_MOMENTUM, 4, 3, 3, 2), lr=0.1),
    case("bias", **_alike(_MOMENTUM, 11, mean=1.0), lr=0.7, momentum=0.4),
    case("transposed strides", **_alike(_SGD, 4, 6), velocity=normal(6, 4).map(torch.t), lr=0.2),
)
MOMENTUM_DECAY = (
    case(
        "convolution, decay",
        public=True,
        **_alike(_MOMENTUM, 4, 3, 3, 2),
        lr=0.1,
        weight_decay=0.05,
    ),
    case("features", **_alike(_MOMENTUM, 7, 5, std=3.0), lr=0.5, momentum=0.3, weight_decay=0.3),
    case("strong decay", **_alike(_MOMENTUM, 9), lr=1.5, momentum=0.99, weight_decay=1.2),
    case("no momentum", **_alike(_MOMENTUM, 8), lr=0.2, momentum=0.0, weight_decay=0.4),
)
MOMENTUM_EDGES = (
    case(
        "first step",
        public=True,
        **_alike(_SGD, 3, 4),
        velocity=torch.zeros(3, 4),
        lr=0.1,
        weight_decay=0.2,
    ),
    case("no gradient", **_alike(_MOMENTUM, 5) | {"grad": torch.zeros(5)}, lr=0.3, momentum=0.8),
)

EXERCISES = (
    Exercise(
        functions=(sgd_momentum_step,),
        checks=(
            values(
                sgd_momentum_step,
                MOMENTUM_PLAIN,
                points={"new_weight": 1.5, "new_velocity": 1.5},
                name="without weight decay",
            ),
            values(
                sgd_momentum_step,
                MOMENTUM_DECAY,
                points={"new_weight": 2, "new_velocity": 2},
                name="with weight decay",
            ),
            values(
                sgd_momentum_step,
                MOMENTUM_EDGES,
                points={"new_weight": 0.75, "new_velocity": 0.75},
                name="first step, and no gradient",
            ),
            precision(
                sgd_momentum_step,
                MOMENTUM_PLAIN + MOMENTUM_DECAY,
                points={"new_weight": 0.5, "new_velocity": 0.5},
                name="float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity + lr * gradient",
                name="learning-rate-twice",
                hint="In this form the velocity holds gradients, and lr comes in once: in which of"
                " the two lines?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * velocity, lr * velocity",
                name="learning-rate-in-the-velocity",
                hint="Sutskever's velocity has the learning rate in it, PyTorch's has not: what "
                "does a change of lr do to the gradients gathered so far?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity, lr = momentum * velocity + lr * gradient, 1.0",
                name="learning-rate-inside-the-velocity",
                hint="Your step is Sutskever's, whose velocity holds lr * gradient. Here it holds "
                "the gradients alone: where does lr come in, so that a change of lr is felt at "
                "once?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity, lr = momentum * velocity - lr * gradient, -1.0",
                name="velocity-points-downhill",
                hint="Your velocity is the step itself, downhill and with lr in it, as Sutskever "
                "and several courses write it. Which velocity does the docstring keep?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - velocity, velocity",
                name="learning-rate-forgotten",
                hint="How far does a step go when lr is halved?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity + (1 - momentum) * gradient",
                name="moving-average",
                hint="That averages gradients, as Adam does. Here they are summed up: does the new"
                " gradient get a factor?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = velocity + momentum * gradient",
                name="momentum-on-the-gradient",
                hint="Which of the two should fade, the velocity or the new gradient?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = velocity + gradient",
                name="velocity-never-fades",
                hint="What slows the velocity down when the gradient is zero?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = gradient",
                name="momentum-forgotten",
                hint="What does your step remember of the steps before?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * velocity - gradient",
                name="velocity-downhill-then-subtracted",
                hint="A velocity that points downhill is added to the weight, one that points "
                "uphill is subtracted: which one is yours?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight + lr * velocity, velocity",
                name="uphill",
                hint="The velocity sums up gradients, and they point to where the loss grows: "
                "which way do you step?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * (gradient + momentum * velocity), velocity",
                name="nesterov",
                hint="That looks one step ahead, as Nesterov's method does: the plain one steps by"
                " the new velocity itself.",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * (velocity - gradient), velocity",
                name="newest-gradient-left-out",
                hint="In the first step the old velocity is zero: does your weight move?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad",
                name="decay-forgotten",
                hint="Where does weight_decay enter?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + 2 * weight_decay * weight",
                name="decay-twice",
                hint="Here weight_decay multiplies the weight itself: the 2 of the square's "
                "derivative is already within it.",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad - weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient and a velocity of zero, should the weight grow or shrink?",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient, weight = grad, weight - lr * weight_decay * weight",
                name="decay-beside-the-velocity",
                hint="That is decoupled decay, AdamW's idea. In `torch.optim.SGD` the penalty's "
                "gradient is part of the gradient, and so gathers in the velocity.",
            ),
            edit(
                sgd_momentum_step,
                "gradient = grad + weight_decay * weight",
                "gradient = (1 + weight_decay) * grad",
                name="gradient-decayed",
                hint="What should decay, the weight or the gradient? Try a gradient of zero.",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity = momentum * (velocity + gradient)",
                name="momentum-on-both",
                hint="The new gradient has not had a step to fade: which part does momentum "
                "multiply?",
            ),
            edit(
                sgd_momentum_step,
                "return weight - lr * velocity, velocity",
                "return weight - lr * velocity, gradient",
                name="gradient-returned-for-velocity",
                hint="What does the next step need in order to go on from here?",
            ),
            edit(
                sgd_momentum_step,
                "velocity = momentum * velocity + gradient",
                "velocity.mul_(momentum).add_(gradient)",
                name="in-place",
                hint="The caller's velocity has changed during the call: return a new one.",
            ),
        ),
    ),
)
