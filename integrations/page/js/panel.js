// The request: every field turns the panel that OSC, pads and watched folders share.

import { $, count, debounce, formatSeconds, make, round, say, saying } from "./elements.js";
import { askJson, post } from "./http.js";

const MARKERS = ["intro", "verse", "pre-chorus", "chorus", "bridge", "outro"];
const TRACKS = ["vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "synth", "strings",
  "brass", "woodwinds", "fx"];
const TEMPO_SOURCES = { session: " of the session", prompt: " of the prompt", lyrics: " of the lyrics", source: " of the source",
  guide: " of the guide" };
const NOTES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MOST_DRAWN = 10 ** 6; // as the daemon draws seeds: short enough to type
const TYPING = 300; // milliseconds after the last key
const DIGITS = 7; // of a number that was sent as a float of 32 bits

export class Panel {
  #connection;
  #values = {};
  #specs = new Map();
  #inForm = new Set(); // names of the parameters that are not in the drawer
  #typed = new Set(); // names whose fields were changed and not sent yet
  #unsent = new Map(); // what was set while the daemon was away
  #changed = new Set(); // names that were set, here or elsewhere, since all values were asked for
  #reading = null;
  #made = 0;

  constructor(connection) {
    this.#connection = connection;
    for (const field of document.querySelectorAll("[data-param]")) {
      this.#inForm.add(field.dataset.param);
      this.#follow(field);
    }
    for (const marker of MARKERS) {
      const insert = () => this.#insertMarker(marker);
      $("markers").append(make("button", { type: "button", onclick: insert }, marker));
    }
    for (const mode of ["major", "minor"])
      for (const note of NOTES) $("keys").append(make("option", {}, `${note} ${mode}`));
    this.#inForm.add("stems");
    for (const track of TRACKS) {
      const toggle = () => this.#toggleTrack(track);
      const attributes = { type: "button", "data-track": track, "aria-pressed": "false", onclick: toggle };
      $("tracks").append(make("button", attributes, track.replace("_", " ")));
    }
    $("dice").addEventListener("click", () => this.rollSeed());
    $("lock").addEventListener("change", () => this.#lockSeed());
    $("request").addEventListener("submit", (event) => {
      event.preventDefault();
      this.go();
    });
    this.#openDrop();
    connection.on("/ace/param/*", (values, address) => {
      this.#hear(address.slice("/ace/param/".length), values[0]);
    });
    connection.on("/ace/fail", ([, name]) => {
      if (name.startsWith("/ace/set/")) this.#load(); // the field shows again what holds
    });
    connection.addEventListener("open", saying(() => this.#begin()));
  }

  get values() {
    return this.#values;
  }

  /** What is known of each parameter, by name. */
  get specs() {
    return this.#specs;
  }

  /** A new id for a job of this page. */
  makeId(word = "page") {
    this.#made += 1;
    return `${word}-${Date.now().toString(36)}-${this.#made}`;
  }

  go() {
    for (const field of document.querySelectorAll("[data-param]"))
      if (this.#typed.has(field.dataset.param)) this.#commit(field);
    const takes = Math.max(1, Number($("count").value) || 1);
    const options = takes > 1 ? ["count", takes] : [];
    const sent = this.#connection.send("/ace/generate", this.makeId(), ...options);
    if (!sent) say("the daemon is away: press Go again when it is back");
  }

  /** Set a parameter, and show it. */
  change(name, value) {
    this.#set(name, value);
    this.#show(name, value);
  }

  rollSeed() {
    this.change("seed", Math.floor(Math.random() * MOST_DRAWN));
  }

  /** What was set while the daemon was away counts; all else is as it has it. */
  async #begin() {
    if (!this.#specs.size) this.#build(await askJson("/parameters"));
    for (const [name, value] of this.#unsent) this.#connection.send(`/ace/set/${name}`, value);
    await this.#load([...this.#unsent.keys()]);
    this.#unsent.clear();
  }

  #load = saying(async (except = []) => {
    this.#changed = new Set(except);
    const values = await askJson("/panel");
    for (const [name, value] of Object.entries(values)) if (!this.#changed.has(name)) this.#show(name, value);
    this.read();
  });

  #lockSeed() {
    if (!$("lock").checked) this.change("seed", -1);
    else if (this.#values.seed < 0) this.rollSeed();
  }

  #set(name, value) {
    this.#values[name] = value;
    this.#changed.add(name);
    if (!this.#connection.send(`/ace/set/${name}`, value)) this.#unsent.set(name, value);
    this.read();
  }

  // --- fields ---------------------------------------------------------------------------------------

  #follow(field) {
    const { param } = field.dataset;
    const commit = () => this.#commit(field);
    const commitSoon = debounce(TYPING, commit);
    field.addEventListener("input", () => {
      this.#typed.add(param);
      if (field.tagName === "TEXTAREA") commitSoon();
    });
    field.addEventListener("change", commit);
    field.addEventListener("blur", () => {
      // what others have set meanwhile
      if (!this.#typed.has(param) && param in this.#values) this.#write(field);
    });
  }

  #commit(field) {
    const name = field.dataset.param;
    const value = readField(field, this.#specs.get(name));
    this.#typed.delete(name);
    if (value !== undefined && value !== this.#values[name]) this.#set(name, value);
  }

  #hear(name, value) {
    // a long text is cut: all of it is at /panel
    if (typeof value === "string" && value.endsWith("…")) this.#loadSoon();
    else {
      this.#changed.add(name);
      this.#show(name, value);
    }
    this.read();
  }

  #loadSoon = debounce(TYPING, () => this.#load());

  #show(name, value) {
    const spec = this.#specs.get(name);
    this.#values[name] = spec?.kind === "switch" ? Boolean(value) : tidy(value, spec);
    for (const field of document.querySelectorAll(`[data-param="${name}"]`)) {
      if (field !== document.activeElement && !this.#typed.has(name)) this.#write(field);
    }
    if (name === "seed") $("lock").checked = this.#values.seed >= 0;
    if (name === "source" || name === "guide") this.#showSource();
    if (name === "stems") this.#showTracks();
  }

  #write(field) {
    const { param } = field.dataset;
    writeField(field, this.#values[param], this.#specs.get(param));
  }

  #insertMarker(marker) {
    const lyrics = $("lyrics");
    const before = lyrics.value.slice(0, lyrics.selectionStart);
    const gap = before && !before.endsWith("\n") ? "\n\n" : before ? "\n" : "";
    lyrics.setRangeText(`${gap}[${marker}]\n`, lyrics.selectionStart, lyrics.selectionEnd, "end");
    lyrics.focus();
    lyrics.dispatchEvent(new Event("input"));
  }

  #toggleTrack(track) {
    const tracks = new Set((this.#values.stems ?? "").split(/[\s,]+/).filter(Boolean));
    if (!tracks.delete(track)) tracks.add(track);
    this.change("stems", [...tracks].join(" "));
  }

  #showTracks() {
    const tracks = this.#values.stems.split(/[\s,]+/).filter(Boolean);
    $("stems-text").textContent = tracks.join(", ").replaceAll("_", " ") || "none";
    for (const button of $("tracks").children)
      button.setAttribute("aria-pressed", String(tracks.includes(button.dataset.track)));
  }

  // --- what is read out of the text --------------------------------------------------------------

  read = debounce(
    TYPING,
    saying(async () => {
      this.#reading?.abort();
      this.#reading = new AbortController();
      const { signal } = this.#reading;
      if (!this.#connection.isOpen) return;
      try {
        const values = { prompt: $("prompt").value, lyrics: $("lyrics").value };
        this.#showReading(await post("/reading", values, signal));
      } catch (error) {
        if (!signal.aborted) throw error;
      }
    }),
  );

  #showReading(read) {
    this.#suggest(read);
    if (read.problem) {
      const isEmpty = !$("prompt").value.trim() && !$("lyrics").value.trim();
      const text = isEmpty ? "What is read out of prompt and lyrics is shown here." : [read.problem, read.hint].filter(Boolean).join("; ");
      $("reading").replaceChildren(make("p", { class: isEmpty ? "" : "problem" }, text));
      return;
    }
    const chips = [
      read.bpm && `${round(read.bpm)} bpm${TEMPO_SOURCES[read.tempoSource] ?? ""}`,
      read.key,
      read.timeSignature,
      read.bars ? count(read.bars, "bar") : read.seconds && formatSeconds(read.seconds),
      ...read.sections.map(({ label, kind, lines }) => `${label || kind}: ${count(lines, "line")}`),
    ];
    const leftOut = read.sections.flatMap((section) => section.leftOut);
    const notes = [...leftOut.map((line) => `not sung: ${line}`), ...read.notes];
    $("reading").replaceChildren(
      make("p", {}, ...chips.filter(Boolean).map((chip) => make("span", { class: "chip" }, chip))),
      make("ul", {}, ...notes.map((note) => make("li", {}, note))),
    );
  }

  /** What holds where a field is empty. */
  #suggest({ bpm, key, timeSignature, bars, seconds }) {
    $("bpm").placeholder = bpm ? round(bpm) : "open";
    $("key").placeholder = key || "open";
    $("time_signature").placeholder = timeSignature || "open";
    $("bars").placeholder = bars || (seconds ? "" : "open");
    $("seconds").placeholder = bars ? "" : seconds || "";
  }

  // --- files that are dropped ----------------------------------------------------------------------

  /** Anywhere on the page: a browser would leave it and open the file. */
  #openDrop() {
    const hasFiles = ({ dataTransfer }) => dataTransfer?.types.includes("Files");
    const show = (isOver) => document.body.classList.toggle("dropping", isOver);
    addEventListener("dragover", (event) => {
      event.preventDefault();
      show(hasFiles(event));
    });
    addEventListener("dragleave", (event) => {
      if (!event.relatedTarget) show(false);
    });
    addEventListener("drop", (event) => {
      event.preventDefault();
      show(false);
      if (event.dataTransfer.files.length > 1) say("one file at a time: the first is taken");
      this.#keep(event.dataTransfer.files[0]);
    });
    $("file").addEventListener("change", () => this.#keep($("file").files[0]));
  }

  #keep = saying(async (file) => {
    if (!file) return;
    $("drop-text").firstChild.textContent = `Reading ${file.name} `;
    try {
      const path = `/sources?name=${encodeURIComponent(file.name)}`;
      const kept = await askJson(path, { method: "POST", body: file });
      this.change(kept.field, kept.name);
      if (kept.field === "source" && !this.#values.task) this.change("task", "cover");
    } finally {
      $("drop-text").firstChild.textContent = "Drop a sound or a MIDI file, or ";
      $("file").value = "";
    }
  });

  #showSource() {
    const { source = "", guide = "" } = this.#values;
    const named = [["source", source], ["guide", /\.midi?$/i.test(guide) ? guide : ""]];
    const shown = named.filter(([, path]) => path);
    $("source").hidden = !shown.length;
    $("source").replaceChildren(...shown.flatMap(([name, path]) => [
      `${name}: ${path.split(/[\\/]/).pop()} `,
      make("button", { type: "button", class: "ghost", "aria-label": `Leave the ${name} out`, onclick: () => this.#leaveOut(name) }, "Leave it out"),
    ]));
  }

  #leaveOut(name) {
    this.change(name, "");
    if (name === "source") this.change("task", "");
  }

  // --- the drawer ---------------------------------------------------------------------------------

  #build(specs) {
    for (const spec of specs) this.#specs.set(spec.name, spec);
    const task = this.#specs.get("task");
    $("task").replaceChildren(
      ...task.choices.map((choice) => make("option", { value: choice }, choice || "new music")),
    );
    const others = specs.filter(({ name }) => !this.#inForm.has(name));
    $("parameters").replaceChildren(...others.map((spec) => this.#buildField(spec)));
  }

  #buildField(spec) {
    const id = `param-${spec.name}`;
    const field = buildInput(spec, id);
    this.#follow(field);
    const range = spec.kind === "number" || spec.kind === "whole" ? ` (${spec.low} to ${spec.high})` : "";
    return make(
      "div",
      { class: "parameter" },
      make("label", { for: id }, spec.name.replaceAll("_", " ")),
      field,
      make("p", { id: `${id}-help`, class: "quiet" }, `${spec.help}${range}`),
    );
  }
}

function buildInput(spec, id) {
  const common = { id, "data-param": spec.name, "aria-describedby": `${id}-help` };
  if (spec.kind === "choice") {
    const options = spec.choices.map((choice) => make("option", { value: choice }, choice));
    return make("select", common, ...options);
  }
  if (spec.kind === "switch") return make("input", { ...common, type: "checkbox" });
  if (spec.kind === "text") return make("input", common);
  const step = spec.kind === "whole" ? "1" : "any";
  return make("input", { ...common, type: "number", step, placeholder: String(spec.default) });
}

/** undefined where it is no value. */
function readField(field, spec) {
  if (field.type === "checkbox") return field.checked;
  if (typeof spec?.default !== "number") return field.value;
  if (field.value.trim() === "") return field.validity.badInput ? undefined : spec.default;
  const value = Number(field.value);
  return Number.isFinite(value) ? value : undefined;
}

/** A number that is as it is by default leaves its field empty: the placeholder says it. */
function writeField(field, value, spec) {
  if (field.type === "checkbox") field.checked = Boolean(value);
  else if (field.type === "number" && value === spec?.default) field.value = "";
  else field.value = value;
}

function tidy(value, spec) {
  if (typeof spec?.default !== "number") return value;
  const number = Number(value);
  return Number.isInteger(number) ? number : Number(number.toPrecision(DIGITS));
}
