"""A toy adapter whose module needs a package as soon as it is imported."""

import pydantic

from vtspec.adapters.toy import adapter as toy


class Adapter(toy.Adapter):
    """As the toy."""

    made_with = pydantic.VERSION
