"""Run by the official Sage client's interpreter: read a table by a query, make one with rows. JSON in, JSON out."""

import json
import sys
import warnings

warnings.simplefilter("ignore")

import synapseclient  # noqa: E402
from synapseclient.models import Column, ColumnType, FacetType, Table  # noqa: E402


def main():
    """{"table": to read, "project": to make one in, "folder": for files} → {"rows": [...], "made": id}."""
    given = json.load(sys.stdin)
    client = synapseclient.Synapse(silent=True, skip_checks=True)
    client.login(silent=True)
    frame = Table(id=given["table"]).query(f"select * from {given['table']} order by patient", synapse_client=client)
    columns = [
        Column(name="patient", column_type=ColumnType.STRING, maximum_size=20, facet_type=FacetType.ENUMERATION),
        Column(name="doses", column_type=ColumnType.INTEGER_LIST, maximum_list_length=4),
        Column(name="weight", column_type=ColumnType.DOUBLE),
    ]
    made = Table(name="Theirs", parent_id=given["project"], columns=columns, annotations={"site": ["a"]})
    made.store(synapse_client=client)
    path = f"{given['folder']}/theirs.csv"
    with open(path, "w") as file:
        file.write('patient,doses,weight\nq1,"[1, 2]",70.5\nq2,,1e3\n')
    made.store_rows(values=path, synapse_client=client)
    answer = {
        "rows": json.loads(frame.drop(columns=["ROW_ID", "ROW_VERSION"], errors="ignore").to_json(orient="values"))
    }
    print(json.dumps({**answer, "made": made.id}))


if __name__ == "__main__":
    main()
