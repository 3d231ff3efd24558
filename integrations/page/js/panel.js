// The request: every field turns the panel that OSC, pads and watched folders share.

import { $, count, debounce, formatSeconds, hush, make, round, say, saying } from "./elements.js";
import { Elsewhere, isSame } from "./elsewhere.js";
import { ask, askJson, post } from "./http.js";

const MARKERS = ["intro", "verse", "pre-chorus", "chorus", "bridge", "outro"];
const TRACKS = ["vocals", "backing_vocals", "drums", "percussion", "bass", "guitar", "keyboard", "synth", "strings",
  "brass", "woodwinds", "fx"];
const TEMPO_SOURCES = { session: " from the session", prompt: " from the prompt", lyrics: " from the lyrics",
  source: " from the source", guide: " from the guide" };
const NOTES = ["C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B"];
const MOST_DRAWN = 10 ** 6; // as the daemon draws seeds: short enough to type
const TYPING = 300; // milliseconds after the last key
const DIGITS = 7; // of a number that was sent as a float of 32 bits
const SET = "/ace/set/";
const LENGTHS = { bars: "seconds", seconds: "bars" }; // a take has one of them
const GO = 1; // what is answered once all is read that was sent before
const SETTLED = 2; // so too
const MOST_WORDS = 256 * 1024; // bytes of a text file that is dropped
const WORDS = /\.(txt|md)$/i;
const TEXTS = ["prompt", "lyrics"]; // what somebody has written
const OF_SOURCE = ["source_seed", "read_source", "repeat_source", "cover_noise_strength", "repaint_start", "repaint_end",
  "repaint_bar", "repaint_bars", "repaint_strength", "repaint_hold", "repaint_crossfade"]; // how the task works on it
const DROP = "Drop a sound, a MIDI file or lyrics, or ";
const FOLLOW_SOURCE = ["cover", "cover-nofsq", "extract", "lego", "complete"]; // tasks that take no guide

export class Panel extends EventTarget {
  #connection;
  #values = {};
  #specs = new Map();
  #defaults = {}; // what the daemon's panel begins with, by name
  #inForm = new Set(); // names of the parameters that are not in the drawer
  #typed = new Set(); // names whose fields were changed and not sent yet
  #unsent = new Map(); // what was set while the daemon was away
  #changed = new Set(); // names that were set, here or elsewhere, since all values were asked for
  #touched = null; // the field that has the focus, once something was typed there
  #elsewhere = new Elsewhere();
  #refused = new Map(); // what is wrong with a field, by its name: it keeps what was typed
  #reading = null;
  #made = new Set(); // ids
  #asked = {}; // texts that a take has
  #settled = () => {}; // called once all that was sent is read
  #begun = Promise.resolve(); // once it and the daemon have the same values
  #sourceShown = ""; // what the line of the source was made of
  #before = null; // {values, takes}: the form before it was replaced
  #isFilling = false; // the form is about to be another one
  #turn = Promise.resolve(); // once nothing replaces the form any more
  #replaced = new Map(); // what its fields have shown since then, by name

  constructor(connection) {
    super();
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
    $("new").addEventListener("click", saying(() => this.#inTurn(() => this.#clear())));
    $("form-undo").addEventListener("click", saying(() => this.#inTurn(() => this.#undo())));
    $("request").addEventListener("submit", (event) => {
      event.preventDefault();
      this.go();
    });
    this.#openDrop();
    connection.on("/ace/param/*", (values, address) => {
      const name = address.slice("/ace/param/".length);
      hush(`${SET}${name}`);
      this.#hear(name, values[0]);
    });
    connection.on("/ace/synced", ([number]) => {
      if (number === GO) this.#generate();
      if (number === SETTLED) this.#settled();
    });
    const begin = saying(() => this.#begin());
    connection.addEventListener("open", () => (this.#begun = begin()));
    connection.addEventListener("close", () => {
      this.#elsewhere.forgetSent();
      this.#settled(); // no answer comes any more
    });
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
    const id = `${word}-${Date.now().toString(36)}-${this.#made.size + 1}`;
    this.#made.add(id);
    return id;
  }

  /** The id that was made here for this job, which may be one of several takes; "" where none was. */
  findOwn(id) {
    const whole = id.replace(/\.\d+$/, "");
    return this.#made.has(whole) ? whole : "";
  }

  /** A take is asked for once it is known that nothing of what was typed is refused. */
  go() {
    this.#commitTyped();
    if (!this.#connection.send("/ace/sync", GO)) say("the daemon is away: press Go again when it is back");
  }

  #generate() {
    const [wrong] = this.#refused.keys();
    if (wrong) {
      const field = findField(wrong);
      const drawer = field.closest("details");
      if (drawer) drawer.open = true;
      field.focus();
      return;
    }
    const { prompt = "", lyrics = "", codes = "", task, source } = this.#values;
    if (!(prompt.trim() || lyrics.trim() || codes || task)) return this.#miss("prompt", "Write what it is to sound like, or words to sing");
    if (task && !source) return this.#miss("file", `${task} works on a sound: drop one on the page, or choose one`);
    const takes = Math.max(1, Number($("count").value) || 1);
    const options = takes > 1 ? ["count", takes] : [];
    if (source && !task) options.push("source", ""); // new music is made of nothing
    const id = this.makeId();
    this.#elsewhere.withdrawAll();
    this.#connection.send("/ace/generate", id, ...options);
    this.#asked = { prompt, lyrics };
    this.dispatchEvent(new CustomEvent("go", { detail: id }));
  }

  #miss(id, text) {
    say(text);
    $(id).focus();
  }

  /** What was set is refused. Returns whether that is seen beside its field. */
  refuse(address, text) {
    const name = address.startsWith(SET) ? address.slice(SET.length) : "";
    const field = name ? findField(name) : null;
    this.#elsewhere.refuse(name);
    if (!field || !isSeen(field)) {
      if (name) this.#load(); // it is shown again what holds
      return false;
    }
    this.#mark(field, text);
    this.#load();
    return true;
  }

  #mark(field, text) {
    const { param } = field.dataset;
    this.#accept(field);
    this.#refused.set(param, text);
    const id = `${field.id}-problem`;
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-errormessage", id);
    (field.closest("label") ?? field).after(make("p", { id, class: "problem refused", role: "alert" }, text));
    this.read();
  }

  #accept(field) {
    if (!this.#refused.delete(field.dataset.param)) return;
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-errormessage");
    $(`${field.id}-problem`).remove();
    this.read();
  }

  /** Set a parameter, and show it. */
  change(name, value) {
    this.#set(name, value);
    this.#show(name, value);
  }

  // --- the form as it was -----------------------------------------------------------------------------

  /** All that a take was asked for with, and its seed. */
  edit(take) {
    const text = "The form has all that it was asked for with, and its seed, locked: change it, and press Go";
    return this.#inTurn(async () => {
      await this.#replace(text, () => ask(`/takes/${take.number}/panel`, { method: "POST" }));
      this.#asked = { ...this.#values };
    });
  }

  /** Other lyrics, of which `text` is told. */
  setLyrics(lyrics, text) {
    return this.#inTurn(() => this.#replace(text, () => post("/panel", { lyrics })));
  }

  /** Whoever replaces the form waits for who does so now: what Undo brings back is known then. */
  #inTurn(replace) {
    const turn = this.#turn.then(replace);
    this.#turn = turn.catch(() => {});
    return turn;
  }

  /** What was there can be had back, where some of it would be lost. */
  async #replace(text, fill) {
    const before = await this.#look();
    await this.#fillAnew(fill);
    const isLost = TEXTS.some((name) => {
      const written = before.values[name];
      return written?.trim() && ![this.#values, this.#asked, this.#defaults].some((known) => known[name] === written);
    });
    this.#before = before;
    if (isLost) this.#offerUndo(before);
    say(isLost ? `Your text was replaced: Undo, beside New, brings it back. ${text}` : text);
  }

  /** All is as the settings say. */
  async #clear() {
    const before = await this.#look();
    await this.#fillAnew(() => ask("/panel/defaults", { method: "POST" }));
    this.#offerUndo(before);
    $("count").value = 1;
    $("prompt").focus();
  }

  async #undo() {
    const { values, takes } = this.#before;
    const now = await this.#look();
    const changed = Object.entries(values).filter(([name, value]) => value !== this.#values[name]);
    await this.#fillAnew(() => post("/panel", Object.fromEntries(changed)));
    this.#offerUndo(now);
    $("count").value = takes;
  }

  /** What was there before it was replaced: in the whole form, or in a field alone where something
   * was changed since. Returns whether there was anything.
   */
  #takeBack(field) {
    const { param } = field.dataset;
    const isKept = (one) => tellField(one) === this.#replaced.get(one.dataset.param);
    const bringBack = field === this.#touched ? undefined : this.#elsewhere.findBefore(field);
    if (this.#isFilling) return true;
    if (bringBack) bringBack();
    else if (!this.#before || !isKept(field)) return false;
    else if ([...document.querySelectorAll("[data-param]")].every(isKept)) this.#inTurn(() => this.#undo()).catch(({ message }) => say(message));
    else {
      const value = this.#before.values[param];
      this.#before.values[param] = this.#values[param];
      this.change(param, value);
      this.#write(field);
      this.#replaced.set(param, tellField(field));
    }
    return true;
  }

  /** What the form has, once the daemon has read all that was typed. */
  async #look() {
    await this.#begun;
    this.#commitTyped();
    await new Promise((resolve) => {
      this.#settled = resolve;
      if (!this.#connection.send("/ace/sync", SETTLED)) resolve();
    });
    return { values: { ...this.#values }, takes: $("count").value };
  }

  #offerUndo(before) {
    this.#before = before;
    $("form-undo").hidden = false;
  }

  /** The form has what `fill` gives the daemon, also where something is refused, or has the focus. */
  async #fillAnew(fill) {
    this.#isFilling = true;
    try {
      await fill();
      for (const name of [...this.#refused.keys()]) this.#accept(findField(name));
      await this.#load();
      for (const field of document.querySelectorAll("[data-param]")) {
        this.#write(field);
        this.#replaced.set(field.dataset.param, tellField(field));
      }
      this.#typed.clear();
      this.#touched = null;
      this.#elsewhere.withdrawAll();
    } finally {
      this.#isFilling = false;
    }
  }

  rollSeed() {
    this.change("seed", Math.floor(Math.random() * MOST_DRAWN));
  }

  /** What was set while the daemon was away counts, and what another daemon has forgotten: it has
   * what its settings say where this page shows what somebody has turned. All else is as the daemon
   * has it. */
  async #begin() {
    const turned = Object.entries(this.#values).filter(([name, value]) => value !== this.#defaults[name]);
    if (!this.#specs.size) this.#build(await askJson("/parameters"));
    const [values, defaults] = await Promise.all(["/panel", "/panel/defaults"].map((path) => askJson(path)));
    const wasKnown = Object.keys(this.#defaults).length > 0;
    const forgotten = wasKnown ? turned.filter(([name, value]) => values[name] === defaults[name] && values[name] !== value) : [];
    this.#defaults = defaults;
    const kept = new Map([...forgotten, ...this.#unsent]);
    for (const [name, value] of kept) {
      this.#connection.send(`${SET}${name}`, value);
      this.#elsewhere.send(name, value);
      this.#show(name, value);
    }
    await this.#load([...kept.keys()]);
    this.#unsent.clear();
  }

  #load = saying(async (except = []) => {
    this.#changed = new Set(except);
    const values = await askJson("/panel");
    for (const [name, value] of Object.entries(values)) if (!this.#changed.has(name)) this.#receive(name, value, true);
    this.read();
  });

  #lockSeed() {
    if (!$("lock").checked) this.change("seed", -1);
    else if (this.#values.seed < 0) this.rollSeed();
  }

  #set(name, value) {
    this.#values[name] = value;
    this.#changed.add(name);
    if (this.#connection.send(`${SET}${name}`, value)) this.#elsewhere.send(name, value);
    else this.#unsent.set(name, value);
    this.read();
  }

  // --- fields ---------------------------------------------------------------------------------------

  #follow(field) {
    const { param } = field.dataset;
    const commit = () => this.#commit(field);
    const commitSoon = debounce(TYPING, commit);
    field.addEventListener("input", () => {
      this.#typed.add(param);
      this.#touched = field;
      if (field.tagName === "TEXTAREA") commitSoon();
    });
    field.addEventListener("change", commit);
    field.addEventListener("keydown", (event) => {
      const isUndo = event.key.toLowerCase() === "z" && (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey;
      if (isUndo && this.#takeBack(field)) event.preventDefault(); // the browser knows what was typed alone
    });
    field.addEventListener("focus", () => (this.#touched = null));
    field.addEventListener("blur", () => {
      this.#touched = null;
      // what is no number has not changed the field, for the browser; and what others have set meanwhile
      if (this.#typed.has(param)) commit();
      else if (param in this.#values) this.#write(field);
    });
  }

  #commitTyped() {
    for (const field of document.querySelectorAll("[data-param]"))
      if (this.#typed.has(field.dataset.param) || field === this.#touched) this.#commit(field); // what is seen is made
  }

  #commit(field) {
    if (this.#isFilling) return; // it would bring back what is being replaced
    const name = field.dataset.param;
    const value = readField(field, this.#specs.get(name));
    this.#typed.delete(name);
    this.#accept(field);
    if (value === undefined) this.#mark(field, field.validationMessage || "this is no number");
    else if (value !== this.#values[name] && value !== tellFile(this.#values[name])) {
      this.#set(name, value);
      const other = LENGTHS[name];
      if (value && this.#values[other]) this.change(other, 0);
    }
  }

  #hear(name, value) {
    // a long text is cut: all of it is at /panel
    if (typeof value === "string" && value.endsWith("…")) this.#loadSoon();
    else {
      this.#changed.add(name);
      const field = findField(name);
      if (field && !this.#typed.has(name)) this.#accept(field);
      this.#receive(name, value);
    }
    this.read();
  }

  /** What the daemon tells. Where somebody else has changed it, both are offered in the field that
   * has the focus: what was typed there stays, and what was not gives way.
   */
  #receive(name, value, isWhole = false) {
    const before = this.#values[name];
    const [field] = [document.activeElement].filter((one) => one?.dataset?.param === name && !this.#refused.has(name));
    const now = this.#readValue(name, value);
    const isOwn = this.#elsewhere.isAnswer(name, now, isWhole || TEXTS.includes(name));
    if (field && !isOwn && !this.#isFilling && before !== undefined && !isSame(before, now)) this.#meet(field, before, now);
    this.#show(name, value);
  }

  #meet(field, before, now) {
    const { param } = field.dataset;
    const [shown, theirs] = [tellField(field), tellValue(field, now, this.#specs.get(param))];
    if (isSame(shown, theirs)) return;
    if (field === this.#touched) this.#offer(field, now, true);
    else {
      const { selectionStart, selectionEnd } = field;
      if (!this.#elsewhere.findBefore(field)) this.#offer(field, before, false);
      writeField(field, now, this.#specs.get(param));
      if (selectionStart !== null && selectionStart !== undefined) field.setSelectionRange(selectionStart, selectionEnd);
    }
  }

  /** Once it is taken, what is in its place is offered. */
  #offer(field, value, isTheirs) {
    const { param } = field.dataset;
    const spec = this.#specs.get(param);
    this.#elsewhere.offer(field, tellValue(field, value, spec), isTheirs, () => {
      const shown = readField(field, spec);
      const mine = shown === tellFile(this.#values[param]) ? this.#values[param] : shown;
      this.#typed.delete(param);
      this.change(param, value);
      this.#write(field);
      if (mine !== undefined) this.#offer(field, mine, false);
    });
  }

  #readValue(name, value) {
    const spec = this.#specs.get(name);
    return spec?.kind === "switch" ? Boolean(value) : tidy(value, spec);
  }

  #loadSoon = debounce(TYPING, () => this.#load());

  #show(name, value) {
    this.#values[name] = this.#readValue(name, value);
    for (const field of document.querySelectorAll(`[data-param="${name}"]`)) {
      if (field !== document.activeElement && !this.#typed.has(name)) this.#write(field);
    }
    if (name === "seed") $("lock").checked = this.#values.seed >= 0;
    if (["source", "guide", "task"].includes(name)) this.#showSource();
    if (name === "stems") this.#showTracks();
  }

  #write(field) {
    const { param } = field.dataset;
    if (this.#refused.has(param)) return; // it is to be mended there
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
    if (this.#refused.size) {
      const problems = [...this.#refused.values()].map((text) => make("p", { class: "problem" }, text));
      this.#fillReading(...problems);
      return;
    }
    if (read.problem) {
      const isEmpty = !$("prompt").value.trim() && !$("lyrics").value.trim();
      const text = isEmpty ? "What is read out of prompt and lyrics is shown here." : [read.problem, read.hint].filter(Boolean).join("; ");
      this.#fillReading(make("p", { class: isEmpty ? "" : "problem" }, text));
      return;
    }
    const chips = [
      read.bpm && `${round(read.bpm)} bpm${TEMPO_SOURCES[read.tempoSource] ?? ""}`,
      read.key,
      read.timeSignature,
      read.bars ? count(read.bars, "bar") : read.seconds && formatSeconds(read.seconds),
      ...read.sections.map(({ label, kind, lines }) => `${label || kind}: ${count(lines, "line")}`),
    ];
    const leftOut = read.sections.flatMap((section) => section.leftOut.map((line) => `not sung: ${line}`));
    const problems = read.notes.filter(({ isProblem }) => isProblem).map(({ text }) => text);
    const others = read.notes.filter(({ isProblem }) => !isProblem);
    this.#fillReading(
      make("ul", {}, ...[...leftOut, ...problems].map((text) => make("li", { class: "problem" }, text))),
      make("p", {}, ...chips.filter(Boolean).map((chip) => make("span", { class: "chip" }, chip))),
      make("ul", {}, ...others.map(({ text }) => make("li", {}, text))),
    );
  }

  /** Lines that do not fit in whole are behind a button that counts them. */
  #fillReading(...children) {
    const box = $("reading");
    box.classList.remove("whole");
    const more = make("button", { type: "button", class: "ghost more", "aria-expanded": "false", hidden: true });
    box.replaceChildren(...children, more);
    const lines = [...box.querySelectorAll("li, .chip")];
    const findCut = (spare) => lines.filter((line) => line.offsetTop + line.offsetHeight > box.clientHeight - spare);
    if (!findCut(0).length) return;
    more.hidden = false;
    const cut = findCut(more.offsetHeight);
    for (const line of cut) line.classList.add("cut");
    more.textContent = `${cut.length} more`;
    more.addEventListener("click", () => {
      const isWhole = box.classList.toggle("whole");
      more.setAttribute("aria-expanded", String(isWhole));
      more.textContent = isWhole ? "fewer" : `${cut.length} more`;
    });
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
      this.#keep(event.dataTransfer.files[0]);
      if (event.dataTransfer.files.length > 1) say("one file at a time: the first is taken");
    });
    $("file").addEventListener("change", () => this.#keep($("file").files[0]));
  }

  #keep = saying(async (file) => {
    if (!file) return;
    hush(); // what was wrong with the last one
    $("drop-text").firstChild.textContent = `Reading ${file.name} `;
    try {
      if (WORDS.test(file.name)) {
        await this.setLyrics(await readWords(file), `The lyrics are those of ${file.name}`);
        return;
      }
      const path = `/sources?name=${encodeURIComponent(file.name)}`;
      const kept = await askJson(path, { method: "POST", body: file });
      this.change(kept.field, kept.name);
      if (kept.field === "source" && !this.#values.task) this.change("task", "cover");
    } finally {
      $("drop-text").firstChild.textContent = DROP;
      $("file").value = "";
    }
  });

  #showSource() {
    const { source = "", guide = "", task = "" } = this.#values;
    const known = JSON.stringify([source, guide, task]);
    if (known === this.#sourceShown) return; // a button that is made anew while it is pressed is not clicked
    this.#sourceShown = known;
    const hasMidi = MIDI.test(guide);
    const shown = [["source", source], ["guide", hasMidi ? guide : ""]].filter(([, path]) => path);
    const isTorn = source && hasMidi && FOLLOW_SOURCE.includes(task);
    const button = (text, name, attributes = {}) =>
      make("button", { type: "button", class: "ghost", onclick: () => this.#leaveOut(name), ...attributes }, text);
    const isIdle = source && !task;
    $("source").hidden = !shown.length;
    $("source").replaceChildren(
      ...shown.map(([name, path]) => make("div", { class: "line" },
        make("span", {}, `${name}: ${baseName(path)}${name === "source" && isIdle ? " (new music does without it)" : ""}`),
        button("Leave it out", name, { "aria-label": `Leave the ${name} out` }))),
      isTorn ? make("div", { class: "line" }, make("span", { class: "problem" }, "It follows one of them:"),
        button("the sound", "guide"), button("the MIDI file", "source")) : "",
    );
    if (isTorn) $("source").scrollIntoView({ block: "nearest" }); // both answers are seen
  }

  #leaveOut(name) {
    this.change(name, "");
    if (name !== "source") return;
    this.change("task", "");
    for (const other of OF_SOURCE) if (this.#values[other] !== this.#defaults[other]) this.change(other, this.#defaults[other]);
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

function findField(name) {
  return document.querySelector(`[data-param="${name}"]`);
}

/** It may be behind a tab, or in what is folded. */
function isSeen(field) {
  return field.offsetParent !== null && !field.closest("details:not([open])");
}

const MIDI = /\.(midi?|kar|rmi|smf)$/i;

function baseName(path) {
  return path.split(/[\\/]/).pop();
}

/** A MIDI file's name without its folders; anything else as it is: chords have slashes too. */
function tellFile(value) {
  return MIDI.test(value) ? baseName(value) : value;
}

/** A text file's lyrics. Throws where it is none. */
async function readWords(file) {
  if (file.size > MOST_WORDS) throw new Error(`${file.name} is too large: lyrics are a text of at most ${MOST_WORDS >> 10} KB`);
  try {
    const text = new TextDecoder("utf-8", { fatal: true }).decode(await file.arrayBuffer());
    return text.replace(/\r\n?/g, "\n");
  } catch {
    throw new Error(`${file.name} is no text in UTF-8: save it as that, and drop it again`);
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

function writeField(field, value, spec) {
  if (field.type === "checkbox") field.checked = Boolean(value);
  else field.value = tellValue(field, value, spec);
}

/** What a field says of a value. A number that is as it is by default leaves its field empty: the
 * placeholder says it.
 */
function tellValue(field, value, spec) {
  if (field.type === "checkbox") return value ? "on" : "off";
  if (field.type === "number" && value === spec?.default) return "";
  return String(field.dataset.param === "guide" ? tellFile(value) : value);
}

function tellField(field) {
  return field.type === "checkbox" ? tellValue(field, field.checked) : field.value;
}

function tidy(value, spec) {
  if (typeof spec?.default !== "number") return value;
  const number = Number(value);
  return Number.isInteger(number) ? number : Number(number.toPrecision(DIGITS));
}
