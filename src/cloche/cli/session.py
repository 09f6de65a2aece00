"""`cloche session …`: through the API."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from cloche.cli.connection import JsonOption, UrlOption, connect
from cloche.cli.output import moment, print_facts, print_json, print_line, print_table
from cloche.cli.waiting import waited_for

if TYPE_CHECKING:
    from cloche.client.answers import Session
    from cloche.client.calls import SessionOptions

app = typer.Typer(help="Make, look at and end sessions.", no_args_is_help=True)

SessionId = Annotated[str, typer.Argument(metavar="ID")]
LabelsOption = Annotated[list[str] | None, typer.Option("--label", metavar="NAME=VALUE", help="Repeatable.")]
HostsOption = list[str] | None


@app.command()
def create(
    start_url: Annotated[str | None, typer.Argument(metavar="URL", help="Open this page at once.")] = None,
    engine: Annotated[str | None, typer.Option(help="shell or chrome.")] = None,
    viewport: Annotated[str | None, typer.Option(metavar="WIDTHxHEIGHT", help="In CSS pixels.")] = None,
    idle_timeout: Annotated[int | None, typer.Option(metavar="SECONDS")] = None,
    lifetime: Annotated[int | None, typer.Option(metavar="SECONDS")] = None,
    label: LabelsOption = None,
    allow_host: Annotated[HostsOption, typer.Option(help="Only these hosts. Repeatable.")] = None,
    deny_host: Annotated[HostsOption, typer.Option(help="Never these hosts. Repeatable.")] = None,
    private_host: Annotated[HostsOption, typer.Option(help="HOST:PORT to open inside. Repeatable.")] = None,
    machine: Annotated[
        bool,
        typer.Option(
            "--machine",
            help="Open its programs and files to `cloche machine`.",
        ),
    ] = False,
    profile: Annotated[str | None, typer.Option(metavar="PROFILE", help="Start from it: an id, or active.")] = None,
    save: Annotated[bool, typer.Option("--save", help="Save back to the profile at the end.")] = False,
    if_busy: Annotated[
        str | None, typer.Option(metavar="refuse|read_only", help="When another session saves to it.")
    ] = None,
    form: Annotated[str | None, typer.Option(metavar="directory|storage_state", help="What is saved.")] = None,
    private: Annotated[bool, typer.Option("--private", help="Nothing of it stays.")] = False,
    downloads: Annotated[str | None, typer.Option(metavar="quarantine|off")] = None,
    standby: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="Sleep when nobody uses it for so long.")
    ] = None,
    queue_timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", min=0, help="Wait so long for a place where there is none.")
    ] = None,
    hibernate: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="With --standby: hibernate when asleep for so long.")
    ] = None,
    wait: Annotated[bool, typer.Option(help="Wait until it is ready.")] = True,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Make a session and print its links."""
    options: SessionOptions = {}
    egress = {"allow_hosts": allow_host, "deny_hosts": deny_host, "private_hosts": private_host}
    if any(egress.values()):
        options["egress"] = {name: hosts for name, hosts in egress.items() if hosts}
    if start_url is not None:
        options["start_url"] = start_url
    if engine is not None:
        options["engine"] = engine
    if viewport is not None:
        options["viewport"] = viewport_of(viewport)
    if idle_timeout is not None:
        options["idle_timeout_s"] = idle_timeout
    if lifetime is not None:
        options["lifetime_s"] = lifetime
    if machine:
        options["machine"] = True
    if profile is not None or save or if_busy or form:
        options["profile"] = _profile(profile, save, if_busy, form)
    if private:
        options["private"] = True
    if downloads is not None:
        options["downloads"] = downloads
    if standby is not None or hibernate is not None:
        times = {"after_s": standby, "hibernate_after_s": hibernate}
        options["standby"] = {name: seconds for name, seconds in times.items() if seconds is not None}
    if label:
        options["labels"] = labels_of(label)
    if queue_timeout is not None:
        options["queue_timeout_s"] = queue_timeout
    with connect(url) as client:
        show_session(
            waited_for(client, options) if wait and queue_timeout else client.sessions.create(wait=wait, **options),
            as_json,
        )


@app.command("list")
def list_(
    status: Annotated[str | None, typer.Option(help="Only these: pending, ready, closed, …")] = None,
    label: LabelsOption = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """List sessions, newest first."""
    found: list[Session] = []
    with connect(url) as client:
        for session in client.sessions.iterate(status=status, labels=labels_of(label)):
            found.append(session)
            if len(found) == limit:
                break
    if as_json:
        return print_json([session.model_dump(mode="json") for session in found])
    rows = [
        [each.id, each.status, each.owner, moment(each.created_at), moment(each.expires_at), _pairs(each.labels)]
        for each in found
    ]
    print_table(["ID", "STATUS", "OWNER", "CREATED", "EXPIRES", "LABELS"], rows)
    return None


@app.command()
def show(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Show one session."""
    with connect(url) as client:
        show_session(client.sessions.get(session_id), as_json)


@app.command()
def close(
    session_ids: Annotated[list[str], typer.Argument(metavar="ID...")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """End sessions and wait until nothing of them runs."""
    with connect(url) as client:
        for session_id in session_ids:
            session = client.sessions.close(session_id)
            if as_json:
                print_line(session.model_dump(mode="json"))
            else:
                typer.echo(f"{session.id} {session.status}")


@app.command()
def extend(
    session_id: SessionId,
    lifetime: Annotated[int, typer.Argument(metavar="SECONDS", help="From now.")],
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Let a session live longer."""
    with connect(url) as client:
        show_session(client.sessions.extend(session_id, lifetime_s=lifetime), as_json)


@app.command()
def sleep(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Stop a session where it stands, until somebody connects to it, acts in it or wakes it."""
    with connect(url) as client:
        show_session(client.sessions.sleep(session_id), as_json)


@app.command()
def hibernate(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Seal a session's state on the disk and free all that it takes, until somebody comes."""
    with connect(url) as client:
        show_session(client.sessions.hibernate(session_id), as_json)


@app.command()
def wake(session_id: SessionId, url: UrlOption = None, as_json: JsonOption = False) -> None:
    """Let a session that sleeps go on, or bring one back that is hibernated."""
    with connect(url) as client:
        show_session(client.sessions.wake(session_id), as_json)


@app.command()
def events(
    session_id: SessionId,
    after: Annotated[int | None, typer.Option(metavar="EVENT", help="Only those after this id.")] = None,
    url: UrlOption = None,
    as_json: JsonOption = False,
) -> None:
    """Print what happens to a session, as it happens, until it has ended. With --json one object a line."""
    with connect(url) as client:
        for event in client.sessions.events(session_id, after=after):
            if as_json:
                print_line(event.model_dump(mode="json"))
            else:
                typer.echo(f"{event.id}  {moment(event.at)}  {event.type}  {_pairs(event.data)}".rstrip())


def show_session(session: "Session", as_json: bool) -> None:
    if as_json:
        return print_json(session.model_dump(mode="json"))
    print_facts(
        {
            "id": session.id,
            "status": session.status,
            "reason": session.reason,
            "owner": session.owner,
            "created": moment(session.created_at),
            "expires": moment(session.expires_at),
            "browser": session.browser.product if session.browser else None,
            "labels": _pairs(session.labels),
            "profile": _shown_profile(session),
            "pool": session.pool,
            "private": "yes" if session.private else None,
            "downloads": session.downloads,
            "connect_url": session.connect_url,
            "live_url": session.live_url,
        }
    )
    return None


def _profile(profile: str | None, save: bool, if_busy: str | None, form: str | None) -> dict[str, Any]:
    if profile is None:
        raise typer.BadParameter("--save, --if-busy and --form go with --profile", param_hint="--profile")
    given = {"if_busy": if_busy, "form": form}
    return {"id": profile, "save": save} | {name: value for name, value in given.items() if value is not None}


def labels_of(items: list[str] | None) -> dict[str, str]:
    labels: dict[str, str] = {}
    for item in items or []:
        name, equals, value = item.partition("=")
        if not (name and equals):
            raise typer.BadParameter(f"{item!r} is not NAME=VALUE", param_hint="--label")
        labels[name] = value
    return labels


def _shown_profile(session: "Session") -> str | None:
    if (use := session.profile) is None:
        return None
    return f"{use.id} from revision {use.revision}, {'saves back' if use.save else 'saves nothing'}"


def viewport_of(text: str) -> dict[str, float]:
    width, _, height = text.partition("x")
    if not (width.isdecimal() and height.isdecimal()):
        raise typer.BadParameter(f"{text!r} is not WIDTHxHEIGHT", param_hint="--viewport")
    return {"width": int(width), "height": int(height)}


def _pairs(values: dict[str, Any]) -> str:
    return " ".join(f"{name}={value}" for name, value in values.items())
