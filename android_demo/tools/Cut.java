import edgekit.runtime.Box;
import edgekit.runtime.Boxes;
import edgekit.runtime.CropPlan;
import edgekit.runtime.Json;
import edgekit.runtime.JsonRecord;
import edgekit.runtime.Photo;
import edgekit.runtime.Picture;
import edgekit.runtime.SizeWh;
import edgekit.runtime.Tensors;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The jobs of ports.py that cut the crops of an array over and over; the times of runs that warm up are left out. */
final class Cut {
    private static final int WARM_UP = 8;

    public static void main(String[] words) throws Exception {
        List<String> answers = new ArrayList<>();
        String machine = System.getProperty("java.vm.name") + " " + System.getProperty("java.version");
        answers.add(Json.write(Map.of("engine", "none", "platform", machine, "decoder", "none")));
        for (String line : Files.readAllLines(Path.of(words[0]))) {
            if (!line.isBlank()) answers.add(Json.write(Map.of("ms", times(line))));
        }
        Files.write(Path.of(words[1]), answers);
    }

    private static List<Double> times(String line) throws Exception {
        JsonRecord job = new JsonRecord(
                Json.parse(line), "job", Set.of("do", "array", "size_wh", "plan", "side_px", "runs"));
        if (!job.string("do").equals("cut")) throw new IllegalArgumentException("this port only cuts, got " + line);
        List<Double> sides = job.doubles("size_wh");
        SizeWh size = new SizeWh(sides.get(0).intValue(), sides.get(1).intValue());
        Picture array = new Picture(size.getWidthPx(), size.getHeightPx(), Files.readAllBytes(Path.of(job.string("array"))));
        JsonRecord plan = job.record("plan", Set.of("lead", "cycle", "crops", "working_px"));
        Long workingPx = (Long) plan.any("working_px");
        CropPlan crops = new CropPlan(
                plan.strings("lead"), plan.strings("cycle"), whole(plan, "crops"), workingPx == null ? null : workingPx.intValue());
        List<Double> times = new ArrayList<>();
        int runs = whole(job, "runs");
        for (int run = 0; run < WARM_UP + runs; run++) {
            long began = System.nanoTime();
            Photo photo = Photo.of(array, crops.getWorkingPx());
            int bytes = 0;
            for (Box box : Boxes.cropBoxes(crops, size, whole(job, "side_px"))) {
                bytes += Tensors.toTensor(photo, box, whole(job, "side_px")).length;
            }
            if (bytes == 0) throw new IllegalStateException("no crops");
            if (run >= WARM_UP) times.add((System.nanoTime() - began) / 1e6);
        }
        return times;
    }

    private static int whole(JsonRecord record, String key) {
        // Not record.int: that is no name in Java.
        return Math.toIntExact((Long) record.any(key));
    }
}
