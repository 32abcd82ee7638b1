"""What a submission's source uses, found without running it: the facts that a source policy judges.

Runs in a confined process in which nothing of the submission does, so that parsing happens where it
can harm nothing and the facts are not the submission's to forge. Names are followed through
imports, aliases, `getattr`, `importlib`, `vars`, `sys.modules` and constant text given to `exec`,
without regard to the order of statements. What is made up at run time is not seen here: see
`trace`.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from .loading.source import Source
from .loading.statements import read

MAX_USES = 4000
MAX_VALUES = 16  # that one expression may stand for
MAX_DEPTH = 24
MAX_TEXT = 1000  # characters of a text that is put together from others
MAX_RUN = 200_000  # characters of texts that are run, as often as they are
UNSEEN = "?"  # stands for what a statement uses where it was not looked at
MADE_UP = "importlib.import_module()"  # of a name that is put together at run time
_IMPORTING = {"builtins.__import__", "importlib.import_module", "importlib.__import__"}
_DYNAMIC = {"exec", "eval", "setattr", "globals", "vars", "locals", "delattr"}
# Tuples: a union would be made anew, or gone through in Python, at each of many thousand nodes.
_LEAVES = (ast.Constant, ast.Name, ast.alias)
_IDLE = (ast.Constant, ast.alias)  # leaves that nothing follows from where they stand
_SIGNS = {"ctx", "op", "ops"}  # the fields that hold signs such as `+`
_PARTS = (ast.Attribute, ast.Subscript)
_CHAINED = (*_PARTS, ast.Call)
_FOLLOWED = (ast.Name, *_CHAINED)
_ELSEWHERE = (ast.Global, ast.Nonlocal)
_BINDING = (ast.stmt, ast.NamedExpr, ast.comprehension, ast.withitem, ast.Call)
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)


@dataclass(frozen=True)
class Text:
    """A constant text, as opposed to the dotted path of something imported."""

    value: str


Known = str | Text


@dataclass
class Scope:
    """What names may stand for: dotted paths, or expressions to be followed."""

    parent: Scope | None = None
    bound: dict[str, list[tuple[str | ast.expr, Scope]]] = field(default_factory=dict)
    # What expressions in this scope may stand for; the empty set while that is being found out.
    known: dict[ast.expr, set[Known]] = field(default_factory=dict)

    def bind(self, name: str, value: str | ast.expr | None, scope: Scope | None = None) -> None:
        held = self.bound.setdefault(name, [])
        if value is not None and len(held) < MAX_VALUES:
            held.append((value, scope or self))

    def find(self, name: str) -> list[tuple[str | ast.expr, Scope]] | None:
        scope: Scope | None = self
        while scope is not None:
            if name in scope.bound:
                return scope.bound[name]
            scope = scope.parent
        return None


def scan(sources: Sequence[Source]) -> list[dict[str, Any]]:
    """Per top-level statement: the names it binds ("*" when that cannot be told), the names it
    reads, and what it uses as [path, place, line]; of an unknown object's attribute the path is
    ".name"."""
    own = {source.module for source in sources}
    alone = sum(source.notebook for source in sources) < 2
    facts: list[dict[str, Any]] = []
    left, run = MAX_USES, _Run()
    for source in sources:
        chunks = list(_chunks(source, alone))
        scope = Scope()
        for _, body in chunks:
            _bind(body, scope)
        for place, body in chunks:
            for statement in body:
                try:
                    seen = _Statement(statement, scope, own, run)
                except RecursionError:
                    unseen = [[UNSEEN, place, statement.lineno]]
                    facts.append({"bound": ["*"], "reads": [], "uses": unseen})
                    continue
                uses = [[path, place, line] for path, line in seen.uses][:left]
                left -= len(uses)
                names = sorted(seen.bound)[:200], sorted(seen.reads)[:1000]
                facts.append({"bound": names[0], "reads": names[1], "uses": uses})
    return facts[:2000]


def _chunks(source: Source, alone: bool) -> Iterator[tuple[str, list[ast.stmt]]]:
    for at, (body, _) in enumerate(source.statements):  # what is no Python will not run either
        yield source.place(at, alone), body


def _parse(text: str) -> list[ast.stmt]:
    return read(text)[0]


@cache
def _fields(kind: type[ast.AST]) -> tuple[str, ...]:
    """Those that may hold nodes worth a visit: not signs, half of all nodes, which are no use."""
    if issubclass(kind, _LEAVES):
        return ()
    return tuple(name for name in kind._fields if name not in _SIGNS)


@cache
def _is_binding(kind: type[ast.AST]) -> bool:
    return issubclass(kind, _BINDING)


def _children(node: ast.AST) -> list[ast.AST]:
    """As `ast.iter_child_nodes`, without signs, constants and what stands in leaves. Each node is
    asked twice, by who binds and by who follows."""
    fields = _fields(type(node))  # type: ignore[arg-type]
    found: list[ast.AST] | None = node.__dict__.get("_parts") if fields else []
    if found is not None:
        return found
    found = []
    for name in fields:
        value = getattr(node, name, None)
        if value is None:
            continue
        if isinstance(value, list):
            found += [i for i in value if isinstance(i, ast.AST) and not isinstance(i, _IDLE)]
        elif isinstance(value, ast.AST) and not isinstance(value, _IDLE):
            found.append(value)
    node.__dict__["_parts"] = found
    return found


def _inside(node: ast.AST) -> Iterator[ast.AST]:
    """The nodes of one scope: into statements and expressions, not into inner functions."""
    pending: list[ast.AST] = [node]
    while pending:
        node = pending.pop()
        yield node
        pending += _around(node) if type(node) in _SCOPES else _children(node)


def _around(node: Any) -> list[ast.expr]:
    """What of a function or class is worked out in the scope that it stands in."""
    found = list(getattr(node, "decorator_list", ()))
    if isinstance(node, ast.ClassDef):
        return found + node.bases + [keyword.value for keyword in node.keywords]
    found += [*node.args.defaults, *filter(None, node.args.kw_defaults)]
    return found + _annotations(node)


def _annotations(node: Any) -> list[ast.expr]:
    """What a function's annotations bind: apart from that they are words about it."""
    given = node.args
    every = [*given.posonlyargs, *given.args, *given.kwonlyargs, given.vararg, given.kwarg]
    stated = [one.annotation for one in every if one is not None]
    return [part for one in (*stated, getattr(node, "returns", None)) for part in _taken(one)]


def _taken(annotation: ast.expr | None) -> list[ast.expr]:
    if annotation is None:
        return []
    return [node for node in _inside(annotation) if isinstance(node, ast.NamedExpr)]


def _bind(body: Sequence[ast.stmt], scope: Scope) -> list[str]:
    """Bind what the statements bind; return the names that they say are another scope's."""
    elsewhere: list[str] = []
    for statement in body:
        for node in _inside(statement):
            if isinstance(node, _ELSEWHERE):
                elsewhere += node.names
            elif _is_binding(type(node)):  # type: ignore[arg-type]
                _bind_node(node, scope)
    return elsewhere


def _bind_node(node: ast.AST, scope: Scope) -> None:
    match node:
        case ast.Import():
            for name in node.names:
                top = name.name.partition(".")[0]
                scope.bind(name.asname or top, name.name if name.asname else top)
        case ast.ImportFrom():
            for name in node.names:
                scope.bind(name.asname or name.name, f"{node.module or ''}.{name.name}")
        case ast.Assign():
            for target in node.targets:
                _bind_target(target, node.value, scope)
        case ast.AnnAssign() | ast.NamedExpr():
            _bind_target(node.target, node.value, scope)
        case ast.For() | ast.AsyncFor() | ast.comprehension():
            _bind_target(node.target, None, scope)
        case ast.withitem(optional_vars=ast.expr() as target):
            _bind_target(target, node.context_expr, scope)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            scope.bind(node.name, None)
        case ast.Call(func=ast.Name(id="exec"), args=[ast.Constant(value=str() as text), *_]):
            _bind(_parse(text), scope)


def _bind_target(target: ast.expr, value: ast.expr | None, scope: Scope) -> None:
    if isinstance(target, ast.Name):
        scope.bind(target.id, value)
    elif isinstance(target, ast.Tuple | ast.List):
        known = value.elts if isinstance(value, ast.Tuple | ast.List) else []
        values = known if len(known) == len(target.elts) else [None] * len(target.elts)
        for inner, one in zip(target.elts, values, strict=True):
            _bind_target(inner, one, scope)


class _Run:
    """The texts that a submission runs as code: one text may be run by many statements."""

    def __init__(self) -> None:
        self._left = MAX_RUN

    def parse(self, text: str) -> list[ast.stmt] | None:
        """None when it has run more than is looked at."""
        self._left -= len(text)
        return _parse(text) if self._left >= 0 else None


class _Statement:
    """One top-level statement: what it binds, reads and uses."""

    def __init__(self, statement: ast.stmt, scope: Scope, own: set[str], run: _Run) -> None:
        self.bound: set[str] = set()
        self.reads: set[str] = set()
        self.uses: dict[tuple[str, int], None] = {}
        self._own = own
        self._roots: dict[ast.AST, str] = {}
        self._run = run
        names = Scope()
        _bind([statement], names)
        self.bound |= set(names.bound)
        if isinstance(statement, ast.ClassDef):
            methods = [n for n in statement.body if isinstance(n, ast.FunctionDef)]
            self.bound |= {n.name for n in methods}
            self.bound |= {f"{n.name}()" for n in methods if len(n.args.args) < 2}
        self._visit(statement, scope)
        if not isinstance(statement, _SCOPES) and self.reads & _DYNAMIC:
            self.bound.add("*")

    def _use(self, path: str, line: int) -> None:
        self.uses[path[:200], line] = None
        module, _, rest = path.partition(".")
        if module in self._own and rest:
            self.reads.add(rest.partition(".")[0])

    def _read(self, name: str, scope: Scope | None) -> None:
        """Note a name, unless it is local to a function."""
        while scope is not None and name not in scope.bound:
            scope = scope.parent
        if scope is None or scope.parent is None:
            self.reads.add(name)

    def _root(self, node: ast.AST) -> str:
        """The name that an expression begins with, "*" when it begins with none."""
        chain = []
        while isinstance(node, _CHAINED):
            if node in self._roots:
                break
            chain.append(node)
            node = node.func if isinstance(node, ast.Call) else node.value
        root = node.id if isinstance(node, ast.Name) else self._roots.get(node, "*")
        self._roots.update(dict.fromkeys(chain, root))
        return root

    def _visit(self, node: ast.AST, scope: Scope, line: int | None = None) -> None:
        if isinstance(node, _FOLLOWED):
            if self._follow(node, scope, node.lineno if line is None else line):
                return
        elif isinstance(node, _SCOPES):
            self._visit_scope(node, scope, line)
            return
        elif isinstance(node, ast.ImportFrom):
            self._visit_import(node)
            return
        elif isinstance(node, ast.AnnAssign):
            for part in (node.target, node.value, *_taken(node.annotation)):
                if part is not None:
                    self._visit(part, scope, line)
            return
        for child in _children(node):
            self._visit(child, scope, line)

    def _follow(
        self, node: ast.Name | ast.Attribute | ast.Subscript | ast.Call, scope: Scope, at: int
    ) -> bool:
        """Note what an expression stands for. Returns whether that is all there is to it."""
        root = node.id if isinstance(node, ast.Name) else self._root(node)
        self._read(root, scope)
        if isinstance(node, _PARTS) and isinstance(node.ctx, ast.Store):
            self.bound.add(root)  # what is patched is reached by whoever uses it
            if isinstance(node, ast.Attribute) and node.attr == "requires_grad":
                self._use("requires_grad=True", at)
        known = [value for value in resolve(node, scope) if isinstance(value, str)]
        for path in known:
            self._use(path, at)
        if known and not isinstance(node, ast.Subscript | ast.Call):
            return True
        if isinstance(node, ast.Attribute):
            self._use(f".{node.attr}", at)
        if isinstance(node, ast.Call):
            self._visit_call(node, scope, at)
        return False

    def _visit_import(self, node: ast.ImportFrom) -> None:
        self.reads |= {name.name for name in node.names if node.module in self._own}
        if any(name.name == "*" for name in node.names):
            self.bound.add("*")
            self._use(f"{node.module}.*", node.lineno)

    def _visit_call(self, node: ast.Call, scope: Scope, line: int) -> None:
        for keyword in node.keywords:
            if keyword.arg == "requires_grad" and _is_true(keyword.value):
                self._use("requires_grad=True", line)
        bare = not node.args and not node.keywords
        if bare and isinstance(node.func, ast.Attribute) and node.func.attr == "backward":
            self._use(".backward()", line)
        function = resolve(node.func, scope)
        texts = [v.value for a in node.args for v in resolve(a, scope) if isinstance(v, Text)]
        if function & {"builtins.getattr", "builtins.setattr"}:
            for text in texts:
                self._use(f".{text}", line)
        if function & _IMPORTING and node.args and not resolve(node.args[0], scope):
            self._use(MADE_UP, line)
        if function & {"builtins.exec", "builtins.eval", "builtins.compile"}:
            for text in texts:
                body = self._run.parse(text)
                if body is None:
                    self._use(UNSEEN, line)
                    break
                inner = Scope(scope)
                _bind(body, inner)
                for statement in body:
                    self._visit(statement, inner, line)

    def _visit_scope(
        self,
        node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda | ast.ClassDef,
        scope: Scope,
        line: int | None,
    ) -> None:
        inner = Scope(scope)
        for decorator in getattr(node, "decorator_list", []):
            self._visit(decorator, scope, line)
        if isinstance(node, ast.ClassDef):
            for base in (*node.bases, *(keyword.value for keyword in node.keywords)):
                self._visit(base, scope, line)  # a metaclass makes of the class what it likes
        else:
            for default in (*node.args.defaults, *filter(None, node.args.kw_defaults)):
                self._visit(default, scope, line)
            for part in _annotations(node):
                self._visit(part, scope, line)
            _bind_parameters(node.args, inner, scope)
        body = [ast.Expr(node.body)] if isinstance(node, ast.Lambda) else node.body
        for name in _bind(body, inner):
            inner.bound.pop(name, None)
        for statement in body:
            self._visit(statement, inner, line)


def _bind_parameters(arguments: ast.arguments, inner: Scope, outer: Scope) -> None:
    positional = [*arguments.posonlyargs, *arguments.args]
    defaults = [None] * (len(positional) - len(arguments.defaults)) + list(arguments.defaults)
    pairs = [*zip(positional, defaults, strict=True)]
    pairs += zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
    for parameter, default in pairs:
        inner.bind(parameter.arg, default, outer)
    for rest in (arguments.vararg, arguments.kwarg):
        if rest is not None:
            inner.bind(rest.arg, None)


def resolve(node: ast.expr, scope: Scope, depth: int = 0) -> set[Known]:
    """What an expression may stand for: dotted paths and texts; empty when unknown."""
    if depth > MAX_DEPTH:
        return set()
    found = scope.known.get(node)
    if found is None:
        scope.known[node] = set()  # for whatever leads back here
        found = scope.known[node] = _resolve(node, scope, depth)
    return found


def _resolve(node: ast.expr, scope: Scope, depth: int) -> set[Known]:
    # Nearly all expressions are names, attributes and constants.
    found: set[Known] = set()
    if isinstance(node, ast.Name):
        held = scope.find(node.id)
        if held is None:
            return {f"builtins.{node.id}"}
        for value, where in held:
            found |= {value} if isinstance(value, str) else resolve(value, where, depth + 1)
    elif isinstance(node, ast.Attribute):
        of = resolve(node.value, scope, depth + 1)
        found = {f"{path}.{node.attr}" for path in of if isinstance(path, str)}
    elif isinstance(node, ast.Constant):
        found = {Text(node.value)} if isinstance(node.value, str) else found
    else:
        found = _put_together(node, scope, depth)
    return set(sorted(found, key=str)[:MAX_VALUES]) if len(found) > MAX_VALUES else found


def _put_together(node: ast.expr, scope: Scope, depth: int) -> set[Known]:
    """What an expression of several parts may stand for."""

    def known(inner: ast.expr) -> set[Known]:
        return resolve(inner, scope, depth + 1)

    def paths(inner: ast.expr) -> list[str]:
        return [value for value in known(inner) if isinstance(value, str)]

    def texts(inner: ast.expr) -> list[str]:
        return [value.value for value in known(inner) if isinstance(value, Text)]

    found: set[Known] = set()
    match node:
        case ast.BinOp(op=ast.Add()):
            found = {Text((a + b)[:MAX_TEXT]) for a in texts(node.left) for b in texts(node.right)}
        case ast.JoinedStr():
            found = {Text(text) for text in _joined(node.values, texts)}
        case ast.FormattedValue():
            found = known(node.value)
        case ast.IfExp():
            found = known(node.body) | known(node.orelse)
        case ast.BoolOp():
            found = set().union(*(known(value) for value in node.values))
        case ast.NamedExpr():
            found = known(node.value)
        case ast.Subscript():
            found = _subscript(node, paths(node.value), texts, scope, depth)
        case ast.Call():
            found = _call(node, paths, texts, scope)
    return found


def _joined(parts: Sequence[ast.expr], texts: Any) -> list[str]:
    whole = [""]
    for part in parts:
        whole = [(a + b)[:MAX_TEXT] for a in whole for b in texts(part)][:MAX_VALUES]
    return whole


def _subscript(
    node: ast.Subscript, bases: list[str], texts: Any, scope: Scope, depth: int
) -> set[Known]:
    found: set[Known] = set()
    match node.slice:
        case ast.Slice(lower=None, upper=None, step=ast.UnaryOp(op=ast.USub())):
            found |= {Text(text[::-1]) for text in texts(node.value)}
    for base in bases:
        for text in texts(node.slice):
            if base.endswith(".__dict__"):
                found.add(f"{base.removesuffix('.__dict__')}.{text}")
            elif base == "sys.modules":
                found.add(text)
            elif base == "builtins.globals()":
                found |= resolve(ast.Name(text, ast.Load()), scope, depth + 1)
    return found


def _call(node: ast.Call, paths: Any, texts: Any, scope: Scope) -> set[Known]:
    arguments = node.args
    match node.func:
        case ast.Attribute(attr="join") if arguments:
            if isinstance(arguments[0], ast.List | ast.Tuple):
                parts = _joined(arguments[0].elts, texts)
                if "" in texts(node.func.value):
                    return {Text(text) for text in parts}
        case ast.Call() if "operator.attrgetter" in paths(node.func.func) and arguments:
            names = [text for a in node.func.args for text in texts(a)]
            return {f"{path}.{name}" for path in paths(arguments[0]) for name in names}
    found: set[Known] = set()
    for function in paths(node.func):
        match function, len(arguments):
            case "builtins.getattr", 2 | 3:
                names = texts(arguments[1])
                found |= {f"{path}.{name}" for path in paths(arguments[0]) for name in names}
            case name, n if name in _IMPORTING:
                for text in texts(arguments[0]) if n else ():
                    found |= {text}
                    if "__import__" in name:  # which gives the top one
                        found |= {text.partition(".")[0]}
            case "builtins.vars", 1:
                found |= {f"{path}.__dict__" for path in paths(arguments[0])}
            case "builtins.globals", 0:
                found.add("builtins.globals()")
            case "functools.partial", n if n:
                found |= set(paths(arguments[0]))
    return found


def _is_true(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and node.value is True
