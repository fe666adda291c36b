"""Runs at the start of the target's Python and notes which environment variables its own code reads. Names only.

It is put on PYTHONPATH for one start, by the inspector. It must not disturb: it changes no answer, and gives way to any
other ``sitecustomize``.
"""

import os
import sys


def _install() -> None:
    notes = os.environ.pop("ROADWORTHY_READS", "")
    root = os.environ.pop("ROADWORTHY_ROOT", "")
    if not notes or not root:
        return
    original = os._Environ.__getitem__
    seen = set()

    def read(self, key):  # type: ignore[no-untyped-def]
        if key not in seen and _asked_from(root):
            seen.add(key)
            try:
                with open(notes, "a", encoding="utf-8") as file:
                    file.write(f"{key}\n")
            except OSError:
                pass
        return original(self, key)

    os._Environ.__getitem__ = read  # type: ignore[method-assign]


def _asked_from(root: str) -> bool:
    """Tell whether the target's own code is among the nearest callers."""
    frame = sys._getframe(2)
    for _ in range(6):
        if frame is None:
            return False
        if frame.f_code.co_filename.startswith(root) and "site-packages" not in frame.f_code.co_filename:
            return True
        frame = frame.f_back  # type: ignore[assignment]
    return False


def _give_way() -> None:
    """Run the sitecustomize that this one hides, if there is one."""
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path[:] = [each for each in sys.path if os.path.abspath(each or ".") != here]
    ours = sys.modules.pop("sitecustomize", None)
    try:
        import sitecustomize  # type: ignore[import-not-found]  # noqa: F401
    except ImportError:
        if ours is not None:  # the import of this file looks for it once more, and complains when it is gone
            sys.modules["sitecustomize"] = ours


_install()
_give_way()
