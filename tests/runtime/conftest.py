"""A delegate that takes no operator."""

from __future__ import annotations

import shutil
import subprocess

import pytest

# A delegate that loads well and then takes no operator: the interpreter goes on without it and says nothing.
IDLE_DELEGATE = """
#include <stddef.h>
#include <stdint.h>
typedef struct TfLiteDelegate {
  void* data;
  int (*prepare)(void*, struct TfLiteDelegate*);
  void* copy_from; void* copy_to; void* free_handle;
  int64_t flags;
  void* builder;
} TfLiteDelegate;
static int prepare(void* context, TfLiteDelegate* delegate) { return 0; }
static TfLiteDelegate idle = {NULL, prepare, NULL, NULL, NULL, 0, NULL};
TfLiteDelegate* tflite_plugin_create_delegate(char** keys, char** values, size_t n, void (*report)(const char*)) {
  return &idle;
}
void tflite_plugin_destroy_delegate(TfLiteDelegate* delegate) {}
"""


@pytest.fixture(scope="module")
def idle_delegate(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is None:
        pytest.skip("needs a C compiler")
    folder = tmp_path_factory.mktemp("delegate")
    (folder / "idle.c").write_text(IDLE_DELEGATE)
    subprocess.run([compiler, "-shared", "-fPIC", "-o", folder / "idle.so", folder / "idle.c"], check=True)
    return folder / "idle.so"
