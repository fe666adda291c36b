"""Optional packages: an error that names the extra to install when one is missing."""

from collections.abc import Iterator
from contextlib import contextmanager

from chassis.errors import ChassisError


@contextmanager
def extra(name: str) -> Iterator[None]:
    """Import what belongs to an extra inside of this block.

    Raises:
        ChassisError: a package is missing; the message says what to install.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        raise ChassisError(f"the package {error.name} is missing: install roadworthy-chassis[{name}]") from error
