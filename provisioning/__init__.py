"""`tallylight`, the program of installers and list authorities: keys, site, nets, lists, broker."""
