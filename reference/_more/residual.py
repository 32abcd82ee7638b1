"""Residual networks: layers that learn what is to be added.

Images are `(N, C, H, W)`. Convolutions may be PyTorch's (`torch.nn.functional.conv2d`), and so may
gradients: `backward()` is what a training step is about here. No numeric derivative is needed.
"""

import torch
from torch import nn
from torch.nn import functional as F

from autograder.checks import Normal, curve, fills, gradients
from autograder.exercise import Exercise, case, edit, integers, normal


class ResidualBlock(nn.Module):
    """Two convolutions beside a path that leaves everything as it is (He et al. 2016, figure 2,
    without batch norm and biases): y = relu(x + conv(relu(conv(x, w1)), w2)).

    Parameters `w1` and `w2`, both `(channels, channels, 3, 3)`; the image keeps its size.
    """

    def __init__(self, channels):
        """Make w1 and w2: normal numbers, of std sqrt(2 / fan_in) and of a tenth of it."""
        super().__init__()
        std = (2 / (9 * channels)) ** 0.5
        self.w1 = nn.Parameter(std * torch.randn(channels, channels, 3, 3))
        self.w2 = nn.Parameter(0.1 * std * torch.randn(channels, channels, 3, 3))

    def forward(self, x):
        """y, of the shape of x, `(N, channels, H, W)`."""
        inner = F.conv2d(torch.relu(F.conv2d(x, self.w1, padding=1)), self.w2, padding=1)
        return torch.relu(x + inner)


class ResidualNet(nn.Module):
    """A classifier of small images: a convolution and relu, two residual blocks, the mean over each
    channel's pixels, and a linear layer without bias.

    Parameters `stem`, `(channels, 3, 3, 3)`, with padding 1; `blocks.0` and `blocks.1`, of a
    `torch.nn.ModuleList`; `head`, `(classes, channels)`.
    """

    def __init__(self, channels, classes):
        """Make the parameters, normal numbers of std sqrt(2 / fan_in)."""
        super().__init__()
        self.stem = nn.Parameter((2 / 27) ** 0.5 * torch.randn(channels, 3, 3, 3))
        self.blocks = nn.ModuleList([ResidualBlock(channels) for _ in range(2)])
        self.head = nn.Parameter((2 / channels) ** 0.5 * torch.randn(classes, channels))

    def forward(self, x):
        """A number per class, `(N, classes)`, of x `(N, 3, H, W)`."""
        x = torch.relu(F.conv2d(x, self.stem, padding=1))
        for block in self.blocks:
            x = block(x)
        return x.mean(dim=(2, 3)) @ self.head.T

    def step(self, x, target, lr):
        """Go down the gradient of the mean cross entropy once, by lr; give the loss before it."""
        logits = self(x)
        chosen = logits.gather(1, target[:, None])[:, 0]
        loss = (torch.logsumexp(logits, 1) - chosen).mean()
        self.zero_grad()
        loss.backward()
        with torch.no_grad():
            for parameter in self.parameters():
                parameter -= lr * parameter.grad
        return loss


def residual_block(new, channels, tensors, x, grad_y):
    block = new(ResidualBlock, channels)
    new.load(block, tensors)
    x = new.keep(x)
    x.requires_grad_()
    y = block(x)
    yield "y", y
    y.backward(grad_y)
    yield "grad_x", x.grad
    yield "grad_tensors", new.gradients(block)


def first_weights(new, channels, generator=None):
    yield "w1", new(ResidualBlock, channels).w1


def second_weights(new, channels, generator=None):
    yield "w2", new(ResidualBlock, channels).w2


def first_stem(new, sizes, generator=None):
    yield "stem", new(ResidualNet, *sizes).stem


def first_head(new, sizes, generator=None):
    yield "head", new(ResidualNet, *sizes).head


def training(new, sizes, tensors, x, target, lr, steps, often):
    """The loss, and what the network says in the end."""
    network = new(ResidualNet, *sizes)
    new.load(network, tensors)
    for at in range(steps):
        loss = network.step(x, target, lr)
        if at % often == 0:
            yield "loss", loss
    yield "logits", network(x)


def _block(channels):
    return {
        "w1": normal(channels, channels, 3, 3, std=0.3),
        "w2": normal(channels, channels, 3, 3, std=0.3),
    }


def _network(channels, classes):
    first = (2 / (9 * channels)) ** 0.5
    tensors = {"stem": normal(channels, 3, 3, 3, std=0.27)}
    for at in range(2):
        tensors[f"blocks.{at}.w1"] = normal(channels, channels, 3, 3, std=first)
        tensors[f"blocks.{at}.w2"] = normal(channels, channels, 3, 3, std=0.1 * first)
    return tensors | {"head": normal(classes, channels, std=(2 / channels) ** 0.5)}


def _run(name, *, channels, images, size, steps, often=1, **more):
    return case(
        name,
        sizes=(channels, 4),
        tensors=_network(channels, 4),
        x=normal(images, 3, size, size),
        target=integers(images, low=0, high=4),
        lr=0.05,
        steps=steps,
        often=often,
        **more,
    )


_BLOCKS = (
    case(
        "a batch of two",
        channels=3,
        tensors=_block(3),
        x=normal(2, 3, 5, 4),
        grad_y=normal(2, 3, 5, 4),
        public=True,
    ),
    case(
        "one image of one channel",
        channels=1,
        tensors=_block(1),
        x=normal(1, 1, 4, 6),
        grad_y=normal(1, 1, 4, 6),
    ),
    case(
        "numbers that are mostly negative",
        channels=4,
        tensors=_block(4),
        x=normal(2, 4, 4, 4, mean=-1.0),
        grad_y=normal(2, 4, 4, 4),
    ),
)
_RUNS = (
    _run("three steps", channels=3, images=4, size=5, steps=3, public=True),
    _run("twelve steps", channels=6, images=8, size=8, steps=12, on="cpu"),
    _run("a hundred steps", channels=8, images=16, size=12, steps=100, often=10, on="gpu"),
)
_ALLOWED = (
    "torch.nn.Module",
    "torch.nn.Parameter",
    "torch.nn.ModuleList",
    "torch.nn.functional.conv2d",
    "torch.conv2d",
)

_WIDE = (case("ten channels", channels=10), case("twenty", channels=20))
_SIZES = (case("few classes", sizes=(60, 20)), case("many classes", sizes=(30, 100)))

EXERCISES = [
    Exercise(
        functions=(ResidualBlock,),
        checks=(
            gradients(residual_block, _BLOCKS, points={"y": 3, "grad_x": 1, "grad_tensors": 1}),
            fills(
                first_weights,
                _WIDE,
                points={"w1": 0.25},
                law=lambda channels: Normal((2 / (9 * channels)) ** 0.5),
                name="at first",
            ),
            fills(
                second_weights,
                _WIDE,
                points={"w2": 0.25},
                law=lambda channels: Normal(0.1 * (2 / (9 * channels)) ** 0.5),
                name="the second at first",
            ),
        ),
        allowed=_ALLOWED,
        misconceptions=(
            edit(
                ResidualBlock.forward,
                "torch.relu(x + inner)",
                "torch.relu(inner)",
                name="nothing-added",
                hint="The block's input is added to what the two convolutions give.",
            ),
            edit(
                ResidualBlock.forward,
                "torch.relu(x + inner)",
                "x + torch.relu(inner)",
                name="relu-before-the-sum",
                hint="The last ReLU comes after the sum, not before it.",
            ),
            edit(
                ResidualBlock.forward,
                "torch.relu(x + inner)",
                "x + inner",
                name="no-last-relu",
                hint="A ReLU follows the sum.",
            ),
        ),
    ),
    Exercise(
        functions=(ResidualNet,),
        checks=(
            curve(training, cases=_RUNS, points={"loss": 4, "logits": 2}),
            fills(
                first_stem,
                _SIZES,
                points={"stem": 0.25},
                law=lambda sizes: Normal((2 / 27) ** 0.5),
                name="at first",
            ),
            fills(
                first_head,
                _SIZES,
                points={"head": 0.25},
                law=lambda sizes: Normal((2 / sizes[0]) ** 0.5),
                name="the head at first",
            ),
        ),
        allowed=_ALLOWED,
        misconceptions=(
            edit(
                ResidualNet.step,
                "        self.zero_grad()\n",
                "",
                name="gradients-added-up",
                hint="Gradients of earlier steps have to go before backward() adds new ones.",
            ),
            edit(
                ResidualNet.step,
                "chosen).mean()",
                "chosen).sum()",
                name="loss-added-up",
                hint="The loss is the mean over the images: a sum makes every step longer.",
            ),
            edit(
                ResidualNet.step,
                "parameter -= lr",
                "parameter += lr",
                name="uphill",
                hint="A step goes against the gradient.",
            ),
            edit(
                ResidualNet.forward,
                "x.mean(dim=(2, 3))",
                "x.amax(dim=(2, 3))",
                name="maximum-for-mean",
                hint="Over the pixels of a channel the mean is taken, not the maximum.",
            ),
        ),
    ),
]
