"""What no solution needs. What only some exercise forbids stands in its record, as `forbidden`."""

from __future__ import annotations

# Everything below these.
NAMESPACES = (
    *("torch.nn", "torch.autograd", "torch.optim", "torch.func", "torch.ops", "torch.jit"),
    *("torch._C", "torch._VF", "torch._functorch", "torch._refs", "torch._decomp"),
    *("torch._prims", "torch._inductor", "torch._nn", "torch.ao"),
    "torch.utils._python_dispatch",  # by which a call is traced
)
# But these: they move data, and solve no exercise.
HARMLESS = ("torch.nn.functional.pad",)
# Ways to have torch differentiate, as attributes and keywords of any tensor.
GRADIENTS = {
    *("backward", "backward()", "grad_fn", "requires_grad_", "retain_grad", "register_hook"),
    "requires_grad=True",
}
_LOADING = ("load", "loads", "_load", "_loads", "Unpickler", "_Unpickler")
# Ways to come by what is not named: from one class to others, or to what has been imported.
ROUNDABOUT = {
    *(".__subclasses__", ".__mro__", ".mro", ".__base__", ".__bases__", ".__globals__"),
    *("gc.get_objects", "gc.get_referrers", "gc.get_referents", "inspect.getmodule"),
    *("pkgutil.resolve_name", "sys.meta_path", ".get_field", "importlib.import_module()"),
    *(".__annotations__", ".annotation", "typing.get_type_hints", "inspect.get_annotations"),
    # What is unpickled, or is bytecode, names what it likes in bytes.
    *(f"{module}.{name}" for module in ("pickle", "_pickle", "marshal") for name in _LOADING),
}
# Operators that do an exercise in one call, by torch's names; and all whose names say `_backward`.
_NAMES = """
    alpha_dropout batch_norm batch_norm_elemt batch_norm_gather_stats _batch_norm_impl_index
    _batch_norm_no_update batch_norm_stats batch_norm_update_stats _batch_norm_with_update
    binary_cross_entropy binary_cross_entropy_with_logits celu conv1d conv2d conv3d
    _conv_depthwise2d conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d _convolution
    convolution convolution_overrideable cosine_embedding_loss cross_entropy_loss ctc_loss
    cudnn_batch_norm cudnn_convolution dropout elu feature_alpha_dropout feature_dropout
    _foreach_addcdiv _fused_adam _fused_adamw _fused_dropout _fused_rms_norm _fused_sgd gelu
    group_norm hardshrink hinge_embedding_loss huber_loss instance_norm kl_div l1_loss
    layer_norm leaky_relu margin_ranking_loss miopen_batch_norm miopen_convolution mish
    mkldnn_convolution mse_loss multi_margin_loss multilabel_margin_loss native_batch_norm
    _native_batch_norm_legit _native_batch_norm_legit_no_training native_dropout
    native_group_norm native_layer_norm nll_loss nll_loss2d nll_loss2d_forward nll_loss_forward
    nll_loss_nd poisson_nll_loss prelu renorm rms_norm rrelu scaled_dot_product_attention selu
    silu _slow_conv2d_forward slow_conv3d slow_conv_transpose2d slow_conv_transpose3d
    smooth_l1_loss soft_margin_loss softshrink triplet_margin_loss
"""
OPERATORS = frozenset(_NAMES.split())
