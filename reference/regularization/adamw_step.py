"""A step of AdamW, with decoupled weight decay."""

import torch

from autograder.checks import precision, values
from autograder.exercise import Exercise, case, edit, normal, uniform

from ._shared import _SGD, _alike


def adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.01):
    """One step of AdamW (Loshchilov & Hutter 2019, algorithm 2), as `torch.optim.AdamW` takes it.

    The moments are moving averages of the gradient and of its square. They start at zero, which
    the division by 1 - beta ** step makes up for (Kingma & Ba 2015, section 3):

        m <- beta1 * m + (1 - beta1) * grad           m_hat = m / (1 - beta1 ** step)
        v <- beta2 * v + (1 - beta2) * grad ** 2      v_hat = v / (1 - beta2 ** step)
        weight <- weight - lr * weight_decay * weight - lr * m_hat / (sqrt(v_hat) + eps).

    The decay is decoupled: it does not pass through the moments, so that weights with large
    gradients decay as fast as the others. As in PyTorch, lr scales the decay too.

    Args:
        weight: of any shape; left as it is.
        grad: the gradient of the loss, of the shape of weight.
        m, v: the moments that the step before returned, of the shape of weight; zeros before the
            first step. Left as they are.
        step: the number of this step, counted from 1.
        lr: the learning rate.
        betas: the decay rates of m and v, each in [0, 1).
        eps: keeps the division finite; outside the root.
        weight_decay: how strongly weights are pulled to zero.

    Returns:
        the new weight, m and v (not corrected), each of the shape of weight.
    """
    beta1, beta2 = betas
    m = beta1 * m + (1 - beta1) * grad
    v = beta2 * v + (1 - beta2) * grad**2
    m_hat = m / (1 - beta1**step)
    v_hat = v / (1 - beta2**step)
    decay = weight_decay * weight
    return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v


def _moments(*shape, scale=1.0):
    """A weight, and a gradient and its moments of a given size, as they stand in mid-training."""
    return {
        "weight": normal(*shape),
        "grad": normal(*shape, std=scale),
        "m": normal(*shape, std=0.3 * scale),
        "v": uniform(*shape, low=0.1 * scale**2, high=2.0 * scale**2),
    }


ADAMW_PLAIN = (
    case("convolution", public=True, **_moments(4, 3, 3, 2), step=5, lr=0.1, weight_decay=0.0),
    case("other betas", **_moments(11), step=3, lr=0.7, betas=(0.5, 0.8), weight_decay=0.0),
    case("late", **_moments(6, 4), step=5000, lr=0.2, weight_decay=0.0),
)
ADAMW_DECAY = (
    case(
        "convolution, decay", public=True, **_moments(4, 3, 3, 2), step=4, lr=0.1, weight_decay=0.3
    ),
    case("default decay", **_moments(7, 5, scale=4.0), step=20, lr=0.5, betas=(0.7, 0.95)),
    case("strong decay", **_moments(9, scale=0.2), step=300, lr=1.5, weight_decay=1.2),
    case(
        "transposed strides",
        **_moments(5, 6) | {"weight": normal(6, 5).map(torch.t)},
        step=2,
        lr=0.2,
        weight_decay=0.5,
    ),
)
ADAMW_FIRST = (
    case(
        "first step",
        public=True,
        **_alike(_SGD, 3, 4),
        m=torch.zeros(3, 4),
        v=torch.zeros(3, 4),
        step=1,
        lr=0.1,
    ),
    case(
        "first step, some gradients zero",
        weight=normal(8),
        grad=normal(8).map(lambda t: t * (torch.arange(8) % 2)),
        m=torch.zeros(8),
        v=torch.zeros(8),
        step=1,
        lr=0.05,
        betas=(0.6, 0.9),
        weight_decay=0.1,
    ),
)
ADAMW_EPS = (
    case("large eps", public=True, **_moments(4, 5), step=6, lr=0.1, eps=0.3),
    case("gradients like the default eps", **_moments(12, scale=1e-8), step=3, lr=0.1),
)

EXERCISES = (
    Exercise(
        functions=(adamw_step,),
        checks=(
            values(
                adamw_step,
                ADAMW_PLAIN,
                points={"new_weight": 1, "new_m": 1, "new_v": 1},
                name="without weight decay",
            ),
            values(
                adamw_step,
                ADAMW_DECAY,
                points={"new_weight": 1.5, "new_m": 0.5, "new_v": 0.5},
                name="with weight decay",
            ),
            values(
                adamw_step,
                ADAMW_FIRST,
                points={"new_weight": 1, "new_m": 0.25, "new_v": 0.25},
                name="first step",
            ),
            values(
                adamw_step,
                ADAMW_EPS,
                points={"new_weight": 1, "new_m": 0.25, "new_v": 0.25},
                name="eps",
            ),
            precision(
                adamw_step,
                ADAMW_PLAIN + ADAMW_DECAY + ADAMW_FIRST + ADAMW_EPS,
                points={"new_weight": 0.5, "new_m": 0.25, "new_v": 0.25},
                name="float32",
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                adamw_step,
                "m / (1 - beta1**step)",
                "m / (1 - beta1)\n    step = 2",
                name="corrected-without-the-step",
                hint="The correction fades with time: how large is it after 1000 steps, and what "
                "in the formula makes it so?",
            ),
            edit(
                adamw_step,
                "(m_hat / (torch.sqrt(v_hat) + eps) + decay)",
                "(m / torch.sqrt(v + eps) + decay)",
                name="eps-in-the-root-and-not-corrected",
                hint="Two things differ from the paper's update: which moments does it use, and "
                "where does eps stand?",
            ),
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "(beta1, beta2), grad, weight_decay = betas, grad + weight_decay * weight, 0.0",
                name="decay-not-decoupled",
                hint="That is Adam with an L2 penalty: the decay passes through the moments, and "
                "weights with large gradients hardly decay. What does the W stand for?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = 0 * weight",
                name="decay-forgotten",
                hint="Where does weight_decay enter? Its default is not zero here.",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps)) - decay, m, v",
                name="decay-without-learning-rate",
                hint="In PyTorch the learning rate scales both parts of the step: does yours?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = -weight_decay * weight",
                name="decay-away-from-zero",
                hint="With a gradient of zero, should the weight grow or shrink?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = 2 * weight_decay * weight",
                name="decay-twice",
                hint="weight_decay multiplies the weight itself: where does your factor 2 come "
                "from?",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return (weight - lr * (m_hat / (torch.sqrt(v_hat) + eps))) "
                "* (1 - lr * weight_decay), m, v",
                name="decay-after-the-step",
                hint="Which weight decays, the one before the step or the one after?",
            ),
            edit(
                adamw_step,
                "decay = weight_decay * weight",
                "decay = weight_decay * weight.sign()",
                name="decay-by-the-sign",
                hint="Should a small weight lose as much as a large one?",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m / (torch.sqrt(v) + eps) + decay",
                name="not-corrected",
                hint="Both moments start at zero: how large are they after the first step, "
                "compared with the gradient?",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = m",
                name="first-moment-not-corrected",
                hint="m starts at zero too: what is it after the first step, compared with the "
                "gradient?",
            ),
            edit(
                adamw_step,
                "v_hat = v / (1 - beta2**step)",
                "v_hat = v",
                name="second-moment-not-corrected",
                hint="v starts at zero too: what is it after the first step, compared with the "
                "gradient's square?",
            ),
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "(beta1, beta2), step = betas, step + 1",
                name="step-counted-again",
                hint="step is the number of this step, from 1: who has counted it already?",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = m / (1 - beta1)",
                name="corrected-as-in-the-first-step",
                hint="How much of m's zero start is left after many steps? The correction should "
                "fade.",
            ),
            edit(
                adamw_step,
                "beta1, beta2 = betas",
                "beta2, beta1 = betas",
                name="betas-swapped",
                hint="Which moment has the longer memory? The betas come in the order of m and v.",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = (1 - beta1) * m + beta1 * grad",
                name="old-and-new-swapped",
                hint="beta1 = 0.9 should make m change slowly: which part does it multiply?",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = beta1 * m + grad",
                name="first-moment-summed",
                hint="m is an average: for a gradient that stays the same, what should m approach?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + grad**2",
                name="second-moment-summed",
                hint="v is an average: for a gradient that stays the same, what should v approach?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + (1 - beta2) * grad",
                name="gradient-not-squared",
                hint="v is the average of what? Can yours be negative?",
            ),
            edit(
                adamw_step,
                "v = beta2 * v + (1 - beta2) * grad**2",
                "v = beta2 * v + (1 - beta2) * (grad - m) ** 2",
                name="variance-for-second-moment",
                hint="The second moment is the mean of the square, not of the squared deviation "
                "from the mean.",
            ),
            edit(
                adamw_step,
                "m_hat = m / (1 - beta1**step)",
                "m_hat = grad",
                name="first-moment-not-used",
                hint="The step goes along an average over the steps so far: along what does yours "
                "go?",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / (v_hat + eps) + decay",
                name="root-forgotten",
                hint="Multiply the loss by 10: m_hat grows tenfold, and v_hat? The step should "
                "stay as it is.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / torch.sqrt(v_hat + eps) + decay",
                name="eps-inside-the-root",
                hint="Compare sqrt(v + eps) with sqrt(v) + eps where v is zero.",
            ),
            edit(
                adamw_step,
                "torch.sqrt(v_hat) + eps",
                "torch.sqrt((v + eps) / (1 - beta2**step))",
                name="eps-inside-the-root-and-corrected",
                hint="eps is added to the root of the corrected moment: yours is added to v, and "
                "goes through the correction and the root.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / ((torch.sqrt(v) + eps) / (1 - beta2**step) ** 0.5) + decay",
                name="eps-before-the-correction",
                hint="eps is added to the root of the corrected moment; the correction does not "
                "apply to eps itself.",
            ),
            edit(
                adamw_step,
                "m_hat / (torch.sqrt(v_hat) + eps) + decay",
                "m_hat / torch.sqrt(v_hat) + decay",
                name="eps-forgotten",
                hint="What is 0 / 0? Some weights never see a gradient.",
            ),
            edit(
                adamw_step,
                "return weight - lr * (m_hat / (torch.sqrt(v_hat) + eps) + decay), m, v",
                "return weight + lr * (m_hat / (torch.sqrt(v_hat) + eps) - decay), m, v",
                name="uphill",
                hint="The gradient points to where the loss grows: which way do you step?",
            ),
            edit(
                adamw_step,
                " + decay), m, v",
                " + decay), m_hat, v_hat",
                name="corrected-moments-returned",
                hint="The next step goes on from m and v themselves: what would happen if they "
                "were corrected in every step?",
            ),
            edit(
                adamw_step,
                "m = beta1 * m + (1 - beta1) * grad",
                "m = m.mul_(beta1).add_((1 - beta1) * grad)",
                name="in-place",
                hint="The caller's moments have changed during the call: return new ones.",
            ),
        ),
    ),
)
