"""Plans and applies on a Sage server: every file a unit, known by its place."""

from __future__ import annotations

import pytest

from reconciler.engine.context import PlanOptions
from reconciler.engine.importing import import_all
from reconciler.errors import ConfigError, ExitCode
from tests.support.sage_bench import FILES, files_of, put, sage_bench
from tests.support.sage_server import SageServer


@pytest.fixture
def server(tmp_path):
    server = SageServer(tmp_path / "server")
    yield server
    server.close()


@pytest.fixture
def bench(tmp_path, server):
    """Applied once."""
    made = sage_bench(tmp_path / "w", server)
    assert made.apply().exit_code is ExitCode.OK
    server.log.clear()
    server.sent_bytes = 0
    return made


def _apply(bench):
    report = bench.apply()
    assert report.exit_code is ExitCode.OK, report
    planned = bench.plan()
    assert planned.is_empty, planned.text


def test_apply_mirrors_folders_and_types_annotations(bench, server):
    assert sorted(server.tree()) == [
        "Lab 7",
        "Lab 7/scans",
        *sorted(["Lab 7/scans/deep", "Lab 7/scans/deep/er", "Lab 7/scans/raw", *(f"Lab 7/scans/{f}" for f in FILES)]),
    ]
    assert files_of(server)["a.txt"][3] == {
        "age": {"type": "LONG", "value": ["4"]},
        "site": {"type": "STRING", "value": ["s1"]},
        "when": {"type": "TIMESTAMP_MS", "value": ["1714953600000"]},
        "doses": {"type": "DOUBLE", "value": ["1.5", "2.0"]},
    }


def test_second_plan_is_empty_and_asks_once_per_folder(bench, server):
    assert bench.plan().is_empty
    folders = [path for method, path in server.log if path.endswith("/children")]
    assert (len(folders), len(server.log)) == (4, 6)  # two collections besides


def test_second_apply_makes_no_writing_call(bench, server):
    assert bench.apply().exit_code is ExitCode.OK
    assert server.writes == []


def test_changed_bytes_are_a_new_version_of_the_same_file(bench, server):
    before = files_of(server)
    put(bench, {"a.txt": b"other bytes"})
    assert "the content of files differs" in bench.plan().text
    _apply(bench)
    after = files_of(server)
    assert (after["a.txt"][0], after["a.txt"][1]) == (before["a.txt"][0], 2)
    assert after["a.txt"][3] == before["a.txt"][3]
    assert {k: v for k, v in after.items() if k != "a.txt"} == {k: v for k, v in before.items() if k != "a.txt"}


def test_changed_metadata_makes_no_version_and_keeps_what_others_wrote(bench, server):
    server.annotate(server.id_of("Lab 7/scans/a.txt"), theirs=("STRING", "x"))
    assert bench.plan().is_empty
    bench.set("AssetSet", "files", meta={"site": "s2"})
    _apply(bench)
    found = files_of(server)["a.txt"]
    assert (found[1], sorted(found[3]), found[3]["site"]["value"]) == (1, ["age", "site", "theirs"], ["s2"])


def _swap(data):
    (data / "a.txt").rename(data / "t")
    (data / "raw/b.txt").rename(data / "a.txt")
    (data / "t").rename(data / "raw/b.txt")


def _cycle(data):
    (data / "a.txt").rename(data / "t")
    (data / "raw/c.txt").rename(data / "a.txt")
    (data / "raw/b.txt").rename(data / "raw/c.txt")
    (data / "t").rename(data / "raw/b.txt")


def _number_anew(data):
    (data / "raw/c.txt").rename(data / "raw/d.txt")
    (data / "raw/b.txt").rename(data / "raw/c.txt")
    (data / "a.txt").rename(data / "raw/b.txt")


@pytest.mark.parametrize(
    ("move", "expected", "reason"),
    [
        (lambda d: (d / "a.txt").rename(d / "z.txt"), {"a.txt": "z.txt"}, "another name"),
        (lambda d: (d / "a.txt").rename(d / "raw/a.txt"), {"a.txt": "raw/a.txt"}, "another folder"),
        (lambda d: (d / "a.txt").rename(d / "deep/z.txt"), {"a.txt": "deep/z.txt"}, "both"),
        (lambda d: (d / "deep").rename(d / "low"), {"deep/er/d.txt": "low/er/d.txt"}, "a whole folder"),
        (_swap, {"a.txt": "raw/b.txt", "raw/b.txt": "a.txt"}, "two names exchanged"),
        (
            _cycle,
            {"raw/c.txt": "a.txt", "raw/b.txt": "raw/c.txt", "a.txt": "raw/b.txt"},
            "three names in a circle",
        ),
        (
            lambda d: (d / "raw").rename(d / "deep/raw"),
            {"raw/b.txt": "deep/raw/b.txt", "raw/c.txt": "deep/raw/c.txt"},
            "a folder into another",
        ),
        (
            _number_anew,
            {"raw/c.txt": "raw/d.txt", "raw/b.txt": "raw/c.txt", "a.txt": "raw/b.txt"},
            "each takes the next one's name",
        ),
    ],
)
def test_move_keeps_ids_and_versions_and_sends_no_byte(bench, server, move, expected, reason):
    bench.set("AssetSet", "files", metadata=[])
    _apply(bench)
    before = files_of(server)
    server.sent_bytes = 0
    move(bench.root / "data")
    _apply(bench)
    moved = {expected.get(path, path): facts for path, facts in before.items()}
    assert (files_of(server), server.sent_bytes) == (moved, 0), reason


def test_left_folders_of_ours_go_and_those_of_others_stay(bench, server):
    server.annotate(server.id_of("Lab 7/scans/raw"), reconciler=None)
    for path in ("raw/b.txt", "raw/c.txt", "deep/er/d.txt"):
        (bench.root / "data" / path).unlink()
    planned = bench.plan()
    assert "trash" in planned.text
    _apply(bench)
    assert sorted(server.tree()) == ["Lab 7", "Lab 7/scans", "Lab 7/scans/a.txt", "Lab 7/scans/raw"]


def test_metadata_changed_by_others_is_drift_and_is_set_right(bench, server):
    server.annotate(server.id_of("Lab 7/scans/a.txt"), site=("STRING", "evil"))
    assert 'meta.site: is "evil", declared "s1"' in bench.plan().text
    _apply(bench)
    assert files_of(server)["a.txt"][3]["site"]["value"] == ["s1"]


def test_file_moved_by_others_is_moved_back(bench, server):
    before = files_of(server)
    server.edit(server.id_of("Lab 7/scans/a.txt"), name="theirs.txt")
    assert 'place: is "theirs.txt", declared "a.txt"' in bench.plan().text
    _apply(bench)
    assert files_of(server) == before


def test_file_deleted_by_others_is_made_again_without_sending_bytes(bench, server):
    server.delete(server.id_of("Lab 7/scans/a.txt"))
    _apply(bench)
    assert "a.txt" in files_of(server)
    assert server.sent_bytes == 0


@pytest.mark.parametrize(("adopt", "code"), [("fail", None), ("adopt", ExitCode.OK)])
def test_file_of_others_at_our_place_is_taken_over_only_when_asked(bench, server, adopt, code):
    put(bench, {"new.txt": b"new"})
    made = server.create("FileEntity", "new.txt", parentId=server.id_of("Lab 7/scans"))
    bench.set("AssetSet", "files", lifecycle={"onExists": adopt})
    if code is None:
        assert "1 blocked" in bench.plan().text
    else:
        _apply(bench)
        assert files_of(server)["new.txt"][:2] == (made, 2)


def test_import_all_rebuilds_a_lost_state_and_writes_nothing(bench, server):
    before = files_of(server)
    (bench.root / ".reconciler/state.db").unlink()
    assert "Lab 7" not in bench.plan().text or "blocked" in bench.plan().text
    server.log.clear()
    with bench.session() as session, session.lock("import"):
        report = import_all(session, session.open_state())
    assert (report.rows, report.failures, server.writes) == (len(FILES), (), [])
    assert bench.plan().is_empty
    assert files_of(server) == before


def test_provenance_is_made_in_order_and_compared(bench, server):
    activity = {"name": "norm", "used": ["raw/c.txt", "https://a.b/c"], "executed": ["a.txt"]}
    bench.set("AssetSet", "files", provenance=activity)
    _apply(bench)
    tree = server.tree()
    ids = {path: bundle["entity"]["id"] for path, bundle in tree.items()}
    made = tree["Lab 7/scans/raw/b.txt"]["activity"]
    used = [item.get("reference", {}).get("targetId") or item["url"] for item in made["used"]]
    assert used == [ids["Lab 7/scans/raw/c.txt"], "https://a.b/c", ids["Lab 7/scans/a.txt"]]
    assert "activity" not in tree["Lab 7/scans/a.txt"]
    bench.set("AssetSet", "files", provenance=None)
    _apply(bench)
    assert not [path for path, bundle in server.tree().items() if "activity" in bundle]


def test_provenance_follows_a_new_version(bench, server):
    bench.set("AssetSet", "files", provenance={"used": ["a.txt"]})
    _apply(bench)
    put(bench, {"a.txt": b"again", "raw/b.txt": b"made from it"})
    _apply(bench)
    there = server.tree()["Lab 7/scans/raw/b.txt"]
    [item] = there["activity"]["used"]
    assert (there["entity"]["versionNumber"], item["reference"]["targetVersionNumber"]) == (2, 2)


def test_provenance_naming_no_file_of_the_set_is_refused(bench):
    bench.set("AssetSet", "files", provenance={"used": ["nowhere.txt"]})
    with pytest.raises(ConfigError, match=r"names 'nowhere\.txt'"):
        bench.plan()


def test_plan_names_every_file_that_the_server_cannot_hold(bench):
    put(bench, {"bad:name.txt": b"x", "ünicode.txt": b"y"})
    bench.set("AssetSet", "files", meta={"site": "x" * 501})
    with pytest.raises(ConfigError) as error:
        bench.plan()
    assert {problem.address for problem in error.value.problems} >= {
        'AssetSet/files["bad:name.txt"]',
        'AssetSet/files["ünicode.txt"]',
        'AssetSet/files["a.txt"]',
    }


def test_flat_sets_put_all_files_into_one_folder_and_name_both_of_a_pair(tmp_path, server):
    bench = sage_bench(tmp_path / "w", server)
    bench.set("AssetSet", "files", sage={"folders": "flat"})
    _apply(bench)
    assert sorted(files_of(server)) == ["a.txt", "b.txt", "c.txt", "d.txt"]
    put(bench, {"other/a.txt": b"x"})
    with pytest.raises(ConfigError, match=r"other/a\.txt") as error:
        bench.plan()
    assert "2 files claim" in str(error.value)


def test_one_refused_file_costs_no_other(tmp_path, server):
    files = {f"f{number:03}.txt": b"%d" % number for number in range(120)}
    bench = sage_bench(tmp_path / "w", server, files)
    name = "f042.txt"
    server.before = lambda _, path, body: (
        (403, "You lack CREATE access to the requested entity.")
        if path.endswith("/create") and body["entity"]["name"] == name
        else None
    )
    report = bench.apply()
    failures = [failure.address for outcome in report.outcomes for failure in outcome.failures]
    assert (report.exit_code, failures) == (ExitCode.PARTLY_APPLIED, [f'AssetSet/files["{name}"]'])
    assert len(files_of(server)) == 119
    server.before = lambda *_: None
    _apply(bench)
    assert len(files_of(server)) == 120


def test_entity_changed_between_read_and_write_is_read_again(bench, server):
    bench.set("AssetSet", "files", meta={"site": "s2"})
    meddled = []

    def meddle(method, path, body):
        if method == "PUT" and path.endswith("/annotations2") and not meddled:
            meddled.append(body["id"])
            server.annotate(body["id"], theirs=("STRING", "x"))

    server.before = meddle
    _apply(bench)
    [annotations] = [server.bundle(entity)["annotations"]["annotations"] for entity in meddled]
    assert (annotations["site"]["value"], annotations["theirs"]["value"]) == (["s2"], ["x"])


def test_destroy_takes_everything_of_ours_to_the_trash(bench, server):
    assert bench.apply(PlanOptions(destroy=True)).exit_code is ExitCode.OK
    assert server.tree() == {}


def test_import_all_records_what_differs_and_the_next_plan_tells_it(bench, server):
    before = files_of(server)
    (bench.root / ".reconciler/state.db").unlink()
    put(bench, {"a.txt": b"edited meanwhile"})
    with bench.session() as session, session.lock("import"):
        import_all(session, session.open_state())
    assert files_of(server) == before
    assert "1 to change" in bench.plan().text
    _apply(bench)
    assert files_of(server)["a.txt"][:2] == (before["a.txt"][0], 2)


def test_collection_moves_to_another_parent_with_all_it_holds(bench, server):
    before = files_of(server)
    bench.set("Collection", "second", title="Lab 8")
    bench.set("Collection", "scans", sage={"type": "folder", "parent": "second"})
    _apply(bench)
    tree = server.tree()
    assert tree["Lab 8/scans/a.txt"]["entity"]["id"] == before["a.txt"][0]
    assert "Lab 7/scans" not in tree


def test_collection_of_others_is_taken_over_only_when_asked(tmp_path, server):
    bench = sage_bench(tmp_path / "w", server)
    theirs = server.create("Project", "Lab 7")
    server.annotate(theirs, theirs=("LONG", "1"))
    assert "set lifecycle.onExists: adopt" in bench.plan().text
    bench.set("Collection", "lab", lifecycle={"onExists": "adopt"})
    _apply(bench)
    found = server.tree()["Lab 7"]
    assert (found["entity"]["id"], sorted(found["annotations"]["annotations"])) == (theirs, ["owner", "theirs"])


def test_collection_whose_creation_arrives_twice_is_ours(tmp_path, server):
    """A line that repeats a request has the second one told that the name is taken: by the first."""
    bench = sage_bench(tmp_path / "w", server)
    first = []

    def repeat(method, path, body):
        if path.endswith("/entity/bundle2/create") and not first:
            first.append(server.call(method, "/entity/bundle2/create", body))

    server.before = repeat
    _apply(bench)
    assert server.tree()["Lab 7"]["entity"]["id"] == first[0]["entity"]["id"]


def test_failed_step_aside_costs_no_file_and_makes_no_double(bench, server):
    """The first of two exchanged names steps aside, but is said to have been refused: its place is not to be taken."""
    before = files_of(server)
    ids = {facts[0] for facts in before.values()}
    _swap(bench.root / "data")
    refused = []

    def refuse(method, path, body):
        if method == "PUT" and path.endswith(f"/{before['a.txt'][0]}"):
            if not refused:
                server.edit(body["id"], name=body["name"])
            refused.append(path)
            return 412, "it was updated"
        return None

    server.before = refuse
    assert bench.apply().exit_code is ExitCode.PARTLY_APPLIED
    assert {facts[0] for facts in files_of(server).values()} == ids
    server.before = lambda *_: None
    _apply(bench)
    after = files_of(server)
    assert sorted(after) == sorted(before)
    assert (after["a.txt"][2], after["raw/b.txt"][2]) == (before["raw/b.txt"][2], before["a.txt"][2])


def test_list_of_a_partly_refused_apply_is_exact(tmp_path, server):
    """120 rows, one refused: what is done, what failed, and what could not begin because it is made from that."""
    files = {f"f{number:03}.txt": b"%d" % number for number in range(120)}
    bench = sage_bench(tmp_path / "w", server, files)
    bench.set("AssetSet", "files", provenance={"name": "n", "used": ["f000.txt"]})
    server.before = lambda _, path, body: (
        (400, "no") if path.endswith("/create") and body["entity"]["name"] == "f000.txt" else None
    )
    report = bench.apply()
    assert report.exit_code is ExitCode.PARTLY_APPLIED
    told = {failure.address: failure.summary for failure in report.failures}
    assert told.pop('AssetSet/files["f000.txt"]').endswith(": no")
    assert told == {
        f'AssetSet/files["f{number:03}.txt"]': 'it comes from AssetSet/files["f000.txt"], which is not there'
        for number in range(1, 120)
    }
    assert files_of(server) == {}
    server.before = lambda *_: None
    _apply(bench)
    assert len(files_of(server)) == 120
