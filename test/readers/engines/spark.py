"""Answers a JSON list of {location, sql} with a JSON list of {rows} or {error}; `sql` says {table} for the table."""
import json
import sys
import tempfile

from pyspark.sql import SparkSession

requests_file, answers_file = sys.argv[1:3]
scratch = tempfile.mkdtemp()
builder = SparkSession.builder.master("local[1]")
settings = {
    "spark.ui.enabled": "false",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.memory": "1g",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.warehouse.dir": scratch,
    "spark.local.dir": scratch,
    "spark.sql.extensions": "org.apache.iceberg.spark.extensions.IcebergSparkSessionExtensions",
    # A catalog of its own, into which metadata files are registered: ours is not written.
    "spark.sql.catalog.lake": "org.apache.iceberg.spark.SparkCatalog",
    "spark.sql.catalog.lake.type": "jdbc",
    "spark.sql.catalog.lake.uri": f"jdbc:sqlite:{scratch}/catalog.db",
    "spark.sql.catalog.lake.warehouse": scratch,
    "spark.sql.catalog.lake.cache-enabled": "false",
}
for key, value in settings.items():
    builder = builder.config(key, value)
spark = builder.getOrCreate()
spark.sparkContext.setLogLevel("OFF")
spark.sql("CREATE NAMESPACE lake.read")


def register(location, number):
    name = f"t{number}"
    spark.sql(f"CALL lake.system.register_table(table => 'read.{name}', metadata_file => '{location}')")
    return f"lake.read.{name}"


def answer(request):
    location = request["location"]
    try:
        if location not in tables:
            tables[location] = register(location, len(tables))
        return {"rows": [list(row) for row in spark.sql(request["sql"].replace("{table}", tables[location])).collect()]}
    except Exception as error:
        return {"error": str(getattr(error, "java_exception", None) or getattr(error, "desc", None) or error)}


tables = {}
with open(requests_file) as file:
    answers = [answer(request) for request in json.load(file)]
with open(answers_file, "w") as file:
    json.dump(answers, file)
spark.stop()
