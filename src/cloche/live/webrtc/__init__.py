"""One viewer's WebRTC connection: video that was encoded already goes out, messages come in.

`peer` is what a door makes for each viewer. Pure: `ice` (servers, time-limited credentials), `candidates` (which
addresses we let our agent call), `sdp` (offers and answers, read strictly), `describe` (what is chosen, and our own
SDP), `payloads` and `packets` (RTP, RTCP), `rate` (what the link takes). Around them: `agent` (ICE on aioice),
`transports` (DTLS and SCTP of aiortc, hardened), `sender` (paces, keeps what may have to be sent again), `channel`
(the data channel), `limits`.

aiortc's own RTCPeerConnection and RTCRtpSender are not used. Its parser was not made for hostile SDP, and it cannot
refuse a media section; the sender adds a random origin to timestamps, has no pacer, remembers 128 packets and loses
requests for key frames when what it sends is encoded already.

Nothing here encodes, decodes or looks into pictures. Importing `peer` loads aiortc, and with it PyAV: about 40 MB.
"""
