"""Writes docs/events.md, the catalogue of everything the log may hold: ``make docs``."""

import enum
import inspect
import types
import typing
from pathlib import Path

import msgspec

from exchange.kernel.events import Event
from exchange.orders.commands import AnyCommand, Command
from exchange.store.events import EVENTS as STORE_EVENTS
from exchange.venue.catalogue import EVENTS

PAGE = Path(__file__).with_name("events.md")

HEAD = """# Everything the log may hold

Made from the code by `make docs`; a test fails when it is out of date. Stored form: a JSON array
of the fields in this order. Fields are only ever added at the end, with a default.
"""


def page() -> str:
    """The whole page."""
    nested: dict[str, type] = {}
    parts = [HEAD, "## Events\n"]
    parts += [_section(each, each.TOPIC, nested) for each in (*STORE_EVENTS, *EVENTS)]
    parts.append("## Commands\n\nStored inside `orders.CommandRecorded.v1`, the kind first.\n")
    kinds = typing.get_args(AnyCommand)
    parts += [_section(each, str(each.__struct_config__.tag), nested) for each in kinds]
    parts.append("## Parts\n")
    done: set[str] = set()
    while nested.keys() - done:
        name = min(nested.keys() - done)
        done.add(name)
        parts.append(_section(nested[name], name, nested))
    return "\n".join(parts)


def _section(struct: type, title: str, nested: dict[str, type]) -> str:
    text = inspect.cleandoc(struct.__doc__ or "")
    if not issubclass(struct, msgspec.Struct):
        members = ", ".join(
            f"`{member.value}`" for member in typing.cast("type[enum.Enum]", struct)
        )
        return f"### {title}\n\n{text}\n\nOne of {members}.\n"
    hints = typing.get_type_hints(struct)
    rows = [
        f"| {field.name} | {_type(hints[field.name], nested)} |"
        for field in msgspec.structs.fields(struct)
    ]
    table = "\n".join(["| field | type |", "|---|---|", *rows]) if rows else "No fields."
    return f"### {title}\n\n{text}\n\n{table}\n"


def _type(hint: object, nested: dict[str, type]) -> str:
    """A type in words; structs and enums are remembered for their own section."""
    if hint is types.NoneType:
        return "null"
    if isinstance(hint, type) and issubclass(hint, enum.Enum | msgspec.Struct):
        if issubclass(hint, Command):
            return "command"
        if not issubclass(hint, Event):
            nested[hint.__name__] = hint
        return f"`{hint.__name__}`"
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is tuple:
        parts = [_type(each, nested) for each in arguments if each is not ...]
        return f"list of {parts[0]}" if ... in arguments else f"({', '.join(parts)})"
    if arguments:
        return " or ".join(dict.fromkeys(_type(each, nested) for each in arguments))
    return {"str": "text", "int": "integer", "bool": "true or false"}[getattr(hint, "__name__", "")]


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
