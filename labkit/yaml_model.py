"""A file that users may edit, read into a frozen model: one sentence where it is damaged, never a traceback.

Used by the word lists and the price table; params files have stricter rules of their own (`labkit.params`).
"""

from pathlib import Path

import yaml
from pydantic import BaseModel, ValidationError

from labkit.errors import ParamsError

__all__ = ["read_model"]


def read_model(path: Path, model: type[BaseModel], *, root: str) -> BaseModel:
    """The model that the file describes; `root` is what a fault of the whole file is called.

    Raises
    ------
    ParamsError : no such file, no YAML in UTF-8, or a key or value that the model does not allow.
    """
    try:
        return model.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ParamsError(f"{path.name}: there is no such file; put it back from the repository.") from None
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise ParamsError(f"{path.name}: this is not valid YAML in UTF-8; mend the file.") from error
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"]) or root
        raise ParamsError(f"{path.name}: {key}: {first['msg']}.") from error
