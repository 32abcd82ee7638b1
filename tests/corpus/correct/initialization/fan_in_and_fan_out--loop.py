def fan_in_and_fan_out(shape):
    if len(shape) < 2:
        raise ValueError("need at least 2 dimensions")
    fan_out, fan_in = shape[0], shape[1]
    for size in shape[2:]:
        fan_in *= size
        fan_out *= size
    return fan_in, fan_out
