"""Does the built wheel run away from the repository, with all that it reads from?"""

import json
import os
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow


def test_the_wheel_carries_code_migrations_and_the_workload(wheel: Path) -> None:
    migrations = {
        f"exchange/{path.relative_to(ROOT).as_posix()}"
        for path in (ROOT / "migrations").rglob("*.sql")
    }
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
        described = archive.read("exchange-0.1.0.dist-info/METADATA").decode()
    assert migrations
    assert set() == (migrations | {"exchange/py.typed", "exchange/bench/gen.py"}) - names
    assert {"exchange", "exchange-0.1.0.dist-info"} == {name.split("/")[0] for name in names}
    assert "Requires-Python: >=3.11" in described


def test_the_installed_wheel_is_what_runs(installed: Path, tmp_path: Path) -> None:
    """The other tests would be worth nothing if the editable code answered."""
    code = "import exchange; print(exchange.__file__)"
    found = Path(run(tmp_path, installed / "python", "-c", code).strip())
    assert found.is_relative_to(installed.parent)


def test_the_installed_command_explains_itself(installed: Path, tmp_path: Path) -> None:
    assert "demo" in run(tmp_path, installed / "exchange", "--help")


def test_the_installed_venue_trades(installed: Path, tmp_path: Path) -> None:
    report = json.loads(run(tmp_path, installed / "exchange", "demo", "--synthetic", "--json"))
    assert report["verify"]["ok"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the tree as it lies here."""
    out = tmp_path_factory.mktemp("dist")
    build = ("-m", "build", "--wheel", "--no-isolation", "--outdir", str(out), str(ROOT))
    run(out, Path(sys.executable), *build)
    (built,) = out.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of commands of a new environment that has the wheel.

    It borrows the dependencies of the running environment by a path file, written last: pip must
    not take the venue installed there for its own. Path files of a borrowed directory are not
    read, so an editable venue there stays unseen.
    """
    home = tmp_path_factory.mktemp("venv")
    venv.create(home, with_pip=False)
    python = home / "bin" / "python"
    pip = ("-m", "pip", "--python", str(python), "install", "--no-deps", "--no-index")
    run(home, Path(sys.executable), *pip, str(wheel))
    (site,) = home.glob("lib/python*/site-packages")
    borrowed = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (site / "borrowed.pth").write_text("\n".join(sorted(borrowed)), encoding="utf-8")
    return python.parent


def run(directory: Path, command: Path, *arguments: str) -> str:
    """What the command prints, started in ``directory`` as by a user who has nothing set."""
    kept = {name: text for name, text in os.environ.items() if not name.startswith("PYTHON")}
    done = subprocess.run(  # noqa: S603 - the commands of this file alone
        [command, *arguments],
        cwd=directory,
        env=kept | {"HOME": str(directory), "NO_COLOR": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
