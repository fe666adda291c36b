"""Python as it is without the chassis' extras and the tools of its tests: their modules cannot be found.

``python without_extras.py FILE`` runs a script so, and ``python without_extras.py -m pytest …`` the tests.
"""

import runpy
import sys
from importlib.abc import MetaPathFinder
from pathlib import Path

HERE = Path(__file__).parent


class Hidden(MetaPathFinder):
    """Comes before all other finders of modules, and says that these are not there."""

    def __init__(self, names: frozenset[str]) -> None:
        self._names = names

    def find_spec(self, name: str, *_: object) -> None:
        if name.partition(".")[0] in self._names:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)


def hidden() -> frozenset[str]:
    """Read the names of the packages from ``extras.py``."""
    modules: dict[str, tuple[str, ...]] = runpy.run_path(str(HERE / "extras.py"))["MODULES"]
    return frozenset(each.partition(".")[0] for needed in modules.values() for each in needed)


if __name__ == "__main__":
    names = hidden()
    sys.path.remove(str(HERE))
    already = names & set(sys.modules)
    if already:
        sys.exit(f"cannot hide what is already imported: {', '.join(already)}")
    sys.meta_path.insert(0, Hidden(names))
    del sys.argv[0]
    if sys.argv[0] == "-m":
        del sys.argv[0]
        runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
    else:
        runpy.run_path(sys.argv[0], run_name="__main__")
