"""Category ids: kept from data and reference, stable under additions, in class order otherwise."""

from reconciler.formats.categories import CategoryRules, CategoryTable


def _ids(rules, *rows):
    table = CategoryTable(rules)
    for row in rows:
        table.meet(row)
    return {row["name"]: row["id"] for row in table.close()}


def test_declared_order_gives_the_first_ids():
    assert _ids(CategoryRules(order=["b", "a"]), {"name": "c"}, {"name": "a"}) == {"b": 1, "a": 2, "c": 3}


def test_undeclared_classes_follow_by_name():
    assert _ids(CategoryRules(), {"name": "z"}, {"name": "b"}) == {"b": 1, "z": 2}


def test_published_ids_stay_when_a_class_is_added():
    assert _ids(CategoryRules(previous={"b": 1, "z": 2}), {"name": "z"}, {"name": "a"}, {"name": "b"}) == {
        "b": 1,
        "z": 2,
        "a": 3,
    }


def test_imported_ids_are_kept_and_free_ones_filled():
    assert _ids(CategoryRules(), {"name": "cat", "id": 17}, {"name": "dog"}, {"name": "eel", "id": 1}) == {
        "cat": 17,
        "dog": 2,
        "eel": 1,
    }


def test_two_classes_with_one_imported_id_get_different_ids():
    assert _ids(CategoryRules(), {"name": "cat", "id": 3}, {"name": "dog", "id": 3}) == {"cat": 3, "dog": 1}


def test_two_imported_categories_of_one_name_stay_apart():
    table = CategoryTable(CategoryRules())
    table.meet({"name": "cat", "id": 3, "supercategory": "x"})
    table.meet({"name": "cat", "id": 5, "supercategory": "y"})
    assert [(r["id"], r["supercategory"]) for r in table.close()] == [(3, "x"), (5, "y")]
    assert (table.id_of("cat", 3), table.id_of("cat", 5), table.id_of("cat", None)) == (3, 5, 3)


def test_names_are_trimmed_and_composed():
    assert _ids(CategoryRules(order=["e\u0301 "]), {"name": "\u00e9"}) == {"\u00e9": 1}
