"""`tallylight-estate cameras`: events, gaps, forks and copies of every camera."""

import json

import typer

from estate.commands.options import AsJson, ReceiverSettings
from estate.config import Config
from estate.intake.chains import read_chains, unheard_chain
from estate.intake.receiver import read_cameras
from estate.opening.terminal import chains_table
from estate.store.envelopes import Store
from formats.settings import read_settings
from terminal.tables import print_table


def show_cameras(config: ReceiverSettings, *, as_json: AsJson = False) -> None:
    """Say for every camera how many events came, are missing, forked, or came again.

    A registered camera from which nothing came yet is shown, too.
    """
    settings = read_settings(config, Config)
    store = Store(settings.store)
    found = read_chains(store)
    store.close()
    heard = {chain.camera for chain in found}
    unheard = [unheard_chain(camera) for camera in read_cameras(settings.cameras)]
    found += [chain for chain in unheard if chain.camera not in heard]
    if as_json:
        for chain in found:
            typer.echo(json.dumps(chain.to_json()))
    else:
        print_table(chains_table(found))
