"""Answers a JSON list of {location, sql} with a JSON list of {rows} or {error}; `sql` says {table} for the table."""
import json
import os
import sys

import chdb

requests_file, answers_file = sys.argv[1:3]
os.chdir("/")  # chDB reads no local file outside its working directory.


def answer(request):
    root, file = request["location"].rsplit("/metadata/", 1)
    table = f"icebergLocal('{root}/', SETTINGS iceberg_metadata_file_path = 'metadata/{file}')"
    settings = "SETTINGS session_timezone = 'UTC'"
    try:
        out = chdb.query(f"{request['sql'].replace('{table}', table)} {settings}", "JSONCompactEachRow").bytes()
        return {"rows": [json.loads(line) for line in (out or b"").split(b"\n") if line]}
    except UnicodeDecodeError as error:  # chDB's own message, which quotes bytes of the table.
        return {"error": error.object.decode("utf-8", "replace")}
    except Exception as error:
        return {"error": str(error)}


with open(requests_file) as file:
    answers = [answer(request) for request in json.load(file)]
with open(answers_file, "w") as file:
    json.dump(answers, file)
