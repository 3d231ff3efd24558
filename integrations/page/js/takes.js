// The takes: those of the journal, newest first, and what happens to them now.

import { $, debounce, make, saying } from "./elements.js";
import { askJson } from "./http.js";
import { drawWaveform, readWaveform } from "./waveform.js";

const ROW = 76; // pixels, as in the style sheet
const PAGE = 100; // takes that are asked for at once
const SPARE = 6; // rows above and below those that are seen
const RUNNING = ["waiting", "running", "landing", "held"];

export class Takes extends EventTarget {
  #takes = []; // newest first
  #total = 0;
  #isLoading = false;
  #selected = 0; // a number
  #progress = new Map(); // by id: [fraction, stage]
  #rows = new Map(); // by number: the element that shows it
  #player;

  constructor(connection, player) {
    super();
    this.#player = player;
    const refresh = debounce(80, saying(() => this.refresh()));
    for (const kind of ["queued", "clip", "finished", "fail", "cancelled", "favourite", "inserted"])
      connection.on(`/ace/${kind}`, refresh);
    connection.on("/ace/note", refresh);
    connection.on("/ace/progress", ([id, fraction, stage]) => {
      this.#progress.set(id, [fraction, stage]);
      const take = this.#takes.find((one) => one.id === id);
      if (take && this.#rows.has(take.number)) this.#showProgress(take);
    });
    connection.addEventListener("open", saying(() => this.search()));
    $("list").addEventListener("scroll", () => this.#draw());
    new ResizeObserver(() => this.#draw()).observe($("list"));
    const search = debounce(200, saying(() => this.search()));
    $("words").addEventListener("input", search);
    $("favourites").addEventListener("change", search);
    $("search").addEventListener("submit", (event) => event.preventDefault());
    player.addEventListener("change", () => this.#draw());
  }

  get selected() {
    return this.#takes.find((take) => take.number === this.#selected) ?? null;
  }

  get all() {
    return this.#takes;
  }

  find(number) {
    return this.#takes.find((take) => take.number === number);
  }

  async search() {
    const { takes, total } = await this.#ask({});
    this.#takes = takes;
    this.#total = total;
    $("list").scrollTop = 0;
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  /** What is new at the top, and how those stand that were shown as being made. */
  async refresh() {
    const { takes, total } = await this.#ask({});
    this.#total = total;
    const fresh = new Map(takes.map((take) => [take.number, take]));
    const oldest = takes.length ? takes.at(-1).number : 0;
    const older = this.#takes.filter((take) => take.number < oldest);
    const unknown = older.filter((take) => RUNNING.includes(take.state));
    for (const take of unknown)
      fresh.set(take.number, await askJson(`/takes/${take.number}`).catch(() => take));
    this.#takes = [...takes, ...older.map((take) => fresh.get(take.number) ?? take)];
    this.#draw();
    this.dispatchEvent(new Event("change"));
  }

  remove(number) {
    this.#takes = this.#takes.filter((take) => take.number !== number);
    this.#total -= 1;
    if (this.#selected === number) this.select(0);
    this.#draw();
  }

  select(number) {
    this.#selected = number;
    this.#draw();
    this.dispatchEvent(new Event("select"));
  }

  /** Select the take so many rows below, and show it. */
  move(rows) {
    const at = this.#takes.findIndex((take) => take.number === this.#selected);
    const next = Math.max(0, Math.min(this.#takes.length - 1, at < 0 ? 0 : at + rows));
    if (!this.#takes[next]) return;
    const list = $("list");
    const top = next * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight)
      list.scrollTop = top + ROW - list.clientHeight;
    this.select(this.#takes[next].number);
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
      this.#takes = [...this.#takes, ...takes];
      if (!takes.length) this.#total = this.#takes.length;
    } finally {
      this.#isLoading = false;
    }
    this.#draw();
  });

  // --- rows: only those that are seen are there ------------------------------------------------------

  #draw() {
    const list = $("list");
    const first = Math.max(0, Math.floor(list.scrollTop / ROW) - SPARE);
    const last = Math.ceil((list.scrollTop + list.clientHeight) / ROW) + SPARE;
    const seen = this.#takes.slice(first, last);
    $("spacer").style.height = `${this.#total * ROW}px`;
    $("rows").style.transform = `translateY(${first * ROW}px)`;
    const text = this.#total === 1 ? "1 take" : `${this.#total} takes`;
    if ($("count-text").textContent !== text) $("count-text").textContent = text;
    const rows = new Map();
    for (const [index, take] of seen.entries()) {
      const known = this.#rows.get(take.number);
      const row = known?.take === take ? known : this.#buildRow(take);
      this.#markRow(row, first + index);
      rows.set(take.number, row);
    }
    const elements = [...rows.values()].map((row) => row.element);
    const shown = $("rows").children;
    if (elements.length !== shown.length || elements.some((one, at) => one !== shown[at]))
      $("rows").replaceChildren(...elements);
    this.#rows = rows;
    for (const [number, row] of rows) this.#fill(number, row);
    if (last >= this.#takes.length) this.#loadMore();
  }

  #markRow({ element, take }, index) {
    const isChosen = take.number === this.#selected;
    element.classList.toggle("chosen", isChosen);
    element.classList.toggle("heard", this.#player.take?.number === take.number && this.#player.isPlaying);
    element.firstChild.setAttribute("aria-current", isChosen ? "true" : "false");
    element.setAttribute("aria-posinset", String(index + 1));
    element.setAttribute("aria-setsize", String(this.#total));
  }

  #buildRow(take) {
    const title = take.name || take.prompt || take.task || take.id;
    const problem = take.failure || (take.isGone ? "its file is not there any more" : "");
    const facts = [
      take.favourite && "★",
      take.bpm && `${take.bpm} bpm`,
      take.key,
      take.bars && `${take.bars} bars`,
      `seed ${take.seed}`,
      take.notes.length && `${take.notes.length} notes`,
    ];
    const canvas = make("canvas", { "aria-hidden": "true" });
    const progress = make("progress", { max: "1", value: "0", "aria-label": `${title}: progress` });
    const isRunning = RUNNING.includes(take.state);
    progress.hidden = !isRunning;
    const select = () => this.select(take.number);
    const play = () => this.dispatchEvent(new CustomEvent("play", { detail: take }));
    const button = make(
      "button",
      { type: "button", class: "choose", onclick: select, ondblclick: play },
      make("span", { class: "title" }, title),
      make("span", { class: problem ? "facts problem" : "facts" },
        problem || (isRunning ? take.state : facts.filter(Boolean).join(" · "))),
      canvas,
      progress,
    );
    const drag = make(
      "a",
      { class: "drag", draggable: "true", hidden: !take.stems.length || take.isGone, ...linkTo(take) },
      "WAV",
    );
    drag.addEventListener("dragstart", (event) => carry(event, take, take.stems[0]));
    const hear = make("button", { type: "button", class: "hear", onclick: play,
      hidden: !take.stems.length || take.isGone, "aria-label": `Play ${title}, seed ${take.seed}` }, "▶");
    const element = make("li", { class: take.favourite ? "favourite" : "" }, button, hear, drag);
    return { element, take, canvas, progress, isDrawn: false };
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
    const [fraction, stage] = this.#progress.get(take.id) ?? [0, ""];
    if (!row || row.progress.hidden) return;
    row.progress.value = fraction;
    row.progress.title = stage;
  }
}

export function soundPath(take, stem) {
  return `/takes/${take.number}/sound/${encodeURIComponent(stem)}`;
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
