"""A step of stochastic gradient descent with weight decay."""

import torch

from autograder.checks import precision, values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _SGD, _alike


def sgd_step(weight, grad, lr, weight_decay=0.0):
    """One step of gradient descent with weight decay, as `torch.optim.SGD` takes it.

    Weight decay is the penalty weight_decay / 2 * sum(weight ** 2) on the loss (Krogh & Hertz
    1991); its gradient, weight_decay * weight, is added to the loss's own:

        weight <- weight - lr * (grad + weight_decay * weight).

    (Who writes the penalty without the 1 / 2 has 2 * weight in the gradient: that factor is then
    part of this weight_decay.)

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, without the penalty's, of the shape of weight.
        lr: the learning rate.
        weight_decay: how strongly weights are pulled to zero; 0 means not at all.

    Returns:
        the new weight, of the shape of weight.
    """
    gradient = grad + weight_decay * weight
    return weight - lr * gradient


SGD_PLAIN = (
    case("convolution", public=True, **_alike(_SGD, 4, 3, 3, 2), lr=0.1),
    case("bias", **_alike(_SGD, 11, mean=1.0), lr=0.7, weight_decay=0.0),
    case("one number", **_alike(_SGD), lr=0.01),
)
SGD_DECAY = (
    case("convolution, decay", public=True, **_alike(_SGD, 4, 3, 3, 2), lr=0.1, weight_decay=0.05),
    case("features", **_alike(_SGD, 7, 5, std=3.0), lr=0.5, weight_decay=0.3),
    case("strong decay", **_alike(_SGD, 9, mean=2.0), lr=1.5, weight_decay=1.2),
    case(
        "transposed strides",
        weight=normal(6, 4).map(torch.t),
        grad=normal(4, 6),
        lr=0.2,
        weight_decay=0.1,
    ),
)
SGD_NO_GRADIENT = (
    case(
        "no gradient",
        public=True,
        weight=normal(3, 4),
        grad=torch.zeros(3, 4),
        lr=0.1,
        weight_decay=0.2,
    ),
    case("tiny gradient", weight=normal(5), grad=normal(5, std=1e-9), lr=0.4, weight_decay=0.5),
)

EXERCISES = (
    Exercise(
        functions=(sgd_step,),
        checks=(
            values(sgd_step, SGD_PLAIN, points={"new_weight": 3}, name="gradient descent"),
            values(sgd_step, SGD_DECAY, points={"new_weight": 4}, name="with weight decay"),
            values(sgd_step, SGD_NO_GRADIENT, points={"new_weight": 1}, name="weight decay alone"),
            precision(sgd_step, SGD_PLAIN + SGD_DECAY, points={"new_weight": 1.5}, name="float32"),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight + lr * gradient",
                name="uphill",
                hint="The gradient points to where the loss grows: which way do you step?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - gradient",
                name="learning-rate-forgotten",
                hint="How far does a step go when lr is halved?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return -lr * gradient",
                name="step-returned",
                hint="You return how far to go: where does the weight arrive?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - lr * grad",
                name="decay-forgotten",
                hint="Where does weight_decay enter? Try a gradient of zero: does the weight "
                "shrink?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + 2 * weight_decay * weight",
                name="decay-twice",
                hint="Here weight_decay multiplies the weight itself: the 2 of the square's "
                "derivative is already within it.",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay / 2 * weight",
                name="decay-halved",
                hint="The 1 / 2 stands in the penalty: what is left of it when you take the "
                "derivative?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight.sign()",
                name="decay-of-the-absolute-value",
                hint="That is the gradient of sum(abs(weight)), an L1 penalty: which penalty is "
                "asked for?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad - weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient of zero, should the weight grow or shrink?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = (1 + weight_decay) * grad",
                name="gradient-decayed",
                hint="What should decay, the weight or the gradient? Try a gradient of zero.",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight.square().sum()",
                name="penalty-for-its-gradient",
                hint="You added the penalty's value: what is its derivative with respect to one "
                "weight?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight / weight.norm()",
                name="decay-over-norm",
                hint="That is the gradient of the norm itself: what is the gradient of its square?",
            ),
            edit(
                sgd_step,
                "gradient = grad + weight_decay * weight",
                "gradient = grad + weight_decay * weight / weight.numel()",
                name="decay-averaged",
                hint="The penalty is a sum over the weights: does each weight's pull depend on how"
                " many there are?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight - lr * grad - weight_decay * weight",
                name="decay-without-learning-rate",
                hint="The penalty is part of the loss, and its gradient part of the gradient: what"
                " does lr multiply?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return (weight - lr * grad) * (1 - lr * weight_decay)",
                name="decay-after-the-step",
                hint="At which weight is the penalty's gradient taken, the one before the step or "
                "the one after?",
            ),
            edit(
                sgd_step,
                "return weight - lr * gradient",
                "return weight.sub_(lr * gradient)",
                name="in-place",
                hint="The caller still needs the old weight: is it the same after your call?",
            ),
        ),
    ),
)
