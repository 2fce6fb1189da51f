"""``exchange bench``: measurements, each beside a baseline of the same run."""

import typer

app = typer.Typer(help="Measure.", no_args_is_help=True)


@app.callback()
def bench() -> None:
    """Measure the venue on this machine; ratios say more than absolute figures."""
