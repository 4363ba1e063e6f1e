import java.math.BigDecimal;
import java.nio.ByteBuffer;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.UUID;
import java.util.stream.Collectors;
import org.apache.hadoop.conf.Configuration;
import org.apache.iceberg.BaseTable;
import org.apache.iceberg.CatalogUtil;
import org.apache.iceberg.ContentFile;
import org.apache.iceberg.DataFile;
import org.apache.iceberg.DataFiles;
import org.apache.iceberg.DeleteFile;
import org.apache.iceberg.FileMetadata;
import org.apache.iceberg.FileScanTask;
import org.apache.iceberg.Metrics;
import org.apache.iceberg.PartitionData;
import org.apache.iceberg.PartitionSpec;
import org.apache.iceberg.Schema;
import org.apache.iceberg.StaticTableOperations;
import org.apache.iceberg.Table;
import org.apache.iceberg.catalog.Catalog;
import org.apache.iceberg.catalog.Namespace;
import org.apache.iceberg.catalog.SupportsNamespaces;
import org.apache.iceberg.catalog.TableIdentifier;
import org.apache.iceberg.hadoop.HadoopFileIO;
import org.apache.iceberg.io.CloseableIterable;
import org.apache.iceberg.types.Conversions;
import org.apache.iceberg.types.Types;

/**
 * The reference implementation's view of a table, and tables as it writes them. Files that the tables name need not be
 * there: only metadata is looked at.
 *
 * <pre>
 * plan METADATA_LOCATION...   one line per data file: path, sequence numbers, spec, partition, records, bounds, deletes
 * write SQLITE_FILE WAREHOUSE       tables of many kinds in a JdbcCatalog named "lake"
 * append SQLITE_FILE WAREHOUSE NAMESPACE TABLE   one more data file in a table that is there
 * </pre>
 */
public final class Lake {
  public static void main(String[] arguments) throws Exception {
    switch (arguments[0]) {
      case "plan" -> {
        for (int at = 1; at < arguments.length; at++) plan(arguments[at]);
      }
      case "write" -> write(open(arguments[1], arguments[2]));
      case "append" -> {
        Table table = open(arguments[1], arguments[2]).loadTable(TableIdentifier.of(arguments[3], arguments[4]));
        table.newAppend().appendFile(data(table, table.spec(), null, 0, 9)).commit();
      }
      default -> throw new IllegalArgumentException(arguments[0]);
    }
  }

  private static Catalog open(String file, String warehouse) {
    Map<String, String> properties = new TreeMap<>();
    properties.put("catalog-impl", "org.apache.iceberg.jdbc.JdbcCatalog");
    properties.put("jdbc.schema-version", "V1");
    properties.put("uri", "jdbc:sqlite:" + file);
    properties.put("warehouse", warehouse);
    properties.put("io-impl", "org.apache.iceberg.hadoop.HadoopFileIO");
    return CatalogUtil.buildIcebergCatalog("lake", properties, new Configuration());
  }

  private static void plan(String location) throws Exception {
    Table table =
        new BaseTable(new StaticTableOperations(location, new HadoopFileIO(new Configuration())), "planned");
    try (CloseableIterable<FileScanTask> tasks = table.newScan().includeColumnStats().planFiles()) {
      for (FileScanTask task : tasks) {
        String deletes =
            task.deletes().stream().map(ContentFile::location).sorted().collect(Collectors.joining(","));
        DataFile file = task.file();
        System.out.println(
            String.join(
                "\t",
                file.location().toString(),
                String.valueOf(file.dataSequenceNumber()),
                String.valueOf(file.fileSequenceNumber()),
                String.valueOf(file.specId()),
                task.spec().partitionToPath(file.partition()),
                String.valueOf(file.recordCount()),
                hex(file.lowerBounds()),
                hex(file.upperBounds()),
                deletes));
      }
    }
  }

  private static String hex(Map<Integer, ByteBuffer> bounds) {
    if (bounds == null) return "";
    return bounds.entrySet().stream()
        .sorted(Comparator.comparing(Map.Entry::getKey))
        .map(entry -> entry.getKey() + "=" + hex(entry.getValue()))
        .collect(Collectors.joining(","));
  }

  private static String hex(ByteBuffer buffer) {
    StringBuilder text = new StringBuilder();
    ByteBuffer copy = buffer.duplicate();
    while (copy.hasRemaining()) text.append(String.format("%02x", copy.get()));
    return text.toString();
  }

  private static final Schema SCHEMA =
      new Schema(
          Types.NestedField.required(1, "id", Types.LongType.get()),
          Types.NestedField.optional(2, "day", Types.DateType.get()),
          Types.NestedField.optional(3, "amount", Types.DecimalType.of(20, 4)),
          Types.NestedField.optional(4, "odd-name 1", Types.StringType.get()),
          Types.NestedField.optional(5, "u", Types.UUIDType.get()),
          Types.NestedField.optional(6, "at", Types.TimestampType.withZone()),
          Types.NestedField.optional(7, "flag", Types.BooleanType.get()),
          Types.NestedField.optional(8, "f", Types.DoubleType.get()),
          Types.NestedField.optional(9, "b", Types.BinaryType.get()));

  private static void write(Catalog catalog) {
    Namespace java = Namespace.of("java");
    ((SupportsNamespaces) catalog).createNamespace(java);
    deltas(catalog.createTable(TableIdentifier.of(java, "deltas"), SCHEMA, PartitionSpec.unpartitioned()));
    PartitionSpec spec =
        PartitionSpec.builderFor(SCHEMA)
            .day("at")
            .bucket("id", 8)
            .identity("day")
            .identity("amount")
            .identity("odd-name 1")
            .identity("u")
            .identity("flag")
            .identity("f")
            .truncate("b", 4)
            .build();
    everyType(catalog.createTable(TableIdentifier.of(java, "every_type"), SCHEMA, spec));
    upgraded(
        catalog.createTable(
            TableIdentifier.of(java, "upgraded"),
            SCHEMA,
            PartitionSpec.builderFor(SCHEMA).identity("day").build(),
            Map.of("format-version", "1")));
  }

  /** Data, equality and position deletes in many commits, some files deleted, manifests rewritten. */
  private static void deltas(Table table) {
    for (int i = 0; i < 12; i++) {
      DataFile added = data(table, table.spec(), null, i * 10, i * 10 + 9);
      DeleteFile keys = deletes(table, table.spec(), null, i * 5, i * 5 + 3);
      table.newRowDelta().addRows(added).addDeletes(keys).commit();
      if (i == 5) table.rewriteManifests().clusterBy(file -> "all").commit();
      if (i == 7) table.newDelete().deleteFile(added).commit();
      if (i == 9) {
        DeleteFile positions =
            FileMetadata.deleteFileBuilder(table.spec())
                .ofPositionDeletes()
                .withPath(table.location() + "/data/positions.parquet")
                .withReferencedDataFile(added.location())
                .withFileSizeInBytes(10)
                .withRecordCount(1)
                .build();
        table.newRowDelta().addDeletes(positions).commit();
      }
    }
  }

  private static void everyType(Table table) {
    for (int i = 0; i < 3; i++) {
      PartitionData partition = new PartitionData(table.spec().partitionType());
      if (i < 2) {
        partition.set(0, 19000 + i);
        partition.set(1, i);
        partition.set(2, -1000 + i);
        partition.set(3, new BigDecimal(i == 0 ? "-1234567890.1234" : "0.0001"));
        partition.set(4, i == 0 ? "ü/ %" : "");
        partition.set(5, new UUID(7L, i));
        partition.set(6, i == 0);
        partition.set(7, i == 0 ? -2.5 : 1.5);
        partition.set(8, ByteBuffer.wrap(new byte[] {0, (byte) 0xff, 1}));
      }
      DataFile added = data(table, table.spec(), partition, i, i + 1);
      table.newAppend().appendFile(added).commit();
      table.newRowDelta().addDeletes(deletes(table, table.spec(), partition, 0, 100)).commit();
    }
    table.updateProperties().set("commit.manifest.min-count-to-merge", "2").commit();
    table.newAppend().appendFile(data(table, table.spec(), null, 5, 6)).commit();
  }

  /** Written as version 1, then upgraded; the spec evolves and a global delete follows. */
  private static void upgraded(Table table) {
    for (int i = 0; i < 3; i++) {
      PartitionData partition = new PartitionData(table.spec().partitionType());
      partition.set(0, 100 + i);
      table.newAppend().appendFile(data(table, table.spec(), partition, i, i)).commit();
    }
    table.updateProperties().set("format-version", "2").commit();
    table.updateSpec().removeField("day").commit();
    table.refresh();
    table
        .newRowDelta()
        .addRows(data(table, table.spec(), null, 7, 8))
        .addDeletes(deletes(table, table.spec(), null, 1, 1))
        .commit();
  }

  private static int count = 0;

  private static DataFile data(Table table, PartitionSpec spec, PartitionData partition, long low, long high) {
    DataFiles.Builder builder =
        DataFiles.builder(spec)
            .withPath(table.location() + "/data/java-" + count++ + ".parquet")
            .withFileSizeInBytes(100)
            .withSplitOffsets(List.of(4L))
            .withMetrics(metrics(low, high));
    return (partition == null ? builder : builder.withPartition(partition)).build();
  }

  private static DeleteFile deletes(
      Table table, PartitionSpec spec, PartitionData partition, long low, long high) {
    FileMetadata.Builder builder =
        FileMetadata.deleteFileBuilder(spec)
            .ofEqualityDeletes(1)
            .withPath(table.location() + "/data/java-" + count++ + "-deletes.parquet")
            .withFileSizeInBytes(50)
            .withMetrics(metrics(low, high));
    return (partition == null ? builder : builder.withPartition(partition)).build();
  }

  private static Metrics metrics(long low, long high) {
    Map<Integer, Long> ten = new HashMap<>(Map.of(1, 10L));
    Map<Integer, Long> none = new HashMap<>(Map.of(1, 0L));
    return new Metrics(10L, ten, ten, none, null, bound(low), bound(high));
  }

  private static Map<Integer, ByteBuffer> bound(long value) {
    return new HashMap<>(Map.of(1, Conversions.toByteBuffer(Types.LongType.get(), value)));
  }
}
