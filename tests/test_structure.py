"""The rooms import one way; no file is too long, undocumented or able to run what it loads."""

import ast
import importlib.util
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

# What each room may import.
ROOMS = {
    "engine": set(),
    "layers": {"engine"},
    "datasets": {"engine"},
    "cluster": {"engine"},
    "estimators": {"engine", "layers", "datasets", "cluster"},
}

# The engine from the ground up: a module may import its own row and the rows above it. A new module
# is added here, in the highest row that it can stand in.
ENGINE = (
    "errors dtypes shapes source device crc32c protos records tensor_proto summary checkpoint kernels native gpu unsupported "
    "byte_strings platform scalar row_table lazy_names folder_lock",
    "graph graph_state",
    "registry conversion inference inputs signatures static function resources runtime communicator local_sums chance "
    "recorder samples tensor_types queues graph_def "
    "attr_values node_reader importer graph_util scopes nest list_value",
    "ops",
    "initializers control_gradients recurrent_gradients layer_norm_gradients custom_gradient checks check_numerics linear_map "
    "data_flow barrier "
    "staging defun lookup gradients versions "
    "rewriting placement "
    "variables variable_creators variable_scope variable_store variable_lists variable_operators variable_protos assignments "
    "initial_values partitioned device_setter template gpu.bindings",
    "plan",
    "backends",
    "compiler staged feeding fetching partial session_config process_config targets "
    "show tracing profiler session debug testing device_lib",
    "training saved_model gpu_check",
)
ROW = {name: row for row, names in enumerate(ENGINE) for name in names.split()}

# Imports inside functions that go the other way all the same, each for a reason.
LATE = {
    ("ops", "control_gradients"): "If and While name their gradients; these need differentiation, which needs the ops",
    ("ops", "layer_norm_gradients"): "higher gradients of layer normalisation need differentiation",
    ("ops", "recurrent_gradients"): "higher gradients of LSTM and GRU are those of loops, which need differentiation",
    ("graph", "graph_def"): "a graph writes itself as a GraphDef; the serializer knows every op",
    ("graph", "registry"): "an operation finds its definition; the registry builds on the graph",
}

FORBIDDEN_MODULES = {"pickle", "cPickle", "marshal", "shelve", "dill", "cloudpickle", "joblib"}
FORBIDDEN_CALLS = {"eval", "exec", "__import__"}
LINES = 600


def python_files(*folders: str) -> list[Path]:
    # Path.rglob does not follow links, so that the rooms behind src/headrace come once.
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


LIBRARY = [*python_files(*ROOMS, "src"), ROOT / "setup.py"]
SHIPPED = [*LIBRARY, *python_files("tools", "examples", "benchmarks")]


def shown(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def imports(path: Path) -> Iterator[tuple[str, int, bool]]:
    """Yields full module name, line and "inside a function" of each import that runs."""
    package = ("headrace", *path.relative_to(ROOT).parts[:-1])

    def names(node: ast.Import | ast.ImportFrom) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif node.level == 0:
            yield node.module or ""
        else:
            base = [*package[: len(package) - node.level + 1], *filter(None, [node.module])]
            # "from . import x" may name a module or a name in the package: x is right for both.
            yield from (".".join([*base, alias.name]) for alias in node.names)

    def walk(node: ast.AST, late: bool) -> Iterator[tuple[str, int, bool]]:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield from ((name, node.lineno, late) for name in names(node))
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            return
        else:
            late = late or isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            for child in ast.iter_child_nodes(node):
                yield from walk(child, late)

    yield from walk(ast.parse(path.read_text(encoding="utf-8")), False)


def test_rooms_import_one_way():
    wrong = [
        f"{shown(path)}:{line} imports {name}"
        for room, allowed in ROOMS.items()
        for path in python_files(room)
        for name, line, _ in imports(path)
        if name.split(".")[0] == "headrace" and name.split(".")[1:2] != [room]
        if name.split(".")[1:2] == [] or name.split(".")[1] not in allowed
    ]
    assert not wrong, "\n".join(wrong)


def test_every_module_of_the_engine_has_its_row():
    found = {path.relative_to(ROOT / "engine").parts[0] for path in python_files("engine")}
    missing = {name.removesuffix(".py") for name in found} - set(ROW) - {"__init__"}
    assert not missing, f"add to ENGINE, in the highest row that fits: {', '.join(sorted(missing))}"


def row_name(parts: Sequence[str]) -> str:
    """The name in ENGINE of a module, which is mostly its first."""
    return ".".join(parts[:2]) if ".".join(parts[:2]) in ROW else "".join(parts[:1])


def engine_imports() -> Iterator[tuple[str, str, str, bool]]:
    """Yields where, importing module, imported module and "inside a function" for the engine."""
    for path in python_files("engine"):
        source = row_name(path.relative_to(ROOT / "engine").with_suffix("").parts)
        for name, line, late in imports(path):
            parts = name.split(".")
            target = row_name(parts[2:])
            if parts[:2] == ["headrace", "engine"] and source in ROW and target in ROW:
                yield f"{shown(path)}:{line}", source, target, late


def test_the_engine_imports_one_way():
    wrong = [
        f"{where}: {source} imports {target}"
        for where, source, target, late in engine_imports()
        if ROW[target] > ROW[source] and not (late and (source, target) in LATE)
    ]
    assert not wrong, "\n".join(wrong)


def test_no_exception_is_left_over():
    used = {(source, target) for _, source, target, late in engine_imports() if late}
    stale = set(LATE) - used
    assert not stale, f"strike from LATE: {sorted(stale)}"


def circles(edges: dict[str, set[str]]) -> set[str]:
    """The modules that import each other by way of others, those on the way between two such among them."""
    left = {source: targets & set(edges) for source, targets in edges.items()}
    # What imports nothing of the rest is in no circle.
    while leaves := {source for source, targets in left.items() if not targets & set(left)}:
        left = {source: targets for source, targets in left.items() if source not in leaves}
    return set(left)


def test_the_search_for_circles_finds_them():
    assert circles({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a", "e"}, "e": set()}) == {"a", "b", "c", "d"}
    assert not circles({"a": {"b", "c"}, "b": {"c"}, "c": set()})


@pytest.mark.parametrize("room", ["datasets"])
def test_modules_do_not_import_each_other_in_circles(room):
    edges: dict[str, set[str]] = {path.stem: set() for path in python_files(room)}
    for path in python_files(room):
        # Imports for the type checker count too.
        nodes = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.ImportFrom)]
        for node in nodes:
            if node.level == 1:
                edges[path.stem] |= {node.module} if node.module else {alias.name for alias in node.names}
    assert not circles(edges)


def forbidden(tree: ast.AST) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        match node:
            case ast.Import(names=aliases):
                modules = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), level=0):
                modules = [module]
            case ast.Call(func=ast.Name(id=name)) if name in FORBIDDEN_CALLS:
                yield node.lineno, f"{name}()"
                continue
            case ast.keyword(arg="allow_pickle", value=ast.Constant(value=False)):
                continue
            case ast.keyword(arg="allow_pickle"):
                yield node.lineno, "allow_pickle"
                continue
            case _:
                continue
        for module in modules:
            if module.split(".")[0] in FORBIDDEN_MODULES:
                yield node.lineno, module


def test_nothing_that_is_loaded_can_run_code():
    # Tests are left out: they may have to write what a loader must refuse.
    wrong = [
        f"{shown(path)}:{line}: {what}"
        for path in SHIPPED
        for line, what in forbidden(ast.parse(path.read_text(encoding="utf-8")))
    ]
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    "text, found",
    [
        ("import pickle", ["pickle"]),
        ("from marshal import loads", ["marshal"]),
        ("eval('1')", ["eval()"]),
        ("np.load(f, allow_pickle=True)", ["allow_pickle"]),
        ("np.load(f, allow_pickle=flag)", ["allow_pickle"]),
        ("np.load(f, allow_pickle=False); tensor.eval(); from . import pickle_free", []),
    ],
)
def test_the_search_for_forbidden_names_finds_them(text, found):
    assert [what for _, what in forbidden(ast.parse(text))] == found


def test_files_are_short():
    suffixes = {".py", ".c", ".h", ".cu"}
    folders = [*ROOMS, "src", "tests", "tools", "examples", "benchmarks"]
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*")]
    lengths = {
        path: len(path.read_bytes().splitlines()) for path in paths if path.suffix in suffixes and path.is_file()
    }
    # Modules that protoc or another program wrote say so by name.
    long = [
        f"{shown(path)}: {count} lines"
        for path, count in lengths.items()
        if count > LINES and not path.name.endswith("_pb2.py")
    ]
    assert not long, "\n".join(long)


def test_every_module_says_what_lives_in_it():
    files = [*SHIPPED, *python_files("tests")]
    silent = [shown(path) for path in files if not ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    assert not silent, "\n".join(silent)


@pytest.mark.parametrize("room", ROOMS)
def test_room_is_linked_into_the_package(room):
    assert (ROOT / "src" / "headrace" / room).readlink() == Path("../..", room)


@pytest.mark.parametrize("room", ROOMS)
def test_room_refuses_to_be_a_package_of_its_own(room):
    spec = importlib.util.spec_from_file_location(room, ROOT / room / "__init__.py")
    with pytest.raises(ImportError, match=rf"this folder is the package headrace\.{room}"):
        spec.loader.exec_module(importlib.util.module_from_spec(spec))
