import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.debezium.converters.CloudEventsConverter;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.common.header.internals.RecordHeaders;
import org.apache.kafka.connect.json.JsonConverter;

/**
 * Reads lines of JSON, each a converter's configuration, a topic, headers and a value as JSON with schemas, and prints for
 * each what Debezium's CloudEventsConverter makes of it: bytes in base64, `null`, or `!` and the error.
 */
public class CloudEvents {
  public static void main(String[] args) throws Exception {
    ObjectMapper mapper = new ObjectMapper();
    JsonConverter reader = new JsonConverter();
    reader.configure(Map.of(), false);
    Map<String, CloudEventsConverter> converters = new HashMap<>();
    for (String line : Files.readAllLines(Path.of(args[0]))) {
      JsonNode input = mapper.readTree(line);
      CloudEventsConverter converter = converters.computeIfAbsent(input.get("config").toString(), (text) -> {
        CloudEventsConverter made = new CloudEventsConverter();
        made.configure(mapper.convertValue(input.get("config"), Map.class), false);
        return made;
      });
      RecordHeaders headers = new RecordHeaders();
      input.get("headers").properties().forEach((header) -> headers.add(header.getKey(), utf8(header.getValue())));
      var value = reader.toConnectData("t", utf8(input.get("value")));
      System.out.println(converted(converter, input.get("topic").asText(), headers, value.schema(), value.value()));
    }
  }

  static byte[] utf8(JsonNode text) {
    return text.asText().getBytes(StandardCharsets.UTF_8);
  }

  static String converted(CloudEventsConverter converter, String topic, RecordHeaders headers,
      org.apache.kafka.connect.data.Schema schema, Object value) {
    try {
      byte[] bytes = converter.fromConnectData(topic, headers, schema, value);
      return bytes == null ? "null" : Base64.getEncoder().encodeToString(bytes);
    } catch (RuntimeException error) {
      return "!" + String.valueOf(error.getMessage()).replace('\n', ' ');
    }
  }
}
