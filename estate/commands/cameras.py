"""`tallylight-estate cameras`: events, gaps, forks and copies of every camera."""

import json

import typer
from rich.console import Console

from estate.commands.options import AsJson, ReceiverSettings
from estate.config import Config
from estate.intake.chains import read_chains
from estate.opening.terminal import chains_table
from estate.store.envelopes import Store
from formats.settings import read_settings


def show_cameras(config: ReceiverSettings, *, as_json: AsJson = False) -> None:
    """Say for every camera how many events came, are missing, forked, or came again."""
    settings = read_settings(config, Config)
    store = Store(settings.store)
    found = read_chains(store)
    store.close()
    if as_json:
        for chain in found:
            typer.echo(json.dumps(chain.to_json()))
    else:
        Console(markup=False).print(chains_table(found))
