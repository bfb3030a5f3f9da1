"""eppd: an EPP server (RFC 5730-5734) in front of a registry that speaks the SRS XML protocol."""

__version__ = "0.1.0"
