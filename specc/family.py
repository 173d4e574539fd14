"""`Member`: the base of everything that a spec names (layers, losses, optimizers, sources, ...).

A family is a class that sets `family_name`; each of its concrete subclasses registers itself under
its key when it is defined (one that sets `abstract` does not). One class is the single place of a
kind: its pydantic fields are the spec's fields, the JSON schema, the importer's map and the
reference page.

A spec writes a member in one of three forms, all read by `parse`:

    flatten                        a bare key: all defaults
    max_pooling2d: 2               a scalar or list: the member's first own field
    conv2d: {filters: 32, ...}     a mapping of fields
"""

from __future__ import annotations

import importlib
import math
import re
from collections.abc import Iterator, Sequence
from typing import Any, ClassVar, Self, TypeAlias, TypeVar, cast

from pydantic import (
    BaseModel,
    ConfigDict,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    ValidationError,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, InitErrorDetails, PydanticCustomError, core_schema
from typing_extensions import override

from specc.docs import field_docs
from specc.errors import InternalError, nearest

M = TypeVar("M", bound="Member")
Loc: TypeAlias = tuple[str | int, ...]
# What stands in a generated JSON schema where any member of a family may.
FAMILY_MARK = "x-family"
# Of one member; more would only take time.
MOST_ERRORS = 200
# The largest number of float32, in which everything is computed.
LARGEST = 3.4028234663852886e38
TOO_LARGE = "expected a number within float32, from -3.4e38 to 3.4e38"


def snake_case(name: str) -> str:
    """Keras' automatic name of a class: Conv2D conv2d, MaxPooling2D max_pooling2d, ReLU re_lu.

    Source: keras/src/utils/naming.py, to_snake_case.
    """
    name = re.sub(r"\W+", "", name)
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def explained(error: ValidationError, model: type[BaseModel], *above: str) -> ValidationError:
    """The same errors below `above`; unknown fields get the valid ones, missing ones their meaning.

    Only here is it known which model a field does not belong to.
    """
    lines: list[InitErrorDetails] = []
    for line in error.errors(include_url=False)[:MOST_ERRORS]:
        loc, kind, message = line["loc"], line["type"], line["msg"]
        name = str(loc[-1]) if loc else ""
        if kind == "extra_forbidden" and len(loc) == 1:
            kind = "unknown_field"
            message = f"unknown field {name!r};{nearest(name, model.model_fields)}"
            if not model.model_fields:
                message = f"unknown field {name!r}; there are none here"
        elif kind == "missing" and len(loc) == 1:
            kind = "missing_field"
            meaning = field_docs(model).get(name)
            message = f"missing field {name!r}" + (f": {meaning}" if meaning else "")
        custom = PydanticCustomError(kind, message, line.get("ctx"))  # pyright: ignore[reportArgumentType]
        lines.append(InitErrorDetails(type=custom, loc=(*above, *loc), input=line["input"]))
    return ValidationError.from_exception_data(error.title, lines)


def check_numbers(model: BaseModel) -> None:
    """Check that float32 holds the numbers in a model's fields; infinities it does.

    Raises:
        pydantic.ValidationError: it does not, by field.
    """
    lines = [
        InitErrorDetails(type=PydanticCustomError("too_large", TOO_LARGE), loc=loc, input=value)
        for loc, value in _numbers(dict(model), ())
        if LARGEST < abs(value) < math.inf
    ]
    if lines:
        raise ValidationError.from_exception_data(type(model).__name__, lines[:MOST_ERRORS])


def _numbers(value: object, loc: Loc) -> Iterator[tuple[Loc, float]]:
    """Every float in a value, with where it stands."""
    if isinstance(value, float):
        yield loc, value
    elif isinstance(value, dict):
        for key, item in cast("dict[str | int, object]", value).items():
            yield from _numbers(item, (*loc, key))
    elif isinstance(value, list | tuple):
        for i, item in enumerate(cast("Sequence[object]", value)):
            yield from _numbers(item, (*loc, i))


class Member(BaseModel):
    """One kind of a family, with its settings. Frozen; unknown fields are errors.

    Class attributes:
        key: the name in specs; snake_case of the class name unless the class sets it.
        key_prefix: what keys of a part of the family begin with.
        aliases: further names that are accepted (`mse`).
        family_name: set by a family's base; what messages call it ("layer", "loss").
        abstract: set by a base inside a family that no spec can name.
        late: modules that register members when one is first asked for, by what their keys begin
            with.
    """

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        validate_default=False,
        # Most runs name a few kinds out of hundreds: validators are built when first used.
        defer_build=True,
    )

    key: ClassVar[str] = ""
    key_prefix: ClassVar[str] = ""
    aliases: ClassVar[tuple[str, ...]] = ()
    family_name: ClassVar[str] = ""
    abstract: ClassVar[bool] = True
    members: ClassVar[dict[str, type[Member]]] = {}
    late: ClassVar[dict[str, str]] = {}

    @classmethod
    @override
    def __pydantic_init_subclass__(cls, **kwargs: Any) -> None:
        """Start a family, skip an abstract base, or register a member.

        Raises:
            InternalError: the key is taken by another class.
        """
        super().__pydantic_init_subclass__(**kwargs)
        if "family_name" in cls.__dict__:
            cls.members = {}
            cls.late = {}
            return
        if cls.__dict__.get("abstract", False):
            return
        if "key" not in cls.__dict__:
            cls.key = cls.key_prefix + snake_case(cls.__name__)
        for name in (cls.key, *cls.__dict__.get("aliases", ())):
            if name in cls.members:
                raise InternalError(f"{name!r} names {cls.members[name]} and {cls}")
            cls.members[name] = cls

    @classmethod
    def registered(cls) -> dict[str, type[Self]]:
        """Every member of the family by key and by alias, sorted."""
        for module in cls.late.values():
            importlib.import_module(module)
        return dict(sorted(cast("dict[str, type[Self]]", cls.members).items()))

    @classmethod
    def named(cls, name: object) -> type[Self] | None:
        """The member with a key or alias; None when there is none."""
        for prefix, module in cls.late.items():
            if isinstance(name, str) and name.startswith(prefix):
                importlib.import_module(module)
        return cast("dict[object, type[Self]]", cls.members).get(name)

    @classmethod
    def kinds(cls) -> dict[str, type[Self]]:
        """Every member of the family by key, sorted, without aliases."""
        return {name: kind for name, kind in cls.registered().items() if kind.key == name}

    @classmethod
    def find(cls, name: str) -> type[Self]:
        """The member called `name`.

        Raises:
            PydanticCustomError: there is none; the message has the nearest names.
        """
        kind = cls.named(name)
        if kind is None:
            raise PydanticCustomError(
                "unknown_member",
                "unknown {family} {name};{hint}",
                {
                    "family": cls.family_name,
                    "name": repr(name),
                    "hint": nearest(name, cls.kinds(), also=cls.members),
                },
            )
        return kind

    @classmethod
    def first_field(cls) -> str | None:
        """The field that a scalar or list sets: the member's first own one, in Keras' order."""
        base = next(base for base in cls.__mro__ if "members" in base.__dict__)
        own = [name for name in cls.model_fields if name not in getattr(base, "model_fields", {})]
        return own[0] if own else None

    @classmethod
    def parse(cls, value: object) -> Self:
        """A member from any of its three written forms, or a member itself.

        Raises:
            pydantic.ValidationError, PydanticCustomError: an unknown key or wrong fields.
        """
        if isinstance(value, cls):
            return value
        if isinstance(value, str):
            return cls.find(value).from_fields(None)
        several = ""
        if isinstance(value, dict):
            mapping = cast("dict[object, object]", value)
            names = [str(name) for name in mapping]
            if len(names) > 1 and any(map(cls.named, names)):
                for name in names:
                    cls.find(name)
                several = f"; leave one of {', '.join(names)}"
            if len(mapping) == 1:
                name, fields = next(iter(mapping.items()))
                kind = cls.find(str(name))
                try:
                    return kind.from_fields(fields)
                except ValidationError as error:
                    raise explained(error, kind, str(name)) from None
        article = "an" if cls.family_name[0] in "aeiou" else "a"
        found = cast("object", value)
        raise PydanticCustomError(
            "member_form",
            "expected {article} {family}: `name` or `name: {fields}`, found {value}{several}",
            {
                "several": several,
                "article": article,
                "family": cls.family_name,
                "fields": "{field: value}",
                "value": repr(found),
            },
        )

    @classmethod
    def from_fields(cls, fields: object) -> Self:
        """A member of this very kind from what stands behind its key: nothing, scalar, mapping."""
        if not isinstance(fields, dict):
            first = cls.first_field()
            if first is None and fields is not None:
                raise PydanticCustomError("no_fields", "{key} takes no value", {"key": cls.key})
            fields = {} if fields is None else {first: fields}
        try:
            made = cls.model_validate(fields)
            check_numbers(made)
        except ValidationError as error:
            raise explained(error, cls) from None
        return made

    def written(self) -> object:
        """The shortest form that `parse` reads back to an equal member."""
        fields = self.model_dump(mode="json", exclude_defaults=True)
        for name in fields:
            value = getattr(self, name)
            if isinstance(value, Member):
                fields[name] = value.written()
        return {self.key: fields} if fields else self.key

    def full(self) -> object:
        """The form that shows every field, those of members in fields included."""
        fields = self.model_dump(mode="json")
        for name in fields:
            value = getattr(self, name)
            if isinstance(value, Member):
                fields[name] = value.full()
        return {self.key: fields} if fields else self.key

    @classmethod
    @override
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """A field typed with a family takes every written form; one typed with a kind, its own."""
        if not cls.__dict__.get("family_name"):
            return handler(source)
        return core_schema.no_info_plain_validator_function(
            cls.parse,
            serialization=core_schema.plain_serializer_function_ser_schema(
                lambda member: cast("Member", member).written()
            ),
        )

    @classmethod
    @override
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler, /
    ) -> JsonSchemaValue:
        """A field typed with a family is a mark that `specc/spec/schema.py` resolves."""
        if cls.__dict__.get("family_name"):
            return {FAMILY_MARK: cls.family_name}
        return handler(core_schema)
