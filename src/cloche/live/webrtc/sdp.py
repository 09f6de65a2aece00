"""Session descriptions of viewers, read strictly. Pure. RFC 8866, RFC 8829 (JSEP), RFC 8839, RFC 8842, RFC 8843.

SDP is text from a stranger. What we need of it is read with patterns that match whole values; the rest is passed over;
what is needed and missing or malformed is an InvalidError (`bad_sdp`) that quotes nothing. Nothing read here stands in
SDP of ours but media ids, payload types and format parameters, each of a narrow alphabet.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from cloche.errors import InvalidError
from cloche.live.webrtc.candidates import MAX_CANDIDATES

MAX_SDP_CHARS: Final = 64 << 10
MAX_LINES: Final = 2000
MAX_MEDIA: Final = 4

_MEDIA_LINE: Final = re.compile(
    r"(audio|video|application|text|message|image) ([0-9]{1,5})(?:/[0-9]+)? (\S{1,64}) (.+)"
)
_TOKEN: Final = re.compile(r"[A-Za-z0-9._+-]{1,32}")
_UFRAG: Final = re.compile(r"[A-Za-z0-9+/=_-]{4,256}")
_PASSWORD: Final = re.compile(r"[A-Za-z0-9+/=_-]{22,256}")
_FINGERPRINT: Final = re.compile(r"(sha-256|sha-384|sha-512) ((?:[0-9A-F]{2}:){31,63}[0-9A-F]{2})", re.IGNORECASE)
_RTPMAP: Final = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9_.-]{1,32})/([0-9]{1,6})(?:/[0-9]+)?")
_FMTP: Final = re.compile(r"([0-9]{1,3}) ([A-Za-z0-9=;_./+, -]{1,512})")
_EXTMAP: Final = re.compile(r"([0-9]{1,3})(?:/[a-z]+)? (\S{1,256})(?: .*)?")
_NUMBER: Final = re.compile(r"[0-9]{1,10}")
_DIRECTIONS: Final = ("sendrecv", "sendonly", "recvonly", "inactive")
_SETUPS: Final = ("actpass", "active", "passive")


@dataclass(slots=True)
class Format:
    """One payload type of a media section."""

    payload_type: int
    name: str
    clock_rate: int
    parameters: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Transport:
    """How to reach and whom to expect: ICE credentials and the certificates' fingerprints."""

    ufrag: str = ""
    password: str = ""
    fingerprints: list[tuple[str, str]] = field(default_factory=list)
    setup: str = ""


@dataclass(slots=True)
class Media:
    """One media section."""

    kind: str
    port: int
    """0: refused by who says it (in an offer: only of use in a bundle, RFC 8843, or of none)."""
    protocol: str
    first_format: str
    mid: str = ""
    direction: str = "sendrecv"
    formats: dict[int, Format] = field(default_factory=dict)
    extensions: dict[str, int] = field(default_factory=dict)
    """Header extensions (RFC 8285): id by URI."""
    rtcp_mux: bool = False
    bundle_only: bool = False
    transport: Transport = field(default_factory=Transport)
    candidates: list[str] = field(default_factory=list)
    sctp_port: int = 0
    max_message_bytes: int = 65536
    """What it takes where it does not say (RFC 8841, section 6.1)."""


@dataclass(slots=True)
class Description:
    media: list[Media]
    bundle: tuple[str, ...]
    """Media ids that share one transport; the first names whose."""


def bad_sdp(detail: str = "not a session description that can be answered") -> InvalidError:
    return InvalidError(detail, reason="bad_sdp")


def read_sdp(text: str) -> Description:
    """Read an offer or an answer. Raises: InvalidError (`bad_sdp`)."""
    if len(text) > MAX_SDP_CHARS:
        raise bad_sdp("the session description is too large")
    lines = text.splitlines()
    if len(lines) > MAX_LINES or not lines or lines[0].strip() != "v=0":
        raise bad_sdp()
    return _Reader().read(lines)


class _Reader:
    def __init__(self) -> None:
        self._session = Transport()
        self._media: list[Media] = []
        self._bundle: tuple[str, ...] = ()
        self._candidates = 0

    def read(self, lines: list[str]) -> Description:
        for line in lines[1:]:
            key, _, value = line.strip().partition("=")
            if key == "m":
                self._take_media(value)
            elif key == "a":
                name, _, rest = value.partition(":")
                self._take_attribute(name, rest.strip())
        for media in self._media:
            self._inherit(media.transport)
        mids = [media.mid for media in self._media if media.mid]
        if not self._media or len(mids) != len(set(mids)) or len(self._bundle) != len(set(self._bundle)):
            raise bad_sdp()
        return Description(self._media, self._bundle)

    def _take_media(self, value: str) -> None:
        match = _MEDIA_LINE.fullmatch(value)
        if match is None or int(match[2]) > 65535 or len(self._media) == MAX_MEDIA:
            raise bad_sdp()
        first = match[4].split()[0]
        if not _TOKEN.fullmatch(first) or not re.fullmatch(r"[A-Za-z0-9/]+", match[3]):
            raise bad_sdp()
        media = Media(kind=match[1], port=int(match[2]), protocol=match[3], first_format=first)
        if media.kind in ("audio", "video"):
            # In the order in which they are preferred; what they are is told by rtpmap.
            media.formats = {number: Format(number, "", 0) for number in _payload_types(match[4])}
        self._media.append(media)

    def _take_attribute(self, name: str, value: str) -> None:
        media = self._media[-1] if self._media else None
        self._take_transport(media.transport if media else self._session, name, value)
        if media is None:
            if name == "group" and value.startswith("BUNDLE"):
                self._bundle = tuple(value.split()[1:])
            return
        if name == "candidate":
            self._candidates += 1
            if self._candidates > MAX_CANDIDATES:
                raise bad_sdp("the session description has too many candidates")
            media.candidates.append(value)
        elif name in _DIRECTIONS:
            media.direction = name
        elif name == "mid":
            media.mid = _whole(_TOKEN, value)[0]
        elif name == "rtcp-mux":
            media.rtcp_mux = True
        elif name == "bundle-only":
            media.bundle_only = True
        elif name == "sctp-port":
            media.sctp_port = int(_whole(_NUMBER, value)[0]) & 0xFFFF
        elif name == "max-message-size":
            media.max_message_bytes = int(_whole(_NUMBER, value)[0])
        else:
            _take_format(media, name, value)

    @staticmethod
    def _take_transport(transport: Transport, name: str, value: str) -> None:
        if name == "ice-ufrag":
            transport.ufrag = _whole(_UFRAG, value)[0]
        elif name == "ice-pwd":
            transport.password = _whole(_PASSWORD, value)[0]
        elif name == "setup":
            if value not in _SETUPS:
                raise bad_sdp()
            transport.setup = value
        elif name == "fingerprint" and len(transport.fingerprints) < 8 and (match := _FINGERPRINT.fullmatch(value)):
            # Of another algorithm: passed over, as one has to be of SHA-2 (RFC 8122, section 5).
            transport.fingerprints.append((match[1].lower(), match[2].upper()))

    def _inherit(self, own: Transport) -> None:
        """What a section does not say, the session says for it."""
        own.ufrag = own.ufrag or self._session.ufrag
        own.password = own.password or self._session.password
        own.setup = own.setup or self._session.setup
        own.fingerprints = own.fingerprints or list(self._session.fingerprints)


def _take_format(media: Media, name: str, value: str) -> None:
    """What concerns payload types and header extensions. Those we cannot read are ones that we cannot use."""
    if name == "rtpmap" and (match := _RTPMAP.fullmatch(value)):
        if known := media.formats.get(int(match[1])):
            known.name, known.clock_rate = match[2].lower(), int(match[3])
    elif name == "fmtp" and (match := _FMTP.fullmatch(value)):
        if known := media.formats.get(int(match[1])):
            known.parameters = dict(_parameters(match[2]))
    elif name == "extmap" and (match := _EXTMAP.fullmatch(value)) and len(media.extensions) < 64:
        media.extensions.setdefault(match[2], int(match[1]))


def _parameters(text: str) -> Iterator[tuple[str, str]]:
    for part in text.split(";"):
        key, _, value = part.strip().partition("=")
        if key:
            yield key.lower(), value


def _payload_types(text: str) -> Iterator[int]:
    """Raises: InvalidError. Those of RTCP's packet types cannot be told from it on one port (RFC 5761, section 4)."""
    words = text.split()
    if len(words) > 128:
        raise bad_sdp()
    for word in words:
        number = int(_whole(_NUMBER, word)[0])
        if number > 127:
            raise bad_sdp()
        if not 64 <= number <= 95:
            yield number


def _whole(pattern: re.Pattern[str], value: str) -> re.Match[str]:
    match = pattern.fullmatch(value)
    if match is None:
        raise bad_sdp()
    return match
