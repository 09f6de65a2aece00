"""DTLS and SCTP of aiortc, with bounds for what a hostile viewer sends once it is connected.

aiortc trusts whoever has finished the handshake: a packet that its parsers trip over ends the connection with a
traceback, and the receive window it announces is not kept to. Here whatever trips them is a violation, told once.
"""

from collections.abc import Callable
from typing import Final

from aiortc.rtcdtlstransport import RTCCertificate, RTCDtlsTransport
from aiortc.rtcicetransport import RTCIceTransport
from aiortc.rtcsctptransport import WEBRTC_DCEP, DataChunk, RTCSctpTransport

RECEIVE_WINDOW_BYTES: Final = 128 << 10
MAX_STREAM: Final = 1023
MAX_CHANNELS: Final = 4
MAX_MISORDERED: Final = 512
"""Chunks that came before one that is missing; each costs a look at all of them."""

OnViolation = Callable[[str], None]


class VideoDtls(RTCDtlsTransport):
    """Takes RTCP, and no RTP: nobody sends us pictures."""

    def __init__(self, ice: RTCIceTransport, on_violation: OnViolation) -> None:
        certificate = RTCCertificate.generateCertificate()
        super().__init__(ice, [certificate])
        self._on_violation = on_violation
        prints = {one.algorithm: one.value for one in certificate.getFingerprints()}
        self.fingerprint = prints["sha-256"]

    async def _handle_rtcp_data(self, data: bytes) -> None:
        try:
            await super()._handle_rtcp_data(data)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001  A stranger's bytes in aiortc's parser.
            self._on_violation("rtcp")

    async def _handle_rtp_data(self, data: bytes, arrival_time_ms: int) -> None:
        pass


class InputSctp(RTCSctpTransport):
    """Carries the data channel."""

    def __init__(self, dtls: RTCDtlsTransport, on_violation: OnViolation) -> None:
        super().__init__(dtls)
        self._on_violation = on_violation
        self._advertised_rwnd = RECEIVE_WINDOW_BYTES

    async def _handle_data(self, data: bytes) -> None:
        try:
            await super()._handle_data(data)
        except ConnectionError:
            raise
        except Exception:  # noqa: BLE001  As above; also text that is not UTF-8.
            self._on_violation("sctp")

    async def _receive_data_chunk(self, chunk: DataChunk) -> None:
        opens = chunk.protocol == WEBRTC_DCEP and len(self._data_channels) >= MAX_CHANNELS
        if opens or chunk.stream_id > MAX_STREAM or len(self._sack_misordered) > MAX_MISORDERED:
            self._on_violation("sctp")
            return
        await super()._receive_data_chunk(chunk)
        if self._advertised_rwnd < 0:
            self._on_violation("sctp")
