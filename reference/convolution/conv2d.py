"""Convolution of images, and its gradients."""

import torch

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, integers, normal, upstream

from ._ways import (
    _conv2d_backward_by_columns,
    _conv2d_backward_by_kernels,
    _conv2d_backward_by_windows,
    _conv2d_by_columns,
    _conv2d_by_kernels,
)
from ._windows import _pad, _pair, _steps, _taps


def conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """Slide each kernel over the image and sum what it covers (LeCun et al. 1998, section II).

    As everywhere in deep learning this is the cross-correlation: the kernel is not turned around.
    With x padded by zeros on all four sides, and for one group,

        y[n, o, p, q] = bias[o] + sum over c, i, j of
                        weight[o, c, i, j] * x[n, c, p * sH + i * dH, q * sW + j * dW].

    The output has floor((H + 2 * pH - dH * (kH - 1) - 1) / sH) + 1 rows, and columns likewise;
    rows and columns that no whole step reaches are left out. With G groups, the first C_out / G
    kernels see the first C_in / G channels, the next ones the next, and so on.

    Args:
        x: `(N, C_in, H, W)`.
        weight: `(C_out, C_in / groups, kH, kW)`.
        bias: `(C_out,)`, or None for none.
        stride: steps between windows, `s` or `(sH, sW)`.
        padding: zeros on each side, `p` or `(pH, pW)`.
        dilation: steps between the kernel's elements, `d` or `(dH, dW)`.
        groups: how many groups channels and kernels are divided into.

    Returns:
        y, `(N, C_out, H_out, W_out)`.

    Raises:
        ValueError: the (dilated) kernel is larger than the padded input.
    """
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape  # c_group = C_in / groups

    h_out = _steps(h, k_h, stride_h, pad_h, dilation_h)
    w_out = _steps(w, k_w, stride_w, pad_w, dilation_w)
    if h_out < 1 or w_out < 1:
        raise ValueError("the kernel is larger than the padded input")
    padded = _pad(x, pad_h, pad_w)

    y = x.new_zeros(n, groups, c_out // groups, h_out, w_out)
    for i, rows in _taps(k_h, h_out, stride_h, dilation_h):
        for j, columns in _taps(k_w, w_out, stride_w, dilation_w):
            # What the kernels' element (i, j) meets on its way over the image.
            seen = padded[:, :, rows, columns].reshape(n, groups, c_group, h_out, w_out)
            tap = weight[:, :, i, j].reshape(groups, c_out // groups, c_group)
            y += torch.einsum("ngchw,goc->ngohw", seen, tap)
    y = y.reshape(n, c_out, h_out, w_out)
    return y if bias is None else y + bias.view(1, -1, 1, 1)


def conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1):
    """The gradients of `conv2d` (Dumoulin & Visin 2016, chapter 4).

    A pixel gets a share of the gradient from every window that it lies in, a kernel's element from
    every place that it was laid on:

        grad_x[n, c, p * sH + i * dH, q * sW + j * dW] += weight[o, c, i, j] * grad_y[n, o, p, q]
        grad_weight[o, c, i, j] += x[n, c, p * sH + i * dH, q * sW + j * dW] * grad_y[n, o, p, q]

    in the coordinates of the padded image. Pixels that no window reaches have zero gradient.

    Args:
        grad_y: the gradient with respect to y, `(N, C_out, H_out, W_out)`.
        x, weight, bias, stride, padding, dilation, groups: what the forward received.

    Returns:
        grad_x, grad_weight and grad_bias, of the shapes of x, weight and bias; grad_bias is None
        when bias is None.
    """
    stride_h, stride_w = _pair(stride)
    pad_h, pad_w = _pair(padding)
    dilation_h, dilation_w = _pair(dilation)
    n, _, h, w = x.shape
    c_out, c_group, k_h, k_w = weight.shape
    h_out, w_out = grad_y.shape[2:]
    padded = _pad(x, pad_h, pad_w)
    g = grad_y.reshape(n, groups, c_out // groups, h_out, w_out)

    grad_padded = torch.zeros_like(padded)
    grad_weight = torch.zeros_like(weight)
    for i, rows in _taps(k_h, h_out, stride_h, dilation_h):
        for j, columns in _taps(k_w, w_out, stride_w, dilation_w):
            seen = padded[:, :, rows, columns].reshape(n, groups, c_group, h_out, w_out)
            tap = weight[:, :, i, j].reshape(groups, c_out // groups, c_group)
            share = torch.einsum("ngohw,goc->ngchw", g, tap).reshape(n, -1, h_out, w_out)
            grad_padded[:, :, rows, columns] += share
            grad_tap = torch.einsum("ngohw,ngchw->goc", g, seen)
            grad_weight[:, :, i, j] = grad_tap.reshape(c_out, c_group)
    grad_x = grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]
    grad_bias = None if bias is None else grad_y.sum(dim=(0, 2, 3))
    return grad_x, grad_weight, grad_bias


def _small_integers(*shape):
    """Exact in every order of summation: what is wrong can be read off."""
    return integers(*shape, low=-3, high=4).map(lambda t: t.double())


CONV_PLAIN = (
    case(
        "small integers",
        public=True,
        x=_small_integers(1, 1, 4, 5),
        weight=_small_integers(1, 1, 2, 3),
        bias=_small_integers(1),
    ),
    case(
        "images",
        public=True,
        x=normal(2, 3, 6, 5),
        weight=normal(4, 3, 3, 2),
        bias=normal(4),
    ),
    case("without bias", x=normal(2, 2, 5, 6), weight=normal(3, 2, 2, 3)),
    case("kernel of one", x=normal(3, 4, 3, 2), weight=normal(2, 4, 1, 1), bias=normal(2)),
    case("kernel as large as x", x=normal(2, 3, 3, 4), weight=normal(2, 3, 3, 4), bias=normal(2)),
    case(
        "transposed strides",
        x=normal(2, 6, 4, 3).map(lambda t: t.transpose(1, 3)),
        weight=normal(3, 2, 3, 3).map(lambda t: t.transpose(1, 3)),
        bias=normal(3),
    ),
)
CONV_GEOMETRY = (
    case(
        "padding",
        public=True,
        x=normal(2, 2, 4, 5),
        weight=normal(3, 2, 3, 3),
        bias=normal(3),
        padding=1,
    ),
    case(
        "stride leaves a remainder",
        x=normal(2, 2, 8, 7),
        weight=normal(3, 2, 3, 3),
        bias=normal(3),
        stride=3,
    ),
    case(
        "stride pair, padding pair",
        x=normal(2, 3, 7, 8),
        weight=normal(2, 3, 3, 3),
        bias=normal(2),
        stride=(2, 3),
        padding=(2, 1),
    ),
    case(
        "dilation pair, padding",
        x=normal(1, 2, 8, 9),
        weight=normal(3, 2, 3, 2),
        dilation=(2, 3),
        padding=(1, 0),
    ),
    case(
        "stride beyond the kernel",
        x=normal(2, 2, 7, 8),
        weight=normal(2, 2, 1, 2),
        bias=normal(2),
        stride=(3, 3),
        padding=(0, 2),
    ),
)
CONV_GROUPS = (
    case(
        "two groups",
        public=True,
        x=normal(2, 4, 4, 5),
        weight=normal(6, 2, 2, 3),
        bias=normal(6),
        groups=2,
    ),
    case(
        "three groups, stride and padding",
        x=normal(2, 6, 6, 5),
        weight=normal(6, 2, 3, 2),
        bias=normal(6),
        stride=(2, 1),
        padding=(1, 1),
        groups=3,
    ),
    case(
        "depthwise, dilated",
        x=normal(1, 4, 6, 7),
        weight=normal(8, 1, 3, 3),
        dilation=2,
        padding=1,
        groups=4,
    ),
)
CONV_FLOAT32 = (
    case("images", public=True, x=normal(2, 3, 6, 6), weight=normal(4, 3, 3, 3), bias=normal(4)),
    case(
        "stride and padding",
        x=normal(2, 8, 5, 6),
        weight=normal(4, 8, 3, 3),
        bias=normal(4),
        stride=2,
        padding=1,
    ),
)
CONV_REFUSED = (
    case("kernel too high", x=normal(1, 2, 3, 6), weight=normal(2, 2, 4, 2), bias=normal(2)),
    case("kernel too wide", x=normal(1, 2, 6, 1), weight=normal(2, 2, 2, 4), padding=1),
    case("dilated beyond x", x=normal(1, 2, 4, 4), weight=normal(2, 2, 3, 3), dilation=2),
)


EXERCISES = (
    Exercise(
        ways=(
            (conv2d, _conv2d_by_kernels),
            (conv2d, _conv2d_by_columns),
            (conv2d_backward, _conv2d_backward_by_windows),
            (conv2d_backward, _conv2d_backward_by_kernels),
            (conv2d_backward, _conv2d_backward_by_columns),
        ),
        functions=(conv2d, conv2d_backward),
        checks=(
            values(conv2d, CONV_PLAIN, points={"y": 1.25}, name="forward"),
            values(conv2d, CONV_GEOMETRY, points={"y": 1.25}, name="stride, padding and dilation"),
            values(conv2d, CONV_GROUPS, points={"y": 1}, name="groups"),
            precision(conv2d, CONV_FLOAT32, points={"y": 0.5}, name="float32"),
            gradients(
                conv2d_backward,
                upstream(conv2d, conv2d_backward, CONV_PLAIN),
                points={"grad_x": 0.75, "grad_weight": 0.75, "grad_bias": 0.25},
                name="backward",
            ),
            gradients(
                conv2d_backward,
                upstream(conv2d, conv2d_backward, CONV_GEOMETRY),
                points={"grad_x": 0.5, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward with stride, padding and dilation",
            ),
            gradients(
                conv2d_backward,
                upstream(conv2d, conv2d_backward, CONV_GROUPS),
                points={"grad_x": 0.75, "grad_weight": 0.5, "grad_bias": 0.25},
                name="backward with groups",
            ),
            precision(
                conv2d_backward,
                upstream(conv2d, conv2d_backward, CONV_FLOAT32),
                points={"grad_x": 0.25, "grad_weight": 0.25, "grad_bias": 0.25},
                name="backward in float32",
            ),
            errors(conv2d, CONV_REFUSED, points=0.5),
        ),
        unchanged=0.5,
        misconceptions=(
            edit(
                conv2d,
                "weight[:, :, i, j]",
                "weight[:, :, k_h - 1 - i, k_w - 1 - j]",
                name="kernel-turned-around",
                hint="Mathematicians turn the kernel around before they slide it. Does deep "
                "learning? Lay weight[0, 0] on x by hand and see which element meets x[0, 0].",
            ),
            edit(
                conv2d,
                "y + bias.view(1, -1, 1, 1)",
                "y",
                name="bias-forgotten",
                hint="A kernel has one number more than the window has pixels: where does it "
                "enter the output?",
            ),
            edit(
                conv2d,
                "y + bias.view(1, -1, 1, 1)",
                "y + k_h * k_w * bias.view(1, -1, 1, 1)",
                name="bias-once-per-element",
                hint="How often does the bias enter one pixel of the output? Look at the loop in "
                "which it is added.",
            ),
            edit(
                conv2d,
                "y + bias.view(1, -1, 1, 1)",
                "y + c_group * k_h * k_w * bias.view(1, -1, 1, 1)",
                name="bias-once-per-product",
                hint="How often does the bias enter one pixel of the output? Is it added before or "
                "after the products of a window are summed?",
            ),
            edit(
                conv2d,
                "bias.view(1, -1, 1, 1)",
                "bias[0]",
                name="first-bias-for-all",
                hint="Each kernel has a bias of its own: along which dimension of y do they lie?",
            ),
            edit(
                conv2d,
                'torch.einsum("ngchw,goc->ngohw", seen, tap)',
                'torch.einsum("ngchw,goc->ngohw", seen, tap) / (k_h * k_w)',
                name="mean-over-the-window",
                hint="Pooling averages what the window covers; what does a convolution do with it?",
            ),
            edit(
                conv2d,
                "x.new_zeros(n, groups",
                "torch.zeros(n, groups",
                name="default-dtype",
                hint="torch.zeros makes float32 whatever x is: let the result take its type (and "
                "its device) from x.",
            ),
            edit(
                conv2d,
                "stride_h, stride_w = _pair(stride)",
                "stride_w, stride_h = _pair(stride)",
                name="stride-pair-swapped",
                hint="A pair is (vertical, horizontal), rows first, like the shape of the image.",
            ),
            edit(
                conv2d,
                "stride_h, stride_w = _pair(stride)",
                "stride_h, stride_w = _pair(stride)[0], 1",
                name="stride-on-rows-only",
                hint="Which directions does the window move in, and by how much in each?",
            ),
            edit(
                conv2d,
                "pad_h, pad_w = _pair(padding)",
                "pad_w, pad_h = _pair(padding)",
                name="padding-pair-swapped",
                hint="A pair is (vertical, horizontal): how many rows, and how many columns, does "
                "the padded image have?",
            ),
            edit(
                conv2d,
                "dilation_h, dilation_w = _pair(dilation)",
                "dilation_h, dilation_w = 1, 1",
                name="dilation-ignored",
                hint="A dilated kernel skips pixels: how far apart are those that two neighbouring "
                "elements of the kernel meet?",
            ),
            edit(
                _steps,
                "2 * padding",
                "padding",
                name="padding-counted-once",
                hint="Padding is given for one side. By how many rows does the image grow?",
            ),
            edit(
                _steps,
                "// stride + 1",
                "// stride",
                name="last-window-forgotten",
                hint="Count by hand the windows of a kernel that is as large as x: the formula "
                "should say one.",
            ),
            edit(
                _steps,
                "dilation * (kernel - 1) + 1",
                "dilation * kernel",
                name="dilated-extent",
                hint="How many pixels does a kernel of 2 with dilation 3 cover? Mind what lies "
                "after the last element.",
            ),
            edit(
                _pad,
                "padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x",
                "padded[:, :, 2 * pad_h :, 2 * pad_w :] = x",
                name="padding-before-only",
                hint="All the zeros have gone above and to the left. Where does the image lie in "
                "its frame?",
            ),
            edit(
                _pad,
                "padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x",
                "padded[:, :, :h, :w] = x",
                name="padding-after-only",
                hint="All the zeros have gone below and to the right. Where does the image lie in "
                "its frame?",
            ),
            edit(
                conv2d,
                "reshape(n, groups, c_group, h_out, w_out)",
                "reshape(n, c_group, groups, h_out, w_out).transpose(1, 2)",
                name="interleaved-groups",
                hint="Groups are contiguous: which channels does the first group of kernels see?",
            ),
            edit(
                conv2d,
                "padded[:, :, rows, columns].reshape(n, groups, c_group, h_out, w_out)",
                "padded[:, None, :c_group, rows, columns].expand(-1, groups, -1, -1, -1)",
                name="every-group-sees-the-first",
                hint="Each group of kernels has channels of its own: where do those of the second "
                "group begin?",
            ),
            edit(
                conv2d,
                'torch.einsum("ngchw,goc->ngohw", seen, tap)',
                'torch.einsum("ngchw,ogc->noghw", seen, weight[:, :, i, j].reshape(-1, groups, '
                "c_group)).reshape(y.shape)",
                name="kernels-dealt-out-in-turn",
                hint="With two groups and four kernels, which kernels see the first channels: the "
                "first and the third, or the first and the second?",
            ),
            edit(
                conv2d,
                "w_out = _steps(w, k_w, stride_w, pad_w, dilation_w)",
                "w_out = h_out",
                name="as-many-columns-as-rows",
                hint="Try an image that is not square: where do you count its columns?",
            ),
            edit(
                conv2d,
                "if h_out < 1 or w_out < 1:",
                "if h_out < 1 or w_out < 1 or (h + 2 * pad_h - k_h) % stride_h "
                "or (w + 2 * pad_w - k_w) % stride_w:",
                name="stride-must-divide",
                hint="Rows and columns that no whole step reaches are left out, says the "
                "docstring: is that an error?",
            ),
            edit(
                _pad,
                "padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x",
                "for i in range(h + 2 * pad_h):\n        for j in range(w + 2 * pad_w):\n"
                "            padded[:, :, i, j] = x[:, :, min(max(i - pad_h, 0), h - 1), "
                "min(max(j - pad_w, 0), w - 1)]",
                name="border-repeated-in-the-frame",
                hint="What stands in the frame that padding puts around the image: the border's "
                "pixels once more, or zeros?",
            ),
            edit(
                _pad,
                "padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x",
                "for i in range(h + 2 * pad_h):\n        for j in range(w + 2 * pad_w):\n"
                "            padded[:, :, i, j] = x[:, :, (i - pad_h) % h, (j - pad_w) % w]",
                name="border-wrapped-around",
                hint="A product of Fourier transforms goes on at the other side of the image. What "
                "should a window see beyond the border?",
            ),
            edit(
                conv2d,
                "padded = _pad(x, pad_h, pad_w)",
                "padded = torch.cat(2 * [torch.cat(2 * [_pad(x, pad_h, pad_w)], 2)], 3); "
                "h_out, w_out = -(-(h + 2 * pad_h) // stride_h), -(-(w + 2 * pad_w) // stride_w)",
                name="circular-and-not-cut",
                hint="A product of Fourier transforms has as many rows and columns as the padded "
                "image. In which of them does a window lie in the image as a whole?",
            ),
            edit(
                conv2d_backward,
                "g = grad_y.reshape",
                "g = torch.ones_like(grad_y).reshape",
                name="upstream-ignored",
                hint="The loss need not be the sum of y: what does each output's own gradient "
                "grad_y[n, o, p, q] multiply?",
            ),
            edit(
                conv2d_backward,
                "grad_padded[:, :, rows, columns] += share",
                "grad_padded[:, :, rows, columns] = share",
                name="overlaps-overwritten",
                hint="A pixel lies in several windows. What happens to its gradient when the next "
                "window comes?",
            ),
            edit(
                conv2d_backward,
                "weight[:, :, i, j].reshape",
                "weight[:, :, k_h - 1 - i, k_w - 1 - j].reshape",
                name="kernel-turned-in-grad-x",
                hint="Turning the kernel belongs to the form that gathers from a padded grad_y. "
                "Where you scatter into grad_x, which element met which pixel?",
            ),
            edit(
                conv2d_backward,
                'torch.einsum("ngohw,ngchw->goc", g, seen)',
                'torch.einsum("ngohw,ngchw->goc", g, seen) / n',
                name="grad-weight-averaged",
                hint="If the loss is a mean, grad_y knows it already: how do the images of a batch "
                "add to the kernel's gradient?",
            ),
            edit(
                conv2d_backward,
                'torch.einsum("ngohw,ngchw->goc", g, seen)',
                'torch.einsum("ngohw,ngchw->goc", g, seen[:, :1].expand(seen.shape))',
                name="every-group-saw-the-first",
                hint="The second group of kernels never met the first group's channels: which ones "
                "did it see in the forward?",
            ),
            edit(
                conv2d_backward,
                'torch.einsum("ngohw,ngchw->goc", g, seen)',
                'torch.einsum("ngohw,ngchw->goc", g[-1:], seen[-1:])',
                name="last-image-only-in-grad-weight",
                hint="All images of the batch used the same kernel. Does each of them add to its "
                "gradient, or does the last one overwrite the others'?",
            ),
            edit(
                conv2d_backward,
                'torch.einsum("ngohw,goc->ngchw", g, tap)',
                'torch.einsum("ngohw,goc->ngchw", g, tap[:1].expand(tap.shape))',
                name="first-kernels-for-every-group",
                hint="Which kernels was the second group of channels multiplied by in the forward?",
            ),
            edit(
                conv2d_backward,
                "grad_y.sum(dim=(0, 2, 3))",
                "grad_y.mean(dim=(0, 2, 3))",
                name="grad-bias-averaged",
                hint="The bias enters every pixel of every image once: how do their gradients "
                "come together?",
            ),
            edit(
                conv2d_backward,
                "None if bias is None else grad_y",
                "grad_y",
                name="gradient-of-no-bias",
                hint="What should the gradient of a bias be that is not there? See what the "
                "docstring returns.",
            ),
            edit(
                conv2d_backward,
                "grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]",
                "grad_padded[:, :, :h, :w]",
                name="frame-cut-wrongly",
                hint="grad_padded has the padding's frame around it: on which sides must it be "
                "cut off?",
            ),
            edit(
                conv2d_backward,
                "grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]",
                "grad_padded[:, :, pad_h:-pad_h, pad_w:-pad_w]",
                name="frame-cut-from-the-end",
                hint="Try a padding of 0: what does grad_padded[0:-0] hold? Where does x begin in "
                "its frame, and where does it end?",
            ),
            edit(
                conv2d_backward,
                "grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]",
                "grad_padded[:, :, 1:-1, 1:-1]",
                name="frame-of-one",
                hint="You cut off a frame of one pixel, whatever padding is: how wide is the frame "
                "for a padding of 0, or of 2?",
            ),
            edit(
                conv2d_backward,
                "grad_padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w]",
                "grad_padded",
                name="frame-kept",
                hint="What shape does grad_x have? The zeros around the image were never part of "
                "x.",
            ),
            edit(
                conv2d_backward,
                "stride_h, stride_w = _pair(stride)",
                "stride_h, stride_w = 1, 1",
                name="stride-forgotten-backwards",
                hint="grad_y[p, q] belongs to the window that starts at row p times what?",
            ),
            edit(
                conv2d_backward,
                "dilation_h, dilation_w = _pair(dilation)",
                "dilation_h, dilation_w = 1, 1",
                name="dilation-forgotten-backwards",
                hint="The backward must visit the pixels that the forward saw: how far apart were "
                "they?",
            ),
            edit(
                conv2d_backward,
                "reshape(n, groups, c_group, h_out, w_out)",
                "reshape(n, c_group, groups, h_out, w_out).transpose(1, 2)",
                name="interleaved-groups-in-grad-weight",
                hint="Groups are contiguous: which channels did this group of kernels see in the "
                "forward?",
            ),
            edit(
                conv2d_backward,
                "reshape(n, -1, h_out, w_out)",
                "transpose(1, 2).reshape(n, -1, h_out, w_out)",
                name="interleaved-groups-in-grad-x",
                hint="The channels of group 0 come first, then those of group 1: in which order "
                "does your reshape lay them out?",
            ),
            edit(
                conv2d_backward,
                "return grad_x, grad_weight, grad_bias",
                "return grad_weight, grad_x, grad_bias",
                name="gradients-in-another-order",
                hint="In which order does the docstring return the gradients?",
            ),
            edit(
                conv2d_backward,
                "return grad_x, grad_weight, grad_bias",
                "return grad_x, grad_bias, grad_weight",
                name="grad-weight-and-grad-bias-exchanged",
                hint="In which order does the docstring return the gradients?",
            ),
        ),
    ),
)
