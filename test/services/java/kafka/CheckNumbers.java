import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads a topic to its end, committed records only, and says how its numbers are there: each record is an event whose row
 * has `n`, 1 to COUNT, and belongs to key n modulo KEYS. Arguments: bootstrap, topic, COUNT, KEYS. The answer is one line:
 * records, how many numbers are missing, how many came again or after a later one of their key.
 */
public class CheckNumbers {
  private static final byte[] NAME = "\"n\":".getBytes(StandardCharsets.US_ASCII);

  public static void main(String[] args) {
    String topic = args[1];
    long count = Long.parseLong(args[2]);
    int keys = Integer.parseInt(args[3]);
    long[] last = new long[keys];
    for (int key = 1; key < keys; key++) last[key] = key - keys;
    long records = 0, missing = 0, repeated = 0;
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", "read_committed");
    config.put("enable.auto.commit", "false");
    config.put("auto.offset.reset", "none"); // Nothing is skipped in silence.
    config.put("max.poll.records", "20000");
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes)) {
      List<TopicPartition> partitions = new ArrayList<>();
      consumer.partitionsFor(topic).forEach(it -> partitions.add(new TopicPartition(topic, it.partition())));
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream().anyMatch(it -> consumer.position(it.getKey()) < it.getValue())) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(Duration.ofMillis(100))) {
          records++;
          long n = number(record.value());
          int key = (int) (n % keys);
          if (n <= last[key]) repeated++;
          else {
            long gap = (n - last[key]) / keys - 1;
            if (gap > 0 && missing == 0) {
              System.err.printf("before %d %d are missing: partition %d, offset %d%n", n, gap, record.partition(), record.offset());
            }
            missing += gap;
            last[key] = n;
          }
        }
      }
    }
    long within = missing;
    for (int key = 0; key < keys; key++) missing += (count - last[key]) / keys;
    if (missing > within) System.err.printf("at the end %d are missing%n", missing - within);
    System.out.printf("{\"records\":%d,\"missing\":%d,\"repeated\":%d}%n", records, missing, repeated);
  }

  private static long number(byte[] value) {
    int at = 0;
    for (int matched = 0; matched < NAME.length; at++) matched = value[at] == NAME[matched] ? matched + 1 : value[at] == NAME[0] ? 1 : 0;
    long number = 0;
    for (; value[at] >= '0' && value[at] <= '9'; at++) number = number * 10 + value[at] - '0';
    return number;
  }
}
