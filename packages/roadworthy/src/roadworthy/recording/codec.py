"""Evidence, exchanges and headers as JSON, and back. What is read is validated: a recording may come from anywhere."""

from typing import Any

from pydantic import TypeAdapter

from roadworthy.domain import evidence as evidence_module
from roadworthy.domain.evidence import Evidence, Exchange
from roadworthy.domain.recording import Header


def evidence_types() -> dict[str, type[Evidence]]:
    """Every kind of evidence, by name."""
    return {
        name: each
        for name, each in vars(evidence_module).items()
        if isinstance(each, type) and issubclass(each, Evidence) and each is not Evidence
    }


_adapters: dict[type[Any], TypeAdapter[Any]] = {}


def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    if kind not in _adapters:
        _adapters[kind] = TypeAdapter(kind)
    return _adapters[kind]


def dump(value: Evidence | Exchange | Header) -> Any:
    """Return a JSON-ready value."""
    return _adapter(type(value)).dump_python(value, mode="json")


def load_evidence(name: str, data: Any) -> Evidence:
    """Read one piece of evidence.

    Raises:
        ValueError: the kind is unknown, or the data do not fit it.
    """
    kinds = evidence_types()
    if name not in kinds:
        raise ValueError(f"unknown kind of evidence {name!r}")
    loaded: Evidence = _adapter(kinds[name]).validate_python(data)
    return loaded


def load_exchange(data: Any) -> Exchange:
    """Read one exchange.

    Raises:
        ValueError: the data do not fit.
    """
    loaded: Exchange = _adapter(Exchange).validate_python(data)
    return loaded


def load_header(data: Any) -> Header:
    """Read a header.

    Raises:
        ValueError: the data do not fit.
    """
    loaded: Header = _adapter(Header).validate_python(data)
    return loaded
