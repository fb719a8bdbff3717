"""What to do when a remote source fails: by protocol, and by what the client libraries call the failure.

The libraries are not imported: their errors are told by name, along the chain of causes.
"""

from __future__ import annotations

from collections.abc import Iterator

_CREDENTIALS = {
    "s3": "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or options.key and options.secret",
    "gs": "set GOOGLE_APPLICATION_CREDENTIALS, run `gcloud auth application-default login`, or give options.token",
    "az": "set AZURE_STORAGE_CONNECTION_STRING, or give options.account_name with account_key or sas_token",
    "sftp": "add a key to the ssh agent, or give options.username with client_keys or password",
    "http": "give options.username and options.password, or options.headers",
    "smb": "give options.username and options.password, options.credentials (a file for mount.cifs), or run kinit",
}
_ALIASES = {"s3a": "s3", "gcs": "gs", "abfs": "az", "abfss": "az", "adl": "az", "ssh": "sftp", "https": "http"}
_ENDPOINTS = {"s3": "options.endpoint_url", "gs": "options.endpoint_url", "az": "options.connection_string"}
_NO_CREDENTIALS = ("NoCredentials", "PartialCredentials", "CredentialRetrieval", "DefaultCredentials", "RefreshError")
_REFUSED = ("ClientAuthentication", "InvalidAccessKey", "SignatureDoesNotMatch", "InvalidSignature", "PermissionDenied")
_TIMEOUTS = ("Timeout", "timeout")
_NO_ROUTE = ("ConnectionError", "ConnectError", "EndpointConnection", "ServiceRequest", "ClientConnector", "gaierror")
_HOST_KEY = ("HostKeyNotVerifiable",)


_ARCHIVES = {".zip": "zip", ".tar": "tar", ".tgz": "tar", ".tar.gz": "tar", ".tar.bz2": "tar", ".tar.xz": "tar"}


def folder_instead(shown: str) -> str:
    """What to write in place of a file: the URL that reads an archive where it lies, or the folder."""
    protocol = next((_ARCHIVES[end] for end in _ARCHIVES if shown.lower().endswith(end)), None)
    if protocol is not None:
        return f"to read the archive in place, write {protocol}://::{shown}"
    return "give the folder that holds the files"


def advice(shown: str, error: BaseException) -> str:
    """Say what to set or check. shown: the URL of the source as it is shown to people."""
    protocol = shown.partition("://")[0] if "://" in shown else ""
    protocol = _ALIASES.get(protocol, protocol)
    names = [name for cause in _causes(error) for name in _names(cause)]
    if _any(names, _HOST_KEY):
        return "add the key of the server to ~/.ssh/known_hosts, once you know it is the right one"
    if _any(names, (*_NO_CREDENTIALS, *_REFUSED)) or (protocol and isinstance(error, PermissionError)):
        return f"{_CREDENTIALS.get(protocol, 'give credentials in options')}; they must allow listing and reading"
    if isinstance(error, PermissionError):
        return "give the user that runs this read access, or exclude it"
    if isinstance(error, FileNotFoundError):
        return _spelling(protocol)
    if isinstance(error, TimeoutError) or _any(names, _TIMEOUTS):
        return "check that the server can be reached from here, then try again"
    if isinstance(error, ConnectionError) or _any(names, _NO_ROUTE):
        place = f" and {_ENDPOINTS[protocol]}" if protocol in _ENDPOINTS else ""
        return f"check the name and port in the URL{place}, and the network"
    return "check the URL, the network and the options of the source"


def _spelling(protocol: str) -> str:
    if protocol == "smb":
        return "check the spelling of the share and the folder: smb://host/share/folder"
    if protocol in ("s3", "gs", "az"):
        return "check the spelling of the bucket and the path; letter case counts"
    return "check the spelling; relative paths start from the folder of the document"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    seen = 0
    while error is not None and seen < 10:
        yield error
        error, seen = error.__cause__ or error.__context__, seen + 1


def _names(error: BaseException) -> Iterator[str]:
    """Names of the classes of an error, and the code that S3 gives."""
    yield from (kind.__name__ for kind in type(error).__mro__)
    if getattr(error, "status_code", getattr(error, "code", None)) in (401, 403):
        yield _REFUSED[0]
    reply = getattr(error, "response", None)
    if isinstance(reply, dict):
        yield str(reply.get("Error", {}).get("Code", ""))


def _any(names: list[str], parts: tuple[str, ...]) -> bool:
    return any(part in name for name in names for part in parts)
