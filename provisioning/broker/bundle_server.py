"""Settings for nginx: serve update bundles to the site's cameras over HTTPS, in ranges.

nginx runs on the broker's machine and uses the broker's certificate, authority and revocation list:
a client without a certificate of this site, or with a revoked one, gets nothing. It serves files
whose name is a digest, from one folder, and lists no folder. It vouches for no byte: a camera
compares the digest with the signed policy.
"""

from typing import Final

from provisioning.broker.listener import Listener
from provisioning.broker.mosquitto_files import (
    AUTHORITY_FILE,
    BUNDLE_FOLDER,
    REVOKED_FILE,
    SERVER_FILE,
)

BUNDLE_PORT: Final = 8884
"""The port that a camera asks: the default of `bundle_port` in its settings."""


def bundle_server(listener: Listener) -> str:
    """Return the server block for nginx, with every path as on the broker's machine."""
    bind = f"[{listener.bind}]" if ":" in listener.bind else listener.bind

    def path(name: str) -> str:
        return '"' + str(listener.at / name).replace("\\", "\\\\").replace('"', '\\"') + '"'

    return f"""\
# Written by tallylight broker config. Install on the broker's machine as
#   /etc/nginx/conf.d/tallylight.conf
# It serves update bundles to cameras of this site, from {BUNDLE_FOLDER}.
server {{
    listen {bind}:{BUNDLE_PORT} ssl;
    ssl_protocols TLSv1.3;
    ssl_certificate {path(SERVER_FILE)};
    ssl_certificate_key {path("server.key")};
    ssl_client_certificate {path(AUTHORITY_FILE)};
    ssl_crl {path(REVOKED_FILE)};
    ssl_verify_client on;
    server_tokens off;
    access_log off;
    location / {{ return 404; }}
    location ~ "^/bundles/([0-9a-f]{{64}}\\.raucb)$" {{
        alias {BUNDLE_FOLDER}/$1;
        disable_symlinks on;
        limit_except GET {{ deny all; }}
    }}
}}
"""
