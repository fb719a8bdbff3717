"""Print the operations of the OpenAPI document inside the official package: a JSON array of [method, path]."""

import json
from importlib.resources import files

import yaml


def read():
    """The document itself."""
    text = files("synapse_sdk").joinpath("clients/backend_v2/schema/openapi.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def operations(document):
    """Pairs of method and path, in the order of the document."""
    return [
        (method.upper(), path) for path, some in document["paths"].items() for method in some if method != "parameters"
    ]


if __name__ == "__main__":
    print(json.dumps(operations(read())))
