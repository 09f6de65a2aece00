"""DevTools' Network events, as far as they are read. Pure."""

import msgspec

from cloche.browser.devtools.bounds import Id, Number, Whole


class Request(msgspec.Struct):
    url: str = ""
    method: str = ""
    headers: dict[str, str] = {}


class Timing(msgspec.Struct):
    """CDP Network.ResourceTiming: milliseconds since `requestTime`, -1 where there was no such step."""

    requestTime: Number = 0.0
    dnsStart: Number = -1
    dnsEnd: Number = -1
    connectStart: Number = -1
    connectEnd: Number = -1
    sendStart: Number = -1
    sendEnd: Number = -1
    receiveHeadersEnd: Number = -1


class Response(msgspec.Struct):
    url: str = ""
    status: Whole = 0
    headers: dict[str, str] = {}
    mimeType: str = ""
    protocol: str = ""
    remoteIPAddress: str = ""
    remotePort: Whole = 0
    fromDiskCache: bool = False
    fromServiceWorker: bool = False
    encodedDataLength: Number = 0
    timing: Timing | None = None


class CallFrame(msgspec.Struct):
    url: str = ""
    lineNumber: Whole = -1


class Stack(msgspec.Struct):
    callFrames: list[CallFrame] = []


class Initiator(msgspec.Struct):
    type: str = ""
    url: str = ""
    lineNumber: Number = -1
    stack: Stack | None = None


class RequestSent(msgspec.Struct):
    requestId: Id
    request: Request
    timestamp: Number = 0.0
    wallTime: Number = 0.0
    type: str = ""
    frameId: Id = ""
    initiator: Initiator = msgspec.field(default_factory=Initiator)
    redirectResponse: Response | None = None


class ResponseReceived(msgspec.Struct):
    requestId: Id
    response: Response
    type: str = ""
    timestamp: Number = 0.0


class Finished(msgspec.Struct):
    requestId: Id
    timestamp: Number = 0.0
    encodedDataLength: Number = 0.0


class Failed(msgspec.Struct):
    requestId: Id
    timestamp: Number = 0.0
    errorText: str = ""
    blockedReason: str = ""
    canceled: bool = False


class ServedFromCache(msgspec.Struct):
    requestId: Id


class WebSocketCreated(msgspec.Struct):
    requestId: Id
    url: str = ""
    initiator: Initiator = msgspec.field(default_factory=Initiator)


class WebSocketAnswered(msgspec.Struct):
    requestId: Id
    response: Response
    timestamp: Number = 0.0


class WebSocketFailed(msgspec.Struct):
    requestId: Id
    errorMessage: str = ""
    timestamp: Number = 0.0


class WebSocketClosed(msgspec.Struct):
    requestId: Id
    timestamp: Number = 0.0
