// The takes: those of the journal, newest first, and what happens to them now.

import { $, changeIcon, count, debounce, icon, iconButton, make, round, saying } from "./elements.js";
import { askJson } from "./http.js";
import { soundPath } from "./player.js";
import { drawWaveform, readWaveform } from "./waveform.js";

const ROW = 5; // rem, as in the style sheet
const PAGE = 100; // takes that are asked for at once
const SPARE = 6; // rows above and below those that are seen
export const PAD = /^pad(\d+)-/; // how the ids of takes of pads begin
const ANEW = ["cover", "cover-nofsq", "lego", "complete"]; // tasks that follow a source and sound otherwise
const RUNNING = ["waiting", "running", "landing", "held"];

export class Takes extends EventTarget {
  #takes = []; // newest first
  #total = 0; // of those that are looked for
  #all = 0; // whatever is looked for
  #isLoading = false;
  #isFresh = false; // whether there was an answer yet
  #selected = null; // a take, also where the list has not got it
  #progress = new Map(); // by id: {fraction, stage, eta}
  #previews = new Map(); // by id: the step of its newest preview
  #rows = new Map(); // by number: the element that shows it
  #rowHeight = measureRow(); // pixels
  #player;

  constructor(connection, player) {
    super();
    this.#player = player;
    const refresh = debounce(80, saying(() => this.refresh()));
    for (const kind of ["queued", "clip", "finished", "fail", "cancelled", "favourite", "inserted", "note"])
      connection.on(`/ace/${kind}`, refresh);
    connection.on("/ace/progress", ([id, fraction, stage, eta]) => {
      this.#progress.set(id, { fraction, stage, eta });
      const take = this.#takes.find((one) => one.id === id);
      if (take && this.#rows.has(take.number)) this.#showProgress(take);
      this.dispatchEvent(new Event("progress"));
    });
    connection.on("/ace/preview", ([id, step]) => {
      this.#previews.set(id, step);
      const take = this.#takes.find((one) => one.id === id);
      if (take && this.#rows.has(take.number)) this.#showProgress(take);
      this.dispatchEvent(new Event("change"));
    });
    connection.addEventListener("open", saying(() => this.search()));
    $("list").addEventListener("scroll", () => this.#draw());
    new ResizeObserver(() => this.#redraw()).observe($("list"));
    matchMedia("(prefers-color-scheme: light)").addEventListener("change", () => this.#redraw());
    const search = debounce(200, saying(() => this.search()));
    $("words").addEventListener("input", search);
    $("favourites").addEventListener("change", search);
    $("search").addEventListener("submit", (event) => event.preventDefault());
    player.addEventListener("change", () => this.#draw());
  }

  get selected() {
    return this.#selected;
  }

  get all() {
    return this.#takes;
  }

  find(number) {
    return this.#takes.find((take) => take.number === number);
  }

  /** Those that have ended, and made nothing. */
  findEmpty() {
    return this.#takes.filter((take) => take.ended && !take.stems.length);
  }

  /** The newest take of an id, whether or not it is listed here; undefined where there is none. */
  async fetch(id) {
    const { takes } = await askJson(`/takes?${new URLSearchParams({ words: id, limit: PAGE })}`);
    return takes.find((take) => take.id === id);
  }

  /** How far the take is that is being made: "42 %"; "…" while others wait, and "" where none does. */
  tellProgress() {
    const unended = this.#takes.filter((take) => RUNNING.includes(take.state));
    const known = unended.map(({ id }) => this.#progress.get(id)).find(Boolean);
    if (known) return `${Math.round(known.fraction * 100)} %`;
    return unended.length ? "…" : "";
  }

  /** The step of its newest preview; undefined where it has none, or is made. */
  findPreview(take) {
    return take.ended ? undefined : this.#previews.get(take.id);
  }

  async search() {
    const { takes, total, all } = await this.#ask({});
    this.#keep(takes);
    this.#total = total;
    this.#all = all;
    this.#isFresh = true;
    $("list").scrollTop = 0;
    if (this.isHidden(this.#selected)) this.select(null);
    else this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  /** Show all takes again. */
  async clearSearch() {
    if (!$("words").value) return;
    $("words").value = "";
    await this.search();
  }

  /** Whether a take, which may be null, is none of those that are looked for, as far as they are here. */
  isHidden(take) {
    return Boolean(take) && isSearching() && !this.find(take.number);
  }

  /** What is new at the top, and how those stand that were shown as being made. */
  async refresh() {
    const { takes, total, all } = await this.#ask({});
    this.#total = total;
    this.#all = all;
    const fresh = new Map(takes.map((take) => [take.number, take]));
    const oldest = takes.length ? takes.at(-1).number : 0;
    const older = this.#takes.filter((take) => take.number < oldest);
    const unknown = older.filter((take) => RUNNING.includes(take.state));
    for (const take of unknown)
      fresh.set(take.number, await askJson(`/takes/${take.number}`).catch(() => take));
    this.#keep([...takes, ...older.map((take) => fresh.get(take.number) ?? take)]);
    const chosen = this.#selected;
    if (chosen && !this.find(chosen.number)) {
      const now = await askJson(`/takes/${chosen.number}`).catch(() => chosen);
      if (this.#selected === chosen) this.#selected = now;
    }
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  #keep(takes) {
    this.#takes = takes;
    this.#selected = (this.#selected && this.find(this.#selected.number)) ?? this.#selected;
  }

  /** Its neighbour is chosen in its place. */
  remove(number) {
    const at = this.#takes.findIndex((take) => take.number === number);
    if (at >= 0) this.#total -= 1;
    this.#all -= 1;
    this.#takes = this.#takes.filter((take) => take.number !== number);
    if (this.#selected?.number === number) this.select(this.#takes[Math.max(0, at)] ?? this.#takes.at(-1) ?? null);
    this.#draw();
  }

  /** `take` may be null. */
  select(take) {
    this.#selected = take;
    this.#draw();
    this.dispatchEvent(new Event("select"));
  }

  /** Select the take so many rows below, and show it. */
  move(rows) {
    const at = this.#takes.findIndex((take) => take.number === this.#selected?.number);
    const next = Math.max(0, Math.min(this.#takes.length - 1, at < 0 ? 0 : at + rows));
    if (!this.#takes[next]) return;
    const list = $("list");
    const height = this.#rowHeight;
    const top = next * height;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + height > list.scrollTop + list.clientHeight)
      list.scrollTop = top + height - list.clientHeight;
    this.select(this.#takes[next]);
    if ($("rows").contains(document.activeElement)) this.focus();
  }

  /** The row of the chosen take, or the first, has the focus. */
  focus() {
    if (!this.find(this.#selected?.number)) this.move(0);
    this.#rows.get(this.#selected?.number)?.choose.focus({ preventScroll: true });
  }

  async #ask(more) {
    const query = new URLSearchParams({ limit: PAGE, ...more });
    if ($("words").value.trim()) query.set("words", $("words").value.trim());
    if ($("favourites").checked) query.set("favourites", "1");
    return askJson(`/takes?${query}`);
  }

  #loadMore = saying(async () => {
    if (this.#isLoading || this.#takes.length >= this.#total || !this.#takes.length) return;
    this.#isLoading = true;
    try {
      const { takes } = await this.#ask({ before: this.#takes.at(-1).number });
      this.#keep([...this.#takes, ...takes]);
      if (!takes.length) this.#total = this.#takes.length;
    } finally {
      this.#isLoading = false;
    }
    this.#draw();
  });

  // --- rows: only those that are seen are there ------------------------------------------------------

  #redraw() {
    this.#rowHeight = measureRow();
    for (const row of this.#rows.values()) row.isDrawn = false;
    this.#draw();
  }

  #draw() {
    const list = $("list");
    const height = this.#rowHeight;
    const first = Math.max(0, Math.floor(list.scrollTop / height) - SPARE);
    const last = Math.ceil((list.scrollTop + list.clientHeight) / height) + SPARE;
    const seen = this.#takes.slice(first, last);
    $("spacer").style.height = `${this.#total * height}px`;
    $("rows").style.transform = `translateY(${first * height}px)`;
    this.#sayHowMany();
    const tabStop = seen.find(({ number }) => number === this.#selected?.number) ?? seen[0];
    const rows = new Map();
    for (const [index, take] of seen.entries()) {
      const known = this.#rows.get(take.number);
      const row = known && isSame(known.take, take) ? known : this.#buildRow(take);
      this.#markRow(row, first + index, take === tabStop);
      rows.set(take.number, row);
    }
    const focused = [...this.#rows].find(([, row]) => row.element.contains(document.activeElement));
    const elements = [...rows.values()].map((row) => row.element);
    const shown = $("rows").children;
    if (elements.length !== shown.length || elements.some((one, at) => one !== shown[at]))
      $("rows").replaceChildren(...elements);
    this.#rows = rows;
    if (focused && !$("rows").contains(document.activeElement))
      (rows.get(focused[0])?.choose ?? list).focus({ preventScroll: true });
    for (const [number, row] of rows) this.#fill(number, row);
    if (last + PAGE / 2 >= this.#takes.length) this.#loadMore(); // before they are seen
  }

  #sayHowMany() {
    const all = count(this.#all, "take");
    const text = isSearching() ? `${this.#total} of ${all}` : all;
    if (this.#isFresh && $("count-text").textContent !== text) $("count-text").textContent = text;
    $("none").hidden = !this.#isFresh || this.#total > 0;
    $("none").textContent = isSearching() ? "No take is like that." : "No takes yet: write a prompt, and press Go.";
  }

  /** `isTabStop`: Tab stops in one row, arrows lead to the others. */
  #markRow(row, index, isTabStop) {
    if (isTabStop !== row.isTabStop) for (const control of row.controls) control.tabIndex = isTabStop ? 0 : -1;
    row.isTabStop = isTabStop;
    const { element, take, hear, title } = row;
    const isChosen = take.number === this.#selected?.number;
    const isHeard = this.#player.isHeard(take);
    if (isChosen !== row.isChosen) {
      element.classList.toggle("chosen", isChosen);
      row.choose.setAttribute("aria-current", isChosen ? "true" : "false");
    }
    element.classList.toggle("heard", isHeard);
    row.isChosen = isChosen;
    if (isHeard !== row.isHeard) changeIcon(hear, isHeard ? "stop" : "play", `${isHeard ? "Stop" : "Play"} ${title}`);
    row.isHeard = isHeard;
    if (row.index === index && row.total === this.#total) return;
    row.index = index;
    row.total = this.#total;
    element.setAttribute("aria-posinset", String(index + 1));
    element.setAttribute("aria-setsize", String(this.#total));
  }

  #buildRow(take) {
    const name = nameTake(take);
    const title = `${name}, seed ${take.seed}`;
    const isThere = take.stems.length > 0 && !take.isGone;
    const isRunning = RUNNING.includes(take.state);
    const tell = (kind) => () => this.dispatchEvent(new CustomEvent(kind, { detail: take }));
    const canvas = make("canvas", { "aria-hidden": "true", hidden: !isThere });
    const progress = make("progress", { max: "1", value: "0", "aria-label": `${title}: progress`, hidden: !isRunning });
    const problem = take.failure || (take.isGone ? "its file is not there any more" : "");
    const facts = make("span", { class: problem ? "facts problem" : "facts" }, problem || listFacts(take, isRunning));
    const choose = make("button", { type: "button", class: "choose", onclick: tell("choose"), ondblclick: tell("hear") },
      make("span", { class: "title", dir: "auto" }, name), facts, canvas, progress);
    const hear = iconButton("play", `Play ${title}`, tell("play"), { class: "icon-button hear" });
    if (!isThere) hear.style.visibility = "hidden"; // its place stays
    const star = iconButton("star", take.favourite ? `${title}: a favourite` : `Make ${title} a favourite`,
      tell("favourite"), { class: "icon-button star", hidden: !isThere });
    const drag = make("a", { class: "drag", draggable: "true", hidden: !isThere, title: "Drag the WAV out, or save it",
      "aria-label": `WAV of ${title}`, ...linkTo(take) }, icon("drag"));
    drag.addEventListener("dragstart", (event) => carry(event, take, take.stems[0]));
    const stop = iconButton("close", `Cancel ${title}`, tell("cancel"), { hidden: !isRunning });
    const element = make("li", { class: take.favourite ? "favourite" : "" }, hear, choose, star, drag, stop);
    const controls = [hear, choose, star, drag, stop];
    return { element, take, title, choose, hear, controls, facts, canvas, progress, isDrawn: false, isHeard: false, isChosen: null };
  }

  async #fill(number, row) {
    this.#showProgress(row.take);
    if (row.isDrawn || !row.take.stems.length || row.take.isGone) return;
    row.isDrawn = true;
    try {
      const waveform = await readWaveform(number, row.take.stems[0]);
      if (this.#rows.get(number) === row) drawWaveform(row.canvas, waveform);
    } catch {
      row.isDrawn = false; // it is tried again when it is seen again
    }
  }

  #showProgress(take) {
    const row = this.#rows.get(take.number);
    if (!row || row.progress.hidden) return;
    if (this.findPreview(take)) row.hear.style.visibility = "visible";
    const known = this.#progress.get(take.id);
    if (!known) return;
    const { fraction, stage, eta } = known;
    row.progress.value = fraction;
    const rest = eta > 0 ? ` · ${Math.ceil(eta)} s` : "";
    row.facts.textContent = `${stage} ${Math.round(fraction * 100)} %${rest}`;
  }
}

function measureRow() {
  return ROW * parseFloat(getComputedStyle(document.documentElement).fontSize);
}

function isSame(one, other) {
  return one === other || JSON.stringify(one) === JSON.stringify(other);
}

function isSearching() {
  return $("words").value.trim() !== "" || $("favourites").checked;
}

function listFacts(take, isRunning) {
  if (isRunning) return take.state;
  const facts = [
    take.state === "cancelled" && "cancelled",
    take.bpm && `${round(take.bpm)} bpm`,
    take.key,
    tellKind(take),
    `seed ${take.seed}`, // up to here it is seen on a phone too, and tells takes of one prompt apart
    take.bars && count(take.bars, "bar"),
    tellTime(take),
    take.notes.length && count(take.notes.length, "remark"), // notes are music's
  ];
  return facts.filter(Boolean).join(" · ");
}

/** What takes the sound of the prompt is called by it: its name is that of its source. */
export function nameTake(take) {
  const name = ANEW.includes(take.task) ? take.prompt || take.name : take.name || take.prompt;
  return name || take.task || take.id;
}

/** What it was made for; "" for one that was asked for as it is. */
export function tellKind(take) {
  const [, pad] = PAD.exec(take.id) ?? [];
  const last = take.repaintBar + take.repaintBars - 1;
  const bars = last > take.repaintBar ? `bars ${take.repaintBar} to ${last}` : `bar ${take.repaintBar}`;
  const kinds = [
    pad && `pad ${pad}`,
    take.variation && `variation ${round(take.variation)}`,
    take.task === "repaint" && take.repaintBar ? `${bars} repainted` : take.task,
  ].filter(Boolean);
  return kinds.join(", ") || (take.parent ? "reroll" : "");
}

/** When it was made: of today, the time; of other days, the date as well. */
export function tellTime({ ended, created }) {
  const when = new Date((ended || created) * 1000);
  const isToday = when.toDateString() === new Date().toDateString();
  return when.toLocaleString([], isToday ? { timeStyle: "short" } : { dateStyle: "short", timeStyle: "short" });
}

function linkTo(take) {
  return take.stems.length ? { href: soundPath(take, take.stems[0]), download: fileName(take) } : {};
}

export function fileName(take, stem = "mix") {
  const name = take.path.split(/[\\/]/).pop();
  return stem === "mix" || stem === take.stems[0] ? name : name.replace(/(\.\w+)$/, `_${stem}$1`);
}

/** Drag a stem's file out into a DAW or a folder. */
export function carry(event, take, stem) {
  const url = new URL(soundPath(take, stem), location.href).href;
  const kind = take.path.endsWith(".flac") ? "audio/flac" : "audio/wav";
  event.dataTransfer.effectAllowed = "copy";
  event.dataTransfer.setData("DownloadURL", `${kind}:${fileName(take, stem)}:${url}`);
  event.dataTransfer.setData("text/uri-list", url);
}
