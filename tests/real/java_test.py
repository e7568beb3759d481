# SPDX-License-Identifier: MIT
"""A JDK compiles and runs a program with many threads; same class files, same output."""
import support

SOURCE = r"""
import java.nio.ByteBuffer;
import java.nio.file.*;
import java.util.*;
import java.util.concurrent.*;
import java.util.regex.*;
import java.util.stream.*;
import java.util.zip.*;

public class Work {
    record Item(int id, String name, List<Integer> values) {}

    static long task(int seed) throws Exception {
        Random random = new Random(seed);
        Map<String, List<Item>> items = new TreeMap<>();
        for (int i = 0; i < 8000; i++) {
            String name = "name" + random.nextInt(500);
            items.computeIfAbsent(name, k -> new ArrayList<>()).add(new Item(i, name,
                IntStream.range(0, random.nextInt(20)).boxed().collect(Collectors.toList())));
        }
        String text = items.values().stream().map(Object::toString).collect(Collectors.joining("\n"));
        CRC32 crc = new CRC32();
        crc.update(text.getBytes());
        Matcher matcher = Pattern.compile("id=(\\d+), name=name(\\d+)").matcher(text);
        long sum = 0;
        while (matcher.find()) sum += Long.parseLong(matcher.group(1)) * 31 + matcher.group(2).length();
        return sum * 1000003 + crc.getValue() + nativeMemory(seed, text.getBytes());
    }

    // Direct buffers and zip streams live in the memory of malloc, not in the Java heap.
    static long nativeMemory(int seed, byte[] text) throws Exception {
        long sum = 0;
        for (int i = 1; i <= 60; i++) {
            ByteBuffer buffer = ByteBuffer.allocateDirect(i * 3011);
            while (buffer.remaining() >= 4) buffer.putInt(seed * i);
            sum += buffer.get(buffer.capacity() / 2);
            Deflater deflater = new Deflater(1 + i % 9);
            deflater.setInput(text, 0, Math.min(text.length, 20000));
            deflater.finish();
            sum += deflater.deflate(new byte[60000]);
            deflater.end();
        }
        return sum;
    }

    public static void main(String[] arguments) throws Exception {
        if (arguments.length > 0) {
            System.out.print(Files.readString(Path.of("/proc/self/maps")));
            return;
        }
        ExecutorService pool = Executors.newFixedThreadPool(6);
        List<Future<Long>> results = new ArrayList<>();
        for (int i = 0; i < 24; i++) { int seed = i; results.add(pool.submit(() -> task(seed))); }
        for (Future<Long> result : results) System.out.println(result.get());
        pool.shutdown();
        for (int round = 0; round < 20; round++) {
            List<Thread> threads = new ArrayList<>();
            for (int i = 0; i < 10; i++) {
                Thread thread = new Thread(() -> new StringBuilder("x".repeat(10000)).reverse());
                thread.start();
                threads.add(thread);
            }
            for (Thread thread : threads) thread.join();
            System.gc();
        }
        System.out.println(IntStream.range(0, 200000).parallel().mapToObj(Integer::toString)
            .collect(Collectors.groupingByConcurrent(String::length, Collectors.counting())));
        Process child = new ProcessBuilder("/bin/echo", "child").redirectErrorStream(true).start();
        System.out.print(new String(child.getInputStream().readAllBytes()));
    }
}
"""


def scenario(stage):
    stage.write("Work.java", SOURCE)
    options = ["-Xmx256m", "-XX:-UsePerfData"]
    stage.command(["javac", *(f"-J{option}" for option in options), "Work.java"])
    stage.check_maps_printed_by(["java", *options, "Work", "maps"])

    return {
        "classes": stage.read("Work.class") + stage.read("Work$Item.class"),
        "output with G1": stage.command(["java", *options, "-XX:+UseG1GC", "Work"]),
        "output with the serial collector": stage.command(["java", *options, "-XX:+UseSerialGC", "Work"]),
    }


if __name__ == "__main__":
    support.main(scenario, {"javac": "default-jdk-headless", "java": "default-jdk-headless"})
