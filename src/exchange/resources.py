"""Where files that ship beside the code are: in the wheel, or in the repository."""

from importlib.resources import files
from importlib.resources.abc import Traversable
from pathlib import Path


def resource(name: str) -> Traversable:
    """``name`` as shipped in the package, else from the root of an editable checkout.

    Raises:
        FileNotFoundError: in neither.
    """
    shipped = files("exchange").joinpath(name)
    if shipped.is_dir() or shipped.is_file():
        return shipped
    here = Path(__file__).parents[2] / name
    if here.exists():
        return here
    raise FileNotFoundError(f"{name} ships neither with the package nor in a checkout")
