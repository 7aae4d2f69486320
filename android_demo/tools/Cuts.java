import edgekit.runtime.Box;
import edgekit.runtime.Boxes;
import edgekit.runtime.CropPlan;
import edgekit.runtime.Json;
import edgekit.runtime.Offset;
import edgekit.runtime.Photo;
import edgekit.runtime.Picture;
import edgekit.runtime.SizeWh;
import edgekit.runtime.Tensors;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

/** Times crops that the runtime cuts and resizes: a job {@code cut} of benchmarks/ports.py, which says what is in it. */
final class Cuts {
    // The compiler of a JVM comes to its last word after some thousands of loops.
    private static final int WARMUP = 30;

    public static void main(String[] words) throws Exception {
        StringBuilder answers = new StringBuilder();
        String jvm = System.getProperty("java.vm.name") + " " + System.getProperty("java.version");
        answers.append(Json.write(Map.of("engine", "none", "platform", jvm, "decoder", "none"))).append('\n');
        for (String line : Files.readAllLines(Paths.get(words[0]))) {
            answers.append(Json.write(Map.of("ms", times((Map<?, ?>) Json.parse(line))))).append('\n');
        }
        Files.write(Paths.get(words[1]), answers.toString().getBytes(StandardCharsets.UTF_8));
    }

    private static List<Double> times(Map<?, ?> job) throws Exception {
        List<?> sides = (List<?>) job.get("size_wh");
        SizeWh size = new SizeWh(whole(sides.get(0)), whole(sides.get(1)));
        byte[] rgb = Files.readAllBytes(Paths.get((String) job.get("array")));
        Photo photo = Photo.of(new Picture(size.getWidthPx(), size.getHeightPx(), rgb), null);
        Map<?, ?> told = (Map<?, ?>) job.get("plan");
        CropPlan plan = new CropPlan(texts(told.get("lead")), texts(told.get("cycle")), whole(told.get("crops")));
        int sidePx = whole(job.get("side_px"));
        List<Double> times = new ArrayList<>();
        int runs = whole(job.get("runs"));
        for (int run = 0; run < WARMUP + runs; run++) {
            long began = System.nanoTime();
            for (Box box : Boxes.cropBoxes(plan, size, sidePx, null, Offset.MIDDLE)) Tensors.toTensor(photo, box, sidePx);
            if (run >= WARMUP) times.add((System.nanoTime() - began) / 1e6);
        }
        return times;
    }

    private static List<String> texts(Object list) {
        List<String> found = new ArrayList<>();
        for (Object one : (List<?>) list) found.add((String) one);
        return found;
    }

    private static int whole(Object number) {
        return ((Number) number).intValue();
    }
}
