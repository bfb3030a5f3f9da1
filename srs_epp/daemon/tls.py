"""TLS with pyOpenSSL: the server's context, who the peer is, and a stream that never waits.

RFC 5734 section 9 asks for TLS, RFC 9325 says which: 1.2 at least, forward secrecy, AEAD ciphers, no
compression, no renegotiation.
"""

from __future__ import annotations

import re
import select
import socket
import time
from contextlib import suppress
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

_PEM = re.compile(rb"-----BEGIN CERTIFICATE-----.*?-----END CERTIFICATE-----", re.DOTALL)

# OpenSSL's numbers, for releases of pyOpenSSL that do not name them
_OP_IGNORE_UNEXPECTED_EOF = getattr(SSL, "OP_IGNORE_UNEXPECTED_EOF", 0x80)
_OP_NO_RENEGOTIATION = getattr(SSL, "OP_NO_RENEGOTIATION", 0x40000000)
_MODE_RELEASE_BUFFERS = getattr(SSL, "MODE_RELEASE_BUFFERS", 0x10)
_MODE_PARTIAL_WRITE, _MODE_MOVING_BUFFER = 0x1, 0x2


class TLSFault(Exception):
    """A file of the configuration that can't serve; the text names the option."""


class HandshakeFailed(Exception):
    """The peer could not, or did not want to, agree on TLS with us in time."""


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
        _ask_for_certificates(context, config.tls_client_ca, required=config.require_client_certificate)
    return context


def _use_certificate(context: SSL.Context, config: Config) -> None:
    certificate, key = config.tls_certificate, config.tls_private_key
    for name, path in (("tls-certificate", certificate), ("tls-private-key", key)):
        _readable(name, path)
    try:
        context.use_certificate_chain_file(str(certificate))
    except SSL.Error:
        raise TLSFault(f"option tls-certificate: {certificate}: no PEM certificate in it") from None
    try:
        # without a passphrase callback OpenSSL would ask the terminal
        context.set_passwd_cb(lambda *_: b"")
        context.use_privatekey_file(str(key))
        context.check_privatekey()
    except SSL.Error as error:
        if "mismatch" in str(error):
            text = f"does not fit the certificate in {certificate}"
        else:
            text = "no PEM private key in it that opens without a passphrase"
        raise TLSFault(f"option tls-private-key: {key}: {text}") from None


def _ask_for_certificates(context: SSL.Context, where: Path, *, required: bool) -> None:
    _readable("tls-client-ca", where)
    files = sorted(where.iterdir()) if where.is_dir() else [where]
    store = context.get_cert_store()
    assert store is not None
    found = False
    for path in files:
        if path.is_file():
            for certificate in _certificates(path):
                authority = crypto.X509.from_cryptography(certificate)
                store.add_cert(authority)
                context.add_client_ca(authority)
                found = True
    if not found:
        raise TLSFault(f"option tls-client-ca: {where}: no PEM certificate in it")
    mode = SSL.VERIFY_PEER | (SSL.VERIFY_FAIL_IF_NO_PEER_CERT if required else 0)
    context.set_verify(mode, _note_refusal)


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        # one at a time: what loads several at once is newer than what Debian 12 has
        return list(map(x509.load_pem_x509_certificate, _PEM.findall(path.read_bytes())))
    except ValueError:
        return []
    except OSError as error:
        raise TLSFault(f"option tls-client-ca: {path}: {error.strerror}") from None


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
            subject = certificate.to_cryptography().subject.rfc4514_string()
        except ValueError:
            subject = "of unreadable form"
        connection.set_app_data(f"client certificate {subject!r} refused: {_verify_text(number)}")
    return bool(accepted)


_VERIFY_TEXTS = {
    2: "its issuer is not known",
    7: "its signature is wrong",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is self-signed",
    19: "a self-signed certificate is in its chain",
    20: "its issuer is not known",
    21: "its chain can't be verified",
    23: "it is revoked",
    24: "its issuer is no CA",
    26: "it is not for clients",
}


def _verify_text(number: int) -> str:
    return _VERIFY_TEXTS.get(number, f"X.509 error {number}")


def peer_names(connection: SSL.Connection) -> tuple[str, ...]:
    """The dNSName SANs and the CN of the client's certificate; () where it gave none. ValueError."""
    found = connection.get_peer_certificate()
    if found is None:
        return ()
    certificate = found.to_cryptography()
    names: list[str] = []
    with suppress(x509.ExtensionNotFound):
        extension = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        names += extension.value.get_values_for_type(x509.DNSName)
    names += [str(name.value) for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    return tuple(dict.fromkeys(names))


class TLSStream:
    """The octets inside TLS on a socket that does not block.

    ``dry`` tells that recv() found nothing: only then is it of use to wait until the socket is readable.
    """

    def __init__(self, context: SSL.Context, sock: socket.socket) -> None:
        sock.setblocking(False)
        self._sock = sock
        self._tls = SSL.Connection(context, sock)
        self._tls.set_accept_state()
        self.dry = False

    def fileno(self) -> int:
        return self._sock.fileno()

    def handshake(self, seconds: float) -> tuple[str, ...]:
        """Agree on TLS; the names in the client's certificate. HandshakeFailed, with the reason."""
        deadline = time.monotonic() + seconds
        poll = select.poll()
        poll.register(self._sock, select.POLLIN)
        while True:
            try:
                self._tls.do_handshake()
                return peer_names(self._tls)
            except SSL.WantReadError:
                poll.modify(self._sock, select.POLLIN)
            except SSL.WantWriteError:
                poll.modify(self._sock, select.POLLOUT)
            except (SSL.Error, OSError) as error:
                raise HandshakeFailed(self._tls.get_app_data() or _reason(error)) from None
            except ValueError as error:
                raise HandshakeFailed(f"the client's certificate can't be read: {error}") from None
            left = deadline - time.monotonic()
            if left <= 0 or not poll.poll(left * 1000):
                raise HandshakeFailed("not finished in time")

    def version(self) -> str:
        """The TLS version agreed on."""
        return self._tls.get_protocol_version_name()

    def recv(self, most: int) -> bytes | None:
        """At most that many octets; b"" at the end, None where there is nothing now. StreamBroken."""
        try:
            return self._tls.recv(most)
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

    def send(self, data: bytes) -> int:
        """Octets taken, 0 where none can be taken now. StreamBroken."""
        try:
            return self._tls.send(data)
        except (SSL.WantReadError, SSL.WantWriteError):
            return 0
        except (SSL.Error, OSError) as error:
            raise StreamBroken(_reason(error)) from None

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
    if isinstance(error, SSL.SysCallError):
        return "the peer closed the connection" if error.args[0] == -1 else str(error.args[-1])
    if isinstance(error, SSL.Error) and error.args and isinstance(error.args[0], list):
        texts = [str(entry[-1]) for entry in error.args[0]]
        return "; ".join(texts) or "the peer closed the connection"
    return str(error) or type(error).__name__
