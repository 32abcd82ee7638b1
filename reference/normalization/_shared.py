"""What several normalisations share: recipes of cases, and misconceptions."""

import torch

from autograder.exercise import edit, normal, uniform


def _channels(count):
    """Distinct parameters and running statistics for that many channels."""
    return {
        "running_mean": normal(count),
        "running_var": uniform(count, low=0.5, high=2.0),
        "weight": normal(count),
        "bias": normal(count),
    }


def _affine(*shape):
    """Distinct weights and biases."""
    return {"weight": normal(*shape), "bias": normal(*shape)}


def _styles(x):
    """Images of different contrast and brightness, as photographs are."""
    n = x.shape[0]
    scale = torch.linspace(0.5, 3.0, n, dtype=x.dtype).view(n, 1, 1, 1)
    return scale * x + torch.linspace(-2.0, 4.0, n, dtype=x.dtype).view(n, 1, 1, 1)


def _transposed(x):
    return x.transpose(1, 3)


def _with_zero(weight):
    """Weights of which one is zero."""
    weight = weight.clone()
    weight[0] = 0.0
    return weight


def _variance_misconceptions(function, x="x"):
    """What goes wrong with variance and eps, whatever the axes."""
    root = "torch.sqrt(var + eps)"
    var = f"(({x} - mean) ** 2).mean(dim=axes, keepdim=True)"
    return (
        edit(
            function,
            root,
            "(torch.sqrt(var) + eps)",
            name="eps-outside-root",
            hint="Look at where eps stands in the paper: is it added to a variance or to a "
            "standard deviation?",
        ),
        edit(
            function,
            root,
            f"({x}.std(dim=axes, keepdim=True) + eps)",
            name="standard-deviation-plus-eps",
            hint="torch.std divides by m - 1, and eps belongs to the variance, inside the root: "
            "which two things does the docstring say otherwise? (A well-known tutorial has both.)",
        ),
        edit(
            function,
            root,
            "(1 / (1 / torch.sqrt(var) + eps))",
            name="eps-added-to-the-inverse",
            hint="rsqrt(var) + eps: to what is eps added there, to a variance or to one over a "
            "standard deviation? And which of the two may be zero?",
        ),
        edit(
            function,
            root,
            "torch.sqrt(var)",
            name="eps-forgotten",
            hint="What happens where all values are equal? Something in the formula is there for "
            "it.",
        ),
        edit(
            function,
            root,
            "torch.sqrt(var + 1e-5)",
            name="eps-fixed",
            hint="Does your result change when the caller asks for another eps?",
        ),
        edit(
            function,
            root,
            "(var + eps)",
            name="divided-by-variance",
            hint="If x is measured in metres, what is its variance measured in, and what should "
            "x_hat be?",
        ),
        edit(
            function,
            var,
            f"{x}.var(dim=axes, keepdim=True)",
            name="unbiased-variance",
            hint="Is the sum of squares divided by m or by m - 1? Mind what torch.var and "
            "torch.std do by default.",
        ),
        edit(
            function,
            var,
            f"({x}**2).mean(dim=axes, keepdim=True) - mean**2",
            name="variance-by-cancellation",
            hint="E[x^2] - E[x]^2 is right on paper. What is left of it in float32 when the mean "
            "is 300 and the variance 1?",
        ),
    )


def _gradient_misconceptions(function):
    """What goes wrong on the way back, whatever the axes."""
    paths = "g - through_mean - through_var"
    return (
        edit(
            function,
            paths,
            "g",
            name="statistics-constant",
            hint="Mean and variance are functions of x: their paths belong to the gradient.",
        ),
        edit(
            function,
            paths,
            "g - through_var",
            name="mean-path-dropped",
            hint="Every x changes the mean, and so its neighbours' outputs: which path of the "
            "graph is that?",
        ),
        edit(
            function,
            paths,
            "g - through_mean",
            name="variance-path-dropped",
            hint="Every x changes the variance, and so its neighbours' outputs: which path of the "
            "graph is that?",
        ),
        edit(
            function,
            paths,
            "g - through_mean + through_var",
            name="variance-path-sign",
            hint="If x moves away from the mean the variance grows: do the outputs grow or shrink "
            "by that?",
        ),
        edit(
            function,
            "g.mean(dim=axes, keepdim=True)",
            "g.sum(dim=axes, keepdim=True)",
            name="sum-for-mean",
            hint="The mean has a factor 1 / m. Where is it in the path through the mean?",
        ),
        edit(
            function,
            "torch.sqrt(var + eps)",
            "torch.sqrt(var)",
            name="eps-forgotten-backwards",
            hint="The backward must divide by what the forward divided by.",
        ),
        edit(
            function,
            f"({paths}) / sigma",
            f"({paths}) / torch.sqrt(var)",
            name="eps-missing-in-the-last-division",
            hint="Your x_hat has eps in its root. Has the sigma that you divide by in the end?",
        ),
        edit(
            function,
            "(g * x_hat).mean(dim=axes, keepdim=True)",
            "g * x_hat / (x_hat.numel() / sigma.numel())",
            name="each-value-by-itself",
            hint="Each value moves the variance, and the variance moves all values: over what must "
            "g * x_hat be summed on the path through the variance?",
        ),
    )
