"""From a folder to a configuration: what is found, which value wins, what stays secret."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from reconciler import config
from reconciler.errors import ConfigError, Location, Severity
from reconciler.model.resource import AssetSet, Collection
from reconciler.model.workspace import Configuration

HEADER = "apiVersion: reconciler.dev/v1\n"


def document(kind: str, name: str, spec: str) -> str:
    return f"{HEADER}kind: {kind}\nmetadata: {{name: {name}}}\nspec: {spec}\n"


COLLECTION = document("Collection", "chest-ct", "{title: Chest CT}")
ASSETS = document("AssetSet", "scans", "{collection: chest-ct, source: {url: ./data}}")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "lung").mkdir()
    return tmp_path / "lung"


def write(root: Path, **files: str) -> None:
    for name, text in files.items():
        path = root / name.replace("__", "/").replace("_yaml", ".yaml").replace("_json", ".json")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def load(root: Path, **arguments: object) -> Configuration:
    return config.load(root, **{"environ": {}, **arguments})  # type: ignore[arg-type]


def addresses(configuration: Configuration) -> list[str]:
    return [str(resource.head.address) for resource in configuration.resources]


def summaries(error: pytest.ExceptionInfo[ConfigError]) -> list[str]:
    return [problem.summary for problem in error.value.problems]


def collection(configuration: Configuration) -> Collection:
    (found,) = [r for r in configuration.resources if isinstance(r, Collection)]
    return found


def test_load_without_workspace_file_uses_defaults(root: Path) -> None:
    write(root, ct_yaml=COLLECTION)
    got = load(root)
    assert (got.workspace.name, got.workspace.default_backend, got.workspace.state_url) == (
        "lung",
        "local",
        ".reconciler/state.db",
    )
    settings = got.workspace.backends["local"]
    assert (settings.type, settings.settings) == ("embedded", {"dialect": "datamaker", "path": ".reconciler/backend"})


def test_load_sorts_resources_by_address_and_keeps_places(root: Path) -> None:
    write(root, z__a_yaml=COLLECTION, b_yaml=document("MetadataSource", "m", "{constant: {a: 1}}") + "---\n" + ASSETS)
    got = load(root)
    assert addresses(got) == ["AssetSet/scans", "Collection/chest-ct", "MetadataSource/m"]
    assert [r.head.location for r in got.resources][:2] == [Location("b.yaml", 6, 1), Location("z/a.yaml", 1, 1)]
    assert [r.head.folder for r in got.resources][:2] == [root, root / "z"]


def test_load_passes_over_files_of_others(root: Path) -> None:
    write(
        root,
        ct_yaml=COLLECTION,
        data_yaml="train: images\nnames: [a, b]\n",
        broken_yaml="a: [\n",
        deploy_yaml="apiVersion: apps/v1\nkind: Deployment\nspec: {x: !Ref y}\n",
        tags_yaml="kind: Table\nrows: !custom [1]\n",
    )
    assert addresses(load(root)) == ["Collection/chest-ct"]


def test_load_takes_our_documents_out_of_a_mixed_file(root: Path) -> None:
    foreign = "apiVersion: v1\nkind: ConfigMap\ndata: {x: !Ref y}\n"
    write(root, all_yaml=f"{foreign}---\n{COLLECTION}---\n{foreign}")
    assert addresses(load(root)) == ["Collection/chest-ct"]


def test_load_does_not_search_sources_and_destinations(root: Path) -> None:
    export = document("Export", "e", "{project: {id: 1}, format: coco, destination: {url: ../out}}")
    broken = COLLECTION.replace("title", "titel")
    write(root, assets__a_yaml=ASSETS.replace("./data", "../data"), conf__e_yaml=export, ct_yaml=COLLECTION)
    write(root, data__x_yaml=broken, out__deep__y_yaml=broken)
    assert addresses(load(root)) == ["AssetSet/scans", "Collection/chest-ct", "Export/e"]


def test_load_source_beside_its_document_is_searched(root: Path) -> None:
    write(root, ct_yaml=COLLECTION, a_yaml=ASSETS.replace("./data", "."), sub__b_yaml=ASSETS.replace("scans", "more"))
    assert addresses(load(root)) == ["AssetSet/more", "AssetSet/scans", "Collection/chest-ct"]


def test_load_nested_workspace_is_left_out_and_said(root: Path) -> None:
    write(root, ct_yaml=COLLECTION, sub__reconciler_yaml=document("Workspace", "sub", "{}"), sub__x_yaml=ASSETS)
    got = load(root)
    assert addresses(got) == ["Collection/chest-ct"]
    assert [w.summary for w in got.warnings] == ["the folder sub is a workspace of its own and was not searched"]


def test_load_globs_of_the_workspace_select_files(root: Path) -> None:
    write(root, reconciler_yaml=document("Workspace", "w", '{documents: ["conf/*.json"]}'), ct_yaml="kind: Colection")
    (root / "conf").mkdir()
    (root / "conf" / "a.json").write_text(
        json.dumps({"apiVersion": "reconciler.dev/v1", "kind": "Collection", "metadata": {"name": "c"}, "spec": {}})
    )
    assert addresses(load(root)) == ["Collection/c"]


def test_load_given_files_replace_the_search(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(root, ct_yaml=COLLECTION, other_yaml=document("Collection", "other", "{}"))
    monkeypatch.chdir(root)
    assert addresses(load(root, files=["other.yaml", "./other.yaml"])) == ["Collection/other"]


def test_load_given_folder_and_standard_input_are_joined(root: Path) -> None:
    write(root, conf__ct_yaml=COLLECTION, conf__note_yaml="a: 1\n")
    got = load(root, files=[str(root / "conf"), "-"], stdin=lambda: ASSETS)
    assert addresses(got) == ["AssetSet/scans", "Collection/chest-ct"]
    assert got.resources[0].head.location == Location("-", 1, 1)
    assert got.resources[0].head.folder == root


def test_load_given_files_still_use_the_workspace_file(root: Path) -> None:
    write(root, reconciler_yaml=document("Workspace", "w", "{variables: {t: {default: Hi}}}"))
    got = load(root, files=["-"], stdin=lambda: COLLECTION.replace("Chest CT", "'${var.t}'"))
    assert (got.workspace.name, collection(got).title) == ("w", "Hi")


def test_load_given_workspace_wins_over_the_file(root: Path) -> None:
    write(root, reconciler_yaml=document("Workspace", "w", "{}"))
    got = load(root, files=["-"], stdin=lambda: document("Workspace", "given", "{}") + "---\n" + COLLECTION)
    assert got.workspace.name == "given"


def test_load_without_documents_warns(root: Path) -> None:
    got = load(root)
    assert (got.resources, [w.summary for w in got.warnings]) == ((), ["no documents found"])


def test_load_missing_folder_is_a_configuration_error(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="does not exist"):
        load(tmp_path / "nothing")


WORKSPACE = document(
    "Workspace",
    "w",
    "{variables: {t: {default: default}}, environments: {prod: {variables: {t: block}}, bare: {}}}",
)
PRECEDENCE = [
    ({}, {}, "default", "the default is the weakest"),
    ({"environment": "prod"}, {}, "block", "the environment block"),
    ({"environment": "prod", "environ": {"RECONCILER_VAR_t": "env"}}, {}, "env", "the process environment"),
    ({"environ": {"RECONCILER_VAR_t": "env"}}, {"a.auto.vars.yaml": "t: auto-a\n"}, "auto-a", "automatic files"),
    ({}, {"b.auto.vars.yaml": "t: auto-b\n", "a.auto.vars.yaml": "t: auto-a\n"}, "auto-b", "in lexical order"),
    ({"var_files": ["f.vars.yaml"]}, {"a.auto.vars.yaml": "t: a\n", "f.vars.yaml": "t: file\n"}, "file", "given files"),
    ({"var_files": ["f.yaml"], "variables": {"t": "line"}}, {"f.yaml": "t: file\n"}, "line", "the command line"),
]


@pytest.mark.parametrize(("arguments", "files", "expected", "reason"), PRECEDENCE)
def test_load_variable_takes_the_strongest_value(
    root: Path, arguments: dict[str, object], files: dict[str, str], expected: str, reason: str
) -> None:
    write(root, reconciler_yaml=WORKSPACE, ct_yaml=COLLECTION.replace("Chest CT", "'${var.t}'"))
    for name, text in files.items():
        (root / name).write_text(text)
    if "var_files" in arguments:
        arguments = {**arguments, "var_files": [root / str(name) for name in arguments["var_files"]]}  # type: ignore[union-attr, attr-defined]
    assert collection(load(root, **arguments)).title == expected, reason


def test_load_unused_variable_warns(root: Path) -> None:
    write(root, reconciler_yaml=WORKSPACE, ct_yaml=COLLECTION)
    (warning,) = load(root).warnings
    assert (warning.summary, warning.severity) == ("the variable 't' is not used", Severity.WARNING)


def test_load_environment_patches_and_changes_backend(root: Path) -> None:
    spec = """{backends: {a: {type: embedded}, b: {type: embedded, path: b}}, defaultBackend: a, environments: {prod: {
      defaultBackend: b, state: {url: prod.db}, patches: [
      {target: {kind: Collection, name: chest-ct},
       merge: {spec: {title: Patched, description: null, meta: {x: 1}}}}]}}}"""
    text = document("Collection", "chest-ct", "{title: Chest CT, description: old, meta: {y: 2}}")
    write(root, reconciler_yaml=document("Workspace", "w", spec), ct_yaml=text)
    plain, prod = load(root), load(root, environment="prod")
    assert (collection(plain).title, collection(plain).head.backend, plain.workspace.state_url) == (
        "Chest CT",
        "a",
        ".reconciler/state.db",
    )
    got = collection(prod)
    assert (got.title, got.description, got.meta, got.head.backend) == ("Patched", None, {"y": 2, "x": 1}, "b")
    assert (prod.workspace.state_url, prod.workspace.environment) == ("prod.db", "prod")


LAB = document(
    "Workspace",
    "w",
    "{backends: {lab: {type: datamaker, tenant: acme, token: '${env.LAB_TOKEN}'}, local: {type: embedded}}}",
)


def test_load_backend_that_is_not_used_may_lack_its_secret(root: Path) -> None:
    write(root, reconciler_yaml=LAB, ct_yaml=COLLECTION)
    assert list(load(root).workspace.backends) == ["local"]


def test_load_backend_that_is_used_needs_its_secret(root: Path) -> None:
    write(root, reconciler_yaml=LAB, ct_yaml=COLLECTION.replace("{title", "{backend: lab, title"))
    with pytest.raises(ConfigError) as error:
        load(root)
    assert summaries(error) == ["the environment variable LAB_TOKEN is not set"]
    got = load(root, environ={"LAB_TOKEN": "s3cr3t"})
    assert got.workspace.backends["lab"].settings == {"tenant": "acme", "token": "s3cr3t"}
    assert got.workspace.secrets == {"s3cr3t"}


def test_load_secret_is_in_no_repr_and_not_in_the_digest(root: Path) -> None:
    assets = ASSETS.replace("./data}", "'s3://b/x', options: {secret: '${env.KEY}'}}")
    write(root, reconciler_yaml=LAB, ct_yaml=COLLECTION + "---\n" + assets)
    first = load(root, environ={"LAB_TOKEN": "t-one", "KEY": "k-one"})
    second = load(root, environ={"LAB_TOKEN": "t-two", "KEY": "k-two"})
    (found,) = [r for r in first.resources if isinstance(r, AssetSet)]
    assert found.sources[0].options == {"secret": "k-one"}
    assert first.workspace.secrets == {"t-one", "k-one"}
    assert "k-one" not in repr(first)
    assert "t-one" not in repr(first)
    assert first.digest == second.digest


def test_load_token_from_file_is_relative_to_the_workspace(root: Path) -> None:
    write(root, reconciler_yaml=LAB.replace("${env.LAB_TOKEN}", "${file.secrets/token}"), ct_yaml=COLLECTION)
    (root / "secrets").mkdir()
    (root / "secrets" / "token").write_text("s3cr3t\n")
    assert load(root).workspace.backends["lab"].settings["token"] == "s3cr3t"


def test_load_token_in_plain_text_warns_and_is_kept_secret(root: Path) -> None:
    write(root, reconciler_yaml=LAB.replace("${env.LAB_TOKEN}", "syn_123"), ct_yaml=COLLECTION)
    got = load(root)
    assert [w.summary for w in got.warnings] == ["the token of the backend 'lab' stands in the file"]
    assert "syn_123" in got.workspace.secrets
    assert "syn_123" not in str(got.warnings[0])


def test_load_keeps_settings_of_a_backend_that_are_no_plain_values(root: Path) -> None:
    block = "backends: {sage: {type: sage, token: t, endpoints: {repo: 'http://127.0.0.1:1/repo/v1'}}}"
    (root / "reconciler.yaml").write_text(
        f"apiVersion: reconciler.dev/v1\nkind: Workspace\nmetadata: {{name: w}}\nspec:\n  {block}\n"
    )
    settings = load(root, environ={}).workspace.backends["sage"].settings
    assert settings["endpoints"] == {"repo": "http://127.0.0.1:1/repo/v1"}


def test_load_sage_backend_is_usable(root: Path) -> None:
    write(
        root,
        reconciler_yaml=LAB.replace("lab: {type: datamaker, tenant: acme,", "lab: {type: sage,"),
        ct_yaml=COLLECTION,
    )
    assert list(load(root, environ={"LAB_TOKEN": "x"}).workspace.backends) == ["lab", "local"]


def test_load_digest_follows_content_not_layout(root: Path) -> None:
    write(root, ct_yaml=COLLECTION)
    before = load(root).digest
    write(root, ct_yaml="# a comment\n" + COLLECTION.replace("{title: Chest CT}", "\n    title: 'Chest CT'"))
    assert load(root).digest == before
    write(root, ct_yaml=COLLECTION.replace("Chest CT", "Chest"))
    assert load(root).digest != before


def test_load_digest_does_not_depend_on_where_the_workspace_lies(root: Path, tmp_path: Path) -> None:
    write(root, ct_yaml=COLLECTION)
    write(tmp_path / "copy", ct_yaml=COLLECTION)
    assert load(root).digest == load(tmp_path / "copy").digest


def test_load_unit_schema_file_is_read_in(root: Path) -> None:
    write(root, sub__ct_yaml=document("Collection", "c", "{unitMetaSchema: {file: ../unit.json}}"))
    (root / "unit.json").write_text('{"type": "object", "required": ["a"]}')
    assert collection(load(root)).unit_meta_schema == {"type": "object", "required": ["a"]}


def test_load_variable_keeps_its_type_in_the_document(root: Path) -> None:
    spec = "{variables: {tags: {type: list, default: [a, b]}, on: {type: boolean, default: true}, n: {default: x}}}"
    write(root, reconciler_yaml=document("Workspace", "w", spec), ct_yaml=COLLECTION)
    write(root, a_yaml=ASSETS.replace("}}", "}, prune: '${var.on}', groups: '${var.tags}', meta: {k: 'v-${var.n}'}}"))
    (found,) = [r for r in load(root).resources if isinstance(r, AssetSet)]
    assert (found.prune, found.groups, found.meta) == (True, ("a", "b"), {"k": "v-x"})


def test_load_valid_workspace_does_not_import_the_explaining_validator(root: Path) -> None:
    """Start-up time is a figure: jsonschema and difflib are for errors only."""
    write(root, ct_yaml=COLLECTION + "---\n" + ASSETS)
    code = (
        "import sys, pathlib; from reconciler import config; config.load(pathlib.Path(sys.argv[1]), environ={});"
        "print(sorted({'jsonschema', 'difflib', 'httpx', 'typer', 'fsspec', 'deepdiff'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(root)], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_import_of_the_package_does_not_import_yaml() -> None:
    code = "import sys, reconciler.config; print(sorted({'yaml', 'jsonschema_rs', 'jsonschema'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_settings_of_a_backend_keep_their_mappings(tmp_path: Path) -> None:
    settings = "{type: sage, token: t, endpoints: {repo: 'http://127.0.0.1:1/repo/v1'}}"
    (tmp_path / "reconciler.yaml").write_text(
        "apiVersion: reconciler.dev/v1\nkind: Workspace\nmetadata: {name: w}\n"
        f"spec: {{backends: {{lab: {settings}}}, defaultBackend: lab}}\n"
    )
    found = load(tmp_path).workspace.backends["lab"].settings
    assert found == {"token": "t", "endpoints": {"repo": "http://127.0.0.1:1/repo/v1"}}
