"""A small SRS registry for sandboxes and tests: a back end, not part of the proxy.

    registry = Registry(folder / "registry.sqlite", signing_key=SigningKey.from_file(folder / "registry.key"))
    registry.add_registrar(1, name="Registry", password="...", keys=[armoured])     # its key to act as itself
    registry.add_registrar(90, name="First Registrar", password="...", keys=[armoured, another])
    registry.allow_address(90, "192.0.2.0/24")              # epp_connect, whitelist, registrar_ip
    registry.allow_certificate(90, "client.example.net")    # epp_client_certs, whitelist, registrar_domain
    server = RegistryServer(registry, ("127.0.0.1", 0))     # or a socket that is bound already
    server.url                                              # where to post to
    server.serve_forever()                                  # until another thread calls server.shutdown()
    registry.close()

``Registry.answer(body, content_type)`` is the same without HTTP: the body of a POST in, the signed form out.
``Registry.clock`` tells the registry's time, and moves it (``move``, ``set``) for all processes that have the
database open. What comes due by that, renewals and releases, is done before the next request is served.

The registrars 1 (the registry itself, with all roles) and 50 (its jobs) exist from the start; nobody can act
as one of them before ``add_registrar`` has given it a key.
"""

from srs_epp.registry.clock import Clock
from srs_epp.registry.names import DEFAULT_ZONES
from srs_epp.registry.server import RegistryServer
from srs_epp.registry.service import Registry

__all__ = ["DEFAULT_ZONES", "Clock", "Registry", "RegistryServer"]
