#!/bin/sh
# What a phone says of itself and of the app, to be sent back: ./phone_log.sh > phone.log. Reads only.
set -eu
app=edgekit.capture
command -v adb >/dev/null || { echo "adb is not installed: apt-get install adb" >&2; exit 3; }
[ "$(adb get-state 2>/dev/null)" = device ] || { echo "no phone: connect one, allow USB debugging, and see 'adb devices'" >&2; exit 3; }

echo "== phone"
for name in ro.product.manufacturer ro.product.model ro.build.version.release ro.build.version.sdk ro.product.cpu.abilist \
  ro.soc.manufacturer ro.soc.model ro.board.platform ro.build.fingerprint; do
  printf '%s=%s\n' "$name" "$(adb shell getprop "$name" | tr -d '\r')"
done
printf 'page size=%s\n' "$(adb shell getconf PAGE_SIZE 2>/dev/null | tr -d '\r')"
adb shell cat /proc/meminfo | head -n 3

echo "== app"
adb shell dumpsys package "$app" | grep -E 'versionName|versionCode|primaryCpuAbi|CAMERA: granted|firstInstallTime' || echo "$app is not installed"

echo "== log of the app"
user=$(adb shell dumpsys package "$app" | sed -n 's/.*userId=\([0-9]*\).*/\1/p' | head -n 1)
[ -z "$user" ] || adb logcat -d -v time --uid="$user" | tail -n 2000

echo "== crashes"
adb logcat -d -b crash -v time | grep -A 40 "$app" | tail -n 400 || true
