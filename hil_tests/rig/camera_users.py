"""The camera's users and their folders, on a machine that lacks these users: for tests by root.

`systemd-tmpfiles` makes the folders from the image's own file, with the owners and modes that a
camera has. A program runs as one of the users behind `as_user`.
"""

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

TMPFILES: Final = "provisioning/device/image/systemd/tmpfiles.d/tallylight.conf"
IDS: Final = {
    "tallylight-courier": 60_002,
    "tallylight-watch": 60_001,
    "tallylight-lamp": 60_003,
    "tallylight-light": 60_011,
}
SHARED: Final = 60_010
"""The group `tallylight`."""
WATCH: Final = IDS["tallylight-watch"]
COURIER: Final = IDS["tallylight-courier"]


def make_folders(above: Path) -> None:
    """Run systemd-tmpfiles as at boot, for the camera whose state folder is `above`/state."""
    text = Path(TMPFILES).read_text("utf-8")
    lines = [line for line in text.splitlines() if " /var/lib/tallylight" in line[:22]]
    columns = [line.split() for line in lines]
    for each in columns:
        each[1] = each[1].replace("/var/lib/tallylight", "/state")
        each[3] = str(IDS.get(each[3], each[3]))
        each[4] = str(SHARED if each[4] == "tallylight" else IDS.get(each[4], each[4]))
    file = above / "tallylight.conf"
    file.write_text("".join(" ".join(each) + "\n" for each in columns), "utf-8")
    subprocess.run(
        ["systemd-tmpfiles", "--create", f"--root={above}", str(file)],
        check=True,
        capture_output=True,
    )


def as_user(uid: int) -> list[str]:
    """Return the words that go before a command to run it as a user of the camera."""
    groups = (f"--reuid={uid}", f"--regid={uid}", f"--groups={SHARED}")
    return ["setpriv", *groups, "--inh-caps=-all", "--no-new-privs"]


def why_not() -> str:
    """Return why this machine cannot run programs as the camera's users; empty if it can."""
    if os.geteuid() != 0:
        return "It becomes other users: that takes root."
    for name in ("systemd-tmpfiles", "setpriv"):
        if shutil.which(name) is None:
            return f"It runs {name}, which this machine lacks."
    asked = [*as_user(COURIER), sys.executable, "-c", "import firmware"]
    if subprocess.run(asked, check=False, capture_output=True).returncode:
        return f"Other users cannot run {sys.executable}, or cannot read the programs."
    return ""
