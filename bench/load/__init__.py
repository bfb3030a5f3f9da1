"""The load generator: processes of their own, which send ready-made data units and count the answers."""
