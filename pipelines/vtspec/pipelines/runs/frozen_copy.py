"""`dataclasses.replace` for the state of a run, which is made anew several times an event. Pure.

It copies what a frozen dataclass holds and changes some of that, without calling `__init__`: a
tenth of the time. So it is for classes without `__slots__`, `__post_init__` and fields that
`__init__` does not take; the type checker knows it as the one of the standard library.
"""

from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:
    _T = TypeVar("_T")

    def replace(frozen: _T, /, **changes: Any) -> _T:
        """The same with these fields changed."""
        copied = object.__new__(type(frozen))
        copied.__dict__.update(frozen.__dict__, **changes)
        return copied
