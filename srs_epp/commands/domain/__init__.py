"""The commands of the domain mapping, RFC 5731."""
