"""Runs in the official client's environment: its own converter between the versions, a JSON line in, one out."""

import json
import sys

from synapse_sdk.utils.converters.dm import convert_v1_to_v2, convert_v2_to_v1


def main() -> None:
    """Convert each line of stdin: {"to": 1 or 2, "value": payload}."""
    for line in sys.stdin:
        asked = json.loads(line)
        convert = convert_v2_to_v1 if asked["to"] == 1 else convert_v1_to_v2
        print(json.dumps(convert(asked["value"])))


if __name__ == "__main__":
    main()
