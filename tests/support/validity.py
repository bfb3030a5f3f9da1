"""Every response that a test sees is valid: by our schemas, and by the published ones where they are.

The environment variable EPP_SCHEMAS names the folder of the published schemas, with an all.xsd.
"""

from __future__ import annotations

import os
from pathlib import Path

from lxml import etree

from srs_epp.epp.reader import load_schema

_SCHEMAS = {"ours": load_schema()}
if published := os.environ.get("EPP_SCHEMAS"):
    _SCHEMAS["the published one"] = etree.XMLSchema(file=str(Path(published) / "all.xsd"))


def assert_valid(xml: bytes) -> etree._Element:
    """The root of the document, which every schema that we have lets pass."""
    root = etree.fromstring(xml)
    for whose, schema in _SCHEMAS.items():
        assert schema.validate(root), f"not valid by {whose}: {schema.error_log}\n{xml.decode()}"
    return root
