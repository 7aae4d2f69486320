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
# Android 14 calls it appId.
user=$(adb shell dumpsys package "$app" | sed -n -e 's/.*userId=\([0-9][0-9]*\).*/\1/p' -e 's/.*appId=\([0-9][0-9]*\).*/\1/p' | head -n 1)
if [ -n "$user" ]; then
  adb logcat -d -v time --uid="$user" | tail -n 2000
else
  echo "not found: 'dumpsys package $app' names neither userId nor appId"
fi

echo "== crashes"
# From one crash to the next, those of this app alone.
adb logcat -d -b crash -v time | awk -v app="$app" '
  /FATAL EXCEPTION|[*][*][*] [*][*][*] [*][*][*]/ { if (mine) printf "%s", block; block = ""; mine = 0 }
  { block = block $0 "\n" }
  index($0, "Process: " app ",") || index($0, ">>> " app " <<<") { mine = 1 }
  END { if (mine) printf "%s", block }' | tail -n 400
