"""What an author gets wrong is one sentence that names the topic, the check and the case, when the
topic is loaded or tried."""

import re
from pathlib import Path

import pytest

from autograder.errors import AuthoringError
from autograder.grading.audit import try_out

ROOT = Path(__file__).parents[2]
LAYERS = (Path(__file__).parent / "examples" / "layers.py").read_text("utf-8")


def of_page(name: str) -> str:
    page = (ROOT / "docs" / f"topic-{name}.md").read_text("utf-8")
    return re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]


ARRAYS, MODULES = of_page("arrays"), of_page("modules")
CHECK = "gradients(linear_layer, CASES, points=POINTS)"
LAST = '    yield "grad_bias", layer.dLdb\n'
GIVEN = "bias=normal(4),\n        grad_y"
MADE = "layer = new(Linear, 3, 4)"
ONE = '(case("no inputs", inputs=0),)'
STAYS = "a script cannot compute with what a submission gives"
MISTAKES = {
    "points that are words": (LAYERS, '"y": 2', '"y": "two"', "points are numbers"),
    "points in a list": (LAYERS, "points=POINTS)", 'points=["y"])', "points are numbers"),
    "no points": (LAYERS, CHECK, CHECK.replace("POINTS", "{}"), "every output needs points"),
    "less than no points": (LAYERS, '"y": 2', '"y": -2', "every output needs points"),
    "points for one of four": (
        *(LAYERS, CHECK, CHECK.replace("POINTS", '{"y": 1}')),
        "case 'five rows': linear_layer yields y, grad_x, grad_weight, grad_bias, but there are",
    ),
    "points misspelt": (LAYERS, '"grad_x": 1', '"gradx": 1', "points for gradx, which linear_"),
    "nothing public": (LAYERS, "        public=True,\n", "", "Linear: no case is public"),
    "an object in a list": (
        *(LAYERS, GIVEN, GIVEN.replace("normal(4)", "[object()]")),
        "case 'five rows': bias[0] is an object of type object, which cannot travel",
    ),
    "keys of numbers": (
        *(LAYERS, GIVEN, GIVEN.replace("normal(4)", "{1: normal(4)}")),
        "bias is a dict whose keys are no text, which cannot travel",
    ),
    "complex numbers": (
        *(LAYERS, GIVEN, GIVEN.replace("(4)", "(4).map(lambda t: t.to(torch.complex64))")),
        "case 'five rows': bias is of type torch.complex64, which cannot travel",
    ),
    "an argument forgotten": (
        *(LAYERS, "        bias=normal(4),\n", ""),
        "case 'five rows': linear_layer also takes bias",
    ),
    "a shape that is none": (LAYERS, "x=normal(1, 3)", 'x=normal("a")', "case 'one row': TypeErr"),
    "a recipe not called": (LAYERS, "x=normal(1, 3)", "x=normal", "x is an object of type func"),
    "a kink nowhere": (LAYERS, '"five rows",', '"five rows",\n kinks=("z",),', "kinks names z,"),
    "an object for a result": (
        *(LAYERS, LAST, LAST.replace("layer.dLdb", "[layer]")),
        "case 'five rows': the solution's grad_bias[0] is an object of type Linear, which cannot",
    ),
    "a result of the author's": (
        *(LAYERS, LAST, LAST.replace("layer.dLdb", "bias")),
        "case 'five rows': the script's grad_bias is nothing that a submission gave",
    ),
    "a name forgotten": (LAYERS, LAST, "    yield layer.dLdb\n", "points for grad_bias, which"),
    "three at once": (
        *(LAYERS, LAST, LAST.replace("dLdb", "dLdb, 1")),
        "case 'five rows': a script yields a name and what is to be judged",
    ),
    "nothing yielded": (
        *(LAYERS, 'yield "layer", new(Linear, inputs, 2)', "return new(Linear, inputs, 2)"),
        "sizes takes `new` as a script does, but yields nothing",
    ),
    "no `new`": (
        LAYERS,
        "linear_layer(new, x,",
        "linear_layer(x,",
        "linear_layer is a script, for",
    ),
    "a wrong gradient": (
        *(LAYERS, "return grad_y @ self.W", "return 2 * grad_y @ self.W"),
        "Linear, linear_layer, case 'five rows': grad_x is not the gradient that finite",
    ),
    "a gradient that is not shown to be one": (
        *(ARRAYS, "gradients(affine, CASES", "values(affine, CASES"),
        "affine judges grad_x, grad_w, grad_b, by the name a gradient, which nothing proves",
    ),
    "a method that is not there": (
        *(LAYERS, "layer.backward(grad_y)", "layer.backwards(grad_y)"),
        "case 'five rows': the solution failed with AttributeError",
    ),
    "a method that takes less": (
        *(LAYERS, "backward(self, grad_y)", "backward(self)"),
        "case 'five rows': the solution failed with TypeError",
    ),
    "a class that is not there": (
        *(LAYERS, MADE, MADE.replace("Linear", "Lineal")),
        "case 'five rows': NameError: name 'Lineal' is not defined (line 41)",
    ),
    "a class made here": (LAYERS, MADE, "layer = Linear(3, 4)", "y is nothing that a submission"),
    "a class of torch's": (
        *(LAYERS, MADE, MADE.replace("Linear", "torch.nn.Linear")),
        "case 'five rows': Linear of torch.nn.modules.linear is not the topic's",
    ),
    "a class in quotes": (LAYERS, MADE, MADE.replace("Linear", "'Linear'"), "is no class or func"),
    "a sum in a script": (LAYERS, LAST, LAST.replace("layer.dLdb", "torch.sum(layer.dLdb)"), STAYS),
    "a script that raises": (
        *(LAYERS, LAST, "    raise ValueError\n" + LAST),
        "case 'five rows': ValueError: it says no more (line 46)",
    ),
    "a solution not written": (
        *(LAYERS, "        return x @ self.W.T + self.b", "        raise NotImplementedError"),
        "case 'five rows': the solution failed with NotImplementedError",
    ),
    "input that is not refused": (LAYERS, "inputs=0", "inputs=3", "case 'no inputs': the solution"),
    "no comma after one": (LAYERS, "(Linear,)", "Linear", "functions is a tuple, with a comma"),
    "functions in quotes": (LAYERS, "(Linear,)", '("Linear",)', "not names"),
    "a script to be written": (LAYERS, "(Linear,)", "(linear_layer,)", "students do not write"),
    "a class that torch wrote": (LAYERS, "(Linear,)", "(torch.nn.Linear,)", "nothing that this to"),
    "a case without a tuple": (LAYERS, ONE, ONE[1:-2], "sizes: its cases are case(...) records"),
    "a case in plain": (LAYERS, ONE, '({"inputs": 0},)', "sizes: its cases are case(...) records"),
    "an edit that is no Python": (LAYERS, "mean(0)", "mean(0", "'bias-averaged': with"),
    "an edit of a script": (
        *(
            LAYERS,
            'Linear.backward,\n                "grad_y.s',
            'sizes,\n                "new(Linear',
        ),
        "stands 0 times in sizes",
    ),
    "a word for a tuple": (LAYERS, "(Linear,),", "(Linear,), forbidden='relu',", "forbidden is a"),
    "something that torch has not": (
        *(LAYERS, "(Linear,),", "(Linear,), allowed=('torch.nn.Modul',),"),
        "Linear: allowed names torch.nn.Modul, which torch has not",
    ),
    "a cache made here": (ARRAYS, "new(affine_forward, x, w, b)", "affine_forward(x, w, b)", "out"),
    "three of two": (
        ARRAYS,
        "    out, cache =",
        "    out, cache, z =",
        "case 'five rows': ValueErr",
    ),
    "what stays as it was": (
        *(ARRAYS, "        params[name] = params[name] + velocity[name]\n", ""),
        "points for params, a parameter that the solution changes in no case",
    ),
    "a parameter of another name": (
        *(MODULES, "self.weight = nn", "self.wight = nn"),
        "case 'a batch': the solution failed with ValueError: the module's tensors are not the",
    ),
    "a parameter of another shape": (
        *(MODULES, '{"weight": normal(4)', '{"weight": normal(5)'),
        "weight is of shape (4,) where of shape (5,) is expected",
    ),
    "points that are no number": (LAYERS, '"y": 2', '"y": float("nan")', "points are numbers"),
    "a sparse tensor": (
        *(LAYERS, GIVEN, GIVEN.replace("(4)", "(4).map(lambda t: t.to_sparse())")),
        "case 'five rows': bias is a tensor of layout torch.sparse_coo, which cannot travel",
    ),
    "kinks in quotes": (LAYERS, '"five rows",', '"five rows",\n kinks="x",', "kinks is a tuple"),
    "a name that torch has not": (
        *(LAYERS, "(Linear,),", "(Linear,), forbidden=('rellu',),"),
        "Linear: forbidden names rellu, which torch has not",
    ),
    "a price for nothing": (
        LAYERS,
        "(Linear,),",
        "(Linear,), unchanged=-1,",
        "unchanged is points",
    ),
    "a method to be written": (
        LAYERS,
        "(Linear,)",
        "(Linear.forward,)",
        "forward stands in Linear",
    ),
    "an edit that changes nothing": (LAYERS, "grad_y.mean(0)", "grad_y.sum(0)", "stands there al"),
    "an edit that reads what is not there": (
        *(LAYERS, '"grad_y.mean(0)"', '"gard_y.mean(0)"'),
        "'bias-averaged': with 'gard_y.mean(0)' in its place, backward reads gard_y, which nothing",
    ),
    "an edit of torch's": (LAYERS, "Linear.backward,", "torch.relu,", "relu is no function of the"),
    "no hint": (LAYERS, 'hint="', 'hint="" and "', "it needs a name, and a hint"),
    "what was there before": (
        *(MODULES, '"y_in_evaluation", module(x)', '"y_in_evaluation", new.keep(x)'),
        "both_modes: y_in_evaluation is right in every case where nothing is written yet",
    ),
    "chance": (
        *(ARRAYS, "+ velocity[name]\n", "+ velocity[name] * __import__('random').random()\n"),
        "the solution's params is another one when it is asked again",
    ),
    "no gradient at a parameter": (
        *(MODULES, "return self.weight *", "return self.weight.detach() *"),
        "case 'a batch': grad_tensors is not the gradient",
    ),
    "nothing to load": (MODULES, "new.load(module, tensors)", "new.load(module)", "case 'a batch'"),
    "a buffer that is not there": (MODULES, '"running_var")', '"running_vat")', "called running_v"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_sentence_with_its_place(tmp_path, mistake):
    text, old, new, said = MISTAKES[mistake]
    assert old in text
    (tmp_path / "mine.py").write_text(text.replace(old, new, 1))
    with pytest.raises(AuthoringError) as caught:
        try_out(tmp_path)
    message = str(caught.value)
    assert message.startswith("mine.py: ")
    assert said in message
    assert "\n" not in message
