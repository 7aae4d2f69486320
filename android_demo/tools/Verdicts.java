import edgekit.android.TfliteModel;
import edgekit.runtime.Box;
import edgekit.runtime.Bundle;
import edgekit.runtime.Classifier;
import edgekit.runtime.CropScore;
import edgekit.runtime.Json;
import edgekit.runtime.JsonRecord;
import edgekit.runtime.Model;
import edgekit.runtime.Photo;
import edgekit.runtime.Picture;
import edgekit.runtime.SizeWh;
import edgekit.runtime.Tensors;
import edgekit.runtime.Verdict;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.Paths;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The JVM's part of jvm.py, which says what is read and written. */
final class Verdicts {
    public static void main(String[] words) throws Exception {
        Bundle bundle = Bundle.read(Files.readAllBytes(Paths.get(words[0])), words[0]);
        int threads = Integer.parseInt(words[1]);
        List<Model> models = new ArrayList<>();
        for (int i = 0; i < threads; i++) models.add(TfliteModel.open(bundle.getFlatbuffer()));
        BufferedReader jobs = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        try (Classifier classifier = new Classifier(bundle.getContract(), models)) {
            for (String line = jobs.readLine(); line != null; line = jobs.readLine()) {
                System.out.println(answer(classifier, bundle, line));
            }
        }
    }

    private static String answer(Classifier classifier, Bundle bundle, String line) throws Exception {
        JsonRecord job = new JsonRecord(
                Json.parse(line), "job", Set.of("picture", "picture_wh"), Set.of("size_wh", "shrink", "crops", "tensors"));
        SizeWh size = sizeWh(job, "picture_wh");
        Picture picture = new Picture(size.getWidthPx(), size.getHeightPx(), Files.readAllBytes(Paths.get(job.string("picture"))));
        Photo photo = job.has("shrink")
                ? new Photo(picture, sizeWh(job, "size_wh"), whole(job, "shrink"))
                : Photo.of(picture, bundle.getContract().getPlan().getWorkingPx());
        Integer crops = job.any("crops") == null ? null : Integer.valueOf(whole(job, "crops"));
        Verdict verdict = classifier.classify(photo, crops);
        if (job.any("tensors") != null) {
            try (OutputStream file = Files.newOutputStream(Path.of(job.string("tensors")))) {
                for (CropScore crop : verdict.getCrops()) {
                    Box box = crop.getBox();
                    file.write(Tensors.toTensor(photo, box, bundle.getContract().getSidePx()));
                }
            }
        }
        Map<String, Object> told = new LinkedHashMap<>(verdict.toMap());
        told.put("size_wh", List.of(verdict.getSizeWh().getWidthPx(), verdict.getSizeWh().getHeightPx()));
        told.put("engine", classifier.getEngine());
        return Json.write(told);
    }

    private static int whole(JsonRecord job, String key) {
        // Not job.int: that is no name in Java.
        return Math.toIntExact((Long) job.any(key));
    }

    private static SizeWh sizeWh(JsonRecord job, String key) {
        List<Double> sides = job.doubles(key);
        return new SizeWh(sides.get(0).intValue(), sides.get(1).intValue());
    }
}
