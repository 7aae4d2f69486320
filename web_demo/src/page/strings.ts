/** Every word that the page says, in one table. `{name}` is filled in. */

export const LANGUAGES = ["en", "de"] as const;
export type Language = (typeof LANGUAGES)[number];

const TABLE = {
  title: ["edgekit capture", "edgekit Aufnahme"],
  skip: ["Skip to the content", "Zum Inhalt springen"],
  navigation: ["Screens", "Ansichten"],
  capture: ["Capture", "Aufnahme"],
  history: ["History", "Verlauf"],
  bench: ["Benchmark", "Messung"],
  settings: ["Settings", "Einstellungen"],

  "loading-title": ["Loading the model", "Modell wird geladen"],
  "loading-text": [
    "The first time takes a few megabytes; later it works offline.",
    "Beim ersten Mal einige Megabyte; danach geht es ohne Netz.",
  ],
  "no-model-title": ["No model yet", "Noch kein Modell"],
  "no-model-text": [
    "This page came without a model. Choose a .tflite file that edgekit made.",
    "Diese Seite kam ohne Modell. Wähle eine .tflite-Datei, die edgekit gemacht hat.",
  ],
  "refused-title": ["The model was refused", "Das Modell wurde abgelehnt"],
  "refused-text": [
    "Choose another file, or make it anew with edgekit.",
    "Wähle eine andere Datei oder mache sie mit edgekit neu.",
  ],
  "choose-model": ["Choose a model file", "Modelldatei wählen"],
  "own-model": ["Use the page's own model", "Modell der Seite verwenden"],
  "rationale-title": ["The camera, for the live verdict", "Die Kamera, für das Live-Urteil"],
  "rationale-text": [
    "Pictures are judged on this device and never leave it unless you export them. Your browser asks next.",
    "Bilder werden auf diesem Gerät beurteilt und verlassen es nur, wenn du sie exportierst. Gleich fragt der Browser.",
  ],
  "allow-camera": ["Turn the camera on", "Kamera einschalten"],
  "opening-title": ["Opening the camera", "Kamera wird geöffnet"],
  "opening-text": ["If the browser asks, allow it.", "Falls der Browser fragt: erlauben."],
  "insecure-title": ["The camera needs a secure page", "Die Kamera braucht eine sichere Seite"],
  "insecure-text": [
    "Browsers give the camera to https:// and to localhost alone. Open the page from there; photos from files work here, too.",
    "Browser geben die Kamera nur an https:// und localhost. Öffne die Seite von dort; Fotos aus Dateien gehen auch hier.",
  ],
  "denied-title": ["The camera is not allowed", "Die Kamera ist nicht erlaubt"],
  "denied-text": [
    "Open the settings of this page (the icon beside its address), allow the camera, then try again.",
    "Öffne die Einstellungen dieser Seite (Symbol neben der Adresse), erlaube die Kamera und versuche es noch einmal.",
  ],
  "none-title": ["No camera was found", "Keine Kamera gefunden"],
  "none-text": [
    "Connect one and try again, or judge a photo from a file.",
    "Schließe eine an und versuche es noch einmal, oder beurteile ein Foto aus einer Datei.",
  ],
  "in-use-title": ["The camera is in use", "Die Kamera ist belegt"],
  "in-use-text": [
    "Another app or tab holds it. Close that, then try again.",
    "Eine andere App oder ein anderer Tab hält sie. Schließe das und versuche es noch einmal.",
  ],
  "lost-title": ["The camera went away", "Die Kamera ist weg"],
  "lost-text": [
    "It was unplugged, or another app took it. Nothing that was saved is lost.",
    "Sie wurde abgezogen oder von einer anderen App genommen. Nichts Gespeichertes ist verloren.",
  ],
  "unreadable-title": ["Pictures can't be read", "Bilder sind nicht lesbar"],
  "unreadable-text": [
    "Set as it is, this browser gives no picture that could be judged.",
    "So, wie er eingestellt ist, gibt dieser Browser kein Bild, das sich beurteilen ließe.",
  ],
  "paused-title": ["Paused", "Pausiert"],
  "paused-text": [
    "The camera was freed while this page was out of sight.",
    "Die Kamera wurde freigegeben, solange die Seite nicht zu sehen war.",
  ],
  "try-again": ["Try again", "Noch einmal"],
  "pick-photo": ["Photo from a file", "Foto aus Datei"],
  shutter: ["Take a photo", "Foto aufnehmen"],
  "switch-camera": ["Switch camera", "Kamera wechseln"],
  torch: ["Torch", "Taschenlampe"],
  preview: ["Live picture of the camera", "Live-Bild der Kamera"],
  judging: ["Judging the photo …", "Foto wird beurteilt …"],

  "verdict-none": ["Looking …", "Schaue …"],
  "verdict-genuine": ["Genuine photo", "Echtes Foto"],
  "verdict-attack": ["Photo of a screen or print", "Foto eines Bildschirms oder Drucks"],
  "verdict-unsure": ["Not sure: take it again", "Unsicher: noch einmal aufnehmen"],
  "verdict-plain": ["{label}", "{label}"],
  "verdict-detail": ["{label} · {percent}", "{label} · {percent}"],
  "verdict-surest": ["{label} · up to {percent}", "{label} · bis {percent}"],
  "no-label": ["none of the labels", "keines der Labels"],
  unknown: ["unknown", "unbekannt"],
  "face-none": ["No face", "Kein Gesicht"],
  "face-several": ["{count} faces: {labels}", "{count} Gesichter: {labels}"],
  "from-the-left": ["from the left: {details}", "von links: {details}"],
  latency: ["{total} ms · 95 % under {p95} ms", "{total} ms · 95 % unter {p95} ms"],
  "latency-title": ["Milliseconds a verdict", "Millisekunden je Urteil"],
  "latency-none": ["No verdicts yet.", "Noch keine Urteile."],
  stage: ["stage", "Schritt"],
  total: ["total", "gesamt"],
  decode: ["decode", "Dekodieren"],
  crop: ["crop", "Zuschneiden"],
  invoke: ["invoke", "Modell"],
  vote: ["vote", "Abstimmen"],

  "question-attack": ["This looks like a photo of a screen", "Das sieht nach einem Foto eines Bildschirms aus"],
  "question-unsure": ["The model is not sure about this photo", "Das Modell ist bei diesem Foto unsicher"],
  "question-attack-text": [
    "Photograph the real thing, or keep this one if the verdict is wrong.",
    "Fotografiere das Original, oder behalte dieses, falls das Urteil falsch ist.",
  ],
  "question-unsure-text": [
    "Take it again, closer or with more light, or keep this one and say under History what it is.",
    "Nimm es näher oder mit mehr Licht noch einmal auf, oder behalte dieses und sage im Verlauf, was es ist.",
  ],
  "question-photo": ["The photo in question", "Das fragliche Foto"],
  "take-again": ["Take it again", "Noch einmal aufnehmen"],
  "leave-out": ["Leave it out", "Weglassen"],
  "keep-anyway": ["Keep anyway", "Trotzdem behalten"],

  "shown-photo": ["The photo, with what was found in it", "Das Foto und was darin gefunden wurde"],
  "shown-text": [
    "This photo is not kept: captures are for models that give one answer to a whole photo.",
    "Dieses Foto wird nicht behalten: Aufnahmen sind für Modelle, die dem ganzen Foto eine Antwort geben.",
  ],
  "shown-close": ["Go on", "Weiter"],

  "history-empty-title": ["No photos yet", "Noch keine Fotos"],
  "history-empty-text": [
    "Photos that you take appear here with their verdicts. They stay on this device.",
    "Aufgenommene Fotos erscheinen hier mit ihren Urteilen. Sie bleiben auf diesem Gerät.",
  ],
  "history-loading": ["Reading the stored photos …", "Gespeicherte Fotos werden gelesen …"],
  "history-unreadable": [
    "The stored photos can't be read: {reason}",
    "Die gespeicherten Fotos sind nicht lesbar: {reason}",
  ],
  "history-count": ["Photos: {count}, with a truth: {labelled}", "Fotos: {count}, mit Wahrheit: {labelled}"],
  "history-more": ["Show more", "Mehr zeigen"],
  export: ["Export", "Exportieren"],
  exporting: ["Exporting {done} of {total} …", "Exportiere {done} von {total} …"],
  "open-photo": ["{verdict}, {time}: open", "{verdict}, {time}: öffnen"],
  details: ["Photo and verdict", "Foto und Urteil"],
  close: ["Close", "Schließen"],
  "truth-title": ["What is it really?", "Was ist es wirklich?"],
  "truth-right": ["That was right", "Das war richtig"],
  "truth-was": ["It was {label}", "Es war {label}"],
  "truth-other": ["It was …", "Es war …"],
  "truth-none": ["Nobody said", "Nicht gesagt"],
  "truth-set": ["truth: {label}", "Wahrheit: {label}"],
  "kept-anyway": ["kept anyway", "trotzdem behalten"],
  remove: ["Delete this photo", "Dieses Foto löschen"],
  "remove-all": ["Delete all", "Alle löschen"],
  "remove-sure": [
    "Delete from this device, photos: {count}? What was not exported is gone.",
    "Von diesem Gerät löschen, Fotos: {count}? Was nicht exportiert wurde, ist weg.",
  ],
  "from-gallery": ["from a file", "aus einer Datei"],

  "bench-text": [
    "Times the model on the photos of this page, for several numbers of crops and threads, inside the page itself. Keep it in front until it is done.",
    "Misst das Modell auf den Fotos dieser Seite, für mehrere Anzahlen von Ausschnitten und Threads, in der Seite selbst. Lass sie bis zum Ende im Vordergrund.",
  ],
  "bench-quick": ["Quick (about a minute)", "Kurz (etwa eine Minute)"],
  "bench-usual": ["Thorough (several minutes)", "Gründlich (mehrere Minuten)"],
  "bench-stop": ["Stop", "Abbrechen"],
  "bench-running": ["Step {done} of {total}", "Schritt {done} von {total}"],
  "bench-stopped": ["Stopped; nothing was kept.", "Abgebrochen; nichts wurde behalten."],
  "bench-failed": ["It ended early: {reason}", "Vorzeitig beendet: {reason}"],
  "bench-finished": ["Counted runs: {runs}", "Gezählte Läufe: {runs}"],
  "bench-no-model": ["A model must be loaded first.", "Zuerst muss ein Modell geladen sein."],
  "bench-export": ["Export for edgekit bench --from", "Export für edgekit bench --from"],
  crops: ["crops", "Ausschnitte"],
  "crops-early": ["≤ {crops} (mean {mean})", "≤ {crops} (im Mittel {mean})"],
  threads: ["threads", "Threads"],
  "median-ms": ["p50 ms", "p50 ms"],
  "p95-ms": ["p95 ms", "p95 ms"],

  "settings-crops": ["Crops of each photo", "Ausschnitte je Foto"],
  "crops-auto": ["as the model says: {crops}", "wie das Modell sagt: {crops}"],
  "crops-exact": ["exactly {crops}", "genau {crops}"],
  "crops-own": ["The model's own number", "Die Anzahl des Modells"],
  "settings-threads": ["Crops scored at the same time", "Gleichzeitig bewertete Ausschnitte"],
  "settings-language": ["Language", "Sprache"],
  "settings-theme": ["Colours", "Farben"],
  system: ["as the system", "wie das System"],
  light: ["light", "hell"],
  dark: ["dark", "dunkel"],
  model: ["Model", "Modell"],
  "model-name": ["name", "Name"],
  "model-labels": ["labels", "Labels"],
  "labels-more": ["{shown}, … ({count})", "{shown}, … ({count})"],
  "model-genuine": ["genuine label", "echtes Label"],
  "model-input": ["input", "Eingabe"],
  "model-plan": ["crop plan", "Ausschnittplan"],
  "model-decision": ["decision", "Entscheidung"],
  "model-engine": ["engine", "Interpreter"],
  "model-file": ["file", "Datei"],
  "model-sha256": ["SHA-256 of the file", "SHA-256 der Datei"],
  "decision-threshold": ["attack from score {threshold}", "Angriff ab {threshold}"],
  "model-regions": ["classifies", "beurteilt"],
  "face-each": ["each face", "jedes Gesicht"],
  "eyes-level": ["eyes level", "Augen waagrecht"],
  "decision-several": ["each label from its own threshold, {low} to {high}", "jedes Label ab eigener Schwelle, {low} bis {high}"],
  "decision-unknown": ["unknown from {threshold} by {rule}", "unbekannt ab {threshold} nach {rule}"],
  "rule-probability": ["probability", "Wahrscheinlichkeit"],
  "rule-energy": ["energy", "Energie"],
  "rule-distance": ["distance", "Abstand"],
  "decision-best": ["the most probable label", "das wahrscheinlichste Label"],
  "decision-band": ["take again from {low} to {high}", "noch einmal von {low} bis {high}"],
  "decision-floor": ["unknown below {floor}", "unbekannt unter {floor}"],
  "decision-early": ["stops early", "hört früh auf"],
  english: ["English", "English"],
  german: ["Deutsch", "Deutsch"],

  saved: ["Saved on this device.", "Auf diesem Gerät gespeichert."],
  "not-kept": ["Not kept.", "Nicht behalten."],
  "photo-refused": ["The photo can't be used: {reason}", "Das Foto ist nicht verwendbar: {reason}"],
  "storage-full": [
    "No room: {what}. Export and delete photos under History, then try again.",
    "Kein Platz, {what}. Exportiere und lösche Fotos im Verlauf und versuche es noch einmal.",
  ],
  "storage-failed": ["Storage failed, {what}: {reason}", "Der Speicher versagt, {what}: {reason}"],
  "unkept-photo": ["the photo was not saved", "das Foto wurde nicht gespeichert"],
  "unkept-model": ["the choice of the model was not saved", "die Wahl des Modells wurde nicht gespeichert"],
  "unkept-truth": ["what you said of the photo was not saved", "was du zum Foto sagtest, wurde nicht gespeichert"],
  "unkept-settings": ["the settings were not saved", "die Einstellungen wurden nicht gespeichert"],
  "unkept-removal": ["nothing was deleted", "nichts wurde gelöscht"],
  exported: ["Exported, photos: {photos}. Look under your downloads.", "Exportiert, Fotos: {photos}. Siehe Downloads."],
  "exported-part": [
    "Exported {photos} of {of}; export the rest next.",
    "Exportiert: {photos} von {of}; exportiere als Nächstes den Rest.",
  ],
  "export-failed": ["Nothing was exported: {reason}", "Nichts wurde exportiert: {reason}"],
  "torch-failed": ["The torch does not answer.", "Die Taschenlampe reagiert nicht."],
  "update-ready": ["A newer version of this page is ready.", "Eine neuere Fassung dieser Seite ist bereit."],
  reload: ["Use it now", "Jetzt verwenden"],
  dismiss: ["Dismiss", "Ausblenden"],
} as const satisfies Readonly<Record<string, readonly [string, string]>>;

export type Key = keyof typeof TABLE;
export const KEYS = Object.keys(TABLE) as Key[];

/** The first of the browser's languages that the page knows, else English. */
export function languageFor(preferred: readonly string[]): Language {
  const known = preferred.map((one) => one.slice(0, 2).toLowerCase());
  return LANGUAGES.find((one) => one === known.find((name) => (LANGUAGES as readonly string[]).includes(name))) ?? "en";
}

export type Say = (key: Key, values?: Readonly<Record<string, string | number>>) => string;

/** The table of one language. A value that a text has no place for is a mistake, and so is a place without a value. */
export function sayer(language: Language): Say {
  const column = LANGUAGES.indexOf(language);
  return (key, values = {}) =>
    TABLE[key][column]!.replace(/\{(\w+)\}/g, (_, name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the text ${key} needs a value for ${name}`);
      return String(value);
    });
}
