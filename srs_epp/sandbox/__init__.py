"""``eppd sandbox``: certificates, keys, data folder and the two processes of a complete EPP server."""
