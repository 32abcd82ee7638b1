"""Initialisation: start so that signals neither die out nor blow up from layer to layer.

The weights of a linear layer are `(out, in)`, those of a convolution `(out, in, kH, kW)`.
"""

import math

import torch

from autograder.checks import Normal, Uniform, errors, fills, values
from autograder.exercise import Exercise, case, edit, normal


def calculate_gain(nonlinearity, param=None):
    """By how much weights must be larger than a linear layer's, to make up for what the
    non-linearity takes away.

        linear, conv2d, sigmoid   1
        tanh                      5 / 3
        relu                      sqrt(2), as half of the signal is cut off (He et al. 2015, eq. 10)
        leaky_relu                sqrt(2 / (1 + slope^2)) (He et al. 2015, eq. 15)
        selu                      3 / 4

    Args:
        nonlinearity: one of these names.
        param: the negative slope of leaky_relu, 0.01 by default; of no meaning for the others.

    Returns:
        The gain, a float.

    Raises:
        ValueError: there is no such non-linearity.
    """
    if nonlinearity in ("linear", "conv2d", "sigmoid"):
        return 1.0
    if nonlinearity == "tanh":
        return 5.0 / 3
    if nonlinearity == "relu":
        return math.sqrt(2.0)
    if nonlinearity == "leaky_relu":
        slope = 0.01 if param is None else param
        return math.sqrt(2.0 / (1 + slope**2))
    if nonlinearity == "selu":
        return 3.0 / 4
    raise ValueError(f"there is no gain for {nonlinearity!r}")


def fan_in_and_fan_out(shape):
    """How many inputs feed one output of a layer, and how many outputs one input feeds.

    With a convolution, each of the kernel's kH * kW positions counts (its receptive field).

    Args:
        shape: of the weights, `(out, in, ...)`: `(out, in)` for a linear layer,
            `(out, in, kH, kW)` for a convolution; a tuple or a torch.Size.

    Returns:
        fan_in and fan_out, two ints.

    Raises:
        ValueError: there are fewer than two dimensions.
    """
    if len(shape) < 2:
        raise ValueError("fan in and fan out need at least two dimensions")
    channels_out, channels_in = shape[:2]
    receptive_field = math.prod(shape[2:])  # 1 for a linear layer
    return channels_in * receptive_field, channels_out * receptive_field


def xavier_uniform_(tensor, gain=1.0, generator=None):
    """Fill the weights from a uniform law of variance gain^2 * 2 / (fan_in + fan_out), mean 0
    (Glorot & Bengio 2010, equations 12 and 16).

    A uniform law on [-b, b] has the variance b^2 / 3.

    Args:
        tensor: the weights, filled in place.
        gain: see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    fan_in, fan_out = fan_in_and_fan_out(tensor.shape)
    std = gain * math.sqrt(2.0 / (fan_in + fan_out))
    bound = math.sqrt(3.0) * std
    with torch.no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def xavier_normal_(tensor, gain=1.0, generator=None):
    """Fill the weights from a normal law of variance gain^2 * 2 / (fan_in + fan_out), mean 0
    (Glorot & Bengio 2010, equation 12).

    Args:
        tensor: the weights, filled in place.
        gain: see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    fan_in, fan_out = fan_in_and_fan_out(tensor.shape)
    std = gain * math.sqrt(2.0 / (fan_in + fan_out))
    with torch.no_grad():
        return tensor.normal_(0, std, generator=generator)


def kaiming_uniform_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill the weights from a uniform law of variance gain^2 / fan, mean 0 (He et al. 2015,
    equations 10 and 14).

    A uniform law on [-b, b] has the variance b^2 / 3.

    Args:
        tensor: the weights, filled in place.
        a: the negative slope, when the non-linearity is leaky_relu.
        mode: "fan_in" keeps the signal's variance on the way forward, "fan_out" the gradient's on
            the way back.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    fan_in, fan_out = fan_in_and_fan_out(tensor.shape)
    fan = fan_in if mode == "fan_in" else fan_out
    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)
    bound = math.sqrt(3.0) * std
    with torch.no_grad():
        return tensor.uniform_(-bound, bound, generator=generator)


def kaiming_normal_(tensor, a=0.0, mode="fan_in", nonlinearity="leaky_relu", generator=None):
    """Fill the weights from a normal law of variance gain^2 / fan, mean 0 (He et al. 2015,
    equations 10 and 14).

    Args:
        tensor: the weights, filled in place.
        a: the negative slope, when the non-linearity is leaky_relu.
        mode: "fan_in" keeps the signal's variance on the way forward, "fan_out" the gradient's on
            the way back.
        nonlinearity: what follows the layer; see `calculate_gain`.
        generator: where the random numbers come from; None is torch's global generator.

    Returns:
        The tensor itself.
    """
    fan_in, fan_out = fan_in_and_fan_out(tensor.shape)
    fan = fan_in if mode == "fan_in" else fan_out
    std = calculate_gain(nonlinearity, a) / math.sqrt(fan)
    with torch.no_grad():
        return tensor.normal_(0, std, generator=generator)


def _xavier_std(tensor, gain):
    fan_in, fan_out = fan_in_and_fan_out(tensor.shape)
    return gain * math.sqrt(2.0 / (fan_in + fan_out))


def _kaiming_std(tensor, a, mode, nonlinearity):
    fan = fan_in_and_fan_out(tensor.shape)[("fan_in", "fan_out").index(mode)]
    return calculate_gain(nonlinearity, a) / math.sqrt(fan)


def _weights(*shape):
    """Weights before they are initialised, plainly not of the law."""
    return normal(*shape, mean=3.0)


GAINS = (
    case("tanh", public=True, nonlinearity="tanh"),
    case("linear", nonlinearity="linear"),
    case("convolution", nonlinearity="conv2d"),
    case("sigmoid", nonlinearity="sigmoid"),
    case("relu", public=True, nonlinearity="relu"),
    case("relu takes no slope", nonlinearity="relu", param=0.7),
    case("selu", nonlinearity="selu"),
)
LEAKY_GAINS = (
    case("slope of 0.2", public=True, nonlinearity="leaky_relu", param=0.2),
    case("slope by default", nonlinearity="leaky_relu"),
    case("slope of zero", nonlinearity="leaky_relu", param=0),
    case("slope of one", nonlinearity="leaky_relu", param=1),
    case("negative slope", nonlinearity="leaky_relu", param=-1.5),
)
LINEAR_SHAPES = (
    case("linear layer", public=True, shape=(10, 4)),
    case("one output", shape=(1, 7)),
)
CONVOLUTION_SHAPES = (
    case("kernel of 3 x 5", public=True, shape=(8, 2, 3, 5)),
    case("kernel of 1 x 1", shape=(6, 4, 1, 1)),
    case("sequence", shape=(5, 2, 7)),
    case("volume", shape=(2, 3, 2, 3, 4)),
)
XAVIER_LINEAR = (
    case("linear layer", public=True, tensor=_weights(120, 50)),
    case("gain", tensor=_weights(60, 100), gain=0.6),
)
XAVIER_CONVOLUTION = (case("kernel of 4 x 3", tensor=_weights(24, 20, 4, 3), gain=1.5),)
KAIMING_LINEAR = (
    case("linear layer", public=True, tensor=_weights(120, 50)),
    case("fan out", tensor=_weights(60, 100), mode="fan_out"),
)
KAIMING_CONVOLUTION = (
    case("kernel of 4 x 3", tensor=_weights(24, 20, 4, 3), nonlinearity="relu"),
    case("kernel of 3 x 3, fan out", tensor=_weights(32, 20, 3, 3), mode="fan_out"),
)
KAIMING_GAIN = (
    case("leaky ReLU", public=True, tensor=_weights(100, 60), a=1.5),
    case("tanh", tensor=_weights(60, 100), nonlinearity="tanh", a=0.5),
    case("linear, fan out", tensor=_weights(60, 100), nonlinearity="linear", mode="fan_out"),
)


def _kaiming_checks(function, law):
    """The checks of a Kaiming initialisation: 9.5 points."""
    return (
        fills(
            function, KAIMING_LINEAR, {"tensor": 2.5, "generator": 1}, law=law, name="linear layers"
        ),
        fills(
            function,
            KAIMING_CONVOLUTION,
            {"tensor": 2.5, "generator": 0.5},
            law=law,
            name="convolutions",
        ),
        fills(
            function,
            KAIMING_GAIN,
            {"tensor": 2.5, "generator": 0.5},
            law=law,
            name="slope and non-linearity",
        ),
    )


def _kaiming_misconceptions(function):
    """What goes wrong with both laws: the standard deviation and the fan."""
    return (
        edit(
            function,
            'if mode == "fan_in"',
            'if mode == "fan_out"',
            name="fans-swapped",
            hint="Weights are (out, in): which of the two numbers says how many inputs one output "
            "sums up?",
        ),
        edit(
            function,
            'fan_in if mode == "fan_in" else fan_out',
            "fan_in",
            name="mode-ignored",
            hint="Which variance should stay as it is: the signal's on the way forward, or the "
            "gradient's on the way back? The caller says which.",
        ),
        edit(
            function,
            'fan_in if mode == "fan_in" else fan_out',
            "(fan_in + fan_out) / 2",
            name="xaviers-mean-of-fans",
            hint="Glorot and Bengio compromise between the two directions. What do He et al. do?",
        ),
        edit(
            function,
            "fan_in_and_fan_out(tensor.shape)",
            "fan_in_and_fan_out(tensor.shape[:2])",
            name="receptive-field-ignored",
            hint="How many numbers does a convolution with a 3 x 3 kernel sum up for one pixel of "
            "its output?",
        ),
        edit(
            function,
            "calculate_gain(nonlinearity, a) /",
            "calculate_gain(nonlinearity, a) ** 2 /",
            name="gain-squared",
            hint="ReLU halves the second moment, so the variance is doubled. By what is the "
            "standard deviation multiplied?",
        ),
        edit(
            function,
            "calculate_gain(nonlinearity, a) /",
            "1 /",
            name="gain-forgotten",
            hint="A ReLU cuts off half of the signal. What makes up for it?",
        ),
        edit(
            function,
            "calculate_gain(nonlinearity, a)",
            "calculate_gain(nonlinearity)",
            name="slope-ignored",
            hint="A leaky ReLU lets some of the negative half through: the steeper its slope, the "
            "less there is to make up for.",
        ),
        edit(
            function,
            "calculate_gain(nonlinearity, a)",
            'calculate_gain("leaky_relu", a)',
            name="nonlinearity-ignored",
            hint="Not every layer is followed by a (leaky) ReLU: what does the caller ask for?",
        ),
        edit(
            function,
            "calculate_gain(nonlinearity, a) / math.sqrt(fan)",
            "calculate_gain(nonlinearity, a) / fan",
            name="root-of-the-fan-forgotten",
            hint="The sum of n independent numbers has n times their variance: by what must each "
            "one's standard deviation be divided?",
        ),
    )


_DRAW_NORMAL = "tensor.normal_(0, std, generator=generator)"
_DRAW_UNIFORM = "tensor.uniform_(-bound, bound, generator=generator)"


def _random_misconceptions(function, draw):
    """What goes wrong with random numbers: where they come from and where they go."""
    return (
        edit(
            function,
            draw,
            draw.replace(", generator=generator", ""),
            name="generator-ignored",
            hint="The caller hands you a generator, to be able to repeat an experiment. Who draws "
            "from it?",
        ),
        edit(
            function,
            draw,
            draw.replace("generator=generator", "generator=torch.Generator().manual_seed(0)"),
            name="seed-fixed",
            hint="Two layers of one shape: do they get the same weights? A seed inside the "
            "function makes it so.",
        ),
        edit(
            function,
            draw,
            draw.replace("tensor", "tensor.clone()"),
            name="not-in-place",
            hint="The underscore promises that the caller's own tensor is filled. Which tensor did "
            "you fill?",
        ),
        edit(
            function,
            draw,
            f"tensor.copy_({draw.replace('tensor', 'tensor[0].clone()')})",
            name="rows-alike",
            hint="Units that start alike get the same gradients, and stay alike for ever.",
        ),
    )


def _normal_misconceptions(function):
    """What goes wrong with a normal law."""
    return (
        edit(
            function,
            _DRAW_NORMAL,
            "tensor.uniform_(-math.sqrt(3) * std, math.sqrt(3) * std, generator=generator)",
            name="uniform-for-normal",
            hint="Mean and variance are right, but the shape is not: what does a histogram of your "
            "numbers look like, and how far do they reach?",
        ),
        edit(
            function,
            _DRAW_NORMAL,
            _DRAW_NORMAL + ".clamp_(-2 * std, 2 * std)",
            name="tails-cut",
            hint="A normal law has tails: how many of 10,000 numbers should lie beyond two "
            "standard deviations, and how many of yours do?",
        ),
        edit(
            function,
            _DRAW_NORMAL,
            "tensor.normal_(0, std**2, generator=generator)",
            name="variance-for-deviation",
            hint="The papers speak of variances. What does the function that draws ask for?",
        ),
    )


def _uniform_misconceptions(function):
    """What goes wrong with a uniform law."""
    return (
        edit(
            function,
            _DRAW_UNIFORM,
            "tensor.normal_(0, std, generator=generator)",
            name="normal-for-uniform",
            hint="Mean and variance are right, but the shape is not: how far from zero may a "
            "uniform number lie?",
        ),
        edit(
            function,
            "math.sqrt(3.0) * std",
            "std",
            name="deviation-for-bound",
            hint="How large is the standard deviation of a uniform law on [-1, 1]? Not 1.",
        ),
        edit(
            function,
            "math.sqrt(3.0) * std",
            "3.0 * std",
            name="root-of-three-forgotten",
            hint="The variance of a uniform law on [-b, b] is b^2 / 3: solve it for b.",
        ),
        edit(
            function,
            "-bound, bound",
            "0, 2 * bound",
            name="one-sided",
            hint="What is the mean of your weights? Layers that only add up shift every signal.",
        ),
    )


def _xavier_checks(function, law):
    """The checks of a Xavier initialisation: 9.5 points."""
    return (
        fills(
            function, XAVIER_LINEAR, {"tensor": 4.5, "generator": 1}, law=law, name="linear layers"
        ),
        fills(
            function,
            XAVIER_CONVOLUTION,
            {"tensor": 3.5, "generator": 0.5},
            law=law,
            name="convolutions",
        ),
    )


def _xavier_misconceptions(function):
    """What goes wrong with both laws: the standard deviation and the fans."""
    std = "gain * math.sqrt(2.0 / (fan_in + fan_out))"
    return (
        edit(
            function,
            "2.0 / (fan_in + fan_out)",
            "1.0 / fan_in",
            name="fan-in-only",
            hint="Signals go forward and gradients back: the paper compromises between the two.",
        ),
        edit(
            function,
            "2.0 / (fan_in + fan_out)",
            "2.0 / fan_in",
            name="kaiming-for-xavier",
            hint="He et al. make up for a ReLU, and look at one direction only. What do Glorot and "
            "Bengio assume, and which two fans do they average?",
        ),
        edit(
            function,
            "2.0 / (fan_in + fan_out)",
            "1.0 / (fan_in + fan_out)",
            name="sum-for-mean",
            hint="The variance is one over the mean of the two fans. What is the mean?",
        ),
        edit(
            function,
            "2.0 / (fan_in + fan_out)",
            "1.0 / math.sqrt(fan_in * fan_out)",
            name="product-of-fans",
            hint="Is the compromise between the two fans their sum or their product?",
        ),
        edit(
            function,
            std,
            "math.sqrt(2.0 / (fan_in + fan_out))",
            name="gain-ignored",
            hint="The caller asks for a gain, to make up for the non-linearity that follows.",
        ),
        edit(
            function,
            std,
            "math.sqrt(gain * 2.0 / (fan_in + fan_out))",
            name="gain-under-the-root",
            hint="The gain multiplies the weights. What happens to their variance?",
        ),
        edit(
            function,
            "fan_in_and_fan_out(tensor.shape)",
            "fan_in_and_fan_out(tensor.shape[:2])",
            name="receptive-field-ignored",
            hint="How many numbers does a convolution with a 3 x 3 kernel sum up for one pixel of "
            "its output?",
        ),
    )


EXERCISES = (
    Exercise(
        functions=(calculate_gain,),
        checks=(
            values(calculate_gain, GAINS, points={"gain": 5}, name="fixed gains"),
            values(calculate_gain, LEAKY_GAINS, points={"gain": 4}, name="leaky ReLU"),
            errors(
                calculate_gain,
                (
                    case("no such name", nonlinearity="swish"),
                    case("another case", nonlinearity="ReLU"),
                ),
                points=0.5,
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                calculate_gain,
                "math.sqrt(2.0)",
                "2.0",
                name="variance-gain",
                hint="ReLU halves the second moment, so the variance is doubled. By what are the "
                "weights themselves multiplied?",
            ),
            edit(
                calculate_gain,
                "5.0 / 3",
                "1.0",
                name="tanh-without-gain",
                hint="tanh squeezes what is far from zero. Is there nothing to make up for?",
            ),
            edit(
                calculate_gain,
                "3.0 / 4",
                "1.0",
                name="selu-without-gain",
                hint="SELU has a number of its own in the table.",
            ),
            edit(
                calculate_gain,
                "1 + slope**2",
                "1 + slope",
                name="slope-not-squared",
                hint="The negative half is multiplied by the slope. By what is its square "
                "multiplied?",
            ),
            edit(
                calculate_gain,
                "math.sqrt(2.0 / (1 + slope**2))",
                "2.0 / (1 + slope**2)",
                name="variance-gain-of-leaky-relu",
                hint="Is it the variance that the gain multiplies, or the weights?",
            ),
            edit(
                calculate_gain,
                "0.01 if param is None else param",
                "param or 0.01",
                name="zero-taken-for-none",
                hint="In Python 0 is as false as None. Which of them means that no slope was "
                "given?",
            ),
            edit(
                calculate_gain,
                "0.01 if param is None else param",
                "0.0 if param is None else param",
                name="default-slope",
                hint="Which slope does a leaky ReLU have when nobody says?",
            ),
            edit(
                calculate_gain,
                "0.01 if param is None else param",
                "0.01",
                name="slope-ignored",
                hint="The gain of a leaky ReLU depends on its slope.",
            ),
            edit(
                calculate_gain,
                'raise ValueError(f"there is no gain for {nonlinearity!r}")',
                "return 1.0",
                name="unknown-accepted",
                hint="A misspelt name should be heard of at once, not after a night of training.",
            ),
        ),
    ),
    Exercise(
        functions=(fan_in_and_fan_out,),
        checks=(
            values(
                fan_in_and_fan_out,
                LINEAR_SHAPES,
                points={"fan_in": 2, "fan_out": 2},
                name="linear layers",
            ),
            values(
                fan_in_and_fan_out,
                CONVOLUTION_SHAPES,
                points={"fan_in": 2.5, "fan_out": 2.5},
                name="convolutions",
            ),
            errors(
                fan_in_and_fan_out,
                (case("a bias", shape=(7,)), case("a number", shape=())),
                points=0.5,
            ),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                fan_in_and_fan_out,
                "channels_out, channels_in = shape[:2]",
                "channels_in, channels_out = shape[:2]",
                name="layout-reversed",
                hint="In PyTorch, weights are (out, in): y = x W^T. (Other libraries have them the "
                "other way round.)",
            ),
            edit(
                fan_in_and_fan_out,
                "math.prod(shape[2:])",
                "1",
                name="receptive-field-ignored",
                hint="How many numbers does a convolution with a 3 x 3 kernel sum up for one pixel "
                "of its output?",
            ),
            edit(
                fan_in_and_fan_out,
                "math.prod(shape[2:])",
                "sum(shape[2:]) or 1",
                name="kernel-sizes-added",
                hint="How many elements does a kernel of 3 x 5 have?",
            ),
            edit(
                fan_in_and_fan_out,
                "math.prod(shape[2:])",
                "shape[-1] ** (len(shape) - 2)",
                name="square-kernel-assumed",
                hint="Not every kernel is square.",
            ),
            edit(
                fan_in_and_fan_out,
                "math.prod(shape[2:])",
                "math.prod(shape[2:4])",
                name="two-dimensions-assumed",
                hint="There are convolutions over volumes, too: how many dimensions may a kernel "
                "have?",
            ),
            edit(
                fan_in_and_fan_out,
                "math.prod(shape[2:])",
                "shape[2] ** len(shape[2:]) if shape[2:] else 1",
                name="kernel-taken-for-square",
                hint="Is every kernel square? Count the elements of one of 3 x 5.",
            ),
            edit(
                fan_in_and_fan_out,
                "channels_out * receptive_field",
                "channels_out",
                name="receptive-field-for-fan-in-only",
                hint="One pixel of the input lies under every element of the kernel in turn: how "
                "many outputs does it feed?",
            ),
            edit(
                fan_in_and_fan_out,
                'raise ValueError("fan in and fan out need at least two dimensions")',
                "return math.prod(shape), math.prod(shape)",
                name="bias-accepted",
                hint="What are the fans of a tensor with one dimension? See what the docstring "
                "says is raised.",
            ),
        ),
    ),
    Exercise(
        functions=(xavier_uniform_,),
        checks=_xavier_checks(
            xavier_uniform_,
            lambda **arguments: Uniform(math.sqrt(3.0) * _xavier_std(**arguments)),
        ),
        unchanged=0.5,
        misconceptions=_xavier_misconceptions(xavier_uniform_)
        + _uniform_misconceptions(xavier_uniform_)
        + _random_misconceptions(xavier_uniform_, _DRAW_UNIFORM),
    ),
    Exercise(
        functions=(xavier_normal_,),
        checks=_xavier_checks(xavier_normal_, lambda **arguments: Normal(_xavier_std(**arguments))),
        unchanged=0.5,
        misconceptions=_xavier_misconceptions(xavier_normal_)
        + _normal_misconceptions(xavier_normal_)
        + _random_misconceptions(xavier_normal_, _DRAW_NORMAL),
    ),
    Exercise(
        functions=(kaiming_uniform_,),
        checks=_kaiming_checks(
            kaiming_uniform_,
            lambda **arguments: Uniform(math.sqrt(3.0) * _kaiming_std(**arguments)),
        ),
        unchanged=0.5,
        misconceptions=_kaiming_misconceptions(kaiming_uniform_)
        + _uniform_misconceptions(kaiming_uniform_)
        + _random_misconceptions(kaiming_uniform_, _DRAW_UNIFORM),
    ),
    Exercise(
        functions=(kaiming_normal_,),
        checks=_kaiming_checks(
            kaiming_normal_, lambda **arguments: Normal(_kaiming_std(**arguments))
        ),
        unchanged=0.5,
        misconceptions=_kaiming_misconceptions(kaiming_normal_)
        + _normal_misconceptions(kaiming_normal_)
        + _random_misconceptions(kaiming_normal_, _DRAW_NORMAL),
    ),
)
