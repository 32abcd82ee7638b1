"""Where the windows lie that a kernel is laid on."""


def _pair(value):
    """Both numbers of `(vertical, horizontal)`, or one number for both."""
    return value if isinstance(value, tuple) else (value, value)


def _steps(size, kernel, stride, padding, dilation):
    """How many windows fit side by side."""
    extent = dilation * (kernel - 1) + 1  # what the dilated kernel covers
    return (size + 2 * padding - extent) // stride + 1


def _pad(x, pad_h, pad_w):
    """A copy of x with zeros around each image."""
    n, c, h, w = x.shape
    padded = x.new_zeros(n, c, h + 2 * pad_h, w + 2 * pad_w)
    padded[:, :, pad_h : pad_h + h, pad_w : pad_w + w] = x
    return padded


def _taps(kernel, steps, stride, dilation):
    """Along one axis: each index of the kernel, and the places it meets in the padded image."""
    for at in range(kernel):
        first = at * dilation
        yield at, slice(first, first + (steps - 1) * stride + 1, stride)
