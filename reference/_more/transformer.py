"""The parts of a language model, as modules.

Every part is a `torch.nn.Module` whose parameters have the names that its docstring gives: that is
how weights are loaded into it. Only `torch.nn.Module` and `torch.nn.Parameter` are allowed of
`torch.nn`. Leading dimensions are free: `(..., D)` is any number of batch dimensions and D numbers.
"""

import math

import torch
from torch import nn

from autograder.checks import Normal, errors, fills, gradients, precision, values
from autograder.exercise import Exercise, case, edit, integers, normal, uniform


class Linear(nn.Module):
    """y = x W^T, without a bias.

    Parameters:
        weight: `(d_out, d_in)`, at first normal numbers of variance 2 / (d_in + d_out).
    """

    def __init__(self, d_in, d_out):
        """Make the weight."""
        super().__init__()
        std = math.sqrt(2 / (d_in + d_out))
        self.weight = nn.Parameter(std * torch.randn(d_out, d_in))

    def forward(self, x):
        """y `(..., d_out)` of x `(..., d_in)`."""
        return x @ self.weight.T


class Embedding(nn.Module):
    """A vector for every token.

    Parameters:
        weight: `(num_tokens, d_model)`, at first normal numbers of variance 1.
    """

    def __init__(self, num_tokens, d_model):
        """Make the weight."""
        super().__init__()
        self.weight = nn.Parameter(torch.randn(num_tokens, d_model))

    def forward(self, tokens):
        """`(..., d_model)`, the rows of weight for tokens `(...)`, int64."""
        return self.weight[tokens]


class RMSNorm(nn.Module):
    """x / sqrt(mean(x^2) + eps) * weight, over the last dimension (Zhang & Sennrich 2019).

    Parameters:
        weight: `(d_model,)`, at first ones.
    """

    def __init__(self, d_model, eps=1e-5):
        """Make the weight."""
        super().__init__()
        self.eps = eps
        self.weight = nn.Parameter(torch.ones(d_model))

    def forward(self, x):
        """y, of the shape of x, `(..., d_model)`."""
        mean_square = (x**2).mean(dim=-1, keepdim=True)
        return x / torch.sqrt(mean_square + self.eps) * self.weight


class SwiGLU(nn.Module):
    """W2 (silu(W1 x) * W3 x), with silu(z) = z * sigmoid(z) (Shazeer 2020).

    Parameters:
        w1.weight, w3.weight: `(d_ff, d_model)`; w2.weight: `(d_model, d_ff)`.
    """

    def __init__(self, d_model, d_ff):
        """Make w1, w2 and w3, each a Linear."""
        super().__init__()
        self.w1, self.w3 = Linear(d_model, d_ff), Linear(d_model, d_ff)
        self.w2 = Linear(d_ff, d_model)

    def forward(self, x):
        """y, of the shape of x, `(..., d_model)`."""
        gate = self.w1(x)
        return self.w2(gate * torch.sigmoid(gate) * self.w3(x))


def rotary(x, positions, theta=10000.0):
    """Rotary position embedding (Su et al. 2021): turn pairs of numbers by an angle.

    The pair (x[2k], x[2k+1]) of a vector of d numbers at position p is turned by p * theta^(-2k/d):
    (a, b) becomes (a cos - b sin, a sin + b cos).

    Args:
        x: `(..., T, d)`, d even; ValueError if it is odd.
        positions: `(T,)`, int64.
        theta: the base.

    Returns:
        turned, of the shape of x.
    """
    d = x.shape[-1]
    if d % 2:
        raise ValueError("rotary positions need an even number of dimensions")
    frequencies = theta ** (-torch.arange(0, d, 2, device=x.device, dtype=x.dtype) / d)
    angles = positions.to(x.dtype)[:, None] * frequencies
    cos, sin = angles.cos(), angles.sin()
    even, odd = x[..., 0::2], x[..., 1::2]
    return torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)


def attention(q, k, v, mask=None):
    """Scaled dot-product attention (Vaswani et al. 2017): softmax(q k^T / sqrt(d)) v.

    Args:
        q: `(..., T, d)`; k: `(..., S, d)`; v: `(..., S, e)`.
        mask: `(T, S)`, bool: where it is False, that key is not attended to. None allows all.

    Returns:
        out `(..., T, e)`. Scores may have any finite size.
    """
    scores = q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1])
    if mask is not None:
        scores = scores.masked_fill(~mask, -math.inf)
    weights = torch.exp(scores - scores.amax(dim=-1, keepdim=True))
    return weights / weights.sum(dim=-1, keepdim=True) @ v


class CausalSelfAttention(nn.Module):
    """Multi-head self-attention in which no position looks ahead, with rotary positions.

    Queries, keys and values are cut into num_heads parts of d_model / num_heads columns, the first
    part for the first head; queries and keys are turned by their positions; heads are put side by
    side again and go through o_proj.

    Parameters:
        q_proj.weight, k_proj.weight, v_proj.weight, o_proj.weight: `(d_model, d_model)`.
    """

    def __init__(self, d_model, num_heads, theta=10000.0):
        """Make the four projections, each a Linear.

        Raises:
            ValueError: d_model is not a multiple of num_heads.
        """
        super().__init__()
        if d_model % num_heads:
            raise ValueError("heads must have equally many dimensions")
        self.num_heads, self.theta = num_heads, theta
        self.q_proj, self.k_proj = Linear(d_model, d_model), Linear(d_model, d_model)
        self.v_proj, self.o_proj = Linear(d_model, d_model), Linear(d_model, d_model)

    def forward(self, x):
        """y `(..., T, d_model)` of x `(..., T, d_model)`."""
        steps = x.shape[-2]
        positions = torch.arange(steps, device=x.device)
        q = rotary(self._heads(self.q_proj(x)), positions, self.theta)
        k = rotary(self._heads(self.k_proj(x)), positions, self.theta)
        past = positions[:, None] >= positions
        out = attention(q, k, self._heads(self.v_proj(x)), past)
        return self.o_proj(out.transpose(-3, -2).flatten(-2))

    def _heads(self, x):
        """`(..., T, d_model)` as `(..., heads, T, d_model / heads)`."""
        return x.unflatten(-1, (self.num_heads, -1)).transpose(-3, -2)


class TransformerBlock(nn.Module):
    """A pre-norm block (Xiong et al. 2020): y = x + attn(ln1(x)), then y + ffn(ln2(y)).

    Parameters:
        ln1.weight, ln2.weight: `(d_model,)`, of an RMSNorm each; those of attn, a
            CausalSelfAttention, and of ffn, a SwiGLU.
    """

    def __init__(self, d_model, num_heads, d_ff):
        """Make ln1, attn, ln2 and ffn."""
        super().__init__()
        self.ln1, self.ln2 = RMSNorm(d_model), RMSNorm(d_model)
        self.attn = CausalSelfAttention(d_model, num_heads)
        self.ffn = SwiGLU(d_model, d_ff)

    def forward(self, x):
        """y `(..., T, d_model)` of x `(..., T, d_model)`."""
        x = x + self.attn(self.ln1(x))
        return x + self.ffn(self.ln2(x))


def run_transformer_block(weights, x, num_heads):
    """The adapter: build a block, load its weights by name, and run it.

    Args:
        weights: a dict from the names that TransformerBlock gives its parameters to tensors.
        x: `(..., T, d_model)`.
        num_heads: how many heads its attention has.

    Returns:
        y, of the shape of x and without a graph behind it.
    """
    d_ff, d_model = weights["ffn.w1.weight"].shape
    block = TransformerBlock(d_model, num_heads, d_ff).to(x)
    block.load_state_dict(weights)
    with torch.no_grad():
        return block(x)


def linear_module(new, sizes, weight, x, grad_y):
    module = new(Linear, *sizes)
    new.load(module, {"weight": weight})
    x = new.keep(x)
    x.requires_grad_()
    y = module(x)
    yield "y", y
    y.backward(grad_y)
    yield "grad_x", x.grad
    yield "grad_weight", module.weight.grad


def fresh_linear(new, sizes, generator=None):
    yield "first_weight", new(Linear, *sizes).weight


def fresh_embedding(new, sizes, generator=None):
    yield "first_weight", new(Embedding, *sizes).weight


def embedding_module(new, sizes, weight, tokens, grad_y):
    module = new(Embedding, *sizes)
    new.load(module, {"weight": weight})
    y = module(tokens)
    yield "y", y
    y.backward(grad_y)
    yield "grad_weight", module.weight.grad


def norm_module(new, size, settings, weight, x, grad_y):
    module = new(RMSNorm, size, **settings)
    yield "fresh", module.state_dict()
    new.load(module, {"weight": weight})
    x = new.keep(x)
    x.requires_grad_()
    y = module(x)
    yield "y", y
    y.backward(grad_y)
    yield "grad_x", x.grad
    yield "grad_weight", module.weight.grad


def swiglu_module(new, sizes, weights, x):
    module = new(SwiGLU, *sizes)
    new.load(module, weights)
    yield "y", module(x)
    module.eval()
    yield "y_in_evaluation", module(x)


def attention_module(new, sizes, weights, x, grad_y):
    module = new(CausalSelfAttention, *sizes)
    new.load(module, weights)
    x = new.keep(x)
    x.requires_grad_()
    y = module(x)
    yield "y", y
    y.backward(grad_y)
    yield "grad_x", x.grad


def uneven_heads(new, sizes):
    yield "module", new(CausalSelfAttention, *sizes)


def block_module(new, sizes, weights, x, grad_y):
    module = new(TransformerBlock, *sizes)
    new.load(module, weights)
    x = new.keep(x)
    x.requires_grad_()
    y = module(x)
    yield "y", y
    y.backward(grad_y)
    yield "grad_x", x.grad


def _projections(d, prefix=""):
    names = ("q_proj", "k_proj", "v_proj", "o_proj")
    return {f"{prefix}{name}.weight": normal(d, d, std=0.5) for name in names}


def _feed_forward(d, d_ff, prefix=""):
    return {
        f"{prefix}w1.weight": normal(d_ff, d, std=0.5),
        f"{prefix}w2.weight": normal(d, d_ff, std=0.5),
        f"{prefix}w3.weight": normal(d_ff, d, std=0.5),
    }


def _block(d, d_ff):
    norms = {name: uniform(d, low=0.5, high=1.5) for name in ("ln1.weight", "ln2.weight")}
    return {**norms, **_projections(d, "attn."), **_feed_forward(d, d_ff, "ffn.")}


MODULE = ("torch.nn.Module", "torch.nn.Parameter")

LINEAR = (
    case(
        "two batch dimensions",
        public=True,
        sizes=(3, 5),
        weight=normal(5, 3),
        x=normal(2, 4, 3),
        grad_y=normal(2, 4, 5),
    ),
    case("one vector", sizes=(6, 2), weight=normal(2, 6), x=normal(6), grad_y=normal(2)),
)
FRESH = (case("more in than out", sizes=(90, 30)), case("more out than in", sizes=(20, 120)))
EMBEDDING = (
    case(
        "a batch",
        public=True,
        sizes=(7, 4),
        weight=normal(7, 4),
        tokens=integers(2, 5, low=0, high=7),
        grad_y=normal(2, 5, 4),
    ),
    case(
        "one token over and over",
        sizes=(3, 2),
        weight=normal(3, 2),
        tokens=integers(6, low=0, high=1),
        grad_y=normal(6, 2),
    ),
)
NORM = (
    case(
        "a batch",
        public=True,
        size=6,
        settings={},
        weight=normal(6),
        x=normal(2, 3, 6, mean=1.0),
        grad_y=normal(2, 3, 6),
    ),
    case(
        "eps that matters",
        size=4,
        settings={"eps": 0.05},
        weight=normal(4),
        x=normal(3, 4, std=0.2),
        grad_y=normal(3, 4),
    ),
)
SWIGLU = (
    case("a batch", public=True, sizes=(4, 10), weights=_feed_forward(4, 10), x=normal(2, 3, 4)),
    case("one vector", sizes=(3, 5), weights=_feed_forward(3, 5), x=normal(3)),
)
ROTARY = (
    case("a sequence", public=True, x=normal(2, 5, 4), positions=integers(5, low=0, high=20)),
    case("another base", x=normal(3, 8), positions=integers(3, low=0, high=9), theta=100.0),
    case("two dimensions", x=normal(1, 2, 4, 2), positions=integers(4, low=0, high=500)),
)
PAST = torch.ones(4, 4).tril().bool()
ATTENTION = (
    case("all keys", public=True, q=normal(2, 3, 4), k=normal(2, 5, 4), v=normal(2, 5, 6)),
    case("the past", public=True, q=normal(4, 8), k=normal(4, 8), v=normal(4, 8), mask=PAST),
    case("heads", q=normal(2, 3, 4, 2), k=normal(2, 3, 4, 2), v=normal(2, 3, 4, 5), mask=PAST),
    case("large scores", q=normal(3, 4, std=100.0), k=normal(5, 4, std=100.0), v=normal(5, 3)),
)
HEADS = (
    case(
        "two heads",
        public=True,
        sizes=(8, 2),
        weights=_projections(8),
        x=normal(2, 5, 8),
        grad_y=normal(2, 5, 8),
    ),
    case(
        "three heads, another base",
        sizes=(12, 3, 50.0),  # of four columns: of two, the base turns none
        weights=_projections(12),
        x=normal(1, 6, 12),
        grad_y=normal(1, 6, 12),
    ),
    case("one step", sizes=(6, 3), weights=_projections(6), x=normal(1, 6), grad_y=normal(1, 6)),
)
BLOCK = (
    case(
        "two heads",
        public=True,
        sizes=(8, 2, 12),
        weights=_block(8, 12),
        x=normal(2, 4, 8),
        grad_y=normal(2, 4, 8),
    ),
    case(
        "one sequence",
        sizes=(4, 1, 6),
        weights=_block(4, 6),
        x=normal(7, 4, mean=0.5),
        grad_y=normal(7, 4),
    ),
)
ADAPTER = (
    case("two heads", public=True, weights=_block(8, 12), x=normal(2, 4, 8), num_heads=2),
    case("four heads", weights=_block(8, 10), x=normal(1, 5, 8), num_heads=4),
)

EXERCISES = (
    Exercise(
        functions=(Linear,),
        allowed=MODULE,
        checks=(
            gradients(linear_module, LINEAR, points={"y": 2, "grad_x": 1, "grad_weight": 1}),
            precision(
                linear_module,
                LINEAR,
                points={"y": 0.5, "grad_x": 0.5, "grad_weight": 0.5},
                name="in float32",
            ),
            fills(
                fresh_linear,
                FRESH,
                points={"first_weight": 0.5},
                law=lambda sizes: Normal(math.sqrt(2 / sum(sizes))),
                name="at first",
            ),
        ),
        misconceptions=(
            edit(
                Linear.__init__,
                "torch.randn(d_out, d_in)",
                "torch.randn(d_in, d_out)",
                name="weight-transposed",
                hint="Which of the two sizes comes first in the weight's shape?",
            ),
            edit(
                Linear.forward,
                "x @ self.weight.T",
                "x @ self.weight.detach().T",
                name="weight-not-trained",
                hint="Does a gradient get to the weight?",
            ),
        ),
    ),
    Exercise(
        functions=(Embedding,),
        allowed=MODULE,
        forbidden=("embedding",),
        checks=(
            gradients(embedding_module, EMBEDDING, points={"y": 1, "grad_weight": 1}),
            precision(
                embedding_module,
                EMBEDDING,
                points={"y": 0.5, "grad_weight": 0.5},
                name="in float32",
            ),
            fills(
                fresh_embedding,
                FRESH,
                points={"first_weight": 0.5},
                law=lambda sizes: Normal(1.0),
                name="at first",
            ),
        ),
        misconceptions=(
            edit(
                Embedding.forward,
                "self.weight[tokens]",
                "self.weight[tokens - 1]",
                name="counted-from-one",
                hint="Which row belongs to token 0?",
            ),
            edit(
                Embedding.forward,
                "self.weight[tokens]",
                "self.weight[tokens] / self.weight[tokens].norm(dim=-1, keepdim=True)",
                name="normalised",
                hint="Does anything happen to a row between weight and the result?",
            ),
        ),
    ),
    Exercise(
        functions=(RMSNorm,),
        allowed=MODULE,
        checks=(
            gradients(
                norm_module,
                NORM,
                points={"fresh": 0.5, "y": 2, "grad_x": 1, "grad_weight": 1},
            ),
            precision(
                norm_module,
                NORM,
                points={"fresh": 0.25, "y": 0.5, "grad_x": 0.25, "grad_weight": 0.25},
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                RMSNorm.forward,
                "torch.sqrt(mean_square + self.eps)",
                "(torch.sqrt(mean_square) + self.eps)",
                name="eps-outside-root",
                hint="Is eps added to the mean square or to its root?",
            ),
            edit(
                RMSNorm.forward,
                "(x**2).mean(dim=-1, keepdim=True)",
                "x.var(dim=-1, keepdim=True, unbiased=False)",
                name="mean-subtracted",
                hint="RMSNorm leaves the mean where it is: what does it divide by?",
            ),
            edit(
                RMSNorm.__init__,
                "torch.ones(d_model)",
                "torch.zeros(d_model)",
                name="begins-with-zeros",
                hint="What does a fresh RMSNorm multiply by?",
            ),
        ),
    ),
    Exercise(
        functions=(SwiGLU,),
        allowed=MODULE,
        forbidden=("silu",),
        checks=(
            values(swiglu_module, SWIGLU, points={"y": 2, "y_in_evaluation": 0.5}),
            precision(
                swiglu_module,
                SWIGLU,
                points={"y": 0.5, "y_in_evaluation": 0.25},
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                SwiGLU.forward,
                "gate * torch.sigmoid(gate) * self.w3(x)",
                "torch.sigmoid(gate) * self.w3(x)",
                name="glu-instead-of-swiglu",
                hint="silu(z) is not sigmoid(z): what is it multiplied by?",
            ),
            edit(
                SwiGLU.forward,
                "gate = self.w1(x)\n        return self.w2(gate * torch.sigmoid(gate) * self.w3(",
                "gate = self.w3(x)\n        return self.w2(gate * torch.sigmoid(gate) * self.w1(",
                name="gate-and-value-exchanged",
                hint="Which of w1 and w3 goes through silu?",
            ),
        ),
    ),
    Exercise(
        functions=(rotary,),
        checks=(
            values(rotary, ROTARY, points={"turned": 4}),
            precision(rotary, ROTARY[:2], points={"turned": 1}, name="in float32"),
            errors(
                rotary,
                (case("three dimensions", x=normal(2, 3), positions=integers(2, low=0, high=2)),),
                points=0.5,
            ),
        ),
        misconceptions=(
            edit(
                rotary,
                "even, odd = x[..., 0::2], x[..., 1::2]",
                "even, odd = x[..., : d // 2], x[..., d // 2 :]",
                name="halves-instead-of-neighbours",
                hint="Which two numbers are turned together: neighbours, or one of each half?",
            ),
            edit(
                rotary,
                "torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)",
                "torch.cat([x[..., : d // 2] * cos - x[..., d // 2 :] * sin, "
                "x[..., : d // 2] * sin + x[..., d // 2 :] * cos], dim=-1)",
                name="halves-throughout",
                hint="Other implementations turn the first half against the second one. Which two "
                "numbers does the docstring turn together?",
            ),
            edit(
                rotary,
                "torch.stack([even * cos - odd * sin, even * sin + odd * cos], dim=-1).flatten(-2)",
                "torch.cat([even * cos - odd * sin, even * sin + odd * cos], dim=-1)",
                name="results-side-by-side",
                hint="You take neighbours apart. Where do the two results of a pair belong?",
            ),
            edit(
                rotary,
                "even * cos - odd * sin, even * sin + odd * cos",
                "even * cos + odd * sin, odd * cos - even * sin",
                name="turned-the-other-way",
                hint="In which direction does a positive angle turn (1, 0)?",
            ),
            edit(
                rotary,
                "torch.arange(0, d, 2, device=x.device, dtype=x.dtype) / d",
                "torch.arange(0, d // 2, device=x.device, dtype=x.dtype) / d",
                name="frequencies-too-close",
                hint="The exponent is 2k/d: how far do the frequencies reach?",
            ),
        ),
    ),
    Exercise(
        functions=(attention,),
        forbidden=("softmax",),
        checks=(
            values(attention, ATTENTION, points={"out": 5}),
            precision(attention, ATTENTION[:3], points={"out": 1}, name="in float32"),
        ),
        misconceptions=(
            edit(
                attention,
                " / math.sqrt(q.shape[-1])",
                " / q.shape[-1]",
                name="scaled-by-d",
                hint="What is the variance of a sum of d products? And its standard deviation?",
            ),
            edit(
                attention,
                "masked_fill(~mask, -math.inf)",
                "masked_fill(~mask, 0.0)",
                name="masked-by-zero",
                hint="Which score has weight 0 after the softmax?",
            ),
            edit(
                attention,
                "masked_fill(~mask,",
                "masked_fill(mask,",
                name="mask-reversed",
                hint="Is True what is attended to, or what is not?",
            ),
            edit(
                attention,
                "torch.exp(scores - scores.amax(dim=-1, keepdim=True))",
                "torch.exp(scores)",
                name="softmax-overflows",
                hint="What is exp(1000)? Softmax does not change when a number is subtracted.",
            ),
            edit(
                attention,
                "weights.sum(dim=-1, keepdim=True)",
                "weights.sum(dim=-2, keepdim=True)",
                name="normalised-over-queries",
                hint="Whose weights sum to one: those of a query, or those of a key?",
            ),
        ),
    ),
    Exercise(
        functions=(CausalSelfAttention,),
        allowed=MODULE,
        forbidden=("softmax",),
        checks=(
            gradients(attention_module, HEADS, points={"y": 4, "grad_x": 2}),
            precision(attention_module, HEADS, points={"y": 0.5, "grad_x": 0.5}, name="in float32"),
            errors(uneven_heads, (case("five by two", sizes=(5, 2)),), points=0.5, name="refuses"),
        ),
        misconceptions=(
            edit(
                CausalSelfAttention.forward,
                "positions[:, None] >= positions",
                "positions[:, None] > positions - 2",
                name="looks-one-ahead",
                hint="May a position see the next one?",
            ),
            edit(
                CausalSelfAttention._heads,
                "x.unflatten(-1, (self.num_heads, -1))",
                "x.unflatten(-1, (-1, self.num_heads)).transpose(-2, -1)",
                name="heads-interleaved",
                hint="Which columns belong to the first head: the first ones, or every so many?",
            ),
            edit(
                CausalSelfAttention.forward,
                "rotary(self._heads(self.k_proj(x)), positions, self.theta)",
                "self._heads(self.k_proj(x))",
                name="keys-not-turned",
                hint="Scores should depend on how far apart two positions are: who is turned?",
            ),
            edit(
                CausalSelfAttention.forward,
                "out.transpose(-3, -2).flatten(-2)",
                "out.flatten(-3, -2).unflatten(-2, (steps, -1)).flatten(-2)",
                name="heads-mixed-with-steps",
                hint="What stands side by side before o_proj: heads of one step, or steps?",
            ),
        ),
    ),
    Exercise(
        functions=(TransformerBlock, run_transformer_block),
        allowed=MODULE,
        forbidden=("softmax", "silu"),
        checks=(
            gradients(block_module, BLOCK, points={"y": 4, "grad_x": 2}),
            values(run_transformer_block, ADAPTER, points={"y": 2}),
            precision(
                run_transformer_block, ADAPTER, points={"y": 0.5}, name="the adapter in float32"
            ),
        ),
        misconceptions=(
            edit(
                TransformerBlock.forward,
                "self.attn(self.ln1(x))",
                "self.ln1(self.attn(x))",
                name="normalised-afterwards",
                hint="Pre-norm: what goes into the attention?",
            ),
            edit(
                TransformerBlock.forward,
                "x + self.ffn(self.ln2(x))",
                "x + self.ffn(self.ln1(x))",
                name="one-norm-for-both",
                hint="Whose weight does the second norm have?",
            ),
            edit(
                TransformerBlock.forward,
                "return x + self.ffn",
                "return self.ffn",
                name="second-way-around-missing",
                hint="What is added to the feed-forward network's output?",
            ),
        ),
    ),
)
