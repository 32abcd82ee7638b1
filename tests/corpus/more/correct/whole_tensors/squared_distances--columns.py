def squared_distances(x, y):
    """Coordinate by coordinate."""
    if x.shape[1] != y.shape[1]:
        raise ValueError("lengths")
    d = x.new_zeros(len(x), len(y))
    for a, b in zip(x.T, y.T, strict=True):
        d += (a[:, None] - b[None, :]).square()
    return d
