import io.apicurio.registry.serde.avro.NonRecordContainer;
import io.apicurio.registry.utils.converter.avro.AvroData;
import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import org.apache.avro.generic.GenericDatumWriter;
import org.apache.avro.io.EncoderFactory;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.storage.SimpleHeaderConverter;
import org.apache.kafka.connect.storage.StringConverter;

/**
 * Reads lines of JSON with schemas and prints for each what Kafka's and Apicurio's converters make of it, in base64 and
 * separated by tabs: JSON with schemas, without, without and with numeric decimals, a string, a header, the Avro schema, Avro.
 */
public class Convert {
  interface Conversion {
    byte[] bytes() throws Exception;
  }

  public static void main(String[] args) throws Exception {
    JsonConverter withSchemas = json(Map.of());
    JsonConverter plain = json(Map.of("schemas.enable", "false"));
    JsonConverter numeric = json(Map.of("schemas.enable", "false", "decimal.format", "NUMERIC"));
    StringConverter string = new StringConverter();
    SimpleHeaderConverter header = new SimpleHeaderConverter();
    AvroData avro = new AvroData(1000);
    PrintStream out = new PrintStream(System.out, false, StandardCharsets.UTF_8);
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      var parsed = withSchemas.toConnectData("t", line.getBytes(StandardCharsets.UTF_8));
      Schema schema = parsed.schema();
      Object value = parsed.value();
      out.println(String.join("\t",
          text(() -> withSchemas.fromConnectData("t", schema, value)),
          text(() -> plain.fromConnectData("t", schema, value)),
          text(() -> numeric.fromConnectData("t", schema, value)),
          text(() -> string.fromConnectData("t", schema, value)),
          text(() -> header.fromConnectHeader("t", "h", schema, value)),
          text(() -> avro.fromConnectSchema(schema).toString().getBytes(StandardCharsets.UTF_8)),
          text(() -> avroBytes(avro, schema, value))));
    }
    out.flush();
  }

  static JsonConverter json(Map<String, String> config) {
    JsonConverter converter = new JsonConverter();
    converter.configure(config, false);
    return converter;
  }

  static byte[] avroBytes(AvroData avro, Schema schema, Object value) throws Exception {
    Object converted = avro.fromConnectData(schema, value);
    if (converted instanceof NonRecordContainer container) converted = container.getValue();
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    var encoder = EncoderFactory.get().directBinaryEncoder(bytes, null);
    new GenericDatumWriter<Object>(avro.fromConnectSchema(schema)).write(converted, encoder);
    encoder.flush();
    return bytes.toByteArray();
  }

  static String text(Conversion conversion) throws Exception {
    return Base64.getEncoder().encodeToString(conversion.bytes());
  }
}
