/* Android's C library on top of this machine's, as far as TFLite's .so needs it: what differs between the two.
   All else is passed on by the forwards that make.py writes. Tests load the library that an APK carries with it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct forward {
    const char *name;
    void **slot;
};
extern const struct forward forwards[];

__attribute__((constructor)) static void fill(void) {
    void *places[] = {dlopen("libc.so.6", RTLD_NOW), dlopen("libm.so.6", RTLD_NOW)};
    for (const struct forward *one = forwards; one->name; one++) {
        void *found = dlsym(places[0], one->name);
        if (!found) found = dlsym(places[1], one->name);
        if (!found) {
            /* Better here than by a jump to nowhere in the middle of an inference. */
            fprintf(stderr, "bionic shim: this C library has no %s\n", one->name);
            abort();
        }
        *one->slot = found;
    }
}

/* stdin, stdout and stderr are elements of an array there, each of 152 bytes. */
#define BIONIC_FILE_BYTES 152
char bionic___sF[3 * BIONIC_FILE_BYTES];

static FILE *stream(void *file) {
    if ((char *)file == bionic___sF) return stdin;
    if ((char *)file == bionic___sF + BIONIC_FILE_BYTES) return stdout;
    if ((char *)file == bionic___sF + 2 * BIONIC_FILE_BYTES) return stderr;
    return file;
}

int bionic_vfprintf(void *file, const char *format, va_list values) { return vfprintf(stream(file), format, values); }

int bionic_fprintf(void *file, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int written = vfprintf(stream(file), format, values);
    va_end(values);
    return written;
}

int bionic_fputc(int letter, void *file) { return fputc(letter, stream(file)); }
size_t bionic_fwrite(const void *from, size_t size, size_t count, void *file) { return fwrite(from, size, count, stream(file)); }
int bionic_fflush(void *file) { return fflush(file ? stream(file) : NULL); }
int bionic_fileno(void *file) { return fileno(stream(file)); }
int bionic_fclose(void *file) { return fclose(stream(file)); }

int *bionic___errno(void) { return &errno; }

/* GNU's strerror_r returns a string, POSIX' one, which Android has, a number. */
extern int __xpg_strerror_r(int, char *, size_t);
int bionic_strerror_r(int error, char *text, size_t size) { return __xpg_strerror_r(error, text, size); }

int bionic___system_property_get(const char *name, char *value) {
    (void)name;
    *value = 0;
    return 0;
}

void bionic_android_set_abort_message(const char *message) { fprintf(stderr, "abort: %s\n", message); }

int bionic___android_log_vprint(int priority, const char *tag, const char *format, va_list values) {
    (void)priority;
    fprintf(stderr, "[%s] ", tag);
    int written = vfprintf(stderr, format, values);
    fputc('\n', stderr);
    return written;
}

int bionic___android_log_print(int priority, const char *tag, const char *format, ...) {
    va_list values;
    va_start(values, format);
    int written = bionic___android_log_vprint(priority, tag, format, values);
    va_end(values);
    return written;
}

/* The numbers of what is asked for are Android's own. */
long bionic_sysconf(int name) {
    switch (name) {
    case 39:
    case 40: return sysconf(_SC_PAGESIZE);
    case 96: return sysconf(_SC_NPROCESSORS_CONF);
    case 97: return sysconf(_SC_NPROCESSORS_ONLN);
    case 98: return sysconf(_SC_PHYS_PAGES);
    }
    fprintf(stderr, "bionic shim: sysconf(%d) is not known\n", name);
    return -1;
}

/* A mutex has 40 bytes there and, on arm64, 48 here: pthread_mutex_init would clear what lies behind it. */
int bionic_pthread_mutex_init(void *mutex, const pthread_mutexattr_t *attributes) {
    pthread_mutex_t whole;
    int failed = pthread_mutex_init(&whole, attributes);
    if (!failed) memcpy(mutex, &whole, 40);
    return failed;
}

/* glibc gives these to programs from a part that is linked into each of them. */
extern void __cxa_finalize(void *);
extern int __cxa_atexit(void (*)(void *), void *, void *);
void bionic___cxa_finalize(void *handle) { __cxa_finalize(handle); }
int bionic___cxa_atexit(void (*work)(void *), void *with, void *handle) { return __cxa_atexit(work, with, handle); }
int bionic_dl_iterate_phdr(int (*work)(struct dl_phdr_info *, size_t, void *), void *with) { return dl_iterate_phdr(work, with); }

/* What "fortified" calls know about their buffers; the sizes are not looked at here. */
size_t bionic___strlen_chk(const char *text, size_t size) {
    (void)size;
    return strlen(text);
}

void *bionic___memmove_chk(void *to, const void *from, size_t count, size_t size) {
    if (count > size) abort();
    return memmove(to, from, count);
}

ssize_t bionic___read_chk(int file, void *to, size_t count, size_t size) {
    if (count > size) abort();
    return read(file, to, count);
}

int bionic___open_2(const char *path, int flags) { return open(path, flags); }

int bionic___vsnprintf_chk(char *to, size_t count, int flags, size_t size, const char *format, va_list values) {
    (void)flags;
    if (count > size) abort();
    return vsnprintf(to, count, format, values);
}

void bionic___stack_chk_fail(void) { abort(); }
