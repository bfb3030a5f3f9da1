"""What the sandbox says when it serves: how to connect, with a session ready to paste."""

from __future__ import annotations

from collections.abc import Sequence

from srs_epp.sandbox.folder import Folder, Registrar

SESSION = """\
from epptools import Client, Config

client = Client(Config(
    host="{host}", port={port}, clid="{id}", password="{password}",
    ca_file="{ca}",
    client_cert="{certificate}",
    client_key="{key}",
))
client.connect()
client.login()
client.contact.create("me-1", name="Me", street=["1 Sample Street"], city="Nelson", cc="NZ",
                      voice="+64.35550100", email="me@example.net", auth_info="unused")
print(client.domain.check(["example.co.nz"]).availability())
client.domain.create("example.co.nz", years=1, registrant="me-1", auth_info="unused")
print(client.domain.info("example.co.nz").expiry_date())
client.logout()
client.disconnect()
"""


def session(folder: Folder, host: str, port: int, registrar: Registrar) -> str:
    """A Python session with the public client epptools."""
    return SESSION.format(
        host=host,
        port=port,
        id=registrar.id,
        password=registrar.password,
        ca=folder.file("ca.pem"),
        certificate=registrar.certificate,
        key=registrar.key,
    )


def welcome(folder: Folder, host: str, port: int, registrars: Sequence[Registrar]) -> str:
    """The text for the terminal."""
    accounts = "\n".join(f"  {one.id:>6}  password {one.password}" for one in registrars)
    return f"""\

An EPP server with a registry of its own is ready at {host} port {port} (TLS; test data only).

Registrars:
{accounts}
Everything a program needs is in {folder.file("sandbox.json")}
To try it: pip install epptools, and paste into python3

{session(folder, host, port, registrars[0])}
End with Ctrl-C.
"""
