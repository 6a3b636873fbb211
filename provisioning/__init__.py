"""What installers and list authorities run: keys, site, lists, broker."""
