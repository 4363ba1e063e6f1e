import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.HashMap;
import java.util.Map;
import org.apache.kafka.connect.data.Schema;
import org.apache.kafka.connect.data.SchemaAndValue;
import org.apache.kafka.connect.header.ConnectHeaders;
import org.apache.kafka.connect.header.Header;
import org.apache.kafka.connect.json.JsonConverter;
import org.apache.kafka.connect.source.SourceRecord;
import org.apache.kafka.connect.transforms.Transformation;

/**
 * Reads cases, one JSON object a line, runs the real transforms on them and writes what becomes of each record, keys, values
 * and headers as JsonConverter writes them with schemas. Used to record test/fixtures/transform.
 */
public class RunTransforms {
    private static final ObjectMapper JSON = new ObjectMapper();
    private static final JsonConverter CONVERTER = new JsonConverter();

    public static void main(String[] args) throws Exception {
        // Only null is null: a default may not stand in for it on the way in or out.
        CONVERTER.configure(Map.of("schemas.enable", "true", "replace.null.with.default", "false"), false);
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        PrintStream out = new PrintStream(System.out, true, StandardCharsets.UTF_8);
        for (String line; (line = in.readLine()) != null;) out.println(JSON.writeValueAsString(run(JSON.readTree(line))));
    }

    private static ObjectNode run(JsonNode given) {
        ObjectNode answer = JSON.createObjectNode();
        try {
            SourceRecord record = record(given.get("record"));
            for (JsonNode step : given.get("steps")) {
                if (record == null) break;
                Transformation<SourceRecord> transform = create(step);
                record = transform.apply(record);
                transform.close();
            }
            answer.set("record", record == null ? null : describe(record));
        } catch (Throwable e) {
            answer.put("error", e.getClass().getSimpleName() + ": " + e.getMessage());
        }
        return answer;
    }

    @SuppressWarnings("unchecked")
    private static Transformation<SourceRecord> create(JsonNode step) throws Exception {
        Map<String, String> config = new HashMap<>();
        step.get("config").properties().forEach(entry -> config.put(entry.getKey(), entry.getValue().asText()));
        Class<?> type = Class.forName(step.get("type").asText());
        Transformation<SourceRecord> transform = (Transformation<SourceRecord>) type.getConstructor().newInstance();
        transform.configure(config);
        return transform;
    }

    private static SourceRecord record(JsonNode given) {
        SchemaAndValue key = read(given.get("key"));
        SchemaAndValue value = read(given.get("value"));
        ConnectHeaders headers = new ConnectHeaders();
        for (JsonNode header : given.get("headers")) headers.add(header.get(0).asText(), read(header.get(1)));
        Integer partition = given.get("partition").isNull() ? null : given.get("partition").asInt();
        Long timestamp = given.get("timestamp").isNull() ? null : given.get("timestamp").asLong();
        return new SourceRecord(Map.of(), Map.of(), given.get("topic").asText(), partition, key.schema(), key.value(),
                value.schema(), value.value(), timestamp, headers);
    }

    private static SchemaAndValue read(JsonNode text) {
        return CONVERTER.toConnectData("t", text.isNull() ? null : text.asText().getBytes(StandardCharsets.UTF_8));
    }

    private static ObjectNode describe(SourceRecord record) {
        ObjectNode node = JSON.createObjectNode();
        node.put("topic", record.topic());
        node.put("partition", record.kafkaPartition());
        node.put("key", text(record.keySchema(), record.key()));
        node.put("value", text(record.valueSchema(), record.value()));
        node.put("timestamp", record.timestamp());
        ArrayNode headers = node.putArray("headers");
        for (Header header : record.headers())
            headers.addArray().add(header.key()).add(text(header.schema(), header.value()));
        return node;
    }

    private static String text(Schema schema, Object value) {
        byte[] bytes = CONVERTER.fromConnectData("t", schema, value);
        return bytes == null ? null : new String(bytes, StandardCharsets.UTF_8);
    }
}
