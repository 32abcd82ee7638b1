"""Firing or not, sorted: the first and the last say it."""

import torch


def filter_status(responses):
    ordered = (responses > 0).transpose(0, 1).flatten(1).int().sort(dim=1).values
    return (ordered[:, 0] + ordered[:, -1] - 1).long()
