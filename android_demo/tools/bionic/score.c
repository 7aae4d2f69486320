/* Scores crops with the TFLite library of an APK: score MODEL THREADS xnnpack|plain <CROPS >SCORES
   MODEL is a flatbuffer; crops are uint8 RGB one after another, scores float32: of all outputs, for each crop. The version
   goes to stderr. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Android's arm64 code reads its stack guard at tpidr_el0 + 0x28: with glibc that is the program's own thread memory. */
__thread char guard[128] = {1};

static void *library;

static void *symbol(const char *name) {
    void *found = dlsym(library, name);
    if (!found) {
        fprintf(stderr, "the library has no %s\n", name);
        exit(1);
    }
    return found;
}
#define CALL(result, name, ...) ((result(*)(__VA_ARGS__))symbol(#name))

static void fail(const char *what) {
    fprintf(stderr, "%s\n", what);
    exit(1);
}

static char *slurp(const char *path, size_t *size) {
    FILE *file = fopen(path, "rb");
    if (!file || fseek(file, 0, SEEK_END)) fail("the model can't be read");
    *size = ftell(file);
    rewind(file);
    char *content = aligned_alloc(64, (*size + 63) / 64 * 64);
    if (!content || fread(content, 1, *size, file) != *size) fail("the model can't be read");
    fclose(file);
    return content;
}

static void *interpreter_of(const char *path, int threads, int xnnpack) {
    size_t size;
    char *model = slurp(path, &size);
    void *options = CALL(void *, TfLiteInterpreterOptionsCreate, void)();
    CALL(void, TfLiteInterpreterOptionsSetNumThreads, void *, int32_t)(options, threads);
    if (xnnpack) {
        void *delegate = CALL(void *, TfLiteXNNPackDelegateCreate, const void *)(NULL);
        if (!delegate) fail("there is no XNNPACK delegate");
        CALL(void, TfLiteInterpreterOptionsAddDelegate, void *, void *)(options, delegate);
    }
    void *read = CALL(void *, TfLiteModelCreate, const void *, size_t)(model, size);
    void *interpreter = read ? CALL(void *, TfLiteInterpreterCreate, const void *, const void *)(read, options) : NULL;
    if (!interpreter || CALL(int, TfLiteInterpreterAllocateTensors, void *)(interpreter)) fail("the model is refused");
    return interpreter;
}

int main(int count, char **words) {
    if (count != 4) fail("usage: score MODEL THREADS xnnpack|plain <CROPS >SCORES");
    library = dlopen("libtensorflowlite_jni.so", RTLD_NOW);
    if (!library) fail(dlerror());
    fprintf(stderr, "TFLite %s\n", CALL(const char *, TfLiteVersion, void)());
    void *interpreter = interpreter_of(words[1], atoi(words[2]), !strcmp(words[3], "xnnpack"));
    void *input = CALL(void *, TfLiteInterpreterGetInputTensor, const void *, int32_t)(interpreter, 0);
    int outputs = CALL(int32_t, TfLiteInterpreterGetOutputTensorCount, const void *)(interpreter);
    const void *(*output)(const void *, int32_t) = symbol("TfLiteInterpreterGetOutputTensor");
    size_t (*size)(const void *) = symbol("TfLiteTensorByteSize");
    size_t crop_bytes = size(input), score_bytes = 0;
    for (int i = 0; i < outputs; i++) score_bytes += size(output(interpreter, i));
    char *crop = malloc(crop_bytes), *scores = malloc(score_bytes);
    int (*put)(void *, const void *, size_t) = symbol("TfLiteTensorCopyFromBuffer");
    int (*get)(const void *, void *, size_t) = symbol("TfLiteTensorCopyToBuffer");
    int (*invoke)(void *) = symbol("TfLiteInterpreterInvoke");
    size_t read;
    while ((read = fread(crop, 1, crop_bytes, stdin)) == crop_bytes) {
        if (put(input, crop, crop_bytes) || invoke(interpreter)) fail("an inference failed");
        char *to = scores;
        for (int i = 0; i < outputs; i++) {
            const void *one = output(interpreter, i);
            if (get(one, to, size(one))) fail("the scores can't be read");
            to += size(one);
        }
        /* At once: who asks for one crop after another waits for it. */
        if (fwrite(scores, 1, score_bytes, stdout) != score_bytes || fflush(stdout)) fail("the scores can't be written");
    }
    if (read) fail("the last crop is cut short");
    return 0;
}
