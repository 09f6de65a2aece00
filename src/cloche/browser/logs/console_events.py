"""DevTools' events about the console, as far as they are read. Pure."""

from typing import Any

import msgspec

from cloche.browser.devtools.bounds import Number, Whole


class Property(msgspec.Struct):
    name: str = ""
    type: str = ""
    value: str = ""
    subtype: str = ""


class Preview(msgspec.Struct):
    type: str = ""
    subtype: str = ""
    description: str = ""
    overflow: bool = False
    properties: list[Property] = []


class Value(msgspec.Struct):
    """CDP Runtime.RemoteObject."""

    type: str = ""
    subtype: str = ""
    value: Any = None
    unserializableValue: str = ""
    description: str = ""
    objectId: str = ""
    preview: Preview | None = None


class Frame(msgspec.Struct):
    functionName: str = ""
    url: str = ""
    lineNumber: Whole = -1
    columnNumber: Whole = -1


class Stack(msgspec.Struct):
    callFrames: list[Frame] = []
    parent: "Stack | None" = None
    description: str = ""


class Called(msgspec.Struct):
    """Runtime.consoleAPICalled; `timestamp` in milliseconds since 1970."""

    type: str = ""
    args: list[Value] = []
    timestamp: Number = 0.0
    stackTrace: Stack | None = None


class Details(msgspec.Struct):
    text: str = ""
    lineNumber: Whole = -1
    columnNumber: Whole = -1
    url: str = ""
    stackTrace: Stack | None = None
    exception: Value | None = None


class Thrown(msgspec.Struct):
    timestamp: Number = 0.0
    exceptionDetails: Details = msgspec.field(default_factory=Details)


class LogEntry(msgspec.Struct):
    source: str = ""
    level: str = ""
    text: str = ""
    timestamp: Number = 0.0
    url: str = ""
    lineNumber: Whole = -1
    stackTrace: Stack | None = None


class EntryAdded(msgspec.Struct):
    entry: LogEntry
