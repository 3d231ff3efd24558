// The chosen take: its waveform, stems, words, and what can be made of it.

import { $, confirm, count, debounce, formatSeconds, icon, make, round, say, saying } from "./elements.js";
import { ask, askJson } from "./http.js";
import { soundPath } from "./player.js";
import { showRecipe } from "./recipe.js";
import { carry, fileName, nameTake, tellKind, tellTime } from "./takes.js";
import { drawWaveform, readWaveform } from "./waveform.js";

const DRAG = 4; // pixels: less is a click
const MOST_LINES = 128; // bars that have lines between them
const CONTROLS = "a, button, input, select, summary";
const MOST_LYRICS = 300; // characters of them that a row has
const MOST_OTHERS = 50; // takes that a variation may lead to, of those that are searched
const TYPING = 200; // milliseconds after the last key

export class Detail extends EventTarget {
  #connection;
  #takes;
  #player;
  #panel;
  #take = null;
  #waveform = null;
  #words = null; // {lyrics, lines}: of each line that is sung its place, and when it begins and ends
  #lanes = new Map(); // by stem: {canvas, waveform}
  #selection = null; // bars that are to be made anew: [first, behind the last], from 0
  #muted = new Set(); // stems, of whichever take has them
  #soloed = new Set();
  #other = null; // the take that a variation leads to
  #others = []; // that it may lead to
  #othersWords = ""; // that these were searched by
  #amount = 0.5;
  #isVariationOpen = false;
  #isInserting = false; // a program was asked to put a clip in, and there was no answer yet

  constructor(connection, takes, player, panel) {
    super();
    this.#connection = connection;
    this.#takes = takes;
    this.#player = player;
    this.#panel = panel;
    this.#show(null);
    takes.addEventListener("select", () => this.#show(takes.selected));
    takes.addEventListener("change", () => {
      const now = takes.selected;
      if (now && JSON.stringify(now) !== JSON.stringify(this.#take)) this.#show(now);
    });
    new ResizeObserver(() => this.#draw()).observe($("detail"));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#draw());
    player.addEventListener("change", () => this.#showPlaying());
    connection.on("/ace/done", ([command]) => {
      if (command === "/ace/insert") this.#isInserting = false;
    });
  }

  get take() {
    return this.#take;
  }

  reroll(take = this.#take) {
    if (take) this.#send("/ace/reroll", this.#panel.makeId("reroll"), nameJob(take));
  }

  favourite(take = this.#take) {
    if (take) this.#send("/ace/favourite", nameJob(take), take.favourite ? 0 : 1);
  }

  cancel(take = this.#take) {
    if (take && !take.ended) this.#send("/ace/cancel", nameJob(take));
  }

  /** The chosen take, or else the one that is being made. */
  cancelWhatRuns() {
    const unended = this.#takes.all.filter((take) => !take.ended);
    const chosen = unended.find(({ number }) => number === this.#take?.number);
    const take = chosen ?? unended.find(({ state }) => state === "running") ?? unended[0];
    if (take) this.cancel(take);
    else say("no take is being made");
  }

  delete = saying(async (take = this.#take) => {
    if (!take?.ended) return;
    const isThere = take.stems.length > 0 && !take.isGone;
    const isMeant = await (isThere
      ? confirm(`Move ${fileName(take)} and what lies beside it to the trash?`, "Move to the trash")
      : confirm(`Take ${nameTake(take)} off the list? It has no file.`, "Take it off"));
    if (!isMeant) return;
    if (this.#player.isHeard(take)) this.#player.stop();
    await ask(`/takes/${take.number}`, { method: "DELETE" });
    this.#takes.remove(take.number);
  });

  #deleteEmpty = saying(async () => {
    const takes = this.#takes.findEmpty();
    if (!(await confirm(`Take ${count(takes.length, "take")} off the list? They have no files.`, "Take them off"))) return;
    for (const { number } of takes) {
      await ask(`/takes/${number}`, { method: "DELETE" });
      this.#takes.remove(number);
    }
  });

  play = saying(async (take = this.#take, from = null) => {
    if (!take) return;
    const step = this.#takes.findPreview(take);
    if (step) await this.#player.playPreview({ ...take, step });
    if (!take.stems.length) return;
    this.#applyLevels(take);
    if (this.#findLanes(take, this.#muted).length || this.#findLanes(take, this.#soloed).length) await this.#playStems(take, from);
    else await this.#player.play(take, [take.stems[0]], from);
  });

  #send(address, ...values) {
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }

  #show(take) {
    const isSame = take?.number === this.#take?.number;
    const isAlike = take && take.bars === this.#take?.bars && take.bpm === this.#take.bpm;
    this.#take = take;
    if (!isSame) {
      if (!isAlike) this.#selection = null; // the same bars of another take are compared
      this.#waveform = null;
      this.#words = null;
      this.#lanes.clear();
    }
    if (!take) {
      $("detail").replaceChildren(make("p", { class: "empty" }, "Choose a take: here are its waveform, its stems, and what can be made of it."));
      return;
    }
    const isThere = take.stems.length > 0 && !take.isGone;
    const focused = $("detail").contains(document.activeElement) ? nameControl(document.activeElement) : null;
    $("detail").replaceChildren(
      make("h3", { dir: "auto" }, nameTake(take)),
      make("p", { class: "facts" }, describe(take)),
      take.failure ? make("p", { class: "problem" }, take.failure) : "",
      ...(isThere ? [this.#buildPicture(take), this.#buildRepaint(take)] : []),
      make("div", { class: "line actions" }, ...this.#buildActions(take, isThere).filter(Boolean)),
      ...(isThere && take.stems.length > 1 ? [this.#buildStems(take)] : []),
      ...(isThere ? [this.#buildVariation(take)] : []),
      ...(take.lyrics ? this.#buildLyrics(take) : []),
      take.notes.length ? make("h4", {}, "What was read") : "",
      take.notes.length ? make("ul", { class: "notes" }, ...take.notes.map((note) => make("li", {}, note))) : "",
      take.path ? make("p", { class: "path" }, take.path) : "",
    );
    this.#showPlaying();
    const again = focused && [...$("detail").querySelectorAll(CONTROLS)].find((one) => nameControl(one) === focused);
    again?.focus();
    if (again?.type === "search") again.setSelectionRange(again.value.length, again.value.length);
    if (isThere) this.#load(take);
    if (take.lyrics) this.#loadWords(take);
  }

  #load = saying(async (take) => {
    const waveform = await readWaveform(take.number, take.stems[0]);
    if (this.#take?.number !== take.number) return;
    this.#waveform = waveform;
    if (this.#looped && !this.#selection && take.bars) {
      const { start, end, of } = this.#looped;
      this.#choose(...[start, end].map((place) => Math.round((place / of) * take.bars)));
    }
    this.#showPlaying();
    this.#draw();
  });

  #buildActions(take, isThere) {
    const button = (text, click, attributes = {}) =>
      make("button", { type: "button", onclick: click, ...attributes }, text);
    const again = make("button", { type: "button", onclick: () => this.reroll(), "aria-keyshortcuts": "R" }, icon("reroll"), "Reroll");
    if (!take.ended) return [button("Cancel", () => this.cancel()), again];
    const edit = button("Edit", () => this.edit(), { "aria-keyshortcuts": "E", title: "All that it was asked for with, and its seed, in the form again" });
    const remove = button("Delete", () => this.delete(), { class: "ghost", "aria-keyshortcuts": "Delete" });
    const empty = this.#takes.findEmpty();
    const removeAll = empty.length > 1 && empty.some(({ number }) => number === take.number) &&
      button(`Delete all ${empty.length} without a file`, () => this.#deleteEmpty(), { class: "ghost" });
    if (!isThere) return [again, edit, remove, removeAll];
    const play = make("button", { type: "button", id: "play-take", "aria-keyshortcuts": "Enter",
      onclick: () => (this.#player.isHeard(take) ? this.#player.stop() : this.play()) }, icon("play"), make("span", {}, "Play"));
    const star = make("button", { type: "button", class: take.favourite ? "favourite" : "", "aria-keyshortcuts": "F",
      "aria-pressed": String(take.favourite), onclick: () => this.favourite() }, icon("star"), "Favourite");
    const link = make("a", { class: "button", draggable: "true", href: soundPath(take, take.stems[0]),
      download: fileName(take), title: "Click to save it; Chrome and Edge drag it into your DAW as well" }, icon("drag"), make("span", { class: "for-mouse" }, "Drag or save the WAV"), make("span", { class: "for-finger" }, "Download"));
    link.addEventListener("dragstart", (event) => carry(event, take, take.stems[0]));
    const ghost = { class: "ghost" };
    return [
      play,
      again,
      edit,
      star,
      link,
      button("Into the DAW", () => this.#insert(take), { ...ghost, title: "The program in your DAW puts it there" }),
      button("Use as source", () => this.#workOn(take), { ...ghost, title: "A cover of it: its source is this take" }),
      button("Recipe", saying(() => this.#showRecipe(take)), ghost),
      button("Show its folder", saying(() => ask(`/takes/${take.number}/reveal/${take.stems[0]}`, { method: "POST" })), ghost),
      navigator.clipboard && button("Copy its path", saying(async () => {
        await navigator.clipboard.writeText(take.path);
        say(`copied: ${take.path}`);
      }), ghost), // a browser has none for pages of another machine
      remove,
    ];
  }

  #insert(take) {
    this.#isInserting = true;
    this.#send("/ace/insert", nameJob(take));
  }

  /** What was asked for is refused. Returns whether that is told here. */
  refuse(address, text) {
    if (address !== "/ace/insert" || !this.#isInserting) return false;
    this.#isInserting = false;
    this.#showPrograms(text);
    return true;
  }

  /** Why no program puts it in, and what to do so that one does. */
  #showPrograms = saying(async (why) => {
    $("into-daw-why").textContent = why;
    const programs = await askJson("/programs");
    $("programs").replaceChildren(...programs.flatMap(({ title, isInstalled, steps }) => [
      make("h3", {}, title),
      make("p", { class: "quiet" }, isInstalled ? "Its part is in place:" : "Its part is not in place yet:"),
      make("ul", {}, ...steps.map((step) => make("li", {}, step))),
    ]));
    $("into-daw").showModal();
  });

  /** The next take is made of this one. */
  #workOn(take) {
    this.#panel.change("source", take.path);
    this.#panel.change("task", "cover");
    say("The next takes are covers of this one: write how they are to sound, and press Go");
  }

  edit = saying(async (take = this.#take) => {
    if (!take) return;
    await this.#panel.edit(take);
    this.dispatchEvent(new Event("edit"));
  });

  async #showRecipe(take) {
    const manifest = await askJson(`/takes/${take.number}/manifest`);
    showRecipe(manifest, this.#panel.specs, fileName(take).replace(/\.\w+$/, ".json"));
  }

  // --- what is heard ------------------------------------------------------------------------------

  #showPlaying() {
    const isHeard = this.#take !== null && this.#player.isHeard(this.#take);
    const button = $("play-take");
    if (button) {
      button.querySelector("use").setAttribute("href", isHeard ? "#icon-stop" : "#icon-play");
      button.lastChild.textContent = isHeard ? "Stop" : "Play";
    }
    $("head")?.classList.toggle("moving", isHeard);
    if ($("play-stems")) $("play-stems").textContent = this.#hearsStems(this.#take) ? "Stop the stems" : "Play the stems";
    if (!isHeard) this.#markLine(-1);
    $("loop-bars")?.setAttribute("aria-pressed", String(this.#looped !== null));
  }

  /** Where it is heard, on the waveform. */
  showPosition() {
    if (!this.#take || !this.#player.isHeard(this.#take)) return;
    const part = this.#player.position / this.#player.seconds;
    if ($("head")) $("head").style.transform = `translateX(${100 * part}%)`;
    const now = this.#player.position;
    this.#markLine(this.#words?.lines.find(([, start, end]) => start <= now && now < end)?.[0] ?? -1);
  }

  // --- its words ------------------------------------------------------------------------------------

  #buildLyrics(take) {
    const use = () => this.#panel.setLyrics(this.#words?.lyrics ?? take.lyrics, "The next takes have these words");
    const isCut = take.lyrics.length >= MOST_LYRICS;
    const box = make("div", { id: "lyrics-sung", class: isCut ? "words many" : "words", dir: "auto", tabindex: "0",
      role: "group", "aria-label": "Lyrics" });
    fillLyrics(box, this.#words?.lyrics ?? take.lyrics);
    return [
      make("div", { class: "line between" }, make("h4", {}, "Lyrics"),
        make("button", { type: "button", id: "use-words", class: "ghost", onclick: use }, "Use these words")),
      box,
    ];
  }

  /** All of them: a row has their beginning. */
  #loadWords = saying(async (take) => {
    const words = await askJson(`/takes/${take.number}/words`);
    if (this.#take?.number !== take.number) return;
    if (words.lyrics !== (this.#words?.lyrics ?? take.lyrics)) fillLyrics($("lyrics-sung"), words.lyrics);
    this.#words = words;
  });

  /** The line that is sung now; -1 where none is. */
  #markLine(line) {
    const box = $("lyrics-sung");
    const before = box?.querySelector("[aria-current]");
    const now = box?.children[line];
    if (before === (now ?? null)) return;
    before?.removeAttribute("aria-current");
    now?.setAttribute("aria-current", "true");
    if (now) box.scrollTop = now.offsetTop - (box.clientHeight - now.offsetHeight) / 2;
  }

  // --- the waveform, and bars of it that are made anew ------------------------------------------------

  #buildPicture(take) {
    const what = take.bars ? `Waveform of ${count(take.bars, "bar")}: click to hear it from there, drag over bars to loop or repaint them` : "Waveform: click to hear it from there";
    const canvas = make("canvas", { id: "picture", role: "img", "aria-label": what, title: what });
    const picture = make("div", { class: "picture" }, canvas, make("div", { id: "head", class: "head" }));
    let from = null; // pixels
    let isDragged = false;
    const place = (pixels) => {
      const box = canvas.getBoundingClientRect();
      return Math.max(0, Math.min(0.9999, (pixels - box.left) / box.width));
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (event.button) return;
      canvas.setPointerCapture(event.pointerId);
      from = event.clientX;
      isDragged = false;
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from === null) return;
      isDragged ||= Math.abs(event.clientX - from) >= DRAG;
      if (!isDragged || !take.bars) return;
      const [low, high] = [from, event.clientX].map(place).sort((one, other) => one - other);
      this.#choose(Math.floor(low * take.bars), Math.floor(high * take.bars) + 1);
    });
    canvas.addEventListener("pointerup", (event) => {
      if (from !== null && !isDragged) this.#goTo(take, place(event.clientX));
      from = null;
    });
    canvas.addEventListener("pointercancel", () => (from = null));
    return picture;
  }

  #goTo(take, part) {
    const place = part * (this.#waveform?.seconds ?? 0);
    const looped = this.#looped;
    if (looped && (place < looped.start || place >= looped.end)) this.#player.loopPart(null);
    if (this.#player.isHeard(take)) this.#player.seek(part);
    else this.play(take, part);
  }

  #buildRepaint(take) {
    if (!take.bars) return "";
    const [first, end] = this.#selection ?? [0, take.bars];
    const number = (id, label, value) =>
      make("label", {}, `${label} `, make("input", { id, type: "number", min: "1", max: String(take.bars),
        value: String(value), inputmode: "numeric", onchange: () => this.#readSelection() }));
    return make("div", { class: "line repaint" },
      number("repaint-from", "Bars", first + 1), number("repaint-to", "to", end),
      make("button", { type: "button", id: "loop-bars", "aria-keyshortcuts": "L", "aria-pressed": "false",
        onclick: () => this.#loopBars(), title: "Loop these bars" }, "Loop"),
      make("button", { type: "button", id: "repaint", onclick: () => this.#repaint(take), title: "Make these bars anew", "aria-keyshortcuts": "B" }, "Repaint"),
      make("span", { id: "bars-chosen", class: "visually-hidden", role: "status" }));
  }

  /** The part of the take that is looped, or null. */
  get #looped() {
    return this.#waveform && this.#player.findPart(this.#waveform.seconds);
  }

  /** Loop the bars that are chosen, or all of the take again. Returns whether there are any. */
  toggleLoop() {
    if (!this.#selection && !this.#looped) return false;
    this.#loopBars();
    return true;
  }

  #loopBars() {
    const take = this.#take;
    if (this.#looped) this.#player.loopPart(null);
    else if (this.#waveform) {
      this.#loopSelection();
      if (!this.#player.isHeard(take)) this.play(take, this.#selection ? this.#selection[0] / take.bars : 0);
    }
  }

  #loopSelection() {
    const { bars } = this.#take;
    const of = this.#waveform.seconds;
    const [start, end] = (this.#selection ?? [0, bars]).map((bar) => (bar / bars) * of);
    this.#player.loopPart({ start, end, of });
  }

  #choose(first, end) {
    this.#selection = [Math.max(0, first), Math.min(this.#take.bars, end)];
    $("repaint-from").value = this.#selection[0] + 1;
    $("repaint-to").value = this.#selection[1];
    if (this.#looped) this.#loopSelection();
    this.#draw();
  }

  #readSelection() {
    const { bars } = this.#take;
    const [first, last] = [$("repaint-from"), $("repaint-to")].map((field) => Number(field.value));
    if (first >= 1 && last >= first && last <= bars) this.#choose(first - 1, last);
    else say(`bars are 1 to ${bars}, the first before the last`);
  }

  /** Choose the bar so many behind those that are chosen, or so many more; first the one that is heard. */
  moveBars(by, isMore) {
    const bars = this.#take?.bars;
    if (!$("repaint-from")) return say("choose a take that has bars first");
    const { isPlaying, position, seconds } = this.#player;
    const heard = isPlaying && this.#player.isHeard(this.#take) ? Math.floor((position / seconds) * bars) : 0;
    const [first, end] = this.#selection ?? [heard - by, heard + 1 - by];
    if (isMore && this.#selection) this.#choose(first, Math.max(first + 1, end + by));
    else {
      const to = Math.max(0, Math.min(bars - (end - first), first + by));
      this.#choose(to, to + end - first);
    }
    const [from, to] = this.#selection;
    $("bars-chosen").textContent = to - from > 1 ? `bars ${from + 1} to ${to}` : `bar ${to}`;
  }

  repaintBars() {
    if (this.#selection && $("repaint")) this.#repaint(this.#take);
    else say("choose bars first: ← and → do, or drag over the waveform");
  }

  #repaint(take) {
    const [first, end] = this.#selection ?? [0, take.bars];
    this.#send("/ace/reroll", this.#panel.makeId("repaint"), nameJob(take), -1, "task", "repaint", "source", take.path,
      "repaint_bar", first + 1, "repaint_bars", end - first);
  }

  #draw() {
    for (const { canvas, waveform } of this.#lanes.values()) if (waveform) drawWaveform(canvas, waveform);
    const canvas = $("picture");
    if (!canvas || !this.#take || !this.#waveform) return;
    const { bars } = this.#take;
    const selection = this.#selection && bars ? this.#selection.map((bar) => bar / bars) : null;
    drawWaveform(canvas, this.#waveform, { bars: bars <= MOST_LINES ? bars : 0, selection });
  }

  // --- stems ------------------------------------------------------------------------------------------

  #buildStems(take) {
    const lanes = take.stems.filter((stem) => stem !== "mix");
    return make("div", { id: "stems-lanes", role: "group", "aria-label": "Stems", onkeydown: pressInLane },
      make("div", { class: "line" }, make("h4", {}, "Stems"),
        make("button", { type: "button", id: "play-stems", onclick: saying(() => this.#toggleStems(take)) }, "Play the stems")),
      ...lanes.map((stem) => this.#buildLane(take, stem)));
  }

  focusStems() {
    const button = $("stems-lanes")?.querySelector(".solo");
    if (button) button.focus();
    else say("this take has no stems: choose some below Stems, and press Go");
  }

  #buildLane(take, stem) {
    const toggle = (set, letter, text) => {
      const button = make("button", { type: "button", class: `icon-button ${text.toLowerCase()}`, "aria-pressed": String(set.has(stem)),
        "aria-label": `${text} ${stem}`, "aria-keyshortcuts": letter, title: `${text} ${stem}` }, letter);
      button.addEventListener("click", saying(async () => {
        if (!set.delete(stem)) set.add(stem);
        button.setAttribute("aria-pressed", String(set.has(stem)));
        this.#applyLevels(take);
        const isMixed = !this.#player.isHeard(take) || !this.#player.stems.includes(stem);
        if (isMixed) await this.#playStems(take);
      }));
      return button;
    };
    const canvas = make("canvas", { "aria-hidden": "true" });
    const lane = { canvas, waveform: null };
    this.#lanes.set(stem, lane);
    readWaveform(take.number, stem).then((waveform) => {
      lane.waveform = waveform;
      drawWaveform(canvas, waveform);
    }, () => {});
    const link = make("a", { class: "drag", draggable: "true", href: soundPath(take, stem), download: fileName(take, stem),
      "aria-label": `WAV of ${stem}`, title: `Drag ${stem} out, or save it` }, icon("drag"));
    link.addEventListener("dragstart", (event) => carry(event, take, stem));
    return make("div", { class: "lane" }, make("span", {}, stem.replace("_", " ")), canvas,
      toggle(this.#muted, "M", "Mute"), toggle(this.#soloed, "S", "Solo"), link);
  }

  #hearsStems(take) {
    return this.#player.isHeard(take) && this.#player.stems[0] !== take.stems[0];
  }

  async #toggleStems(take) {
    if (this.#hearsStems(take)) this.#player.stop();
    else await this.#playStems(take);
  }

  async #playStems(take, from = null) {
    this.#applyLevels(take);
    await this.#player.play(take, take.stems.filter((stem) => stem !== "mix"), from);
  }

  /** Those of a set that the take has a lane of: of one stem alone there is none to be seen. */
  #findLanes(take, set) {
    return take.stems.length > 1 ? take.stems.filter((stem) => set.has(stem)) : [];
  }

  #applyLevels(take) {
    const muted = this.#findLanes(take, this.#muted);
    const soloed = this.#findLanes(take, this.#soloed);
    for (const stem of take.stems) {
      const isHeard = soloed.length ? soloed.includes(stem) : !muted.includes(stem);
      this.#player.setLevel(stem, isHeard || stem === "mix" ? 1 : 0);
    }
  }

  // --- a variation between two takes --------------------------------------------------------------------

  #buildVariation(take) {
    const choose = make("select", { id: "variation-to" });
    let others = []; // that are offered
    const fill = () => {
      const found = this.#others.filter(({ number }) => number !== this.#other?.number);
      others = [this.#other, ...found].filter((one) => one && one.seed !== take.seed);
      choose.replaceChildren(make("option", { value: "0" }, "a seed that is drawn"), ...others.map((one) =>
        make("option", { value: String(one.number) }, `seed ${one.seed}, ${tellTime(one)}: ${nameTake(one).slice(0, 60)}`)));
      choose.value = others.includes(this.#other) ? String(this.#other.number) : "0";
    };
    choose.addEventListener("change", () => {
      this.#other = others.find(({ number }) => number === Number(choose.value)) ?? null;
    });
    const search = saying(async () => {
      const query = new URLSearchParams({ words: this.#othersWords.trim(), limit: MOST_OTHERS });
      const { takes } = await askJson(`/takes?${query}`);
      this.#others = takes.filter(({ state }) => state === "finished");
      fill();
    });
    const searchSoon = debounce(TYPING, search);
    const words = make("input", { id: "variation-words", type: "search", placeholder: "Search all takes", value: this.#othersWords,
      "aria-label": "Search the takes that it may lead to" });
    words.addEventListener("input", () => {
      this.#othersWords = words.value;
      searchSoon();
    });
    fill();
    const amount = make("input", { id: "variation-amount", type: "range", min: "0.05", max: "1", step: "0.05", value: String(this.#amount) });
    const shown = make("span", { class: "quiet" });
    const show = () => {
      this.#amount = Number(amount.value);
      shown.textContent = `${Math.round(this.#amount * 100)} %`;
    };
    amount.addEventListener("input", show);
    show();
    const ask = () => {
      const other = choose.value === "0" ? null : this.#other;
      this.#send("/ace/reroll", this.#panel.makeId("variation"), nameJob(take), take.seed,
        "variation", this.#amount, "variation_seed", other ? other.seed : -1);
    };
    const keepOpen = ({ target }) => {
      this.#isVariationOpen = target.open;
      if (target.open) search();
    };
    return make("details", { open: this.#isVariationOpen, ontoggle: keepOpen }, make("summary", {}, "Between two takes"),
      make("div", { class: "variation" },
        make("label", { class: "wide" }, `From seed ${take.seed} towards `, choose), words,
        make("label", {}, "How far: ", shown, amount),
        make("button", { type: "button", id: "variation", class: "wide", onclick: ask }, "Make what lies there")));
  }
}

/** M and S are the lane's that has the focus, arrows lead to the others. */
function pressInLane(event) {
  const lane = event.target.closest(".lane");
  if (!lane || event.ctrlKey || event.metaKey || event.altKey) return;
  const neighbour = { ArrowUp: lane.previousElementSibling, ArrowDown: lane.nextElementSibling }[event.key];
  const button = { m: ".mute", s: ".solo" }[event.key.toLowerCase()];
  const index = [...lane.children].indexOf(event.target);
  if (button) lane.querySelector(button).click();
  else if (neighbour?.matches(".lane")) neighbour.children[index].focus();
  else if (neighbour === undefined) return;
  event.preventDefault();
  event.stopPropagation();
}

function fillLyrics(box, lyrics) {
  box.replaceChildren(...lyrics.split("\n").map((line) => make("p", {}, line)));
}

/** What it is called, also where it was built anew. */
function nameControl(element) {
  return element.id || element.getAttribute("aria-label") || element.textContent;
}

/** An id may be used twice: its number in the journal may not. */
function nameJob(take) {
  return `#${take.number}`;
}

function describe(take) {
  const made = take.ended ? new Date(take.ended * 1000).toLocaleString([], { dateStyle: "medium", timeStyle: "short" }) : take.state;
  const facts = [
    tellKind(take),
    take.bpm && `${round(take.bpm)} bpm`,
    take.key,
    take.timeSignature,
    take.bars ? count(take.bars, "bar") : take.seconds && formatSeconds(take.seconds),
    `seed ${take.seed}`,
    take.state === "cancelled" && "cancelled",
    take.inserted && `in ${take.inserted.program}: ${take.inserted.where}`,
    made,
  ];
  return facts.filter(Boolean).join(" · ");
}
