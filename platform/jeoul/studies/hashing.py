"""One canonical way to turn data into a hash."""

import hashlib
import json


def content_hash(value: object) -> str:
    """SHA-256 of the value's canonical JSON: sorted keys, no spaces, UTF-8."""
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()
