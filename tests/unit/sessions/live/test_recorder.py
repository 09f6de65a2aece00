import pytest

from cloche.errors import ConflictError, DeniedError
from cloche.sessions.live.interface import RecordingRequest
from cloche.sessions.live.recorder import NoRecorder
from cloche.testing.session_world import ANN


async def test_where_pictures_are_not_kept_nothing_can_be_recorded() -> None:
    recorder = NoRecorder()
    with pytest.raises(DeniedError) as denied:
        await recorder.start(ANN, RecordingRequest())
    with pytest.raises(ConflictError) as conflict:
        await recorder.stop(ANN)
    assert denied.value.fields == {"reason": "recording_off"}
    assert conflict.value.fields == {"reason": "not_recording"}
    assert recorder.current is None and recorder.all() == ()
