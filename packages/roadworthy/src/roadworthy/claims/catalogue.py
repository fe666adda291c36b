"""Every claim there is. Claims are discovered: a new file in a category's folder is all that one takes."""

import importlib
import pkgutil
from collections.abc import Iterable
from types import ModuleType

from roadworthy import claims
from roadworthy.domain.claim import Claim


class CatalogueError(Exception):
    """A module among the claims is not a claim, or two of them have the same id."""


def catalogue() -> tuple[Claim, ...]:
    """Return every claim, by category and then by id.

    Raises:
        CatalogueError: a module among the claims has no ``CLAIM``, or two claims share an id.
    """
    return collect(importlib.import_module(name) for name in module_names())


def module_names() -> tuple[str, ...]:
    """Return the names of the modules that must each hold a claim."""
    prefix = f"{claims.__name__}."
    found = (module.name for module in pkgutil.walk_packages(claims.__path__, prefix) if not module.ispkg)
    return tuple(name for name in found if name != __name__ and not name.rpartition(".")[2].startswith("_"))


def collect(modules: Iterable[ModuleType]) -> tuple[Claim, ...]:
    """Return the claims of these modules, by category and then by id.

    Raises:
        CatalogueError: a module has no ``CLAIM``, or two claims share an id.
    """
    owners: dict[str, str] = {}
    found: list[Claim] = []
    for module in modules:
        claim = getattr(module, "CLAIM", None)
        if not isinstance(claim, Claim):
            raise CatalogueError(
                f"{module.__name__} has no CLAIM of type Claim; define one, or start the file's name with an underscore"
            )
        if claim.id in owners:
            raise CatalogueError(
                f'"{claim.id}" is the id of two claims, in {owners[claim.id]} and in {module.__name__}; rename one'
            )
        owners[claim.id] = module.__name__
        found.append(claim)
    return tuple(sorted(found, key=lambda claim: (claim.category, claim.id)))
