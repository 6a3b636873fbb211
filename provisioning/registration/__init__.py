"""The laptop's side of registering cameras: cables, exchange, queue of looking, manifest, labels.

Imports: `provisioning.broker` (certificates), `provisioning.papers` (labels), `provisioning.site`.
Imported by: `provisioning.commands`.
"""
