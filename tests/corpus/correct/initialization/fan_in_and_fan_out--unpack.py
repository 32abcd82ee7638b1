from functools import reduce
from operator import mul


def fan_in_and_fan_out(shape):
    out_channels, in_channels, *kernel = shape  # raises a ValueError if there are fewer
    return reduce(mul, kernel, in_channels), reduce(mul, kernel, out_channels)
