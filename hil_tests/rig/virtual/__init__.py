"""The virtual camera: the real units under their own systemd, in a root file system of its own."""
