"""What an agent's answers must look like before they are told on: each was made inside a sandbox."""

from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from cloche.errors import AgentError

MAX_WHOLE: Final = (1 << 53) - 1
"""The largest whole number that every reader of JSON understands (RFC 8259, section 6)."""

T = TypeVar("T", bound=BaseModel)


class Told(BaseModel):
    """An agent's word. Fields that are not known are dropped; what is missing or of the wrong type is its fault."""

    model_config = ConfigDict(strict=True, allow_inf_nan=False)


Slug = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9_.:-]*$")]
ShortText = Annotated[str, StringConstraints(max_length=1024)]
LongText = Annotated[str, StringConstraints(max_length=128 * 1024)]
Whole = Annotated[int, Field(ge=0, le=MAX_WHOLE)]
Pid = Annotated[int, Field(ge=0, le=1 << 31)]
ExitCode = Annotated[int, Field(ge=-(1 << 31), le=1 << 31)]
Signal = Annotated[int, Field(ge=0, le=64)]
Amount = Annotated[float, Field(ge=0, le=float(MAX_WHOLE))]
Time = Annotated[AwareDatetime, Field(strict=False)]


def read_told(kind: type[T], value: Any) -> T:
    """Raises: AgentError."""
    try:
        return kind.model_validate(value)
    except ValidationError as error:
        raise AgentError("the agent's answer was not understood") from error


class OkOut(Told):
    ok: Literal[True]


def no_nul(text: str) -> str:
    if "\0" in text:
        raise ValueError("must hold no NUL")
    return text


NoNul = AfterValidator(no_nul)
