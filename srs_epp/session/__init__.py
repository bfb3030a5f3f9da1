"""One EPP session (RFC 5730 section 2, RFC 5734), from octets to octets, without a socket in it."""
