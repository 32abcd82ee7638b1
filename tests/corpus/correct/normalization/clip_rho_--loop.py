def clip_rho_(rho):
    for c in range(len(rho)):
        rho[c] = min(max(float(rho[c]), 0.0), 1.0)
    return rho
