"""Builds everything: the only place that knows concrete classes. Settings go no further than this file."""

import secrets
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import structlog

from cloche.api.auth.keys import PREFIX, SECRET_BYTES, KeyStore
from cloche.api.deps import ApiDeps
from cloche.clock import SystemClock
from cloche.console import serve as console
from cloche.daemon import record
from cloche.daemon.audit_parts import open_journal
from cloche.daemon.data_plane_parts import data_plane
from cloche.daemon.doctor.from_settings import doctor_settings
from cloche.daemon.keeping import keeping_parts
from cloche.daemon.live_parts import encoder_settings, live_door_settings, live_parts
from cloche.daemon.policy import (
    admission_limits,
    agent_settings,
    ceilings,
    egress_ceiling,
    engines,
    pool_settings,
    queue_limits,
    thresholds,
    uid_range,
)
from cloche.daemon.policy_view import policy_view
from cloche.daemon.readiness import readiness_probes
from cloche.daemon.recording_parts import recording_parts
from cloche.daemon.settings import Settings
from cloche.egress.accept_guard import AcceptGuard
from cloche.egress.lookups import SystemLookup, hosts_file_lookup
from cloche.egress.policy import RefusalReason
from cloche.egress.resolver import Resolver
from cloche.errors import InvalidError, NoRoomError, QuotaError, StartError
from cloche.ids import SessionId
from cloche.live.metrics import LiveMetrics
from cloche.process.host_readings import HostReader
from cloche.sandbox.namespace.config import NamespaceConfig
from cloche.sandbox.namespace.driver import NamespaceDriver
from cloche.sessions.admission import Refused
from cloche.sessions.agent_series import AgentSeries
from cloche.sessions.audit_reader import JournalReader
from cloche.sessions.braked_audit import braked
from cloche.sessions.events import EventLog
from cloche.sessions.manager import Manager, ManagerSettings
from cloche.sessions.model import EndReason, SessionStatus
from cloche.sessions.news import News, OverheardAudit
from cloche.sessions.pool.named import NamedPools
from cloche.sessions.pressure.gauge import Gauge
from cloche.sessions.pressure.judge import Resource
from cloche.sessions.pressure.keeper import looked_after
from cloche.sessions.pressure.machine import MachinePressure
from cloche.sessions.pressure.relief import Reliefs, Several
from cloche.sessions.recovery import Recovery
from cloche.sessions.runner_parts import RunnerParts
from cloche.sessions.waiting.news import Outcome
from cloche.storage.database import Database
from cloche.telemetry.metrics import Metrics
from cloche.vault.secret_box import SecretBox, derive_key
from cloche.vault.server_secret import load_or_create

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Daemon:
    """The parts that `main` starts and stops."""

    api: ApiDeps
    manager: Manager
    recovery: Recovery
    driver: NamespaceDriver

    async def recover(self) -> None:
        """Adopt or end what an earlier daemon left."""
        found = await self.driver.leftovers()
        await self.recovery.run({SessionId(description["session_id"]): description for description in found})
        await self.manager.tidy_profiles()


@asynccontextmanager
async def build(settings: Settings, *, is_loopback: bool) -> AsyncIterator[Daemon]:
    """Build the daemon's parts, and close them in the opposite order when the block ends."""
    prepare_dirs(settings)
    secret = load_or_create(settings.state_dir / "secret")
    clock, metrics = SystemClock(), Metrics()
    metrics.prepare(
        statuses=SessionStatus,
        end_reasons=EndReason,
        refusal_reasons=RefusalReason,
        admission_refusals=[
            (NoRoomError.code if why is not Refused.QUOTA else QuotaError.code, why) for why in Refused
        ],
        wait_outcomes=Outcome,
        resources=Resource,
    )
    async with AsyncExitStack() as stack:
        database = await Database.open(database_url(settings))
        stack.push_async_callback(database.close)
        journal = await stack.enter_async_context(
            open_journal(settings, database, clock, secret=secret, registry=metrics.registry)
        )
        news = News()
        audit = OverheardAudit(stack.enter_context(braked(journal, clock)), news)
        keys = KeyStore(database, clock)
        await ensure_keys(settings, keys, is_loopback=is_loopback)
        events = EventLog(database, clock)
        await events.open()
        stack.push_async_callback(events.close)
        system_lookup = SystemLookup()
        stack.callback(system_lookup.close)
        hosts = settings.resolver_hosts
        resolver = Resolver(hosts_file_lookup(hosts, system_lookup) if hosts else system_lookup, clock)
        stack.push_async_callback(resolver.close)
        driver = NamespaceDriver(namespace_config(settings))
        await _prepare(driver)
        kept = await stack.enter_async_context(keeping_parts(settings, database, secret, clock, audit))
        recordings = await stack.enter_async_context(
            recording_parts(
                *(settings, database, kept.artifacts, encoder_settings(settings)),
                events=events,
                clock=clock,
                audit=audit,
            )
        )
        live = live_parts(
            settings, clock=clock, metrics=LiveMetrics(metrics.registry), audit=audit, recordings=recordings
        )
        # What is given up for memory and processes, in the order in which it is added.
        reliefs = Reliefs((), clock, on_freed=lambda name, _need, _freed: metrics.given_up.labels(name).inc())
        pressure = MachinePressure(Gauge(HostReader().read, clock), thresholds(settings), reliefs)
        secret_box = SecretBox(derive_key(secret, "secret-box"))
        relays_of = await stack.enter_async_context(data_plane(settings.data_workers, metrics.registry))
        manager = Manager(
            ManagerSettings(
                ceilings=ceilings(settings),
                admission=admission_limits(settings),
                queue=queue_limits(settings),
                egress=egress_ceiling(settings, is_loopback=is_loopback),
                agent=agent_settings(settings),
                start_timeout_s=settings.start_timeout_s,
                pool=pool_settings(settings),
            ),
            parts=RunnerParts(
                driver=driver,
                events=events,
                clock=clock,
                metrics=metrics,
                lease_s=settings.lease_s,
                audit=audit,
                news=news,
                live=live.of,
                keeping=kept.of,
            ),
            database=database,
            resolver=resolver,
            accept_guard=stack.enter_context(AcceptGuard()),
            secret_box=secret_box,
            relays_of=relays_of,
            probes=readiness_probes(
                doctor_settings(settings), database=database, driver=driver, metrics=metrics, clock=clock
            )
            | {"audit": journal.probe},
            profiles=kept.keeper,
            pressure=pressure,
        )
        reliefs.add(manager.warm_relief)
        reliefs.add(Several("sleepers", manager.hibernation.hibernate_longest_asleep))
        stack.push_async_callback(reliefs.close)
        await stack.enter_async_context(looked_after(pressure))
        metrics.registry.register(AgentSeries(manager.last_words))
        pools = NamedPools(manager, manager.pool, database, secret_box=secret_box, audit=audit, clock=clock)
        stack.push_async_callback(pools.settled)
        await pools.load()
        api = ApiDeps(
            manager=manager,
            keys=keys,
            token_secret=derive_key(secret, "tokens"),
            clock=clock,
            registry=metrics.registry,
            audit=JournalReader(database, journal.verify),
            journal=audit,
            news=news,
            policy=policy_view(settings, is_loopback=is_loopback),
            pages=console.routes(),
            live=live_door_settings(settings, is_loopback=is_loopback),
            profiles=kept.profiles_for(manager),
            pools=pools,
            recordings=recordings.store,
            artifacts=kept.artifacts_for(manager, upload_bytes=settings.file_input_bytes),
            public_url=settings.public_url,
            bind_is_loopback=is_loopback,
            allowed_hosts=settings.allowed_hosts,
            allowed_origins=settings.allowed_origins,
            max_upload_bytes=settings.max_upload_bytes,
            relays_of=relays_of,
        )
        yield Daemon(api, manager, Recovery(manager, driver, database), driver)


@asynccontextmanager
async def open_state(settings: Settings) -> AsyncIterator[tuple[Database, bytes]]:
    """The database and the server's secret, for `cloche audit … --local` beside a daemon or without one."""
    prepare_dirs(settings)
    database = await Database.open(database_url(settings))
    try:
        yield database, load_or_create(settings.state_dir / "secret")
    finally:
        await database.close()


@asynccontextmanager
async def open_key_store(settings: Settings) -> AsyncIterator[KeyStore]:
    """The keys alone, for `cloche key … --local` beside a daemon or without one."""
    prepare_dirs(settings)
    database = await Database.open(database_url(settings))
    try:
        yield KeyStore(database, SystemClock())
    finally:
        await database.close()


async def ensure_keys(settings: Settings, keys: KeyStore, *, is_loopback: bool) -> None:
    """See to it that someone can come in, and that nobody else can.

    Raises:
        InvalidError: the daemon would listen beyond this machine without a key to ask for.
    """
    if settings.admin_key is not None:
        await keys.ensure_admin(settings.admin_key.get_secret_value())
    if await keys.has_any():
        return
    if not is_loopback:
        raise InvalidError(
            "refusing to listen beyond loopback without keys: make one with `cloche key create --local` or set "
            "CLOCHE_ADMIN_KEY"
        )
    made = PREFIX + secrets.token_urlsafe(SECRET_BYTES)
    await keys.ensure_admin(made)
    record.write_admin_key(settings.state_dir, made)


def prepare_dirs(settings: Settings) -> None:
    """Make the state and run directories. Others may pass through them, as sandboxes' own users must; not look."""
    for directory in (settings.state_dir, settings.run_dir):
        if not directory.is_dir():
            directory.mkdir(mode=0o711, parents=True, exist_ok=True)
            directory.chmod(0o711)  # the umask may have taken the x's, and sandboxes' own users pass through


def database_url(settings: Settings) -> str:
    return settings.database_url or f"sqlite:///{settings.state_dir / 'cloche.db'}"


def namespace_config(settings: Settings) -> NamespaceConfig:
    return NamespaceConfig(
        run_dir=settings.run_dir,
        state_dir=settings.state_dir,
        engines=engines(settings),
        uid_range=uid_range(settings),
        bwrap=str(settings.bubblewrap or "bwrap"),
        busybox=str(settings.busybox or "busybox"),
    )


async def _prepare(driver: NamespaceDriver) -> None:
    """Build the root image now rather than under the first session. What is missing is told by /readyz and doctor."""
    try:
        await driver.prepare()
    except StartError as error:
        _log.error("sandbox_not_ready", reason=error.reason, detail=error.detail)
