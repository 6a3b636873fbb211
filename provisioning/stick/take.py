"""Take roots, policy, list and signatures from a memory stick: verify, merge, the newer one stays.

(1) The stick's folder must be of this site: it holds the same first root.
(2) Each further root is verified against the root before it: thresholds of both.
(3) A signature counts if a holder of the role made it over exactly what waits here. Signatures of
    one version are merged. A newer version replaces an older one, and an older one changes nothing.
(4) Another content under the same version is refused.
(5) A manifest of registrations counts if an installer whom this site names has signed it, and if it
    continues the one here.
(6) A certificate of a wipe counts if an installer of this site has signed it.

Files are opened as `provisioning.foreign_file` does: no link, no device, bounded. Each part is
verified before any of it is written, and is written whole. What is refused stays on the stick, and
does not keep the other parts away. Nothing is taken that no signature covers: no key, no entry.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

from formats.errors import FormatError
from formats.site_tuf import CONFIG
from provisioning.errors import ProvisioningError, StickRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site
from provisioning.site.minutes import root_words
from provisioning.stick.list_parts import find_list, find_statement
from provisioning.stick.part import Part, Result
from provisioning.stick.registration_parts import find_registrations, find_wiped
from provisioning.stick.trust_parts import find_policy, find_roots, find_rotation

_ROOT: Final = "root.json"


def take_stick(site: Site, stick: Path, now: datetime) -> Iterator[Part]:
    """Store each part of the stick that is new; yield every part after that.

    Args:
        site: the site that takes.
        stick: the site's folder on the stick, or the stick itself.
        now: for what expires.

    Raises:
        StickRefused: the stick holds no folder of this site.
        FileRefused: its root is no plain file.
    """
    for part in find_parts(site, site_folder(site, stick), now):
        part.store()
        yield part


def find_parts(site: Site, folder: Path, now: datetime) -> Iterator[Part]:
    """Yield every part of a site's folder on a stick; a later part rests on the earlier ones."""
    finders: tuple[tuple[str, Callable[[], Iterator[Part]]], ...] = (
        ("Root", partial(find_roots, site, folder)),
        ("Next root", partial(find_rotation, site, folder)),
        ("Policy", partial(find_policy, site, folder, now)),
        ("List", partial(find_list, site, folder)),
        ("Wiped camera", partial(find_wiped, site, folder)),
        ("Registrations", partial(find_registrations, site, folder)),
        ("Statement of the estate", partial(find_statement, site, folder, now)),
    )
    for what, find in finders:
        try:
            yield from find()
        except StickRefused as error:
            yield Part(Result.REFUSED, str(error))
        except (ProvisioningError, FormatError) as error:
            yield Part(Result.REFUSED, f"{what}: {error}")
        except FileNotFoundError as error:
            yield Part(Result.REFUSED, f"{what}: {error.filename} is missing.")


def site_folder(site: Site, stick: Path) -> Path:
    """Return the site's folder on a stick.

    Raises:
        StickRefused: there is none, or it is of another site.
        FileRefused: its root is no plain file, or too large.
    """
    for folder in (stick, stick / site.policy.site):
        try:
            root = read_foreign(folder, _ROOT, limit=CONFIG.root_max_length)
        except (FileNotFoundError, NotADirectoryError):
            continue
        if root != site.root:
            raise StickRefused(
                f"{folder} is of another site: its first root is {root_words(root)}, and the one "
                f"here is {root_words(site.root)}. The ceremony's minutes say which one is right."
            )
        return folder
    raise StickRefused(
        f"{stick} holds no folder of the site {site.policy.site}: name the stick that tallylight "
        "give wrote."
    )
