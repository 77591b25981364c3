"""Does a JSON value satisfy one of schema/*.json?

The part of JSON Schema draft 2020-12 that our schemas use. An unknown keyword is an error, never passed over, so that
nobody believes in a check that is not made.
"""

import re

ANNOTATIONS = {"$schema", "$defs", "title", "description", "default"}
TYPES = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "number": lambda value: isinstance(value, (int, float)) and not isinstance(value, bool),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
}


def _type(value, wanted, _where, _root):
    names = wanted if isinstance(wanted, list) else [wanted]
    if not any(TYPES[name](value) for name in names):
        yield f"is {type(value).__name__}, not {' or '.join(names)}"


def _const(value, wanted, _where, _root):
    if value != wanted or isinstance(value, bool) != isinstance(wanted, bool):
        yield f"is {value!r}, not {wanted!r}"


def _enum(value, wanted, _where, _root):
    if value not in wanted:
        yield f"is {value!r}, not one of {wanted}"


def _pattern(value, wanted, _where, _root):
    if isinstance(value, str) and not re.search(wanted, value):
        yield f"is {value!r}, does not match {wanted}"


def _minimum(value, wanted, _where, _root):
    if isinstance(value, int) and value < wanted:
        yield f"is {value}, below {wanted}"


def _maximum(value, wanted, _where, _root):
    if isinstance(value, int) and value > wanted:
        yield f"is {value}, above {wanted}"


def _required(value, wanted, _where, _root):
    if isinstance(value, dict):
        for name in wanted:
            if name not in value:
                yield f"lacks {name}"


def _properties(value, wanted, where, root):
    if isinstance(value, dict):
        for name, schema in wanted.items():
            if name in value:
                yield from check(value[name], schema, f"{where}.{name}", root)


def _items(value, wanted, where, root):
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from check(item, wanted, f"{where}[{i}]", root)


def _ref(value, wanted, where, root):
    assert wanted.startswith("#/$defs/"), wanted
    yield from check(value, root["$defs"][wanted.removeprefix("#/$defs/")], where, root)


def _additional(value, wanted, where, root):
    if isinstance(value, dict) and isinstance(wanted, dict):  # false is the business of undescribed()
        for name, member in value.items():
            yield from check(member, wanted, f"{where}.{name}", root)


def _one_of(value, wanted, where, root):
    fits = sum(not list(check(value, schema, where, root)) for schema in wanted)
    if fits != 1:
        yield f"fits {fits} of {len(wanted)} alternatives, not one"


def _min_items(value, wanted, _where, _root):
    if isinstance(value, list) and len(value) < wanted:
        yield f"has {len(value)} items, fewer than {wanted}"


def _max_items(value, wanted, _where, _root):
    if isinstance(value, list) and len(value) > wanted:
        yield f"has {len(value)} items, more than {wanted}"


KEYWORDS = {"type": _type, "const": _const, "enum": _enum, "pattern": _pattern, "minimum": _minimum, "maximum": _maximum,
            "required": _required, "properties": _properties, "items": _items, "$ref": _ref,
            "additionalProperties": _additional, "oneOf": _one_of, "minItems": _min_items, "maxItems": _max_items}


def check(value, schema, where="$", root=None):
    """Yields one line for each place that breaks the schema."""
    root = schema if root is None else root
    for keyword, wanted in schema.items():
        if keyword in ANNOTATIONS:
            continue
        if keyword not in KEYWORDS:
            raise ValueError(f"the checker does not know the keyword {keyword} at {where}")
        for complaint in KEYWORDS[keyword](value, wanted, where, root):
            yield complaint if complaint.startswith("$") else f"{where} {complaint}"


def undescribed(value, schema, where="$", root=None):
    """Yields the fields of a value that its schema does not mention."""
    root = schema if root is None else root
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    if isinstance(value, dict):
        for name, member in value.items():
            if name in schema.get("properties", {}):
                yield from undescribed(member, schema["properties"][name], f"{where}.{name}", root)
            elif isinstance(schema.get("additionalProperties"), dict):
                yield from undescribed(member, schema["additionalProperties"], f"{where}.{name}", root)
            else:
                yield f"{where}.{name}"
    if isinstance(value, list):
        for i, item in enumerate(value):
            yield from undescribed(item, schema.get("items", {}), f"{where}[{i}]", root)
