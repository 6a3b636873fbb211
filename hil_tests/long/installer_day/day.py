"""The day of an installer, step by step, in the order of docs/install.md.

Three cards are flashed to files. Their cameras run in the container form of the very slots that lie
on the cards. What needs a kernel of its own runs in the virtual machine, with the first card:
installing a version, trying it, and falling back. The table says in which form each step ran.
"""

from hil_tests.long.installer_day.day_folder import Day
from hil_tests.long.installer_day.desk import lay_network
from hil_tests.long.installer_day.until_armed import (
    arm_the_cameras,
    open_the_event,
    publish_the_list,
)
from hil_tests.long.installer_day.until_registered import (
    begin_the_site,
    flash_cards,
    make_images,
    register_cameras,
)
from hil_tests.long.installer_day.until_wiped import (
    fall_back_from_the_bad_version,
    fetch_the_bundle,
    install_in_the_vm,
    offer_the_version,
    run_the_new_version,
    wipe_one,
)


def run_day(day: Day) -> None:
    """Take every step; end all programs and cameras, also after a failure."""
    lay_network()
    try:
        begin_the_site(day)
        make_images(day)
        flash_cards(day)
        register_cameras(day)
        handle = publish_the_list(day)
        arm_the_cameras(day)
        open_the_event(day, handle)
        offer_the_version(day)
        bundle = fetch_the_bundle(day)
        card = install_in_the_vm(day, bundle)
        run_the_new_version(day)
        fall_back_from_the_bad_version(day, card)
        wipe_one(day)
    finally:
        for camera in day.cameras:
            camera.close()
        day.desk.programs.stop()
