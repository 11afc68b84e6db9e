"""Dataclasses with slots whose `__init__` is made with the first instance.

The standard library writes and compiles six methods for each class while its module is loaded:
half a millisecond a class, for two hundred classes more than all else of a command. Here the
classes share what is the same for all, and one compiled `__init__` serves all that have as
many fields, under the names of each. To a type checker, and to `replace`, `fields` and
`asdict` of the standard library, each is a dataclass. A class with a `__post_init__`, or
without slots, cannot be one of them and stays with the standard library.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from functools import cache, partial
from operator import attrgetter
from types import CodeType, FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

__all__ = ["dataclass"]

_MADE_ANEW: Any = object()  # stands for a default that each instance has of its own
_WITHOUT_SLOTS = frozenset({"__dict__", "__weakref__"})


def _dataclass(*, frozen: bool = False, slots: bool) -> Callable[[type], type]:
    if not slots:
        raise TypeError("a dataclass without slots is made by the standard library")
    return partial(_made, methods=_FROZEN if frozen else _CHANGEABLE)


def _made(cls: type, methods: Mapping[str, object]) -> type:
    """Return a class like this one that has a slot for each field, and these methods."""
    if any(hasattr(base, "__record__") for base in cls.__bases__):
        raise TypeError(f"{cls.__name__} inherits fields, which no other record does")
    own = {name: value for name, value in vars(cls).items() if name not in _WITHOUT_SLOTS}
    names = tuple(own.get("__annotations__", ()))
    defaults = {name: own.pop(name) for name in names if name in own}
    compared = [name for name in names if getattr(defaults.get(name), "compare", True)]
    own["__slots__"] = own["__match_args__"] = names
    own["__record__"] = attrgetter(*compared) if compared else type
    own["__dataclass_params__"] = SimpleNamespace(frozen=methods is _FROZEN)
    own["__dataclass_fields__"] = _FieldDescriptions(own.get("__annotations__", {}), defaults)
    return type(cls)(cls.__name__, cls.__bases__, {**methods, **own})


class _FieldDescriptions:
    """The fields as the standard library describes them, made out when it asks."""

    def __init__(self, annotations: Mapping[str, Any], defaults: Mapping[str, Any]) -> None:
        self.annotations = annotations
        self.defaults = defaults
        self.described: dict[str, dataclasses.Field[Any]] = {}

    def __get__(self, instance: object, owner: type) -> dict[str, dataclasses.Field[Any]]:
        if self.annotations and not self.described:
            self.described = self._described(owner.__name__)
        return self.described

    def _described(self, name: str) -> dict[str, dataclasses.Field[Any]]:
        body = {"__annotations__": self.annotations, "__doc__": "Fields.", **self.defaults}
        made: Any = dataclasses.dataclass(init=False, repr=False, eq=False)(
            type(name, (), body)
        )
        return dict(made.__dataclass_fields__)


def _init(self: Any, *values: object, **named: object) -> None:  # noqa: ANN401
    """Make the `__init__` of a class, put it in the place of this one, and run it.

    Another thread may have done so meanwhile: it comes to the same.
    """
    cls: Any = next(kind for kind in type(self).__mro__ if "__record__" in vars(kind))
    names: tuple[str, ...] = cls.__match_args__
    known = vars(cls)["__dataclass_fields__"].defaults
    setters, defaults = {}, []
    for number, name in enumerate(names):
        store, default = getattr(cls, name).__set__, known.get(name, dataclasses.MISSING)
        if isinstance(default, dataclasses.Field):
            if default.default_factory is not dataclasses.MISSING:
                store = partial(_store, store, default.default_factory)
                default = _MADE_ANEW
            else:
                default = default.default
        setters[f"set_{number}"] = store
        if default is not dataclasses.MISSING:
            defaults.append(default)
        elif defaults:
            raise TypeError(f"{cls.__name__}.{name} has no default, unlike a field before it")
    code = _setting(len(names)).replace(co_varnames=("self", *names))
    cls.__init__ = FunctionType(code, setters, "__init__", tuple(defaults))
    cls.__init__(self, *values, **named)


@cache
def _setting(many: int) -> CodeType:
    """Compile a function that sets so many fields, whatever their names."""
    parameters = ", ".join(["self", *(f"value_{number}" for number in range(many))])
    lines = [f"set_{number}(self, value_{number})" for number in range(many)] or ["pass"]
    scope: dict[str, Any] = {}
    exec(f"def __init__({parameters}):\n " + "\n ".join(lines), scope)  # noqa: S102 - no input
    code: CodeType = scope["__init__"].__code__
    return code


def _store(
    store: Callable[[object, object], None],
    make: Callable[[], object],
    record: object,
    value: object,
) -> None:
    """Set a field whose default each instance has of its own."""
    store(record, make() if value is _MADE_ANEW else value)


def _eq(self: Any, other: Any) -> Any:  # noqa: ANN401
    if type(other) is not type(self):
        return NotImplemented
    values: Callable[[Any], Any] = type(self).__record__
    return values(self) == values(other)


def _hash(self: Any) -> int:  # noqa: ANN401
    return hash(type(self).__record__(self))


def _repr(self: Any) -> str:  # noqa: ANN401
    values = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__match_args__)
    return f"{type(self).__qualname__}({values})"


def _refuse(self: object, name: str, *_: object) -> None:
    raise dataclasses.FrozenInstanceError(f"{type(self).__qualname__}.{name} cannot change")


def _reduce(self: Any) -> tuple[type, tuple[object, ...]]:  # noqa: ANN401
    return type(self), tuple(getattr(self, name) for name in self.__match_args__)


_CHANGEABLE = {
    "__init__": _init,
    "__eq__": _eq,
    "__hash__": None,
    "__repr__": _repr,
    "__reduce__": _reduce,
}
_FROZEN = {
    **_CHANGEABLE,
    "__hash__": _hash,
    "__setattr__": _refuse,
    "__delattr__": _refuse,
}

if TYPE_CHECKING:
    from dataclasses import dataclass
else:
    dataclass = _dataclass
