"""TLS with pyOpenSSL: the server's context, who the peer is, and a stream that never waits.

RFC 5734 section 9 asks for TLS, RFC 9325 says which: 1.2 at least, forward secrecy, AEAD ciphers, no
compression, no renegotiation.
"""

from __future__ import annotations

import logging
import re
import select
import socket
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509
from cryptography.x509.oid import NameOID
from OpenSSL import SSL, crypto

from srs_epp.config import Config

# RFC 9325 section 4.2; the suites of TLS 1.3 are all as good
CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
    b"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
    b"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
)
_VERSIONS = {"TLSv1.2": SSL.TLS1_2_VERSION, "TLSv1.3": SSL.TLS1_3_VERSION}

_CERTIFICATE = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)
_LOCKED = re.compile(rb"-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: *4, *ENCRYPTED", re.MULTILINE)
_CRL = re.compile(rb"-----BEGIN X509 CRL-----.*?(?:-----END X509 CRL-----|\Z)", re.DOTALL)

# OpenSSL's numbers, for releases of pyOpenSSL that do not name them
_OP_IGNORE_UNEXPECTED_EOF = getattr(SSL, "OP_IGNORE_UNEXPECTED_EOF", 0x80)
_OP_NO_RENEGOTIATION = getattr(SSL, "OP_NO_RENEGOTIATION", 0x40000000)
_MODE_RELEASE_BUFFERS = getattr(SSL, "MODE_RELEASE_BUFFERS", 0x10)
_MODE_PARTIAL_WRITE, _MODE_MOVING_BUFFER, _MODE_AUTO_RETRY = 0x1, 0x2, 0x4

CERTIFICATE, TLS, TIMEOUT = "certificate", "tls", "timeout"  # why a handshake failed

_log = logging.getLogger("eppd.tls")


class TLSFault(Exception):
    """A file of the configuration that can't serve; the text names the option."""


class HandshakeFailed(Exception):
    """The peer could not, or did not want to, agree on TLS with us in time.

    ``reason``: "certificate" where the client's was refused or is missing, "timeout", "tls" for the rest.
    """

    def __init__(self, text: str, reason: str = TLS) -> None:
        super().__init__(text)
        self.reason = reason


class StreamBroken(Exception):
    """The connection has ended otherwise than by an orderly close."""


def server_context(config: Config) -> SSL.Context:
    """The context of every connection. TLSFault where a file can't be read, or does not fit."""
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(_VERSIONS[config.tls_minimum])
    context.set_cipher_list(CIPHERS)
    # a client that closes TCP without close_notify gets the answers to what it sent; data units have a
    # length, so that a cut stream is seen all the same
    context.set_options(SSL.OP_NO_COMPRESSION | _OP_NO_RENEGOTIATION | _OP_IGNORE_UNEXPECTED_EOF)
    # what a full socket did not take is offered again from another place in memory, perhaps with more behind
    context.set_mode(_MODE_RELEASE_BUFFERS | _MODE_PARTIAL_WRITE | _MODE_MOVING_BUFFER)
    context.set_session_id(b"eppd")
    _use_certificate(context, config)
    if config.tls_client_ca is not None:
        authorities = _authorities(config.tls_client_ca)
        _ask_for_certificates(context, authorities, required=config.require_client_certificate)
        if config.tls_client_crl is not None:
            _check_revocation(context, authorities, config.tls_client_crl)
    return context


def expiry(config: Config) -> dict[str, float]:
    """When the first of them expires, in seconds since 1970: "server", "client-ca", "client-crl".

    Reads the files, which may be newer than a context made before. One that is not configured, can't be read
    or has no end is left out.
    """
    found: dict[str, list[datetime | None]] = {}
    with suppress(OSError):
        chain = _certificates(config.tls_certificate)
        found["server"] = [_moment(one, "not_valid_after") for one in chain]
    with suppress(TLSFault):
        if config.tls_client_ca is not None:
            authorities = _authorities(config.tls_client_ca)
            found["client-ca"] = [_moment(one, "not_valid_after") for one in authorities]
    with suppress(TLSFault):
        if config.tls_client_crl is not None:
            found["client-crl"] = [_moment(one, "next_update") for one in _crls(config.tls_client_crl)]
    known = {kind: [end.timestamp() for end in ends if end is not None] for kind, ends in found.items()}
    return {kind: min(ends) for kind, ends in known.items() if ends}


def _use_certificate(context: SSL.Context, config: Config) -> None:
    certificate, key = config.tls_certificate, config.tls_private_key
    for name, path in (("tls-certificate", certificate), ("tls-private-key", key)):
        _readable(name, path)
    try:
        context.use_certificate_chain_file(str(certificate))
    except SSL.Error:
        raise TLSFault(f"option tls-certificate: {certificate}: no PEM certificate in it") from None
    try:
        if _LOCKED.search(key.read_bytes()):  # OpenSSL would ask the terminal for the passphrase
            raise SSL.Error
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except (SSL.Error, IsADirectoryError) as error:
        if "mismatch" in str(error):
            text = f"does not fit the certificate in {certificate}"
        else:
            text = "no PEM private key in it that opens without a passphrase"
        raise TLSFault(f"option tls-private-key: {key}: {text}") from None


def _authorities(where: Path) -> list[x509.Certificate]:
    """The CAs of client certificates, from a file or all files of a folder; TLSFault where there is none."""
    _readable("tls-client-ca", where)
    files = sorted(where.iterdir()) if where.is_dir() else [where]
    try:
        found = [one for path in files if path.is_file() for one in _certificates(path)]
    except OSError as error:
        raise TLSFault(f"option tls-client-ca: {error.filename}: {error.strerror}") from None
    if not found:
        raise TLSFault(f"option tls-client-ca: {where}: no PEM certificate in it")
    return found


def _ask_for_certificates(
    context: SSL.Context, authorities: Iterable[x509.Certificate], *, required: bool
) -> None:
    store = context.get_cert_store()
    assert store is not None
    for certificate in authorities:
        authority = crypto.X509.from_cryptography(certificate)
        store.add_cert(authority)
        try:
            context.add_client_ca(certificate)
        except TypeError:  # Debian 12's release takes a class of its own, which later ones dislike
            context.add_client_ca(authority)
    mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if required else 0)
    context.set_verify(mode, _note_refusal)
    # a resumed session's certificate is not verified again, and each TLS 1.3 ticket brings the next: who has
    # been in once could come back for ever after the certificate, or the CRL, has expired
    context.set_options(SSL.OP_NO_TICKET)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)


def _certificates(path: Path) -> list[x509.Certificate]:
    """The PEM certificates in the file, none where one of them is damaged. OSError."""
    octets = path.read_bytes()
    try:
        # one at a time: what loads several at once is newer than what Debian 12 has
        return list(map(x509.load_pem_x509_certificate, _CERTIFICATE.findall(octets)))
    except ValueError:
        return []


def _check_revocation(context: SSL.Context, authorities: Sequence[x509.Certificate], path: Path) -> None:
    """Refuse what a CRL in the file revokes, and what its issuer has no valid CRL for. TLSFault."""
    store = context.get_cert_store()
    assert store is not None
    wanting = list(authorities)
    for crl in _crls(path):
        issuer = crl.issuer.rfc4514_string()
        try:
            signers = _signers(crl, authorities)
            _add_crl(store, crl)
        except ValueError as error:
            raise TLSFault(f"option tls-client-crl: {path}: the CRL of {issuer!r}: {error}") from None
        wanting = [one for one in wanting if one not in signers]
        if age := _age(crl):
            _log.warning("the CRL of %r in %s %s: certificates of it are refused", issuer, path, age)
    for authority in wanting:
        name = authority.subject.rfc4514_string()
        _log.warning("there is no CRL of %r in %s: certificates of it are refused", name, path)
    store.set_flags(crypto.X509StoreFlags.CRL_CHECK | crypto.X509StoreFlags.CRL_CHECK_ALL)


def _crls(path: Path) -> list[x509.CertificateRevocationList]:
    """The CRLs in the file; TLSFault where there is none, or a damaged one."""
    try:
        found = list(map(x509.load_pem_x509_crl, _CRL.findall(path.read_bytes())))
    except OSError as error:
        raise TLSFault(f"option tls-client-crl: {path}: {error.strerror}") from None
    except ValueError:
        found = []
    if not found:
        raise TLSFault(f"option tls-client-crl: {path}: no PEM CRL in it, or a damaged one")
    return found


def _signers(
    crl: x509.CertificateRevocationList, authorities: Sequence[x509.Certificate]
) -> list[x509.Certificate]:
    """The CA that has signed it, in each of its certificates; ValueError where the CRL is of no use."""
    issuers = [one for one in authorities if one.subject == crl.issuer]
    if not issuers:
        raise ValueError("its issuer is not in tls-client-ca")
    signers = [one for one in issuers if _has_signed(one, crl)]
    if not signers:
        raise ValueError("its signature is wrong")
    if not any(map(_may_sign, signers)):
        raise ValueError("the certificate of its issuer does not allow it to sign CRLs")
    # OpenSSL would pass over it, and over what it revokes
    if any(isinstance(one.value, x509.DeltaCRLIndicator) for one in crl.extensions):
        raise ValueError("a delta CRL, where a complete one is needed")
    return signers


def _has_signed(authority: x509.Certificate, crl: x509.CertificateRevocationList) -> bool:
    try:
        return crl.is_signature_valid(authority.public_key())  # type: ignore[arg-type]
    except TypeError:
        return True  # a kind of key of which Debian 12's release can't tell; OpenSSL will, at each handshake


def _may_sign(authority: x509.Certificate) -> bool:
    try:
        return authority.extensions.get_extension_for_class(x509.KeyUsage).value.crl_sign
    except x509.ExtensionNotFound:
        return True


def _age(crl: x509.CertificateRevocationList) -> str:
    """Why it is of no use at this time; "" where it is."""
    now = datetime.now(UTC)
    start, end = _moment(crl, "last_update"), _moment(crl, "next_update")
    if start is not None and start > now:
        return "is not valid yet"
    return "has expired" if end is not None and end <= now else ""


def _moment(of: x509.Certificate | x509.CertificateRevocationList, name: str) -> datetime | None:
    """One of its times; Debian 12's release has them without a zone, later ones dislike that."""
    if hasattr(of, f"{name}_utc"):
        found: datetime | None = getattr(of, f"{name}_utc")
        return found
    found = getattr(of, name)
    return found and found.replace(tzinfo=UTC)


def _add_crl(store: crypto.X509Store, crl: x509.CertificateRevocationList) -> None:
    try:
        store.add_crl(crl)
    except AttributeError:  # Debian 12's release takes a class of its own, which later ones do not have
        store.add_crl(crypto.CRL.from_cryptography(crl))  # type: ignore[attr-defined]
    except crypto.Error:
        raise ValueError("OpenSSL can't read it") from None


def _readable(name: str, path: Path) -> None:
    try:
        if path.is_dir():
            list(path.iterdir())
        else:
            path.open("rb").close()
    except OSError as error:
        raise TLSFault(f"option {name}: {path}: {error.strerror}") from None


def _note_refusal(
    connection: SSL.Connection, certificate: crypto.X509, number: int, depth: int, accepted: int
) -> bool:
    """OpenSSL's verdict stands; why it refused is kept for the log.

    Must not raise: pyOpenSSL would raise it again in some other connection of the context.
    """
    if not accepted:
        try:
            subject = repr(certificate.to_cryptography().subject.rfc4514_string()[:_LONGEST_SUBJECT])
        except Exception:  # not all that cryptography has against a certificate is a ValueError
            subject = "of unreadable form"
        text = _VERIFY_TEXTS.get(number, f"X.509 error {number}")
        about = f"{subject} refused" if depth == 0 else f"refused for the CA {subject} above it"
        connection.set_app_data(f"client certificate {about}: {text}")
    return bool(accepted)


_LONGEST_SUBJECT = 200  # characters; a certificate that nobody has signed may have a hundred thousand

# by the number in OpenSSL's x509_vfy.h
_VERIFY_TEXTS = {
    2: "its issuer is not known",
    3: "there is no CRL of its issuer",
    7: "its signature is wrong",
    8: "the signature of its issuer's CRL is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    11: "its issuer's CRL is not valid yet",
    12: "its issuer's CRL has expired",
    18: "it is self-signed",
    19: "it is not known",
    20: "its issuer is not known",
    21: "its chain can't be verified",
    22: "its chain is too long",
    23: "it is revoked",
    24: "its issuer is no CA",
    25: "its chain is too long",
    26: "it is not for clients",
    32: "its issuer may not sign certificates",
    33: "there is no CRL of its issuer",
    35: "its issuer may not sign CRLs",
    36: "its issuer's CRL has a critical extension that is not known",
    44: "its issuer's CRL is not about it",
    66: "its key is too weak",
    67: "its key is too weak",
    68: "its signature is of too weak a kind",
    79: "it is no CA",
}


def peer_names(connection: SSL.Connection) -> tuple[str, ...]:
    """The dNSName SANs and the CN of the client's certificate; () where it gave none. ValueError."""
    found = connection.get_peer_certificate()
    if found is None:
        return ()
    names: list[str] = []
    try:
        certificate = found.to_cryptography()
        with suppress(x509.ExtensionNotFound):
            extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
            names += extension.value.get_values_for_type(x509.DNSName)
    except (x509.InvalidVersion, x509.DuplicateExtension, x509.UnsupportedGeneralNameType) as error:
        raise ValueError(str(error)) from None
    names += [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(dict.fromkeys(names))


LAST_CHANCE = 1.0  # seconds for a handshake when the server is going away


class TLSStream:
    """The octets inside TLS on a socket that does not block.

    ``dry`` tells that nothing is left inside: only then is it of use to wait until the socket is readable.
    """

    def __init__(self, context: SSL.Context, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._tls = SSL.Connection(context, sock)
        # pyOpenSSL sets it. OpenSSL then reads on behind a record that has no data: a client that sends
        # nothing but KeyUpdates, and no pause, would never be out of its hands, and have no deadline
        SSL._lib.SSL_clear_mode(self._tls._ssl, _MODE_AUTO_RETRY)  # type: ignore[attr-defined]
        self._tls.set_accept_state()
        self._look = select.poll()
        self._look.register(sock, select.POLLIN)
        self.dry = False
        self.received = self.sent = 0  # octets inside TLS

    def fileno(self) -> int:
        return self._sock.fileno()

    def handshake(self, seconds: float, drain: int | None = None) -> tuple[str, ...]:
        """Agree on TLS; the names in the client's certificate. HandshakeFailed, with the reason.

        ``drain``: a descriptor; once it is readable, a client that has not come so far has a second left.
        """
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        if drain is not None:
            poll.register(drain, select.POLLIN)
        while True:
            try:
                self._tls.do_handshake()
                return peer_names(self._tls)
            except SSL.WantReadError:
                poll.modify(self._sock, select.POLLIN)
            except SSL.WantWriteError:
                poll.modify(self._sock, select.POLLOUT)
            except (SSL.Error, OSError) as error:
                raise self._failure(error) from None
            except ValueError as error:
                text = f"the client's certificate can't be read: {error}"
                raise HandshakeFailed(text, CERTIFICATE) from None
            left = deadline - time.monotonic()
            ready = poll.poll(left * 1000) if left > 0 else []
            if not ready:
                raise HandshakeFailed("not finished in time", TIMEOUT)
            if drain is not None and drain in (descriptor for descriptor, _ in ready):
                poll.unregister(drain)
                deadline = min(deadline, time.monotonic() + LAST_CHANCE)

    def _failure(self, error: Exception) -> HandshakeFailed:
        refusal, text = self._tls.get_app_data(), _reason(error)
        if refusal is None and text == "peer did not return a certificate":
            refusal = "no client certificate was given"
        return HandshakeFailed(refusal or text, CERTIFICATE if refusal else TLS)

    def version(self) -> str:
        """The TLS version agreed on."""
        return self._tls.get_protocol_version_name()

    def recv(self, most: int) -> bytes | None:
        """At most that many octets; b"" at the end, None where there is nothing now. StreamBroken."""
        # to look costs less than to read in vain
        if self.dry and not self._look.poll(0):
            return None
        try:
            octets = self._tls.recv(most)
        except (SSL.WantReadError, SSL.WantWriteError):
            self.dry = True
            return None
        except SSL.ZeroReturnError:
            return b""
        except SSL.SysCallError as error:
            if error.args[0] == -1:  # the end of the stream, without close_notify
                return b""
            raise StreamBroken(_reason(error)) from None
        except (SSL.Error, OSError) as error:
            raise StreamBroken(_reason(error)) from None
        self.received += len(octets)
        self.dry = not self._tls.pending()
        return octets

    def send(self, data: bytes) -> int:
        """Octets taken, 0 where none can be taken now. StreamBroken."""
        try:
            taken = self._tls.send(data)
        except (SSL.WantReadError, SSL.WantWriteError):
            return 0
        except (SSL.Error, OSError) as error:
            raise StreamBroken(_reason(error)) from None
        self.sent += taken
        return taken

    def close(self, seconds: float) -> None:
        """Say close_notify, then for up to ``seconds`` read what is still coming.

        A close over unread octets would be a reset, and a reset takes the last answer away from a client
        that has not read it yet.
        """
        with suppress(SSL.Error, OSError):
            self._tls.shutdown()
        try:
            self._sock.shutdown(socket.SHUT_WR)
            self._read_to_end(time.monotonic() + seconds)
        except OSError:
            pass
        finally:
            self._sock.close()

    def _read_to_end(self, deadline: float) -> None:
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while (left := deadline - time.monotonic()) > 0:
            if not poll.poll(left * 1000) or not self._sock.recv(65536):
                return


def _reason(error: Exception) -> str:
    """OpenSSL's words for an error, without its numbers."""
    if isinstance(error, SSL.ZeroReturnError):
        return "the peer closed the connection"
    if isinstance(error, SSL.SysCallError):
        return "the peer closed the connection" if error.args[0] == -1 else str(error.args[-1])
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        texts = [str(entry[-1]) for entry in error.args[0]]
        return "; ".join(texts) or "the peer closed the connection"
    return str(error) or type(error).__name__
