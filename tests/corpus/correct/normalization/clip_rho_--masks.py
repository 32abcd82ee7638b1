def clip_rho_(rho):
    rho[rho < 0] = 0
    rho[rho > 1] = 1
    return rho
