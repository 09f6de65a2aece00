import gc
import weakref

from hypothesis import given
from hypothesis import strategies as st

from cloche.agent.watch.tree import Directory, Status, Tree, inode, stamp

FOLDER = Status(1, 10, 0o040000, 5, 4096)
FILE = Status(1, 11, 0o100000, 5, 3)
NAMES = st.sampled_from([b"a", b"b", b"c"])
PATHS = st.lists(NAMES, min_size=1, max_size=4)
Model = dict[bytes, object]


def planted(limit: int = 1000) -> tuple[Tree, Directory]:
    tree = Tree(limit)
    return tree, tree.plant(FOLDER)


def find(root: Directory, path: list[bytes]) -> Directory | None:
    for name in path:
        entry = root.children.get(name)
        if not isinstance(entry, Directory):
            return None
        root = entry
    return root


def paths(root: Directory) -> set[bytes]:
    found = set()
    for name, entry in root.children.items():
        found.add(root.path_of(name))
        if isinstance(entry, Directory):
            found |= paths(entry)
    return found


OPERATIONS = st.lists(st.tuples(st.sampled_from(["file", "directory", "remove", "move"]), PATHS, PATHS), max_size=40)


@given(OPERATIONS)
def test_it_holds_what_a_set_of_paths_would(operations: list[tuple[str, list[bytes], list[bytes]]]) -> None:
    tree, root = planted()
    model: set[bytes] = set()
    for verb, path, to in operations:
        parent, target = find(root, path[:-1]), find(root, to[:-1])
        key, to_key = b"/".join(path), b"/".join(to)
        if parent is None:
            continue
        if verb == "file" and not isinstance(parent.children.get(path[-1]), Directory):
            tree.put_file(parent, path[-1], FILE)
            model.add(key)
        elif verb == "directory" and path[-1] not in parent.children:
            tree.add_directory(parent, path[-1], FOLDER)
            model.add(key)
        elif verb == "remove" and path[-1] in parent.children and not find(root, path[-1:] and path):
            tree.remove(parent, path[-1])
            model.remove(key)
        elif verb == "move" and key in model and target is not None and to_key not in model:
            if (to_key + b"/").startswith(key + b"/"):
                continue
            tree.move(parent, path[-1], target, to[-1])
            moved = {p for p in model if p == key or p.startswith(key + b"/")}
            model = (model - moved) | {to_key + p[len(key) :] for p in moved}
        assert paths(root) == model
        assert tree.count == len(model) + 1
    listed = [directory.path for directory in tree.directories(root)]
    assert len(set(listed)) == len(listed)
    assert all(path.rpartition(b"/")[0] in listed[:at] for at, path in enumerate(listed) if path)
    emptied = []
    for parent, name in tree.leaves_first(root):
        emptied.append(parent.path_of(name))
        tree.remove(parent, name)
    assert set(emptied) == model
    assert not any(b.startswith(a + b"/") for at, a in enumerate(emptied) for b in emptied[at:])
    assert tree.count == 1


def test_a_directory_knows_its_path_and_depth_after_one_above_it_was_renamed() -> None:
    tree, root = planted()
    above = tree.add_directory(root, b"above", FOLDER)
    below = tree.add_directory(above, b"below", FOLDER)
    assert (below.path, below.depth) == (b"above/below", 2)
    tree.move(root, b"above", root, b"new")
    assert (below.path, below.path_of(b"x")) == (b"new/below", b"new/below/x")
    assert (root.path, root.depth, root.path_of(b"x")) == (b"", 0, b"x")


def test_without_its_files_it_keeps_all_directories_in_their_places() -> None:
    tree, root = planted(limit=4)
    below = tree.add_directory(tree.add_directory(root, b"a", FOLDER), b"b", FOLDER)
    tree.put_file(below, b"file", FILE)
    assert tree.is_full
    tree.forget_files()
    assert tree.is_sparse
    assert not tree.is_full
    assert tree.count == 3
    assert paths(root) == {b"a", b"a/b"}


def test_a_removed_directory_is_known_to_be_gone() -> None:
    tree, root = planted()
    directory = tree.add_directory(root, b"a", FOLDER)
    tree.remove(root, b"a")
    assert directory.is_gone
    assert list(tree.directories(directory)) == []


def test_a_cleared_tree_gives_its_memory_back_without_the_collector() -> None:
    class Watched(Directory):
        __slots__ = ("__weakref__",)

    tree, root = planted()
    child = Watched(root, b"a", FOLDER)
    root.children[b"a"] = child
    gone = weakref.ref(child)
    gc.disable()
    try:
        tree.clear()
        del root, child
        assert gone() is None
    finally:
        gc.enable()


STATUSES = st.builds(
    Status,
    st.integers(0, 1 << 32),
    st.integers(0, (1 << 64) - 1),
    st.sampled_from([0o100000, 0o120000]),
    st.integers(-(1 << 62), 1 << 62),
    st.integers(0, 1 << 62),
)


@given(STATUSES, STATUSES)
def test_a_stamp_tells_one_file_from_another_and_holds_its_inode(one: Status, other: Status) -> None:
    assert (stamp(one) == stamp(other)) == (one == other)
    assert inode(stamp(one)) == one.inode
