"""What is chosen of a viewer's SDP, and the SDP that we say. Pure.

We send one video track and share one data channel, both over one transport (BUNDLE, rtcp-mux). Whatever else a viewer
offers is refused with port 0. Our candidates all stand in our SDP; we do not trickle.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from cloche.errors import InvalidError
from cloche.live.model import Codec
from cloche.live.webrtc.sdp import Description, Format, Media, Transport, bad_sdp

MAX_MESSAGE_BYTES: Final = 16 << 10
"""Of one message on the data channel, as our SDP says; paste more over the WebSocket."""
SCTP_PORT: Final = 5000

MID: Final = "urn:ietf:params:rtp-hdrext:sdes:mid"
SEND_TIME: Final = "http://www.webrtc.org/experiments/rtp-hdrext/abs-send-time"
"""The viewer's estimate of its bandwidth (REMB) is made from it."""
PLAYOUT_DELAY: Final = "http://www.webrtc.org/experiments/rtp-hdrext/playout-delay"
"""With it we ask the viewer to show each frame at once."""
EXTENSIONS: Final = (MID, SEND_TIME, PLAYOUT_DELAY)

_PAYLOAD_TYPES: Final = {Codec.VP8: 96, Codec.H264: 98}
"""Of our offers; the next number is that of its retransmissions (RFC 4588)."""
_H264_PARAMETERS: Final = {
    "level-asymmetry-allowed": "1",
    "packetization-mode": "1",
    "profile-level-id": "42e01f",
}
_PARAMETERS: Final = {Codec.VP8: dict[str, str](), Codec.H264: _H264_PARAMETERS}
_FEEDBACK: Final = ("goog-remb", "nack", "nack pli")


@dataclass(frozen=True, slots=True)
class VideoRoute:
    """How a negotiated video is put in packets."""

    codec: Codec
    mid: str
    payload_type: int
    retransmit_type: int | None
    extensions: dict[str, int]
    """Ids of those of `EXTENSIONS` that the viewer knows, 1 to 14."""
    parameters: dict[str, str]


@dataclass(frozen=True, slots=True)
class DataRoute:
    mid: str
    port: int
    max_message_bytes: int
    """That the viewer takes."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """What both sides' SDP come to."""

    video: VideoRoute
    data: DataRoute | None
    remote: Transport
    candidates: list[str]
    mids: tuple[str, ...]
    """Of all sections in their order: to which a trickled candidate may belong."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ourselves:
    """What our SDP says of us."""

    ufrag: str
    password: str = field(repr=False)
    fingerprint: str
    """SHA-256, as `AB:CD:…`."""
    candidates: tuple[str, ...]
    """Without `a=candidate:`."""
    ssrc: int
    retransmit_ssrc: int
    name: str
    """RTCP's CNAME: random."""


def agree_to_offer(offer: Description, codecs: Sequence[Codec]) -> Agreement:
    """Choose from a viewer's offer; of `codecs` the earliest that it has.

    Raises: InvalidError (`bad_sdp`; `no_common_codec`: there is no video that we could send).
    """
    videos = [media for media in offer.media if media.kind == "video" and _wants_video(media)]
    if not videos:
        raise bad_sdp("the offer asks for no video")
    video = videos[0]
    data = next((media for media in offer.media if _is_data(media) and _shares(offer, video, media)), None)
    return _agree(offer, video, data, codecs)


def agree_to_answer(answer: Description, codecs: Sequence[Codec]) -> Agreement:
    """Read a viewer's answer to `offer_sdp`. Raises: InvalidError, as above."""
    if [media.kind for media in answer.media] != ["video", "application"] or not answer.media[0].port:
        raise bad_sdp("the answer does not take the video")
    video, data = answer.media
    if (video.mid, data.mid) != ("0", "1") or video.direction not in ("recvonly", "sendrecv"):
        raise bad_sdp("the answer does not fit the offer")
    if video.transport.setup not in ("active", "passive"):
        raise bad_sdp()
    return _agree(answer, video, data if _is_data(data) and _shares(answer, video, data) else None, codecs)


def answer_sdp(offer: Description, agreement: Agreement, us: Ourselves) -> str:
    """Our answer: what was agreed to, and refusals of the rest in its place (RFC 8829, section 5.3.1)."""
    # To start DTLS is ours where it is left to us: the viewer waits one round trip less.
    setup = "passive" if agreement.remote.setup == "active" else "active"
    taken = [agreement.video.mid, *([agreement.data.mid] if agreement.data else [])]
    in_order = [media.mid for media in offer.media if media.mid in taken]
    lines = _head(in_order)
    for media in offer.media:
        if media.mid == agreement.video.mid:
            lines += _video(agreement.video.mid, [agreement.video], us, setup, has_candidates=media.mid == in_order[0])
        elif agreement.data and media.mid == agreement.data.mid:
            lines += _data(agreement.data.mid, us, setup, has_candidates=media.mid == in_order[0])
        else:
            lines += [f"m={media.kind} 0 {media.protocol} {media.first_format}", "c=IN IP4 0.0.0.0", "a=inactive"]
            lines += [f"a=mid:{media.mid}"] if media.mid else []
    return _text(lines)


def offer_sdp(codecs: Sequence[Codec], us: Ourselves) -> str:
    """Our offer: the video, sent only, in any of `codecs`, best first; and the data channel."""
    routes = [
        VideoRoute(
            codec,
            "0",
            _PAYLOAD_TYPES[codec],
            _PAYLOAD_TYPES[codec] + 1,
            {uri: number for number, uri in enumerate(EXTENSIONS, 1)},
            _PARAMETERS[codec],
        )
        for codec in codecs
    ]
    lines = _head(["0", "1"])
    lines += _video("0", routes, us, "actpass", has_candidates=True)
    lines += _data("1", us, "actpass", has_candidates=False)
    return _text(lines)


def _agree(remote: Description, video: Media, data: Media | None, codecs: Sequence[Codec]) -> Agreement:
    if not video.rtcp_mux or not video.mid:
        raise bad_sdp()
    chosen = _choose(video, codecs)
    if chosen is None:
        raise InvalidError("no video codec in common", reason="no_common_codec")
    codec, format_ = chosen
    route = VideoRoute(
        codec,
        video.mid,
        format_.payload_type,
        _retransmit_type(video, format_.payload_type),
        {uri: number for uri in EXTENSIONS if 1 <= (number := video.extensions.get(uri, 0)) <= 14},
        {key: format_.parameters[key] for key in _PARAMETERS[codec] if key in format_.parameters},
    )
    # The section that comes first in the bundle says how all of it is reached (RFC 8843, section 7.2).
    tagged = video
    if (
        data is not None
        and data.mid in remote.bundle
        and remote.bundle.index(data.mid) < remote.bundle.index(video.mid)
    ):
        tagged = data
    if not (tagged.transport.ufrag and tagged.transport.password and tagged.transport.fingerprints):
        raise bad_sdp()
    return Agreement(
        route,
        DataRoute(data.mid, data.sctp_port, data.max_message_bytes) if data is not None else None,
        tagged.transport,
        tagged.candidates,
        tuple(media.mid for media in remote.media),
    )


def _wants_video(media: Media) -> bool:
    return (media.port != 0 or media.bundle_only) and media.direction in ("recvonly", "sendrecv")


def _is_data(media: Media) -> bool:
    return (
        media.kind == "application"
        and media.protocol in ("UDP/DTLS/SCTP", "TCP/DTLS/SCTP")
        and media.first_format == "webrtc-datachannel"
        and media.sctp_port != 0
        and bool(media.mid)
        and (media.port != 0 or media.bundle_only)
    )


def _shares(remote: Description, video: Media, data: Media) -> bool:
    """Whether one transport carries both."""
    return video.mid in remote.bundle and data.mid in remote.bundle


def _choose(video: Media, codecs: Sequence[Codec]) -> tuple[Codec, Format] | None:
    for codec in codecs:
        for format_ in video.formats.values():
            if format_.clock_rate == 90_000 and _fits(codec, format_):
                return codec, format_
    return None


def _fits(codec: Codec, format_: Format) -> bool:
    if codec is Codec.VP8:
        return format_.name == "vp8"
    # Constrained baseline is also baseline (66), in fragments (RFC 6184, section 8.1).
    profile = format_.parameters.get("profile-level-id", "42e01f").lower()
    return format_.name == "h264" and profile[:2] == "42" and format_.parameters.get("packetization-mode") == "1"


def _retransmit_type(video: Media, payload_type: int) -> int | None:
    for format_ in video.formats.values():
        if format_.name == "rtx" and format_.parameters.get("apt") == str(payload_type):
            return format_.payload_type
    return None


def _head(bundle: Sequence[str]) -> list[str]:
    return [
        "v=0",
        "o=- 1 1 IN IP4 0.0.0.0",
        "s=-",
        "t=0 0",
        f"a=group:BUNDLE {' '.join(bundle)}",
        "a=msid-semantic:WMS *",
    ]


def _video(mid: str, routes: Sequence[VideoRoute], us: Ourselves, setup: str, *, has_candidates: bool) -> list[str]:
    types = [t for route in routes for t in (route.payload_type, route.retransmit_type) if t is not None]
    lines = [
        f"m=video 9 UDP/TLS/RTP/SAVPF {' '.join(map(str, types))}",
        "c=IN IP4 0.0.0.0",
        "a=rtcp:9 IN IP4 0.0.0.0",
        *_transport(us, setup, has_candidates=has_candidates),
        f"a=mid:{mid}",
        *(f"a=extmap:{number} {uri}" for uri, number in routes[0].extensions.items()),
        "a=sendonly",
        "a=msid:cloche screen",
        "a=rtcp-mux",
    ]
    for route in routes:
        lines += _format(route)
    # Chromium takes the first stream it reads for the video.
    if any(route.retransmit_type is not None for route in routes):
        lines.append(f"a=ssrc-group:FID {us.ssrc} {us.retransmit_ssrc}")
        return [*lines, f"a=ssrc:{us.ssrc} cname:{us.name}", f"a=ssrc:{us.retransmit_ssrc} cname:{us.name}"]
    return [*lines, f"a=ssrc:{us.ssrc} cname:{us.name}"]


def _format(route: VideoRoute) -> list[str]:
    number = route.payload_type
    lines = [f"a=rtpmap:{number} {'VP8' if route.codec is Codec.VP8 else 'H264'}/90000"]
    lines += [f"a=rtcp-fb:{number} {feedback}" for feedback in _FEEDBACK]
    if route.parameters:
        lines.append(f"a=fmtp:{number} {';'.join(f'{key}={value}' for key, value in route.parameters.items())}")
    if route.retransmit_type is not None:
        lines += [f"a=rtpmap:{route.retransmit_type} rtx/90000", f"a=fmtp:{route.retransmit_type} apt={number}"]
    return lines


def _data(mid: str, us: Ourselves, setup: str, *, has_candidates: bool) -> list[str]:
    return [
        "m=application 9 UDP/DTLS/SCTP webrtc-datachannel",
        "c=IN IP4 0.0.0.0",
        *_transport(us, setup, has_candidates=has_candidates),
        f"a=mid:{mid}",
        f"a=sctp-port:{SCTP_PORT}",
        f"a=max-message-size:{MAX_MESSAGE_BYTES}",
    ]


def _transport(us: Ourselves, setup: str, *, has_candidates: bool) -> list[str]:
    candidates = [f"a=candidate:{candidate}" for candidate in us.candidates] if has_candidates else []
    return [
        *candidates,
        *(["a=end-of-candidates"] if has_candidates else []),
        f"a=ice-ufrag:{us.ufrag}",
        f"a=ice-pwd:{us.password}",
        f"a=fingerprint:sha-256 {us.fingerprint}",
        f"a=setup:{setup}",
    ]


def _text(lines: list[str]) -> str:
    return "\r\n".join(lines) + "\r\n"
