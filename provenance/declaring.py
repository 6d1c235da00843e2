"""What a release declares about itself in plain metadata, beside the signed manifest, for readers of nothing else.

Pure. Anyone can remove it; it is written before signing, so that the signature covers it. Never holds the prompt.
"""

from __future__ import annotations

import json
from xml.sax.saxutils import quoteattr

from provenance.base import Declaration
from provenance.label_style import Field, LabelStyle
from provenance.manifest import SOURCE_TYPE_ROOT

GENERATED = "1"
"""Value of `Label` in the field AIGC: it is generated (2: perhaps, 3: suspected)."""


def declaration(style: LabelStyle, *, provider: str, generator: str, version: str, release: str) -> Declaration:
    """Return the container tags and the XMP packet that declare a release, as the style asks for them."""
    tags = {"AIGC": _aigc(style.aigc_producer or provider, release)} if Field.AIGC in style.declare else {}
    return Declaration(tags, _xmp(generator, version) if Field.IPTC in style.declare else b"")


def _aigc(producer: str, release: str) -> str:
    values = {
        "Label": GENERATED,
        "ContentProducer": producer,
        "ProduceID": release,
        "ReservedCode1": "",
        "ContentPropagator": producer,
        "PropagateID": release,
        "ReservedCode2": "",
    }
    return json.dumps(values, ensure_ascii=False)


def _xmp(generator: str, version: str) -> bytes:
    attributes = {
        "Iptc4xmpExt:DigitalSourceType": f"{SOURCE_TYPE_ROOT}trainedAlgorithmicMedia",
        "Iptc4xmpExt:AISystemUsed": generator,
        "Iptc4xmpExt:AISystemVersionUsed": version,
    }
    written = "".join(f"\n    {name}={quoteattr(value)}" for name, value in attributes.items())
    return (
        '<?xpacket begin="\ufeff" id="W5M0MpCehiHzreSzNTczkc9d"?>\n'
        '<x:xmpmeta xmlns:x="adobe:ns:meta/">\n'
        ' <rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">\n'
        '  <rdf:Description rdf:about="" xmlns:Iptc4xmpExt="http://iptc.org/std/Iptc4xmpExt/2008-02-29/"'
        f'{written}/>\n </rdf:RDF>\n</x:xmpmeta>\n<?xpacket end="w"?>'
    ).encode()
