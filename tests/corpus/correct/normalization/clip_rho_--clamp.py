def clip_rho_(rho):
    rho.data.clamp_(min=0.0, max=1.0)
    return rho
