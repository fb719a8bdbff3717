"""Pages, cursors, filters, and the ETags of listings."""

import itertools

import pytest


@pytest.fixture
def filled(backend):
    collection = backend.collection()
    return backend, collection, backend.units(collection, 7)


def pages(backend, path, follow):
    """All rows of a v2 list; follow: from next_cursor to the next path."""
    rows, url = [], path
    while url:
        body = backend.client.get(url).json()
        rows += body["data"]
        cursor = body["meta"]["pagination"]["next_cursor"]
        url = follow(cursor) if cursor else None
    return rows


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        (lambda _path, cursor: cursor, "the Python client follows the cursor as a URL"),
        (
            lambda path, cursor: f"{path}&cursor={cursor.split('cursor=')[1].split('&')[0]}",
            "the Go client sends the token",
        ),
    ],
)
def test_v2_list_is_read_whole_by_either_form_of_cursor(filled, form, reason):
    backend, collection, units = filled
    path = f"/v2/data-units/?data_collection={collection}&per_page=3"
    rows = pages(backend, path, lambda cursor: form(path, cursor))
    assert [row["id"] for row in rows] == units[::-1], reason


def test_v2_cursor_may_be_sent_as_the_whole_url(filled):
    backend, collection, units = filled
    path = "/v2/data-units/"
    params = {"data_collection": collection, "per_page": 3}
    cursor = backend.client.get(path, params=params).json()["meta"]["pagination"]["next_cursor"]
    assert cursor.startswith("/v2/data-units/?cursor=")
    rows = backend.ok("GET", path, params={**params, "cursor": cursor})
    assert [row["id"] for row in rows] == units[::-1][3:6]


def test_v2_page_size_is_capped_and_reported(backend):
    assert backend.client.get("/v2/projects/").json()["meta"]["pagination"]["per_page"] == 50
    assert backend.client.get("/v2/projects/?per_page=5000").json()["meta"]["pagination"]["per_page"] == 200


@pytest.mark.parametrize(
    "query", ["cursor=%21%21", "cursor=aWQ6eA", "per_page=x", "per_page=0", "cursor=/x/?per_page=1"]
)
def test_v2_list_with_bad_paging_is_400(backend, query):
    assert backend.client.get(f"/v2/projects/?{query}").status_code == 400


def test_unknown_query_keys_and_sort_fields_are_ignored(filled):
    backend, collection, units = filled
    rows = backend.ok("GET", f"/v2/data-units/?data_collection={collection}&sort=colour&is_confirmed=true&name=x")
    assert len(rows) == len(units)


def test_v2_fields_thins_rows_out(filled):
    backend, _, units = filled
    assert backend.ok("GET", "/v2/data-units/?fields=id&sort=created")[0] == {"id": units[0]}


@pytest.mark.parametrize("extra", ["", "&ordering=-id"])
def test_v1_next_leads_through_all_pages(filled, extra):
    backend, collection, units = filled
    rows, url = [], f"/data_units/?data_collection={collection}&page_size=3{extra}"
    while url:
        body = backend.ok("GET", url)
        assert body["count"] == 7
        rows += [row["id"] for row in body["results"]]
        url = body["next"]
    assert rows == (units[::-1] if extra else units)


def test_v1_page_past_the_end_is_404_but_empty_first_page_is_fine(filled):
    backend, collection, _ = filled
    assert backend.client.get(f"/data_units/?data_collection={collection}&page=2").status_code == 404
    assert backend.ok("GET", "/data_units/?data_collection=5") == {
        "count": 0,
        "next": None,
        "previous": None,
        "results": [],
    }


def test_v1_page_size_is_capped_at_100(backend):
    collection = backend.collection()
    backend.units(collection, 101)
    body = backend.ok("GET", f"/data_units/?data_collection={collection}&page_size=500")
    assert (len(body["results"]), body["count"]) == (100, 101)


def test_v1_cursor_list_has_no_count(filled):
    backend, collection, units = filled
    rows, url = [], f"/data_units/?data_collection={collection}&page_size=3&pagination=cursor&ordering=-id"
    while url:
        body = backend.ok("GET", url)
        assert "count" not in body
        rows += [row["id"] for row in body["results"]]
        url = body["next"]
    assert rows == units[::-1]


def test_v1_id_filters(filled):
    backend, _, units = filled
    body = backend.ok("GET", f"/data_units/?ids={units[0]}-{units[3]}&ids_ex={units[1]}")
    assert [row["id"] for row in body["results"]] == [units[0], units[2], units[3]]


def writes(backend, collection):
    """Every write that alters the listing of the collection's units, one after the other."""
    [unit] = backend.units(collection, 1, groups=["g"])
    yield "create a unit"
    backend.ok("PATCH", f"/v2/data-units/{unit}/", json={"meta": {"a": 1}})
    yield "edit meta"
    group = backend.ok("GET", f"/v2/data-collections/{collection}/groups/")[0]["id"]
    backend.ok("DELETE", f"/v2/data-collections/{collection}/groups/{group}/", 204)
    yield "delete a group"
    listed = [{"name": "image_1", "file_type": "image", "is_primary": False}]
    backend.ok("PATCH", f"/v2/data-collections/{collection}/", json={"file_specifications": listed})
    yield "edit specifications"
    backend.ok("POST", "/v2/data-units/", 201, json={"data_collection": collection, "meta": {}})
    yield "create a unit without files"
    backend.ok("DELETE", f"/v2/data-units/{unit}/", 204)
    yield "delete a unit"


@pytest.mark.parametrize("path", ["/v2/data-units/?data_collection={}", "/data_units/?expand=files&data_collection={}"])
def test_etag_of_units_changes_with_every_write_and_only_then(backend, path):
    collection = backend.collection()
    url, seen = path.format(collection), {}
    for step in itertools.chain(["nothing yet"], writes(backend, collection)):
        etag = backend.client.get(url).headers["ETag"]
        assert etag not in seen, f"{step} has the tag of {seen.get(etag)}"
        seen[etag] = step
        repeated = backend.client.get(url, headers={"If-None-Match": etag})
        assert (repeated.status_code, repeated.content) == (304, b""), step


def test_etag_survives_reads_dry_runs_failures_and_writes_elsewhere(filled, open_backend):
    backend, collection, units = filled
    url = f"/v2/data-units/?data_collection={collection}"
    etag = backend.client.get(url).headers["ETag"]
    other = backend.collection(name="other")
    backend.ok("POST", "/v2/data-units/", 201, json={"data_collection": other, "meta": {}})
    backend.ok("DELETE", f"/v2/data-units/{units[0]}/?dry_run=true", 200)
    backend.client.patch(f"/v2/data-units/{units[0]}/", json={"group": 5})
    assert backend.client.get(url).headers["ETag"] == etag
    assert open_backend().client.get(url).headers["ETag"] == etag


def project_writes(backend, project, units):
    tasks = backend.tasks(project, units)
    yield "create tasks"
    backend.ok("PUT", f"/v2/tasks/{tasks[0]}/annotate-task-data/", json={"data": {}, "action": "submit"})
    yield "submit"
    assignment = backend.ok("GET", f"/v2/assignments/?project={project}")[0]["id"]
    backend.ok("PUT", f"/v2/assignments/{assignment}/data/", json={"data": {"extra": 1}})
    yield "replace an assignment's payload"
    tag = backend.ok("POST", f"/v2/projects/{project}/tags/", 201, json={"name": "t", "category": "export"})["id"]
    backend.ok("POST", "/tasks/set_tags/", json={"ids": [tasks[0]], "tags": [tag]})
    yield "tag a task"
    backend.ok("PATCH", f"/v2/data-units/{units[0]}/", json={"meta": {"z": 1}})
    yield "edit a unit that rows show"
    backend.ok("DELETE", f"/v2/tasks/{tasks[1]}/", 204)
    yield "delete a task"
    backend.ok("DELETE", f"/v2/data-units/{units[2]}/", 204)
    yield "delete a unit"


@pytest.mark.parametrize(
    "path",
    ["/v2/tasks/?project={}", "/v2/assignments/?project={}", "/sdk/tasks/?project={}", "/sdk/assignments/?project={}"],
)
def test_etag_of_tasks_and_assignments_changes_with_every_write(filled, path):
    backend, collection, units = filled
    project = backend.project(collection)
    url, seen = path.format(project), set()
    for step in itertools.chain(["nothing yet"], project_writes(backend, project, units)):
        etag = backend.client.get(url).headers["ETag"]
        assert etag not in seen, step
        seen.add(etag)
        assert backend.client.get(url, headers={"If-None-Match": etag}).status_code == 304, step


def test_ids_of_two_stores_differ(tmp_path):
    from reconciler.backend.store import draw_first_id

    assert len({draw_first_id() for _ in range(50)}) > 30


@pytest.fixture
def named(backend):
    """Workspace groups whose names are not in the order of their ids."""
    for name in ("pear", "fig", "apple", "fig", "plum"):
        backend.ok("POST", "/v2/groups/", 201, json={"name": name})
    return backend


@pytest.mark.parametrize(("sort", "descending"), [("name", False), ("-name", True), ("colour,name", False)])
def test_v2_list_is_sorted_by_name_over_all_pages(named, sort, descending):
    rows = pages(named, f"/v2/groups/?sort={sort}&per_page=2", lambda cursor: cursor)
    keys = [(row["name"], row["id"]) for row in rows]
    assert keys == sorted(keys, reverse=descending)
    assert len(keys) == 5


@pytest.mark.parametrize("sort", ["name", "-name", "created", "-created"])
def test_previous_cursor_leads_back_to_the_first_page(named, sort):
    first = named.client.get(f"/v2/groups/?sort={sort}&per_page=2").json()
    seen, page = [first["data"]], first
    while (following := page["meta"]["pagination"]["next_cursor"]) is not None:
        page = named.client.get(following).json()
        seen.append(page["data"])
    back = [page["data"]]
    while (previous := page["meta"]["pagination"]["previous_cursor"]) is not None:
        page = named.client.get(previous).json()
        back.append(page["data"])
    assert back == seen[::-1]
    assert first["meta"]["pagination"]["previous_cursor"] is None


def test_cursor_of_another_order_is_400(named):
    cursor = named.client.get("/v2/groups/?per_page=2").json()["meta"]["pagination"]["next_cursor"]
    assert named.client.get(f"{cursor}&sort=name").status_code == 400
