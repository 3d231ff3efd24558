// The chosen take: its waveform, stems, words, and what can be made of it.

import { $, formatSeconds, make, say, saying } from "./elements.js";
import { ask, askJson } from "./http.js";
import { carry, fileName, soundPath } from "./takes.js";
import { drawWaveform, readWaveform } from "./waveform.js";

export class Detail {
  #connection;
  #takes;
  #player;
  #panel;
  #take = null;
  #waveform = null;
  #selection = null; // bars that are to be made anew: [first, behind the last], from 0
  #silent = new Set(); // stems
  #alone = new Set();
  #other = null; // the take that a variation leads to

  constructor(connection, takes, player, panel) {
    this.#connection = connection;
    this.#takes = takes;
    this.#player = player;
    this.#panel = panel;
    takes.addEventListener("select", () => this.#show(takes.selected));
    takes.addEventListener("change", () => {
      const now = takes.selected;
      if (now && JSON.stringify(now) !== JSON.stringify(this.#take)) this.#show(now);
    });
    const draw = () => {
      if (this.#waveform) this.#draw();
      requestAnimationFrame(draw);
    };
    requestAnimationFrame(draw);
  }

  reroll(take = this.#take) {
    if (take) this.#send("/ace/reroll", this.#panel.makeId("reroll"), take.id);
  }

  favourite(take = this.#take) {
    if (take) this.#send("/ace/favourite", take.id, take.favourite ? 0 : 1);
  }

  delete = saying(async (take = this.#take) => {
    if (!take) return;
    const dialog = $("confirm");
    $("confirm-text").textContent = `Move ${fileName(take)} and what lies beside it to the trash?`;
    dialog.showModal();
    await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
    if (dialog.returnValue !== "yes") return;
    if (this.#player.take?.number === take.number) this.#player.stop();
    await ask(`/takes/${take.number}`, { method: "DELETE" });
    this.#takes.remove(take.number);
  });

  play = saying(async (take = this.#take) => {
    if (!take?.stems.length) return;
    this.#silent.clear();
    this.#alone.clear();
    await this.#player.play(take, [take.stems[0]]);
  });

  #send(address, ...values) {
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }

  #show(take) {
    const isSame = take?.number === this.#take?.number;
    this.#take = take;
    if (!isSame) {
      this.#selection = null;
      this.#waveform = null;
      this.#silent.clear();
      this.#alone.clear();
    }
    if (!take) {
      $("detail").replaceChildren(make("p", { class: "quiet" }, "Choose a take."));
      return;
    }
    const isThere = take.stems.length > 0 && !take.isGone;
    $("detail").replaceChildren(
      make("h3", {}, take.name || take.prompt || take.id),
      make("p", { class: "facts" }, describe(take)),
      take.failure ? make("p", { class: "problem" }, take.failure) : "",
      ...(isThere ? [this.#buildPicture(take), this.#buildRepaint(take)] : []),
      make("div", { class: "line actions" }, ...this.#buildActions(take, isThere)),
      ...(isThere && take.stems.length > 1 ? [this.#buildStems(take)] : []),
      ...(isThere ? [this.#buildVariation(take)] : []),
      take.notes.length
        ? make("div", {}, make("h4", {}, "What was read"),
            make("ul", { class: "notes" }, ...take.notes.map((note) => make("li", {}, note))))
        : "",
      take.lyrics ? make("pre", { class: "words" }, take.lyrics) : "",
      take.path ? make("p", { class: "path" }, take.path) : "",
    );
    if (isThere) this.#load(take);
  }

  #load = saying(async (take) => {
    const waveform = await readWaveform(take.number, take.stems[0]);
    if (this.#take?.number === take.number) this.#waveform = waveform;
  });

  #buildActions(take, isThere) {
    const button = (text, click, keys) =>
      make("button", { type: "button", onclick: click, "aria-keyshortcuts": keys }, text);
    const always = [button("Reroll", () => this.reroll(), "R")];
    if (!take.ended)
      return [button("Cancel", () => this.#send("/ace/cancel", take.id)), ...always];
    if (!isThere) return always;
    const link = make("a", { class: "button", draggable: "true", href: soundPath(take, take.stems[0]),
      download: fileName(take) }, "Drag or save the WAV");
    link.addEventListener("dragstart", (event) => carry(event, take, take.stems[0]));
    return [
      button("Play", () => this.play(), "Enter"),
      ...always,
      button(take.favourite ? "No favourite" : "Favourite", () => this.favourite(), "F"),
      link,
      button("Copy path", saying(() => navigator.clipboard.writeText(take.path))),
      button("Recipe", saying(() => this.#showRecipe(take))),
      button("Put into the DAW", () => this.#send("/ace/insert", take.id)),
      button("Delete", () => this.delete(), "Delete"),
    ];
  }

  async #showRecipe(take) {
    $("recipe-text").textContent = JSON.stringify(await askJson(`/takes/${take.number}/manifest`), null, 2);
    $("recipe").showModal();
  }

  // --- the waveform, and bars of it that are made anew ------------------------------------------------

  #buildPicture(take) {
    const canvas = make("canvas", { id: "picture", role: "img",
      "aria-label": `Waveform of ${take.bars || "no"} bars: drag over bars to make them anew` });
    let from = null;
    const place = (event) => {
      const box = canvas.getBoundingClientRect();
      return Math.max(0, Math.min(0.9999, (event.clientX - box.left) / box.width));
    };
    const select = (event) => {
      const to = place(event);
      const bars = take.bars;
      const [low, high] = [Math.min(from, to), Math.max(from, to)];
      this.#choose(take, Math.floor(low * bars), Math.floor(high * bars) + 1);
    };
    canvas.addEventListener("pointerdown", (event) => {
      if (!take.bars) return;
      canvas.setPointerCapture(event.pointerId);
      from = place(event);
      select(event);
    });
    canvas.addEventListener("pointermove", (event) => {
      if (from !== null) select(event);
    });
    canvas.addEventListener("pointerup", () => (from = null));
    return canvas;
  }

  #buildRepaint(take) {
    if (!take.bars) return make("p", { class: "quiet" }, "It has no bars to be chosen.");
    const number = (id, label, value) =>
      make("label", {}, `${label} `, make("input", { id, type: "number", min: "1", max: String(take.bars),
        value: String(value), onchange: () => this.#readSelection(take) }));
    return make("div", { class: "line repaint" },
      number("repaint-from", "Bars", 1), number("repaint-to", "to", take.bars),
      make("button", { type: "button", id: "repaint", onclick: () => this.#repaint(take) }, "Make these bars anew"));
  }

  #choose(take, first, end) {
    this.#selection = [Math.max(0, first), Math.min(take.bars, end)];
    $("repaint-from").value = this.#selection[0] + 1;
    $("repaint-to").value = this.#selection[1];
  }

  #readSelection(take) {
    const [first, last] = [$("repaint-from"), $("repaint-to")].map((field) => Number(field.value));
    if (first >= 1 && last >= first && last <= take.bars) this.#choose(take, first - 1, last);
  }

  #repaint(take) {
    if (!this.#selection) this.#readSelection(take);
    const [first, end] = this.#selection ?? [0, take.bars];
    this.#send("/ace/generate", this.#panel.makeId("repaint"), "task", "repaint", "source", take.path,
      "repaint_bar", first + 1, "repaint_bars", end - first, "prompt", take.prompt, "seed", -1);
  }

  #draw() {
    const canvas = $("picture");
    if (!canvas || !this.#take) return;
    const isHeard = this.#player.take?.number === this.#take.number && this.#player.isPlaying;
    const played = isHeard ? this.#player.position / this.#player.seconds : 0;
    const { bars } = this.#take;
    const selection = this.#selection && bars ? this.#selection.map((bar) => bar / bars) : null;
    drawWaveform(canvas, this.#waveform, { played, bars: bars <= 64 ? bars : 0, selection });
  }

  // --- stems ------------------------------------------------------------------------------------------

  #buildStems(take) {
    const lanes = take.stems.filter((stem) => stem !== "mix");
    return make("div", { id: "stems-lanes", role: "group", "aria-label": "Stems" },
      make("h4", {}, "Stems"),
      make("button", { type: "button", onclick: saying(() => this.#playStems(take)) }, "Play the stems"),
      ...lanes.map((stem) => this.#buildLane(take, stem)));
  }

  #buildLane(take, stem) {
    const toggle = (set, text) => {
      const button = make("button", { type: "button", "aria-pressed": "false", "aria-label": `${text} ${stem}` }, text);
      button.addEventListener("click", saying(async () => {
        if (!set.delete(stem)) set.add(stem);
        button.setAttribute("aria-pressed", String(set.has(stem)));
        if (this.#player.take?.number !== take.number || this.#player.stems.length < 2)
          await this.#playStems(take);
        this.#applyLevels(take);
      }));
      return button;
    };
    const canvas = make("canvas", { "aria-hidden": "true" });
    readWaveform(take.number, stem).then((waveform) => drawWaveform(canvas, waveform), () => {});
    const link = make("a", { draggable: "true", href: soundPath(take, stem), download: fileName(take, stem) }, "WAV");
    link.addEventListener("dragstart", (event) => carry(event, take, stem));
    return make("div", { class: "lane" }, make("span", {}, stem), canvas,
      toggle(this.#silent, "Mute"), toggle(this.#alone, "Solo"), link);
  }

  async #playStems(take) {
    this.#applyLevels(take);
    await this.#player.play(take, take.stems.filter((stem) => stem !== "mix"));
  }

  #applyLevels(take) {
    for (const stem of take.stems) {
      const isHeard = this.#alone.size ? this.#alone.has(stem) : !this.#silent.has(stem);
      this.#player.setLevel(stem, isHeard || stem === "mix" ? 1 : 0);
    }
  }

  // --- a variation between two takes --------------------------------------------------------------------

  #buildVariation(take) {
    const others = this.#takes.all.filter((one) => one.number !== take.number && one.seed >= 0).slice(0, 50);
    const choose = make("select", { id: "variation-to" },
      make("option", { value: "" }, "a seed that is drawn"),
      ...others.map((one) => make("option", { value: String(one.number) },
        `${one.name || one.prompt || one.id}, seed ${one.seed}`)));
    if (this.#other) choose.value = String(this.#other);
    choose.addEventListener("change", () => (this.#other = Number(choose.value) || null));
    const amount = make("input", { id: "variation-amount", type: "range", min: "0.05", max: "1", step: "0.05", value: "0.5" });
    const ask = () => {
      const other = this.#takes.find(Number(choose.value));
      this.#send("/ace/reroll", this.#panel.makeId("variation"), take.id, take.seed,
        "variation", Number(amount.value), "variation_seed", other ? other.seed : -1);
    };
    return make("details", {}, make("summary", {}, "Variation"),
      make("div", { class: "line" },
        make("label", {}, "Towards ", choose),
        make("label", {}, "How far ", amount),
        make("button", { type: "button", onclick: ask }, "Make it")));
  }
}

function describe(take) {
  const made = take.ended ? new Date(take.ended * 1000).toLocaleString() : take.state;
  const facts = [
    take.task,
    take.bpm && `${take.bpm} bpm`,
    take.key,
    take.timeSignature,
    take.bars ? `${take.bars} bars` : take.seconds && formatSeconds(take.seconds),
    `seed ${take.seed}`,
    take.variation && `variation ${take.variation}`,
    take.inserted && `in ${take.inserted.program}: ${take.inserted.where}`,
    made,
  ];
  return facts.filter(Boolean).join(" · ");
}
