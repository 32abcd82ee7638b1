"""The reference against the cases by which ONNX's own backends are tested.

Third-party data: each operator's cases come with the `onnx` package, inputs, attributes and
expected outputs. Every operator that an exercise covers is here, with every case of it that the
exercise's contract can express.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from reference.activations.elu import elu
from reference.activations.gelu import gelu
from reference.activations.leaky_relu import leaky_relu
from reference.activations.relu import relu
from reference.activations.sigmoid import sigmoid
from reference.activations.tanh import tanh
from reference.convolution.conv2d import conv2d
from reference.losses.cross_entropy import cross_entropy
from reference.losses.nll_loss import nll_loss
from reference.normalization.batch_norm import batch_norm
from reference.normalization.group_norm import group_norm
from reference.normalization.instance_norm import instance_norm
from reference.normalization.layer_norm import layer_norm
from reference.regularization.attention_dropout import attention_dropout
from reference.regularization.dropout import dropout, dropout_backward
from reference.regularization.sgd_momentum_step import sgd_momentum_step

Outputs = tuple[Tensor, ...] | None


def activation(function, **renamed: str) -> Callable[..., Outputs]:
    """`renamed`: the argument for each of ONNX's attributes, whose default is ONNX's."""

    def run(options: dict[str, Any], x: Tensor) -> Outputs:
        return (function(x, **{renamed[name]: value for name, value in options.items()}),)

    return run


def batch_normalization(options, x, weight, bias, mean, var) -> Outputs:
    training, old = bool(options.get("training_mode", 0)), var.clone()
    momentum = 1 - options.get("momentum", 0.9)  # ONNX's is the weight of the old statistics
    eps = options.get("epsilon", 1e-5)
    y = batch_norm(x, mean, var, weight, bias, training, momentum, eps)
    if not training:
        return (y,)
    kept, n = (1 - momentum) * old, x.numel() // x.shape[1]
    return y, mean, kept + (var - kept) * (n - 1) / n  # ONNX's running variance is biased


def layer_normalization(options, x, weight, bias) -> Outputs:
    return (layer_norm(x, weight, bias, options.get("epsilon", 1e-5)),)


def instance_normalization(options, x, weight, bias) -> Outputs:
    return (instance_norm(x, weight, bias, options.get("epsilon", 1e-5)),)


def group_normalization(options, x, weight, bias) -> Outputs:
    return (group_norm(x, options["num_groups"], weight, bias, options.get("epsilon", 1e-5)),)


def convolution(options, x, weight) -> Outputs:
    top, left, bottom, right = options.get("pads", (0, 0, 0, 0))
    if "auto_pad" in options or (top, left) != (bottom, right):
        return None
    return (conv2d(x, weight, None, tuple(options.get("strides", (1, 1))), (top, left)),)


def softmax(options, x) -> Outputs:
    if options.get("axis", -1) not in {-1, x.dim() - 1}:
        return None
    return (attention_dropout(x, 0.0, training=False)[0],)


def loss(function) -> Callable[..., Outputs]:
    """Further dimensions are put to the samples."""

    def run(options, scores, target, *weight) -> Outputs:
        options["reduction"] = options["reduction"].decode()
        rows = scores.movedim(1, -1).reshape(-1, scores.shape[1])
        value = function(rows, target.reshape(-1).long(), *weight, **options)
        return (value.reshape(target.shape) if options["reduction"] == "none" else value,)

    return run


def momentum(options, lr, step, x, grad, velocity) -> Outputs:
    if options["mode"] != b"standard" or (step > 0 and options["beta"] != 1):
        return None
    decay = options["norm_coefficient"]
    return sgd_momentum_step(x, grad, velocity, float(lr), options["alpha"], decay)


@dataclass(frozen=True)
class Operator:
    module: str  # of `onnx.backend.test.case.node`, where its cases are
    run: Callable[..., Outputs]  # None: a case that the contract cannot express
    cases: int  # that it can: so that none is lost unseen


OPERATORS = {
    "Sigmoid": Operator("sigmoid", activation(sigmoid), 2),
    "Tanh": Operator("tanh", activation(tanh), 2),
    "Relu": Operator("relu", activation(relu), 1),
    "LeakyRelu": Operator("leakyrelu", activation(leaky_relu, alpha="negative_slope"), 3),
    "Elu": Operator("elu", activation(elu, alpha="alpha"), 3),
    "Gelu": Operator(
        "gelu",
        lambda options, x: (gelu(x, options.get("approximate", b"none").decode()),),
        4,
    ),
    "BatchNormalization": Operator("batch_normalization", batch_normalization, 4),
    "LayerNormalization": Operator("layernormalization", layer_normalization, 19),
    "InstanceNormalization": Operator("instance_normalization", instance_normalization, 2),
    "GroupNormalization": Operator("groupnormalization", group_normalization, 2),
    "Conv": Operator("conv", convolution, 4),
    "Softmax": Operator("softmax", softmax, 5),
    "NegativeLogLikelihoodLoss": Operator("negativeloglikelihoodloss", loss(nll_loss), 18),
    "SoftmaxCrossEntropyLoss": Operator("softmax_cross_entropy_loss", loss(cross_entropy), 34),
    "Momentum": Operator("momentum", momentum, 1),
}


def cases(operator: str, module: str):
    """Name, attributes, inputs and outputs of each of the operator's cases."""
    onnx = pytest.importorskip("onnx")
    from onnx.backend.test.case import node as collected

    importlib.import_module(f"onnx.backend.test.case.node.{module}")  # which adds its cases
    for one in collected._NodeTestCases:
        graph = one.model.graph
        if [node.op_type for node in graph.node] != [operator]:
            continue
        options = {a.name: onnx.helper.get_attribute_value(a) for a in graph.node[0].attribute}
        for inputs, outputs in one.data_sets:
            given = [torch.as_tensor(value).clone() for value in inputs]
            yield one.name, options, given, [torch.as_tensor(value) for value in outputs]


@pytest.mark.parametrize("operator", OPERATORS)
def test_the_reference_gives_what_onnx_expects(operator):
    how, seen = OPERATORS[operator], 0
    for name, options, inputs, expected in cases(operator, how.module):
        if operator == "Momentum" and len(inputs) != 5:
            continue  # several tensors in one step
        got = how.run(options, *inputs)
        if got is None:
            continue
        for ours, theirs in zip(got, expected, strict=False):  # a loss comes with more there
            torch.testing.assert_close(ours, theirs, rtol=1e-5, atol=2e-6, msg=name)
        seen += 1
    assert seen >= how.cases


def test_dropout_is_onnxs_in_evaluation_and_under_onnxs_masks():
    """How the mask is drawn is each library's own; what becomes of x under it is not."""
    evaluated = masked = 0
    for name, _, inputs, expected in cases("Dropout", "dropout"):
        x, p = inputs[0], float(inputs[1]) if len(inputs) > 1 else 0.5
        if len(inputs) < 3 or not inputs[2]:
            y, mask = dropout(x, p, training=False)
            torch.testing.assert_close(y, expected[0], msg=name)
            assert mask.all()
            evaluated += 1
        elif len(expected) == 2:
            y = dropout_backward(x, expected[1], p)
            torch.testing.assert_close(y, expected[0], msg=name)
            masked += 1
    assert evaluated >= 4
    assert masked >= 3
