"""The formatter: white space only, and nothing when in doubt."""

from __future__ import annotations

import pytest

from reconciler.config import check_format, format_text
from reconciler.errors import ConfigError

UNTIDY = """\
# top\r
\r
apiVersion: reconciler.dev/v1   \r
kind: Collection
metadata:
    name: c      # keep me
    # about labels
    labels:
        site: a
spec:



    description: |
        line one
          indented
        trailing  \n\
    fileSpecifications:
    # the picture
    -   name: image_1
        type: image
        extensions:
            -  .png
            -  .jpg
    -   {name: label_1,
           type: data}
    title: "two
        lines"
"""

TIDY = """\
# top

apiVersion: reconciler.dev/v1
kind: Collection
metadata:
  name: c      # keep me
  # about labels
  labels:
    site: a
spec:


  description: |
      line one
        indented
      trailing  \n\
  fileSpecifications:
  # the picture
  - name: image_1
    type: image
    extensions:
      - .png
      - .jpg
  - {name: label_1,
         type: data}
  title: "two
      lines"
"""


def test_format_tidies_white_space_and_keeps_comments_and_values() -> None:
    assert format_text(UNTIDY, "x.yaml") == TIDY


def test_format_twice_changes_nothing() -> None:
    assert check_format(TIDY, "x.yaml")
    assert not check_format(UNTIDY, "x.yaml")


def test_format_file_of_others_is_left_alone() -> None:
    text = "a:    \n    b: 1   \n\n\n\n"
    assert format_text(text, "x.yaml") == text


def test_format_several_documents_keeps_the_separators() -> None:
    one = "apiVersion: reconciler.dev/v1\nkind: Collection\nmetadata:\n    name: {}\nspec: {{}}\n"
    got = format_text(f"---\n{one.format('a')}---   \n{one.format('b')}", "x.yaml")
    assert got == f"---\n{one.format('a')}---\n{one.format('b')}".replace("    name", "  name")


def test_format_json_is_trimmed_only() -> None:
    text = '\n{"apiVersion": "reconciler.dev/v1",  \n "kind": "Collection", "metadata": {"name": "a"}, "spec": {}}'
    assert format_text(text, "x.json") == text.replace(",  \n", ",\n").lstrip("\n") + "\n"


def test_format_text_that_cannot_be_read_raises_its_problems() -> None:
    with pytest.raises(ConfigError, match=r"x\.yaml:1:4"):
        format_text("a: *b\n", "x.yaml")
