"""classes.txt: the name of a class in each line, in index order."""

from vtspec.adapters.data.file_tree import FileTree


def read_class_names(tree: FileTree) -> tuple[str, ...]:
    """The names of the classes. Raises `ValueError`."""
    names = [line.strip() for line in tree.read_lines("classes.txt")]
    while names and not names[-1]:
        names.pop()
    for number, name in enumerate(names, 1):
        # Left out, it would shift the index of every class after it.
        if not name:
            raise ValueError(f"line {number} is empty")
        if names.index(name) + 1 != number:
            raise ValueError(f"lines {names.index(name) + 1} and {number} are both '{name}'")
    if not names:
        raise ValueError("it is empty")
    return tuple(names)
