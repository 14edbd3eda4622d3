"""What records and manifests must look like. Whatever is read from a file passes ``check`` once; no code after it asks.

The classes name the fields that some code reads, and msgspec compares a mapping with them. Other fields, such as those
of a later version, stay as they are. A default is that of records which lack the field.
"""

from mribench.results.schema.check import check, decode, read
from mribench.results.schema.manifests import Contents, Manifest, Shared
from mribench.results.schema.provenance import Produced, Training
from mribench.results.schema.record import Record
from mribench.results.schema.tuning import Tuning
from mribench.results.schema.values import numbers

__all__ = [
    "Contents",
    "Manifest",
    "Produced",
    "Record",
    "Shared",
    "Training",
    "Tuning",
    "check",
    "decode",
    "numbers",
    "read",
]
