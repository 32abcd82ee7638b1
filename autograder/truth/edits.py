"""Edits of a solution made by machine: each changes one thing in one function.

What answers as a submission does says what is wrong with it, where no recorded misconception does.
The words for an edit name parameters, intermediate results and operations, never the solution's own
expressions: they go to students.
"""

from __future__ import annotations

import ast
import copy
import textwrap
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from types import CodeType, FunctionType
from typing import Any, TypeAlias

from autograder.topics.catalogue import Topic
from autograder.topics.source import Statement

Spot: TypeAlias = tuple[ast.AST, str, int | None]  # a node, a field of it, and the place in a list


@dataclass(frozen=True, eq=False)
class Mutant:
    """One edit of one function.

    `kind` is a slug; `what` completes the sentence "y is what comes out when ..."; `rank` says how
    far-fetched it is: of two that answer alike, the lower one is told.
    """

    function: str
    line: int
    kind: str
    what: str
    rank: int
    tree: ast.Module  # of the function as it should be
    spot: Spot
    replacement: ast.AST
    stands_for: str  # the function that this is a way to write, itself as a rule

    @cached_property
    def code(self) -> CodeType | None:
        """A module with the edited function alone; None when the edit makes no program. Asked for
        with every case."""
        with _Edited(self.spot, self.replacement), warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            try:
                return compile(self.tree, f"<{self.function}, edited>", "exec")
            except (SyntaxError, ValueError, TypeError):
                return None

    @property
    def is_next_to_nothing(self) -> bool:
        """Whether a number stands there that is as good as the one it stands for."""
        before, after = _at(self.spot), self.replacement
        if not isinstance(before, ast.Constant) or not isinstance(after, ast.Constant):
            return False
        return before.value == 0 and isinstance(after.value, float) and 0 < after.value < NOTHING

    @property
    def source(self) -> str:
        """The edited function, without its docstring."""
        with _Edited(self.spot, self.replacement):
            return ast.unparse(self.tree)

    @property
    def change(self) -> str:
        """What stands there, and what is put in its place, as code."""
        before, after = (
            " ".join(ast.unparse(n).split()) for n in (_at(self.spot), self.replacement)
        )
        return f"{before} -> {after}"

    def functions(self, solution: Mapping[str, Any]) -> dict[str, Any]:
        """The solution's functions, with this one edited for all that call it."""
        found = _with_code(solution, [self.code] if self.code is not None else [])
        found[self.stands_for] = found[self.function]
        return found


def with_source(solution: Mapping[str, Any], sources: Mapping[str, str]) -> dict[str, Any]:
    """The solution's functions, some of them with other sources, in a namespace of their own."""
    return _with_code(solution, [_compiled(name, text) for name, text in sources.items()])


@lru_cache(2000)  # of one case after the other, the same
def _compiled(name: str, text: str) -> CodeType:
    return compile(text, f"<{name}, edited>", "exec")


def _with_code(solution: Mapping[str, Any], codes: Sequence[CodeType]) -> dict[str, Any]:
    namespace: dict[str, Any] = {}
    for value in solution.values():
        if isinstance(value, FunctionType):
            namespace |= {k: v for k, v in value.__globals__.items() if k not in namespace}
    namespace |= solution
    for name, value in solution.items():
        if isinstance(value, FunctionType):
            again = FunctionType(
                value.__code__, namespace, name, value.__defaults__, value.__closure__
            )
            again.__kwdefaults__ = value.__kwdefaults__
            namespace[name] = again
    # The author's own code, edited by machine or by the author: nothing of a student's comes here.
    for code in codes:
        exec(code, namespace)  # noqa: S102
    return namespace


def mutants(
    topic: Topic, function: str, stands_for: str = "", make: Make | None = None
) -> list[Mutant]:
    """All edits of a function of a topic, the likely ones first; it may be but another way to write
    the one that it stands for.

    Args:
        make: what edits there are of a function; those that change one thing by default.

    A function that loops while something holds has none: edited, it may not end, and this process
    has no bound on its time and memory.
    """
    source = topic.sources()[function]
    if _may_not_end(source):
        return []
    found = list(_mutants(function, source, stands_for or function, make or _edits))
    return sorted(found, key=lambda mutant: mutant.rank)


@cache
def _may_not_end(source: str) -> bool:
    return any(isinstance(node, ast.While) for node in ast.walk(ast.parse(source)))


def reached(topic: Topic, functions: Sequence[str]) -> list[str]:
    """These functions, and those of the topic that they call."""
    sources = topic.sources()
    found = list(functions)
    for name in found:  # grows while it is gone through
        called = named(sources[name])
        found += [other for other in sources if other in called and other not in found]
    return found


@cache
def named(source: str) -> frozenset[str]:
    """The names in a reference's function: asked for again with every submission."""
    return frozenset(n.id for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Name))


def edits_of(statement: Statement) -> list[Mutant]:
    """All edits of a function of a solution, or of a class's methods, the likely ones first."""
    found = list(_mutants(statement.name, statement.text, statement.name, _edits))
    return sorted(found, key=lambda mutant: mutant.rank)


def _mutants(name: str, source: str, stands_for: str, make: Make) -> Iterator[Mutant]:
    tree = ast.parse(textwrap.dedent(source))
    for function in _functions(tree):
        if ast.get_docstring(function) is not None:
            function.body = function.body[1:] or [ast.Pass(lineno=function.lineno, col_offset=0)]
    for function in _functions(tree):
        yield from _of_function(name, function, tree, stands_for, make)


def _functions(tree: ast.Module) -> list[ast.FunctionDef]:
    """What a statement of a solution defines: the function, or the class's methods."""
    (node,) = tree.body
    body = node.body if isinstance(node, ast.ClassDef) else [node]
    return [part for part in body if isinstance(part, ast.FunctionDef)]


def _of_function(
    name: str, function: ast.FunctionDef, tree: ast.Module, stands_for: str, make: Make
) -> Iterator[Mutant]:
    seen = set()
    for spot, replacement, kind, what, rank in make(function, _names(function)):
        before = _at(spot)
        key = (id(before), ast.dump(replacement))
        if key in seen or key[1] == ast.dump(before):
            continue
        seen.add(key)
        line = getattr(before, "lineno", 0)
        for node in ast.walk(replacement):
            if not hasattr(node, "lineno") and "lineno" in node._attributes:
                ast.copy_location(node, before)
        yield Mutant(name, line, kind, what, rank, tree, spot, replacement, stands_for)


def _at(spot: Spot) -> ast.AST:
    node, name, at = spot
    found: ast.AST = getattr(node, name) if at is None else getattr(node, name)[at]
    return found


class _Edited:
    """The tree with something else at a spot, for as long as the context lasts."""

    def __init__(self, spot: Spot, replacement: Any) -> None:
        self._spot, self._replacement = spot, replacement

    def _put(self, value: Any) -> Any:
        node, name, at = self._spot
        if at is None:
            before = getattr(node, name)
            setattr(node, name, value)
        else:
            items = getattr(node, name)
            before, items[at] = items[at], value
        return before

    def __enter__(self) -> None:
        self._before = self._put(self._replacement)

    def __exit__(self, *_: object) -> None:
        self._put(self._before)


NOTHING = 1e-4  # what an answer is off by then is no bug that anybody has
Edit: TypeAlias = tuple[Spot, Any, str, str, int]
Make: TypeAlias = Callable[[ast.FunctionDef, Mapping[str, Sequence[str]]], Iterator[Edit]]
Change: TypeAlias = tuple[ast.expr, str, str, int]

_SCALAR_NAMES = frozenset({"torch", "math", "range", "len", "zip", "tuple", "list", "reversed"})
_PEELED = {  # calls that leave their argument's shape: what is left out when they are peeled off
    *("sqrt", "exp", "log", "abs", "sign", "expm1", "log1p", "log2", "erf", "tanh", "rsqrt"),
    *("square", "clamp", "round", "floor", "neg", "softmax", "sum", "mean", "clone", "copy"),
    *("softplus", "sigmoid", "sort", "unique", "cumsum", "flip", "contiguous", "transpose"),
}
_EXCHANGED = {
    "mean": ("sum", "is summed where it should be averaged"),
    "sum": ("mean", "is averaged where it should be summed"),
    "amax": ("amin", "is the smallest where the largest is asked for"),
    "amin": ("amax", "is the largest where the smallest is asked for"),
    "argmax": ("argmin", "is the smallest where the largest is asked for"),
    "log": ("log2", "has a logarithm of base 2 where the natural one belongs"),
    "log2": ("log", "has a natural logarithm where one of base 2 belongs"),
    "expm1": ("exp", "has exp where exp - 1 belongs"),
    "exp": ("expm1", "has exp - 1 where exp belongs"),
    "sin": ("cos", "has a sine where a cosine belongs"),
    "cos": ("sin", "has a cosine where a sine belongs"),
    "floor": ("ceil", "is rounded up where it should be rounded down"),
    "ceil": ("floor", "is rounded down where it should be rounded up"),
    "sqrt": ("square", "is squared where its root belongs"),
    "zeros_like": ("ones_like", "starts from ones where zeros belong"),
    "ones_like": ("zeros_like", "starts from zeros where ones belong"),
    "repeat_interleave": ("repeat", "is repeated as a whole where each of it belongs repeated"),
    "repeat": ("repeat_interleave", "has each of it repeated where it is repeated as a whole"),
    "normal_": ("uniform_", "is drawn from a uniform law where a normal one belongs"),
    "tanh": ("sigmoid", "has a sigmoid where tanh belongs"),
    "sigmoid": ("tanh", "has a tanh where a sigmoid belongs"),
    "abs": ("square", "is squared where its absolute value belongs"),
}


def _edits(function: ast.FunctionDef, names: Mapping[str, Sequence[str]]) -> Iterator[Edit]:
    """What can be changed, each at one spot."""
    for statement_spot, statement, block in statements(function):
        where = place_of(statement)
        yield from _of_statement(statement_spot, statement, block)
        for spot, node in expressions(statement):
            for replacement, kind, what, rank in _of_expression(node, names):
                yield spot, replacement, kind, f"{where}, {what}", rank


def statements(node: ast.AST) -> Iterator[tuple[Spot, ast.stmt, list[ast.stmt]]]:
    for name in ("body", "orelse", "finalbody"):
        block = getattr(node, name, None)
        if not isinstance(block, list):
            continue
        for at, statement in enumerate(block):
            yield (node, name, at), statement, block
            yield from statements(statement)


def expressions(statement: ast.stmt) -> Iterator[tuple[Spot, ast.expr]]:
    """The expressions of a statement itself, not those of statements inside it."""

    def walk(node: ast.AST) -> Iterator[tuple[Spot, ast.expr]]:
        for name, value in ast.iter_fields(node):
            items = value if isinstance(value, list) else [value]
            for at, item in enumerate(items):
                place = at if isinstance(value, list) else None
                if isinstance(item, ast.expr):
                    yield (node, name, place), item
                    yield from walk(item)
                elif isinstance(item, ast.keyword | ast.comprehension | ast.withitem):
                    yield from walk(item)

    yield from walk(statement)


def place_of(statement: ast.stmt) -> str:
    targets: list[ast.expr] = []
    match statement:
        case ast.Assign(targets=found):
            targets = list(found)
        case ast.AugAssign(target=target) | ast.AnnAssign(target=target):
            targets = [target]
        case ast.Return():
            return "in what is returned"
        case ast.If(test=test):
            return f"where {words_for(test)} decides"
        case ast.For(target=target):
            return f"in the loop over {words_for(target)}"
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=changed))):
            return f"where {words_for(changed)} is changed"
    told = " and ".join(dict.fromkeys(words_for(target) for target in targets))
    return f"where {told} is worked out" if told else "on the way"


def words_for(node: ast.AST) -> str:
    """What an expression is about: the names in it."""
    found = [n.id for n in ast.walk(node) if isinstance(n, ast.Name) and n.id not in _SCALAR_NAMES]
    listed = [f"`{name}`" for name in dict.fromkeys(found) if not name.startswith("_")]
    if not listed:
        numbers = [
            n.value for n in ast.walk(node) if isinstance(n, ast.Constant) and n.value is not None
        ]
        return f"the constant {numbers[0]!r}" if len(numbers) == 1 else "a constant"
    if len(listed) > 3:
        return f"{', '.join(listed[:3])} and others"
    return " and ".join([", ".join(listed[:-1]), listed[-1]] if len(listed) > 1 else listed)


def _of_statement(spot: Spot, statement: ast.stmt, block: Sequence[ast.stmt]) -> Iterator[Edit]:
    match statement:
        case ast.AugAssign(target=target, op=op, value=value):
            told = words_for(target)
            plain = ast.Assign([copy.deepcopy(target)], value)
            yield spot, plain, "overwritten", f"{told} is overwritten where it should grow", 1
            if isinstance(op, ast.Add):
                less = ast.AugAssign(target, ast.Sub(), value)
                yield spot, less, "sign-turned", f"{told} shrinks where it should grow", 2
            yield spot, ast.Pass(), "step-left-out", f"{told} is never added to", 2
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            if any(isinstance(n, ast.Name) and n.id == name for n in ast.walk(value)):
                what = f"a step is left out in which `{name}` changes"
                yield spot, ast.Pass(), "step-left-out", what, 1
        case ast.Assign(targets=[ast.Subscript(value=changed)]):
            what = f"nothing is written into {words_for(changed)}"
            yield spot, ast.Pass(), "step-left-out", what, 2
        case ast.Expr():
            told = words_for(statement.value)
            yield spot, ast.Pass(), "step-left-out", f"a step with {told} is left out", 1
        case ast.If(test=test, body=body, orelse=orelse):
            told = words_for(test)
            if not any(isinstance(s, ast.Raise) for s in body):
                always = ast.If(ast.Constant(True), body, orelse)
                never = ast.If(ast.Constant(False), body, orelse)
                what = f"the case that {told} decides is taken as if it always held"
                yield spot, always, "case-ignored", what, 1
                what = f"the case that {told} decides is never taken"
                yield spot, never, "case-ignored", what, 1
                turned = ast.If(ast.UnaryOp(ast.Not(), test), body, orelse)
                what = f"the two cases that {told} decides are exchanged"
                yield spot, turned, "cases-exchanged", what, 2
            else:
                yield spot, ast.Pass(), "refusal-left-out", "no input is refused", 3
        case ast.Return(value=ast.Tuple(elts=elements)) if len(elements) > 1:
            for i in range(min(len(elements), len(_ORDINALS))):
                for j in range(i + 1, min(len(elements), len(_ORDINALS))):
                    mixed = list(elements)
                    mixed[i], mixed[j] = mixed[j], mixed[i]
                    what = f"the {_ORDINALS[i]} and the {_ORDINALS[j]} result are exchanged"
                    yield (
                        spot,
                        ast.Return(ast.Tuple(mixed, ast.Load())),
                        "results-exchanged",
                        what,
                        2,
                    )


_ORDINALS = ("first", "second", "third", "fourth", "fifth", "sixth")


def _of_expression(node: ast.expr, names: Mapping[str, Sequence[str]]) -> Iterator[Change]:
    match node:
        case ast.BinOp():
            yield from _of_operation(node)
        case ast.UnaryOp(op=ast.USub(), operand=operand) if not isinstance(operand, ast.Constant):
            yield operand, "sign-turned", f"the sign of {words_for(operand)} is turned", 1
        case ast.UnaryOp(op=ast.Invert() | ast.Not(), operand=operand):
            yield operand, "condition-turned", f"{words_for(operand)} is not negated", 1
        case ast.Compare(left=left, ops=[op], comparators=[right]):
            yield from _of_comparison(left, op, right)
            is_order = isinstance(op, ast.Lt | ast.LtE | ast.Gt | ast.GtE)
            if is_order and isinstance(right, ast.Constant) and right.value == 0:
                for name in names.get("", ()):
                    other = ast.Compare(left, [op], [ast.Name(name, ast.Load())])
                    yield other, "threshold", f"{words_for(left)} is compared with `{name}`", 3
        case ast.IfExp(test=test, body=body, orelse=orelse):
            yield body, "case-ignored", f"the case that {words_for(test)} decides always holds", 1
            yield orelse, "case-ignored", f"the case that {words_for(test)} decides never holds", 1
        case ast.Constant():
            yield from _of_constant(node)
        case ast.Call():
            yield from _of_call(node)
        case ast.Subscript():
            yield from _of_subscript(node)
        case ast.Tuple(elts=elements, ctx=ast.Load()) if len(elements) == 2:
            swapped = ast.Tuple([elements[1], elements[0]], ast.Load())
            a, b = map(words_for, elements)
            yield swapped, "pair-exchanged", f"{a} and {b} are exchanged", 4
            if all(isinstance(e, ast.Constant) for e in elements):
                for e in elements:
                    yield (
                        ast.Tuple([e], ast.Load()),
                        "axes",
                        f"only {words_for(e)} is left of {len(elements)} dimensions",
                        2,
                    )
        case ast.Tuple(elts=elements, ctx=ast.Load()) if len(elements) > 2:
            if all(isinstance(e, ast.Constant) for e in elements):
                for at, dropped in enumerate(elements):
                    others = [*elements[:at], *elements[at + 1 :]]
                    what = f"dimension {ast.unparse(dropped)} is left out of {len(elements)}"
                    yield ast.Tuple(others, ast.Load()), "axes", what, 2
        case ast.Name(id=name, ctx=ast.Load()) if name in names:
            for mistaken in names[name]:
                what = f"`{mistaken}` stands where `{name}` belongs"
                yield ast.Name(mistaken, ast.Load()), "other-variable", what, 5


_TURNED: dict[type[ast.operator], tuple[type[ast.operator], str]] = {
    ast.Add: (ast.Sub, "{b} is taken away where it should be added"),
    ast.Sub: (ast.Add, "{b} is added where it should be taken away"),
    ast.Mult: (ast.Div, "there is a division by {b} where a product belongs"),
    ast.Div: (ast.Mult, "there is a product with {b} where a division belongs"),
    ast.FloorDiv: (ast.Mod, "the remainder of a division by {b} stands where the quotient belongs"),
    ast.Mod: (ast.FloorDiv, "the quotient of a division by {b} stands where the rest belongs"),
}


def _of_operation(node: ast.BinOp) -> Iterator[Change]:
    left, op, right = node.left, node.op, node.right
    a, b = words_for(left), words_for(right)
    # A number that is there twice, or in another power.
    match op:
        case ast.Add():
            yield left, "term-left-out", f"the term with {b} is left out", 0
            yield right, "term-left-out", f"the term with {a} is left out", 0
        case ast.Sub():
            yield left, "term-left-out", f"the term with {b} is left out", 0
            minus = ast.UnaryOp(ast.USub(), right)
            yield minus, "term-left-out", f"the term with {a} is left out", 1
            yield right, "complement", f"{b} stands where {a} minus {b} belongs", 2
            yield ast.BinOp(right, op, left), "sign-turned", f"{a} and {b} are exchanged", 1
        case ast.Mult():
            yield left, "factor-left-out", f"the factor with {b} is left out", 0
            yield right, "factor-left-out", f"the factor with {a} is left out", 0
            again = ast.BinOp(node, ast.Mult(), right)
            yield again, "factor-twice", f"the factor with {b} enters twice", 2
            again = ast.BinOp(node, ast.Mult(), left)
            yield again, "factor-twice", f"the factor with {a} enters twice", 2
        case ast.Div() | ast.FloorDiv():
            yield left, "factor-left-out", f"the division by {b} is left out", 0
            one = ast.BinOp(ast.Constant(1), op, right)
            yield one, "factor-left-out", f"{a} is left out", 2
            again = ast.BinOp(node, op, right)
            yield again, "factor-twice", f"the division by {b} is done twice", 1
            yield ast.BinOp(right, op, left), "upside-down", f"{a} and {b} are exchanged", 2
            root = _method(right, "sqrt")
            yield (
                ast.BinOp(left, op, root),
                "root",
                f"the root of {b} is divided by, not {b} itself",
                3,
            )
        case ast.Pow():
            yield left, "power-left-out", f"{a} is not raised to its power", 0
            factor = ast.BinOp(left, ast.Mult(), right)
            yield factor, "power-as-factor", f"{a} is multiplied by {b} where it is a power", 1
            yield ast.BinOp(right, op, left), "power-exchanged", f"{a} and {b} are exchanged", 2
            cube = ast.BinOp(node, ast.Mult(), left)
            yield cube, "other-power", f"the power of {a} is one too high", 3
        case ast.BitAnd():
            yield left, "condition-left-out", f"the condition on {b} is left out", 0
            yield right, "condition-left-out", f"the condition on {a} is left out", 0
            either = ast.BinOp(left, ast.BitOr(), right)
            yield either, "condition-turned", f"one of {a} and {b} is enough", 1
        case ast.BitOr():
            yield left, "condition-left-out", f"the condition on {b} is left out", 0
            yield right, "condition-left-out", f"the condition on {a} is left out", 0
    if type(op) in _TURNED:
        other, what = _TURNED[type(op)]
        turned = ast.BinOp(left, other(), right)
        kind = "sign-turned" if isinstance(op, ast.Add | ast.Sub) else "factor-upside-down"
        yield turned, kind, what.format(b=b), 1
    if isinstance(op, ast.Mult | ast.Div | ast.Add | ast.Sub):
        for times, told in ((2, "doubled"), (0.5, "halved")):
            other_right = ast.BinOp(right, ast.Mult(), ast.Constant(times))
            yield ast.BinOp(left, op, other_right), "factor", f"{b} is {told}", 3
            if isinstance(op, ast.Add | ast.Sub):
                other_left = ast.BinOp(left, ast.Mult(), ast.Constant(times))
                yield ast.BinOp(other_left, op, right), "factor", f"{a} is {told}", 3
    is_sum = isinstance(op, ast.Add | ast.Sub)
    if is_sum and isinstance(right, ast.BinOp) and isinstance(right.op, ast.Pow):
        whole = ast.BinOp(ast.BinOp(left, op, right.left), ast.Pow(), right.right)
        told = "sum" if isinstance(op, ast.Add) else "difference"
        what = f"the whole {told} of {a} and {b} is raised to the power of {b} alone"
        yield whole, "power-of-the-whole", what, 2
    if isinstance(op, ast.Add | ast.Sub) and not isinstance(right, ast.Constant):
        power = ast.BinOp(left, op, ast.BinOp(right, ast.Pow(), ast.Constant(2)))
        yield power, "other-power", f"{b} is squared", 4
    if isinstance(op, ast.Div | ast.Mult) and _looks_like_count(right):
        fewer = ast.BinOp(right, ast.Sub(), ast.Constant(1))
        yield ast.BinOp(left, op, fewer), "count", f"{b} is one less than it should be", 2
        more = ast.BinOp(right, ast.Add(), ast.Constant(1))
        yield ast.BinOp(left, op, more), "count", f"{b} is one more than it should be", 2


def _looks_like_count(node: ast.expr) -> bool:
    return isinstance(node, ast.Name | ast.Call | ast.Attribute | ast.Subscript)


def _method(node: ast.expr, name: str) -> ast.expr:
    """`node ** 0.5`: numbers and tensors alike."""
    power = ast.Constant(0.5) if name == "sqrt" else ast.Constant(2)
    return ast.BinOp(node, ast.Pow(), power)


_REVERSED: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.Gt,
    ast.Gt: ast.Lt,
    ast.LtE: ast.GtE,
    ast.GtE: ast.LtE,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
}
_BORDER: dict[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Lt: ast.LtE,
    ast.Gt: ast.GtE,
    ast.LtE: ast.Lt,
    ast.GtE: ast.Gt,
}


def _of_comparison(left: ast.expr, op: ast.cmpop, right: ast.expr) -> Iterator[Change]:
    a, b = words_for(left), words_for(right)
    compared = ast.Compare(left, [op], [right])
    if not isinstance(op, ast.Is | ast.IsNot | ast.In | ast.NotIn):
        always = ast.BinOp(compared, ast.BitOr(), ast.Constant(True))  # of tensors, too
        never = ast.BinOp(compared, ast.BitAnd(), ast.Constant(False))
        what = f"the comparison of {a} with {b} is left out: it is taken as if it always held"
        yield always, "condition-left-out", what, 1
        what = f"the comparison of {a} with {b} is left out: it is taken as if it never held"
        yield never, "condition-left-out", what, 1
    if type(op) in _REVERSED:
        turned = ast.Compare(left, [_REVERSED[type(op)]()], [right])
        yield turned, "condition-turned", f"the comparison of {a} with {b} is turned around", 1
    if type(op) in _BORDER:
        border = ast.Compare(left, [_BORDER[type(op)]()], [right])
        what = f"{a} equal to {b} falls on the other side"
        yield border, "border-on-the-other-side", what, 1
    if not isinstance(right, ast.Constant) or not isinstance(right.value, str):
        for amount in (0, 1):
            other = ast.Compare(left, [op], [ast.Constant(amount)])
            yield other, "threshold", f"{a} is compared with {amount}", 3
    inner = left
    if isinstance(left, ast.Call) and isinstance(left.func, ast.Attribute):
        inner = left.func.value
        yield (
            ast.Compare(inner, [op], [right]),
            "call-left-out",
            f"`{left.func.attr}` is left out of the comparison of {a}",
            1,
        )


def _of_constant(node: ast.Constant) -> Iterator[Change]:
    value = node.value
    if isinstance(value, bool):
        what = f"a switch is {'off' if value else 'on'}"
        yield ast.Constant(not value), "switch", what, 2
    elif isinstance(value, int | float):
        others: list[float] = [2 * value, value / 2, -value, value + 1, value - 1, 0, 1, 2, 3]
        others += [1e-12, 1e-8, 1e-7, 1e-6, 1e-5] if value == 0 else []
        others += [10 * value, value / 10] if isinstance(value, float) else []
        if isinstance(value, int):
            others = [int(o) if float(o).is_integer() else o for o in others]
        for other in dict.fromkeys(others):
            if other != value:
                what = f"the constant {other:g} stands where another belongs"
                yield ast.Constant(other), "other-constant", what, 3


def _of_call(node: ast.Call) -> Iterator[Change]:
    name, receiver = "", None
    if isinstance(node.func, ast.Attribute):
        name, receiver = node.func.attr, node.func.value
    elif isinstance(node.func, ast.Name):
        name = node.func.id
    is_module = isinstance(receiver, ast.Name) and receiver.id in {"torch", "math"}
    if receiver is not None and not is_module:
        inner = receiver
    elif node.args:
        inner = node.args[0]
    else:
        return
    about = words_for(inner)
    if name == "range" and receiver is None and len(node.args) == 1:
        early: list[ast.expr] = [ast.BinOp(node.args[0], ast.Sub(), ast.Constant(1))]
        late: list[ast.expr] = [ast.Constant(1), node.args[0]]
        yield ast.Call(node.func, early, []), "loop-too-short", "it ends one too early", 1
        yield ast.Call(node.func, late, []), "loop-too-short", "it begins one too late", 1
    if name in _PEELED:
        yield inner, "call-left-out", f"`{name}` of {about} is left out", 0
    if name == "sqrt" and isinstance(inner, ast.BinOp) and isinstance(inner.op, ast.Add):
        root = _method(inner.left, "sqrt")
        outside = ast.BinOp(root, ast.Add(), inner.right)
        yield outside, "outside-the-root", f"{words_for(inner.right)} is added outside the root", 0
        turned = ast.BinOp(
            ast.BinOp(inner.left, ast.Pow(), ast.Constant(-0.5)), ast.Add(), inner.right
        )
        what = f"{words_for(inner.right)} is added to one over the root"
        yield ast.BinOp(turned, ast.Pow(), ast.Constant(-1)), "outside-the-root", what, 1
        both = ast.BinOp(node, ast.Add(), inner.right)
        what = f"{words_for(inner.right)} is added inside the root and once more outside"
        yield both, "inside-and-outside-the-root", what, 2
    if name in _EXCHANGED:
        other, what = _EXCHANGED[name]
        again = copy.deepcopy(node)
        assert isinstance(again.func, ast.Attribute | ast.Name)  # noqa: S101 - it has a name
        if isinstance(again.func, ast.Attribute):
            again.func.attr = other
        elif other in {"tanh", "sigmoid"}:  # functions of a topic, too
            again.func.id = other
        yield again, f"{other}-for-{name}".replace("_", ""), f"{about} {what}", 1
    for at, keyword in enumerate(node.keywords):
        again = copy.deepcopy(node)
        del again.keywords[at]
        if keyword.arg in {"dim", "axis"}:
            yield again, "axes", f"{about} is reduced over all dimensions", 1
            yield from other_axes(node, at, about)
        elif keyword.arg is not None:
            yield again, "argument-left-out", f"`{keyword.arg}` is left out at {about}", 2
    if is_module and name == "where" and len(node.args) == 3:
        condition, first, second = node.args
        a, b = words_for(first), words_for(second)
        yield first, "condition-left-out", f"{a} holds everywhere", 1
        yield second, "condition-left-out", f"{b} holds everywhere", 1
        swapped = ast.Call(node.func, [condition, second, first], node.keywords)
        what = f"{a} stands where {b} belongs, and the other way round"
        yield swapped, "cases-exchanged", what, 1
    elif len(node.args) >= 2 and not isinstance(node.args[0], ast.Constant):
        for at in range(len(node.args) - 1):
            swapped = copy.deepcopy(node)
            swapped.args[at : at + 2] = swapped.args[at + 1], swapped.args[at]
            a, b = words_for(node.args[at]), words_for(node.args[at + 1])
            yield swapped, "arguments-exchanged", f"{a} and {b} are exchanged", 4
    for at in range(len(node.args) - 1, 0, -1):
        fewer = copy.deepcopy(node)
        del fewer.args[at]
        told = words_for(node.args[at])
        yield fewer, "argument-left-out", f"{told} is not handed on", 4


def other_axes(node: ast.Call, at: int, about: str) -> Iterator[Change]:
    """The same reduction over other dimensions."""
    axes: tuple[Any, ...] = (0, 1, -1, -2, (0, 1), (2, 3), (1, 2, 3), (0, 2, 3), (0, 2), (0, 3), 2)
    for other in axes:
        again = copy.deepcopy(node)
        again.keywords[at].value = ast.parse(repr(other), mode="eval").body
        told = f"dimension {other}" if isinstance(other, int) else f"dimensions {other}"
        yield again, "axes", f"{about} is reduced over {told}", 2


def _of_subscript(node: ast.Subscript) -> Iterator[Change]:
    about = words_for(node.value)
    if not isinstance(node.ctx, ast.Load):
        return
    index = node.slice
    parts = index.elts if isinstance(index, ast.Tuple) else [index]
    for at, part in enumerate(parts):
        if not isinstance(part, ast.Slice):
            continue
        for bound in ("lower", "upper", "step"):
            value = getattr(part, bound)
            if value is None:
                continue
            again = copy.deepcopy(node)
            inner = again.slice.elts if isinstance(again.slice, ast.Tuple) else [again.slice]
            setattr(inner[at], bound, None)
            what = f"{about} is not cut by {words_for(value)}"
            yield again, "cut", what, 2
    yield node.value, "cut", f"{about} is taken whole", 3


def _names(function: ast.FunctionDef) -> Mapping[str, Sequence[str]]:
    """For each parameter and local variable, and for zero (""), what may be mistaken for it: the
    parameters, and those that are named alike (`pad_h` and `pad_w`, `fan_in` and `fan_out`)."""
    arguments = function.args
    parameters = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    stored = [
        n.id for n in ast.walk(function) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    ]
    names = list(dict.fromkeys(parameters + stored))

    def alike(a: str, b: str) -> bool:
        parts = a.split("_"), b.split("_")
        return bool(set(parts[0]) & set(parts[1])) or a[:-1] == b[:-1] or len(a) == len(b) == 1

    mistaken = {
        name: [o for o in names if o != name and (o in parameters or alike(name, o))]
        for name in names
    }
    return mistaken | {"": parameters}
