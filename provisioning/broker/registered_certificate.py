"""Verify the certificate that an installer gave a camera before the broker's files take it in.

It must be for the camera's id and TLS key, and this site's authority must have signed it. Another
one would be revoked in the camera's place: a revocation names a certificate by its number alone.
"""

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.x509.oid import NameOID

from formats.registration_record import Registration
from provisioning.broker.certificates import requested_key
from provisioning.broker.mosquitto_files import AUTHORITY_FILE
from provisioning.errors import BrokerRefused
from provisioning.foreign_file import read_foreign
from provisioning.site.folder import Site

_PEM_LIMIT = 4096


def refuse_other_certificate(site: Site, found: Registration) -> None:
    """Raise unless the certificate in a registration is this camera's, by this site's authority.

    Raises:
        BrokerRefused: it is another one, or the site has no broker yet.
    """
    try:
        content = read_foreign(site.folder, f"broker/{AUTHORITY_FILE}", limit=_PEM_LIMIT)
    except FileNotFoundError as error:
        raise BrokerRefused(
            "The site has no broker yet: run tallylight broker config first."
        ) from error
    name, key = found.identity.camera_id.hex(), requested_key(found.request.camera.csr)
    try:
        authority = x509.load_pem_x509_certificate(content)
        own = x509.load_pem_x509_certificate(found.acceptance.certificate)
        own.verify_directly_issued_by(authority)
        names = [one.value for one in own.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        is_own = names == [name] and own.public_key() == key
    except (ValueError, TypeError, InvalidSignature):
        is_own = False
    if not is_own:
        raise BrokerRefused(
            f"The certificate of camera {found.board.serial} is not one that this site's broker "
            "issued for it: wipe this camera and register it again."
        )
