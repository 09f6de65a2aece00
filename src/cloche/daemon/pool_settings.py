"""Settings of the warm pool: how many sandboxes wait with a browser that is up."""

from pydantic import Field
from pydantic_settings import BaseSettings


class PoolSettingsPart(BaseSettings):
    """Base of `daemon.settings.Settings`."""

    pool_size: int = Field(default=2, ge=0, le=1024)
    """For creates that name no pool. 0: none wait for those, of any shape; named pools have sizes of their own."""
    pool_max: int = Field(default=8, ge=0, le=1024)
    """Of all stocks together, grown by demand or set by named pools."""
    pool_settle_s: float = Field(default=1.0, ge=0, le=60, allow_inf_nan=False)
    """How long a browser that is up goes on before it is laid to rest."""
    pool_max_age_s: float = Field(default=3600.0, ge=10, le=86_400, allow_inf_nan=False)
    """A sandbox that has waited for so long makes room for a fresh one."""
