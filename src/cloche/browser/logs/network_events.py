"""DevTools' Network events, as far as they are read. Pure."""

from typing import Any

import msgspec


class Request(msgspec.Struct):
    url: str = ""
    method: str = ""
    headers: dict[str, Any] = {}


class Timing(msgspec.Struct):
    """CDP Network.ResourceTiming: milliseconds since `requestTime`, -1 where there was no such step."""

    requestTime: float = 0.0
    dnsStart: float = -1
    dnsEnd: float = -1
    connectStart: float = -1
    connectEnd: float = -1
    sendStart: float = -1
    sendEnd: float = -1
    receiveHeadersEnd: float = -1


class Response(msgspec.Struct):
    url: str = ""
    status: int = 0
    headers: dict[str, Any] = {}
    mimeType: str = ""
    protocol: str = ""
    remoteIPAddress: str = ""
    remotePort: int = 0
    fromDiskCache: bool = False
    fromServiceWorker: bool = False
    encodedDataLength: float = 0
    timing: Timing | None = None


class CallFrame(msgspec.Struct):
    url: str = ""
    lineNumber: int = -1


class Stack(msgspec.Struct):
    callFrames: list[CallFrame] = []


class Initiator(msgspec.Struct):
    type: str = ""
    url: str = ""
    lineNumber: float = -1
    stack: Stack | None = None


class RequestSent(msgspec.Struct):
    requestId: str
    request: Request
    timestamp: float = 0.0
    wallTime: float = 0.0
    type: str = ""
    frameId: str = ""
    initiator: Initiator = msgspec.field(default_factory=Initiator)
    redirectResponse: Response | None = None


class ResponseReceived(msgspec.Struct):
    requestId: str
    response: Response
    type: str = ""
    timestamp: float = 0.0


class Finished(msgspec.Struct):
    requestId: str
    timestamp: float = 0.0
    encodedDataLength: float = 0.0


class Failed(msgspec.Struct):
    requestId: str
    timestamp: float = 0.0
    errorText: str = ""
    blockedReason: str = ""
    canceled: bool = False


class ServedFromCache(msgspec.Struct):
    requestId: str


class WebSocketCreated(msgspec.Struct):
    requestId: str
    url: str = ""
    initiator: Initiator = msgspec.field(default_factory=Initiator)


class WebSocketAnswered(msgspec.Struct):
    requestId: str
    response: Response
    timestamp: float = 0.0


class WebSocketFailed(msgspec.Struct):
    requestId: str
    errorMessage: str = ""
    timestamp: float = 0.0


class WebSocketClosed(msgspec.Struct):
    requestId: str
    timestamp: float = 0.0
