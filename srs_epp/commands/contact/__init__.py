"""The commands of the contact mapping, RFC 5733."""
