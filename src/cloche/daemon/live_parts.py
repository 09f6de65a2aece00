"""Builds the live view: what every session's has in common. For `bootstrap` alone."""

from dataclasses import dataclass

from cloche.api.live.settings import LiveDoorSettings
from cloche.clock import Clock
from cloche.daemon.recording_parts import RecordingParts
from cloche.daemon.settings import Settings
from cloche.errors import InvalidError
from cloche.live.encoder_child import EncoderSettings
from cloche.live.encoder_process import EncoderStarter
from cloche.live.metrics import LiveMetrics
from cloche.live.screencast import Screencast
from cloche.live.stream import LiveStream, StreamSettings
from cloche.live.webrtc.ice import IceSettings, read_ice_settings
from cloche.sessions.audit import AuditWriter
from cloche.sessions.live.control import ControlTimes
from cloche.sessions.live.options import LiveOptions
from cloche.sessions.live.service import LiveService
from cloche.sessions.runner import SessionRunner


@dataclass(frozen=True, slots=True)
class LiveParts:
    stream: StreamSettings
    encoder: EncoderSettings
    max_viewers: int
    control_idle_s: float
    clock: Clock
    metrics: LiveMetrics
    audit: AuditWriter
    recordings: RecordingParts

    def of(self, runner: SessionRunner) -> LiveService:
        """One session's."""
        options = LiveOptions(
            max_viewers=self.max_viewers,
            clipboard=runner.session.options.live.clipboard,
            control=ControlTimes(taken_idle=self.control_idle_s),
        )
        live = LiveService(
            runner.session,
            runner,
            options=options,
            make_pictures=self._stream,
            clock=self.clock,
            metrics=self.metrics,
            audit=self.audit,
        )
        live.recorder = self.recordings.of(runner, live)
        return live

    def _stream(self, screencast: Screencast) -> LiveStream:
        return LiveStream(screencast, EncoderStarter(self.encoder), self.stream, self.metrics, self.clock)


def encoder_settings(settings: Settings) -> EncoderSettings:
    bwrap = str(settings.bubblewrap or "bwrap")
    return EncoderSettings(bwrap=bwrap, memory_bytes=settings.live_encoder_memory_bytes)


def live_parts(
    settings: Settings, *, clock: Clock, metrics: LiveMetrics, audit: AuditWriter, recordings: RecordingParts
) -> LiveParts:
    return LiveParts(
        stream=StreamSettings(max_fps=settings.live_max_fps, target_bits_per_second=settings.live_bitrate),
        encoder=encoder_settings(settings),
        max_viewers=settings.live_max_viewers,
        control_idle_s=settings.live_control_idle_s,
        clock=clock,
        metrics=metrics,
        audit=audit,
        recordings=recordings,
    )


def live_door_settings(settings: Settings, *, is_loopback: bool) -> LiveDoorSettings:
    """Raises: InvalidError."""
    return LiveDoorSettings(
        transports=settings.live_transports,
        codecs=settings.live_codecs,
        webrtc_timeout_s=settings.live_webrtc_timeout_s,
        fallback_fps=settings.live_fallback_fps,
        frame_ancestors=settings.live_frame_ancestors,
        ice=_ice(settings, is_loopback=is_loopback),
        max_link_lifetime_s=settings.live_link_max_s,
    )


def _ice(settings: Settings, *, is_loopback: bool) -> IceSettings:
    secret = settings.live_turn_secret
    try:
        return read_ice_settings(
            stun=settings.live_stun,
            turn_urls=settings.live_turn_urls,
            turn_secret=secret.get_secret_value() if secret is not None else "",
            turn_ttl_s=settings.live_turn_ttl_s,
            public_address=settings.live_public_address,
            udp_ports=settings.live_udp_ports,
            relay_only=settings.live_relay_only,
            loopback=is_loopback,
            private_viewers=settings.live_private_viewers,
        )
    except ValueError as error:
        raise InvalidError(str(error), field="CLOCHE_LIVE_…") from None
