"""Storages of the service as fsspec knows them."""

import httpx
import pytest

from reconciler.errors import Denied, Invalid
from reconciler.providers.base import StoragePlace
from reconciler.providers.datamaker.storages import storage_place
from reconciler.providers.http import HttpClient, Service
from reconciler.providers.retry import Clock, Retry


def client(serve):
    clock = Clock(now=lambda: 0.0, sleep=lambda _: None, chance=lambda: 0.0)
    return HttpClient(
        Service("https://host", lambda _: {}),
        transport=httpx.MockTransport(serve),
        retry=Retry(attempts=2),
        clock=clock,
    )


def place(provider, **configuration):
    answer = {"provider": provider, "configuration": configuration, "expires_at": None, "contract_version": 1}
    return storage_place(client(lambda _: httpx.Response(200, json=answer)), "11")


S3 = {"bucket_name": "b", "access_key": "AK", "secret_key": "SK"}


@pytest.mark.parametrize(
    ("provider", "configuration", "root", "options"),
    [
        ("file_system", {"location": "/data/store/"}, "file:///data/store", {}),
        (
            "minio",
            {**S3, "endpoint_url": "http://minio:9000"},
            "s3://b",
            {
                "key": "AK",
                "secret": "SK",
                "endpoint_url": "http://minio:9000",
                "client_kwargs": {"region_name": "us-east-1"},
            },
        ),
        (
            "amazon_s3",
            {**S3, "region_name": "ap-northeast-2", "endpoint_url": None},
            "s3://b",
            {"key": "AK", "secret": "SK", "client_kwargs": {"region_name": "ap-northeast-2"}},
        ),
        ("gcp", {"bucket_name": "b", "credentials": {"type": "x"}}, "gs://b", {"token": {"type": "x"}}),
        (
            "sftp",
            {"host": "h", "username": "u", "password": "p", "root_path": "/in/"},
            "sftp://h/in",
            {"username": "u", "password": "p", "port": 22},
        ),
        (
            "sftp",
            {"host": "h", "username": "u", "private_key": "/keys/id", "private_key_passphrase": "pp", "port": 2222},
            "sftp://h",
            {"username": "u", "client_keys": ["/keys/id"], "passphrase": "pp", "port": 2222},
        ),
        (
            "smb",
            {
                "host": "h",
                "share": "s",
                "root_path": "/in",
                "domain": "D",
                "username": "u",
                "password": "p",
                "port": 4445,
            },
            "smb://h:4445/s/in",
            {"username": "u", "domain": "D", "password": "p", "encrypt": True},
        ),
        (
            "smb",
            {"host": "fd00::1", "share": "my files", "root_path": "50%/#1", "username": "u", "password": "p"},
            "smb://[fd00::1]/my%20files/50%25/%231",
            {"username": "u", "password": "p", "encrypt": True},
        ),
        (
            "digital_ocean",
            {**S3, "region_name": "fra1"},
            "s3://b",
            {
                "key": "AK",
                "secret": "SK",
                "endpoint_url": "https://fra1.digitaloceanspaces.com",
                "client_kwargs": {"region_name": "fra1"},
            },
        ),
        (
            "http",
            {"base_url": "https://h/files/", "timeout": 30, "headers": {"X": "1"}},
            "https://h/files",
            {"headers": {"X": "1"}, "timeout_s": 30},
        ),
    ],
)
def test_storage_becomes_a_url_with_options(provider, configuration, root, options):
    assert place(provider, **configuration) == StoragePlace(root, options)


def test_credentials_are_not_shown():
    assert "SK" not in repr(place("s3", **S3))


@pytest.mark.parametrize(
    ("provider", "configuration", "reason"),
    [
        ("synology", {"url": "u"}, "of the kind 'synology', whose File Station"),
        ("azure", {}, "is not documented"),
        ("ftp", {}, "in the clear"),
        ("tape", {}, "of the kind 'tape', which cannot be reached"),
        ("digital_ocean", S3, "does not tell the region_name"),
        ("minio", {}, "does not tell the access_key"),
        ("sftp", {"host": "h", "username": "u"}, "does not tell the password"),
        ("file_system", {"location": ""}, "does not tell the location"),
    ],
)
def test_storage_that_cannot_be_written_is_refused_with_the_reason(provider, configuration, reason):
    with pytest.raises(Invalid, match=reason):
        place(provider, **configuration)


@pytest.mark.parametrize(
    ("root", "path", "url", "reason"),
    [
        ("s3://b/in", "50%/a b", "s3://b/in/50%/a b", "names of keys are not decoded"),
        ("sftp://h/in", "/50%/a b/", "sftp://h/in/50%25/a%20b", "paths over SSH are decoded"),
        ("file:///data/50%", "a b", "/data/50%/a b", "a folder of this machine is a path"),
    ],
)
def test_path_on_a_storage_keeps_its_spelling(root, path, url, reason):
    assert StoragePlace(root).below(path) == url, reason


@pytest.mark.parametrize("path", ["..", "a/../../b", "a\\..\\..\\b", "/../x"])
def test_path_that_leaves_the_storage_is_refused(path):
    with pytest.raises(ValueError, match="leaves the storage"):
        StoragePlace("smb://h/share").below(path)


@pytest.mark.parametrize("status", [404, 405])
def test_service_without_sessions_is_asked_for_the_configuration(status):
    def serve(request):
        if request.method == "POST":
            return httpx.Response(status)
        assert request.url.params["with_configuration"] == "true"
        return httpx.Response(200, json={"id": 11, "provider": "s3", "configuration": S3})

    assert storage_place(client(serve), "11").root == "s3://b"


def test_session_that_is_denied_is_final():
    with pytest.raises(Denied):
        storage_place(client(lambda _: httpx.Response(403)), "11")
