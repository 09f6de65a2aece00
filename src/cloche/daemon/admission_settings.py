"""How many sessions there may be, who may wait for one, and when the machine counts as short."""

from typing import Annotated, Final

from pydantic import Field
from pydantic_settings import BaseSettings

MIB: Final = 1 << 20

Percent = Annotated[float, Field(ge=0, le=100, allow_inf_nan=False)]


class AdmissionSettings(BaseSettings):
    """See docs/how-to/sizing.md."""

    max_sessions: int = Field(default=64, ge=1)
    max_sessions_per_principal: int = Field(default=32, ge=1)

    queue_size: int = Field(default=100, ge=0, le=1_000)
    queue_timeout_s: float = Field(default=0.0, ge=0, le=3_600, allow_inf_nan=False)
    """How long a create waits for a place that names no time. 0: it is refused at once."""
    max_queue_timeout_s: float = Field(default=300.0, ge=0, le=3_600, allow_inf_nan=False)

    # Of the following, 0: that one does not count.
    pressure_cpu_percent: Percent = 90.0
    """Of the last ten seconds in which a task waited for a processor. Counts only together with the load."""
    pressure_load: float = Field(default=32.0, ge=0, allow_inf_nan=False)
    """Tasks that run or want to, for each processor, over a minute."""
    pressure_memory_percent: Percent = 20.0
    """Of the last ten seconds in which all work waited for memory. Counts only where little memory is left."""
    pressure_io_percent: Percent = 0.0
    memory_reserve_bytes: int = Field(default=256 * MIB, ge=0)
    """Kept free beside what the sessions on their way are expected to take."""
    pids_reserve: int = Field(default=512, ge=0)
    """Processes and threads that are kept free likewise."""
