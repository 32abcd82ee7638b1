"""What several losses share: the reduction, the logarithm of softmax, and cases."""

import torch

from autograder.exercise import Recipe, case, normal, uniform


def _reduce(loss, reduction):
    """The loss itself, its mean or its sum."""
    if reduction == "mean":
        return loss.mean()
    if reduction == "sum":
        return loss.sum()
    return loss


def _refuse_other_shapes(input, target):
    """Broadcasting would compare every prediction with every target, without a word."""
    if input.shape != target.shape:
        raise ValueError(
            f"input {tuple(input.shape)} and target {tuple(target.shape)} must have one shape"
        )


def _log_softmax(logits):
    """The logarithm of softmax over the classes, (N, C): z - log(sum(exp(z))) with every row moved
    down by its greatest logit, which changes nothing but keeps exp from overflowing."""
    z = logits - logits.amax(dim=1, keepdim=True)
    return z - torch.log(torch.exp(z).sum(dim=1, keepdim=True))


def _same_first(recipe, count):
    """The recipe's numbers, the first of them 0: an input and a target so changed are equal there,
    and stay equal under relative changes."""

    def put(tensor):
        flat = tensor.flatten()
        flat[:count] = 0.0
        return flat.view(tensor.shape)

    return recipe.map(put)


DIFFERENCES = (
    case("rows of four", public=True, input=normal(5, 4), target=normal(5, 4, mean=0.5)),
    case("one row", input=normal(9, std=3.0), target=normal(9)),
    case(
        "each element, transposed strides",
        input=normal(4, 6).map(lambda t: t.T),
        target=normal(6, 4),
        reduction="none",
    ),
    case(
        "sum over images",
        input=normal(2, 3, 4, 5),
        target=normal(2, 3, 4, 5),
        reduction="sum",
    ),
)
DIFFERENCES_FLOAT32 = (
    case("rows of four", public=True, input=normal(5, 4), target=normal(5, 4, mean=0.5)),
    case("each element", input=normal(3, 5), target=normal(3, 5), reduction="none"),
)


OTHER_SHAPES = (
    case("a column for a row", public=True, input=normal(5, 1), target=normal(5)),
    case("one row for all", input=normal(4, 3), target=normal(3)),
    case("one number for each row", input=normal(4, 3), target=normal(4, 1), reduction="sum"),
    case("as many numbers", input=normal(4, 3), target=normal(3, 4), reduction="none"),
)


def _classes(count, classes):
    """Targets for that many samples, in random order, every class among them."""
    return Recipe(lambda g, _: torch.randperm(count, generator=g) % classes)


def _ignoring(count, classes, ignore_index, ignored):
    """Targets for that many samples, of which so many, at random, are to be ignored."""

    def make(generator, _):
        target = torch.randperm(count, generator=generator) % classes
        target[torch.randperm(count, generator=generator)[:ignored]] = ignore_index
        return target

    return Recipe(make)


def _class_weights(count):
    return uniform(count, low=0.2, high=2.0)


def _classification(name, scores):
    """Cases for a loss of class scores that its first argument `name` holds: ordinary ones, with
    ignored targets, degenerate ones, and for float32. `scores` makes the recipe for a shape."""

    def one(title, target, shape, public=False, transposed=False, **arguments):
        recipe = scores(*shape)
        if transposed:  # the same numbers, the classes' strides the longer ones
            recipe = recipe.map(lambda t: t.T.contiguous().T)
        return case(title, public=public, target=target, **{name: recipe}, **arguments)

    ordinary = (
        one("three classes", _classes(6, 3), (6, 3), public=True),
        one("class weights", _classes(9, 5), (9, 5), public=True, weight=_class_weights(5)),
        one(
            "each sample, class weights, transposed strides",
            _classes(8, 4),
            (8, 4),
            transposed=True,
            weight=_class_weights(4),
            reduction="none",
        ),
        one(
            "sum, class weights", _classes(7, 4), (7, 4), weight=_class_weights(4), reduction="sum"
        ),
        one("fewer samples than classes", _classes(3, 6), (3, 6)),
        one("small class weights", _classes(4, 4), (4, 4), weight=uniform(4, low=0.02, high=0.2)),
    )
    ignored = (
        one("two ignored", _ignoring(8, 4, -100, 2), (8, 4), public=True),
        one(
            "small class weights, one ignored",
            _ignoring(6, 3, -100, 1),
            (6, 3),
            weight=uniform(3, low=0.02, high=0.15),
        ),
        one("three ignored", _ignoring(9, 3, -100, 3), (9, 3), weight=_class_weights(3)),
        one(
            "class 1 ignored",
            _classes(10, 4),
            (10, 4),
            weight=_class_weights(4),
            ignore_index=1,
        ),
        one(
            "each sample, ignore_index -1",
            _ignoring(8, 3, -1, 2),
            (8, 3),
            weight=_class_weights(3),
            ignore_index=-1,
            reduction="none",
        ),
        one(
            "sum, ignore_index 255",
            _ignoring(7, 4, 255, 2),
            (7, 4),
            ignore_index=255,
            reduction="sum",
        ),
    )
    degenerate = (
        one("all but one ignored", _ignoring(5, 3, -100, 4), (5, 3), weight=_class_weights(3)),
        one("all ignored", _ignoring(4, 3, -100, 4), (4, 3), public=True),
        one("all ignored, sum", _ignoring(4, 3, -100, 4), (4, 3), public=True, reduction="sum"),
        one(
            "all ignored, class weights",
            _ignoring(5, 4, 9, 5),
            (5, 4),
            ignore_index=9,
            weight=_class_weights(4),
        ),
        one("one class, two ignored", _ignoring(5, 1, -100, 2), (5, 1)),
    )
    float32 = (
        one("four classes", _classes(12, 4), (12, 4), public=True),
        one(
            "each sample, class weights",
            _classes(8, 5),
            (8, 5),
            weight=_class_weights(5),
            reduction="none",
        ),
    )
    return ordinary, ignored, degenerate, float32
