// The request: every field turns the panel that OSC, pads and watched folders share.

import { $, debounce, make, say, saying } from "./elements.js";
import { askJson, post } from "./http.js";

const MARKERS = ["intro", "verse", "pre-chorus", "chorus", "bridge", "outro"];
const NOTES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MOST_SEED = 2 ** 32;
const TYPING = 300; // milliseconds after the last key
const IN_FORM = new Set();

export class Panel {
  #connection;
  #values = {};
  #specs = new Map();
  #reading = null;
  #made = 0;

  constructor(connection) {
    this.#connection = connection;
    for (const field of document.querySelectorAll("[data-param]")) {
      IN_FORM.add(field.dataset.param);
      this.#follow(field);
    }
    for (const marker of MARKERS) {
      const insert = () => this.#insertMarker(marker);
      $("markers").append(make("button", { type: "button", onclick: insert }, marker));
    }
    for (const mode of ["major", "minor"])
      for (const note of NOTES) $("keys").append(make("option", {}, `${note} ${mode}`));
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
    connection.addEventListener("open", saying(() => this.load()));
  }

  async load() {
    if (!this.#specs.size) this.#build(await askJson("/parameters"));
    const values = await askJson("/panel");
    for (const [name, value] of Object.entries(values)) this.#show(name, value);
    this.read();
  }

  get values() {
    return this.#values;
  }

  /** A new id for a job of this page. */
  makeId(word = "page") {
    this.#made += 1;
    return `${word}-${Date.now().toString(36)}-${this.#made}`;
  }

  go() {
    this.#commitAll();
    const count = Math.max(1, Number($("count").value) || 1);
    const options = count > 1 ? ["count", count] : [];
    this.#send("/ace/generate", this.makeId(), ...options);
  }

  set(name, value) {
    this.#values[name] = value;
    this.#send(`/ace/set/${name}`, value);
    this.read();
  }

  rollSeed() {
    const seed = Math.floor(Math.random() * MOST_SEED);
    this.set("seed", seed);
    this.#show("seed", seed);
  }

  #lockSeed() {
    if ($("lock").checked && this.#values.seed < 0) this.rollSeed();
    else if (!$("lock").checked) {
      this.set("seed", -1);
      this.#show("seed", -1);
    }
  }

  #send(address, ...values) {
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }

  #follow(field) {
    const commit = () => this.#commit(field);
    const isText = field.tagName === "TEXTAREA";
    field.addEventListener("change", commit);
    if (isText) field.addEventListener("input", debounce(TYPING, commit));
  }

  #commitAll() {
    for (const field of document.querySelectorAll("[data-param]")) this.#commit(field);
  }

  #commit(field) {
    const name = field.dataset.param;
    const value = readField(field, this.#specs.get(name));
    if (value !== undefined && value !== this.#values[name]) this.set(name, value);
  }

  #hear(name, value) {
    // a long text is cut: all of it is at /panel
    if (typeof value === "string" && value.endsWith("…")) this.#fetchLong();
    else this.#show(name, value);
    this.read();
  }

  #fetchLong = debounce(TYPING, saying(() => this.load()));

  #show(name, value) {
    const spec = this.#specs.get(name);
    const shown = spec && typeof spec.default === "number" ? Number(value) : value;
    this.#values[name] = spec?.kind === "switch" ? Boolean(value) : shown;
    for (const field of document.querySelectorAll(`[data-param="${name}"]`)) {
      if (field !== document.activeElement) writeField(field, this.#values[name]);
    }
    if (name === "seed") $("lock").checked = this.#values.seed >= 0;
    if (name === "source" || name === "guide") this.#showSource();
  }

  #insertMarker(marker) {
    const lyrics = $("lyrics");
    const before = lyrics.value.slice(0, lyrics.selectionStart);
    const gap = before && !before.endsWith("\n") ? "\n\n" : before ? "\n" : "";
    lyrics.setRangeText(`${gap}[${marker}]\n`, lyrics.selectionStart, lyrics.selectionEnd, "end");
    lyrics.focus();
    lyrics.dispatchEvent(new Event("input"));
  }

  // --- what is read out of the text --------------------------------------------------------------

  read = debounce(
    TYPING,
    saying(async () => {
      this.#reading?.abort();
      this.#reading = new AbortController();
      try {
        const values = { prompt: $("prompt").value, lyrics: $("lyrics").value };
        this.#showReading(await post("/reading", values, this.#reading.signal));
      } catch (error) {
        if (!this.#reading.signal.aborted) throw error;
      }
    }),
  );

  #showReading(read) {
    if (read.problem) {
      const text = [read.problem, read.hint].filter(Boolean).join("; ");
      $("reading").replaceChildren(make("p", { class: "problem" }, text));
      return;
    }
    const chips = [
      read.bpm && `${read.bpm} bpm`,
      read.key,
      read.timeSignature,
      read.bars ? `${read.bars} bars` : read.seconds && `${read.seconds} s`,
      ...read.sections.map(({ label, kind, lines }) => `${label || kind}: ${lines} lines`),
    ];
    const leftOut = read.sections.flatMap((section) => section.leftOut);
    const notes = [...leftOut.map((line) => `not sung: ${line}`), ...read.notes];
    $("reading").replaceChildren(
      make("p", {}, ...chips.filter(Boolean).map((chip) => make("span", { class: "chip" }, chip))),
      make("ul", {}, ...notes.map((note) => make("li", {}, note))),
    );
  }

  // --- files that are dropped ----------------------------------------------------------------------

  #openDrop() {
    const drop = $("drop");
    drop.addEventListener("dragover", (event) => {
      event.preventDefault();
      drop.classList.add("over");
    });
    drop.addEventListener("dragleave", () => drop.classList.remove("over"));
    drop.addEventListener("drop", (event) => {
      event.preventDefault();
      drop.classList.remove("over");
      this.#keep(event.dataTransfer.files[0]);
    });
    $("file").addEventListener("change", () => this.#keep($("file").files[0]));
  }

  #keep = saying(async (file) => {
    if (!file) return;
    $("drop-text").textContent = `reading ${file.name}`;
    try {
      const path = `/sources?name=${encodeURIComponent(file.name)}`;
      const kept = await askJson(path, { method: "POST", body: file });
      this.set(kept.field, kept.name);
      this.#show(kept.field, kept.name);
      if (kept.field === "source" && !this.#values.task) {
        this.set("task", "cover");
        this.#show("task", "cover");
      }
    } finally {
      $("drop-text").textContent = "Drop another sound or MIDI file here";
    }
  });

  #showSource() {
    const { source, guide } = this.#values;
    const named = [source && `source: ${source}`, /\.midi?$/i.test(guide ?? "") && `guide: ${guide}`];
    const shown = named.filter(Boolean);
    const clear = () => {
      for (const [name, value] of [["source", ""], ["task", ""], ["guide", ""]]) {
        this.set(name, value);
        this.#show(name, value);
      }
    };
    $("source").hidden = !shown.length;
    $("source").replaceChildren(
      shown.join(", "),
      " ",
      make("button", { type: "button", onclick: clear }, "Leave it out"),
    );
  }

  // --- the drawer ---------------------------------------------------------------------------------

  #build(specs) {
    for (const spec of specs) this.#specs.set(spec.name, spec);
    const task = this.#specs.get("task");
    $("task").replaceChildren(
      ...task.choices.map((choice) => make("option", { value: choice }, choice || "new music")),
    );
    const others = specs.filter(({ name }) => !IN_FORM.has(name));
    $("parameters").replaceChildren(...others.map((spec) => this.#buildField(spec)));
  }

  #buildField(spec) {
    const id = `param-${spec.name}`;
    const field = buildInput(spec, id);
    this.#follow(field);
    return make(
      "div",
      { class: "parameter" },
      make("label", { for: id }, spec.name.replaceAll("_", " ")),
      field,
      make("p", { id: `${id}-help`, class: "quiet" }, spec.help),
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
  return make("input", { ...common, type: "number", step, max: String(spec.high) });
}

function readField(field, spec) {
  if (field.type === "checkbox") return field.checked ? 1 : 0;
  if (typeof spec?.default !== "number") return field.value;
  if (field.value.trim() === "") return spec.default;
  const value = Number(field.value);
  return Number.isFinite(value) ? value : undefined;
}

function writeField(field, value) {
  if (field.type === "checkbox") field.checked = Boolean(value);
  else if (field.type === "number" && (value === 0 || value === -1)) field.value = "";
  else field.value = value;
}
