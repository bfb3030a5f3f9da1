"""Our grammar of requests and responses (srs/schema), for threads that share it."""

from __future__ import annotations

import threading
from importlib import resources

from lxml import etree

from srs_epp.srs.values import Element


class Grammar:
    """One of the two schemas."""

    def __init__(self, name: str) -> None:
        """``name``: of a file in srs/schema."""
        schemas = resources.files("srs_epp.srs") / "schema"
        with resources.as_file(schemas) as folder:
            self._schema = etree.XMLSchema(file=str(folder / name))
        # lxml keeps the errors of the last validation in the schema
        self._guard = threading.Lock()

    def fault(self, root: Element) -> str | None:
        """What is wrong with the document, in one line; None where it follows the grammar."""
        with self._guard:
            try:
                self._schema.assertValid(root)
            except etree.DocumentInvalid as error:
                return str(error)
        return None
