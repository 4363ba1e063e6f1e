import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.internals.BuiltInPartitioner;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/**
 * Reads topics from their beginning to their end with Java's own client, which checks every batch. A line for each
 * record: topic, partition, the partition that Java's producer would choose for its key, offset, timestamp, key, value,
 * then name and value of each header; bytes in base64, null as -.
 */
public class ReadTopics {
  public static void main(String[] args) {
    Map<String, Object> config = new HashMap<>();
    config.put("bootstrap.servers", args[0]);
    config.put("isolation.level", args[1]);
    config.put("enable.auto.commit", "false");
    ByteArrayDeserializer bytes = new ByteArrayDeserializer();
    StringBuilder out = new StringBuilder();
    try (KafkaConsumer<byte[], byte[]> consumer = new KafkaConsumer<>(config, bytes, bytes)) {
      List<TopicPartition> partitions = new ArrayList<>();
      Map<String, Integer> counts = new HashMap<>();
      for (int i = 2; i < args.length; i++) {
        int before = partitions.size();
        consumer.partitionsFor(args[i]).forEach(it -> partitions.add(new TopicPartition(it.topic(), it.partition())));
        counts.put(args[i], partitions.size() - before);
        if (partitions.size() == before) throw new IllegalStateException("no topic " + args[i]);
      }
      consumer.assign(partitions);
      consumer.seekToBeginning(partitions);
      Map<TopicPartition, Long> ends = consumer.endOffsets(partitions);
      while (ends.entrySet().stream().anyMatch(it -> consumer.position(it.getKey()) < it.getValue())) {
        for (ConsumerRecord<byte[], byte[]> record : consumer.poll(java.time.Duration.ofMillis(100))) {
          append(out, record, counts.get(record.topic()));
        }
      }
    }
    System.out.print(out);
  }

  private static void append(StringBuilder out, ConsumerRecord<byte[], byte[]> record, int partitions) {
    byte[] key = record.key();
    out.append(record.topic()).append('\t').append(record.partition()).append('\t');
    if (key == null) out.append('-');
    else out.append(BuiltInPartitioner.partitionForKey(key, partitions));
    out.append('\t').append(record.offset()).append('\t').append(record.timestamp());
    out.append('\t').append(text(record.key())).append('\t').append(text(record.value()));
    for (Header header : record.headers()) {
      out.append('\t').append(text(header.key().getBytes(java.nio.charset.StandardCharsets.UTF_8)));
      out.append('\t').append(text(header.value()));
    }
    out.append('\n');
  }

  private static String text(byte[] bytes) {
    return bytes == null ? "-" : Base64.getEncoder().encodeToString(bytes);
  }
}
