"""Answers a JSON list of {location, columns, filter} with a JSON list of {rows} or {error}."""
import json
import sys

import pyarrow as pa
from pyiceberg.table import StaticTable

requests_file, answers_file = sys.argv[1:3]


def answer(request):
    try:
        table = StaticTable.from_metadata(request["location"])
        found = table.scan(row_filter=request["filter"] or "true", selected_fields=request["columns"]).to_arrow()
        columns = [texts(found.column(name).combine_chunks()) for name in request["columns"]]
        return {"rows": [list(row) for row in zip(*columns)]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


def texts(column):
    kind = column.type
    if pa.types.is_timestamp(kind) or pa.types.is_time64(kind):
        column = column.cast(pa.int64())
    elif pa.types.is_date32(kind):
        column = column.cast(pa.int32())
    return [text(value) for value in column.to_pylist()]


def text(value):
    if value is None:
        return None
    if isinstance(value, dict):
        return [text(of) for of in value.values()]
    if isinstance(value, (list, tuple)):
        return [text(of) for of in value]
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float):
        return repr(value)
    if isinstance(value, bool):
        return str(value).lower()
    return str(value)


with open(requests_file) as file:
    answers = [answer(request) for request in json.load(file)]
with open(answers_file, "w") as file:
    json.dump(answers, file)
