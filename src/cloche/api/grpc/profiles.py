"""The RPCs about profiles. Their files (export, import, storage state) go over REST alone."""

from cloche.api.deps import ApiDeps
from cloche.api.grpc.convert import asked_id
from cloche.api.grpc.door import Asked, Work
from cloche.api.grpc.generated import browser_pb2 as pb
from cloche.api.grpc.rendering import id_message, page_size, unix_ms
from cloche.errors import InvalidError
from cloche.ids import ProfileId, parse_profile_id
from cloche.profiles.model import NewProfile, Profile
from cloche.sessions.profiles.interface import SessionProfiles


class ProfileRpcs:
    """Owns nothing. On a server that keeps no profiles every call is FAILED_PRECONDITION, `profiles_off`."""

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps

    def works(self) -> dict[str, Work]:
        return {
            "ListProfiles": self._list,
            "CreateProfile": self._create,
            "RenameProfile": self._rename,
            "DeleteProfile": self._delete,
            "SetActiveProfile": self._activate,
            "ForkProfile": self._fork,
            "SaveProfile": self._save,
        }

    @property
    def _profiles(self) -> SessionProfiles:
        return self._deps.require_profiles()

    async def _list(self, asked: Asked) -> pb.ListProfilesResponse:
        message: pb.ListProfilesRequest = asked.message
        limit, cursor = page_size(message.limit), message.cursor or None
        page = await self._profiles.list(asked.principal, limit=limit, cursor=cursor)
        return pb.ListProfilesResponse(
            v=1,
            profiles=[profile_message(profile) for profile in page.profiles],
            active_profile_id=id_message(page.active_id) if page.active_id else None,
            next_cursor=page.next_cursor or "",
        )

    async def _create(self, asked: Asked) -> pb.CreateProfileResponse:
        message: pb.CreateProfileRequest = asked.message
        request = NewProfile(
            name=message.name,
            theme_color=message.theme_color,
            private=message.private_profile,
            persistence=message.persistence_enabled if message.HasField("persistence_enabled") else True,
        )
        made = await self._profiles.create(asked.principal, request)
        return pb.CreateProfileResponse(v=1, profile=profile_message(made))

    async def _rename(self, asked: Asked) -> pb.RenameProfileResponse:
        if not asked.message.name:
            raise InvalidError("name: a profile has one", field="name")
        renamed = await self._profiles.update(asked.principal, _id(asked), name=asked.message.name)
        return pb.RenameProfileResponse(v=1, profile=profile_message(renamed))

    async def _delete(self, asked: Asked) -> pb.DeleteProfileResponse:
        active = await self._profiles.delete(asked.principal, _id(asked), force=asked.message.force)
        active_id = id_message(active) if active else None
        return pb.DeleteProfileResponse(v=1, deleted=True, active_profile_id=active_id)

    async def _activate(self, asked: Asked) -> pb.SetActiveProfileResponse:
        profile = await self._profiles.activate(asked.principal, _id(asked))
        return pb.SetActiveProfileResponse(v=1, profile=profile_message(profile))

    async def _fork(self, asked: Asked) -> pb.ForkProfileResponse:
        message: pb.ForkProfileRequest = asked.message
        made = await self._profiles.fork(
            asked.principal, _id(asked), name=message.name, revision=message.revision or None
        )
        return pb.ForkProfileResponse(v=1, profile=profile_message(made))

    async def _save(self, asked: Asked) -> pb.SaveProfileResponse:
        saved = await self._profiles.save_session(asked.principal, asked.session_id)
        return pb.SaveProfileResponse(v=1, profile=profile_message(saved))


def profile_message(profile: Profile) -> pb.BrowserProfile:
    return pb.BrowserProfile(
        v=1,
        profile_id=id_message(profile.id),
        principal=profile.owner,
        name=profile.name,
        theme_color=profile.theme_color,
        created_unix_ms=unix_ms(profile.created_at),
        updated_unix_ms=unix_ms(profile.updated_at),
        last_used_unix_ms=unix_ms(profile.last_used_at),
        persistence_enabled=profile.persistence,
        private_profile=profile.private,
        active=profile.active,
        revision=profile.revision,
        form=profile.form.value if profile.form else "",
        engine=profile.engine,
        size_bytes=profile.size_bytes,
        used_by=[id_message(session_id) for session_id in profile.used_by],
        written_by=id_message(profile.written_by) if profile.written_by else None,
    )


def _id(asked: Asked) -> ProfileId:
    return asked_id(asked.message, "profile_id", parse_profile_id)
