// The bank of pads, lit as on a controller.

import { $, make, round, say } from "./elements.js";
import { askJson } from "./http.js";
import { PAD } from "./takes.js";

const HOLD = 600; // milliseconds, as the style sheet shows it
const FLASH = 500; // milliseconds
const CALM = "(prefers-reduced-motion: reduce)";
const HINT = "click plays, hold and let go rerolls, Shift and click marks as favourite";
const SETTLE = 100; // milliseconds: what comes in a burst is asked for once
const WORDS = { queued: "waiting", rendering: "in the making" }; // what states are called, where otherwise
const MARKS = { empty: "", queued: "…", ready: "●", favourite: "★", failed: "!" };

export class Pads extends EventTarget {
  #connection;
  #panel;
  #pads = new Map(); // by number: {element, state, percent}
  #heard = 0; // the number of the pad that is heard
  #facts = []; // what each pad plays, the first at 0; null where nobody has given it anything
  #loading = 0; // the timer of what is about to be asked for
  #awaited = new Set(); // numbers of pads that were hit here, and are not heard yet

  constructor(connection, panel) {
    super();
    this.#connection = connection;
    this.#panel = panel;
    connection.on("/ace/pad", ([number, state, progress]) => this.#show(number, state, progress));
    connection.on("/ace/progress", ([id, progress]) => {
      const pad = this.#pads.get(findPad(id));
      if (pad?.state === "rendering") this.#tell(pad, progress);
    });
    connection.on("/ace/bank", ([name, , count]) => {
      $("bank").textContent = `Bank ${name}`;
      $("bank").title = `Bank ${name}: load a bank of pads, or save this one`;
      for (const number of [...this.#pads.keys()]) if (number > count) this.#remove(number);
      this.#sort();
      this.#loadSoon();
    });
    connection.on("/ace/preparing", ([pad]) => {
      $("preparing").textContent = pad ? `pad ${pad} is made in advance` : "";
      this.#loadSoon();
    });
    connection.on("/ace/note", ([id]) => {
      if (!id) this.#loadSoon(); // pads that are filled may show nothing else
    });
    // the clips of a take that was made in advance are told before the list of takes has them
    connection.on("/ace/finished", ([id]) => {
      if (!this.#awaited.delete(findPad(id))) return;
      this.dispatchEvent(new CustomEvent("finished", { detail: id }));
    });
    for (const kind of ["cancelled", "fail"])
      connection.on(`/ace/${kind}`, ([id]) => this.#awaited.delete(findPad(id)));
    $("bank-fill").addEventListener("click", () => this.#fill());
    $("bank-undo").addEventListener("click", () => this.#send("/ace/bank/undo"));
    $("bank-redo").addEventListener("click", () => this.#send("/ace/bank/redo"));
  }

  hit(number) {
    this.#awaited.add(number);
    this.dispatchEvent(new Event("hit"));
    this.#send("/ace/pad/hit", number);
  }

  #send(address, ...values) {
    if (!this.#connection.send(address, ...values)) say("the daemon is away: nothing was sent");
  }

  #fill() {
    const { prompt, bars } = this.#panel.values;
    if (!prompt) say("write a prompt first: the pads are filled with it");
    else this.#send("/ace/bank/fill", prompt, bars || 4);
  }

  #show(number, state, progress) {
    let pad = this.#pads.get(number);
    if (!pad) {
      pad = { number, element: this.#build(number), state: "", percent: "" };
      this.#pads.set(number, pad);
      this.#sort();
    }
    if (pad.state !== state) this.#loadSoon();
    pad.state = state;
    this.#tell(pad, progress);
  }

  #loadSoon() {
    this.#loading ||= setTimeout(async () => {
      this.#loading = 0;
      this.#facts = await askJson("/pads").catch(() => this.#facts); // a daemon that goes tells them when it is back
      for (const pad of this.#pads.values()) this.#tell(pad);
    }, SETTLE);
  }

  /** A take is heard, or none: null. */
  showHeard(take) {
    const before = this.#pads.get(this.#heard);
    this.#heard = findPad(take?.id);
    for (const pad of [before, this.#pads.get(this.#heard)]) if (pad) this.#tell(pad);
  }

  #tell(pad, progress = null) {
    const { number, element, state } = pad;
    if (state !== "rendering") pad.percent = "";
    else if (progress !== null) pad.percent = `${Math.round(progress * 100)} %`;
    const isHeard = number === this.#heard;
    const facts = this.#facts[number - 1];
    const { text, bpm, key, seed, variation } = facts ?? { text: "", seed: "" };
    // the seed is what tells pads of a bank apart: where there is no room, the end of the rest is cut
    const how = [String(seed), key, variation && `v ${round(variation)}`].filter(Boolean);
    const [top, what, below] = element.children;
    element.dataset.state = state;
    element.classList.toggle("heard", isHeard);
    top.lastChild.textContent = pad.percent || (isHeard ? "▶" : (MARKS[state] ?? state));
    what.textContent = text;
    below.replaceChildren(...how.flatMap((one) => [" ", make("span", {}, one)]));
    const word = state === "empty" && facts ? "not made yet" : (WORDS[state] ?? state);
    const stands = [bpm && `${round(bpm)} bpm`, `${word} ${pad.percent}`.trim(), isHeard && "heard"];
    const label = `${[`Pad ${number}`, text, ...how].filter(Boolean).join(", ")}: ${stands.filter(Boolean).join(", ")}`;
    element.setAttribute("aria-label", label);
    element.title = `${label}; ${HINT}`;
  }

  #build(number) {
    let pressed = null; // when, by the events' clock: the page may come to them late
    let isHeld = false;
    const reroll = () => {
      this.#send("/ace/pad/reroll", number);
      // its next take may be there already: then nothing else is seen of it
      if (!matchMedia(CALM).matches) element.animate({ opacity: [0.2, 1] }, FLASH);
    };
    const mark = () => this.#send("/ace/pad/favourite", number);
    const act = (event) => {
      if (isHeld && event.detail) isHeld = false; // it was rerolled already, and this is no key
      else if (event.shiftKey || $("mark-pads").checked) mark();
      else this.hit(number);
    };
    const element = make("button", { type: "button", class: "pad", onclick: act },
      make("span", { class: "top" }, make("span", {}, String(number)), " ", make("span", { class: "mark", "aria-hidden": "true" }), " "),
      make("span", { class: "what", dir: "auto" }), make("span", { class: "how" }));
    element.addEventListener("pointerdown", ({ button, shiftKey, timeStamp }) => {
      isHeld = false;
      pressed = button || shiftKey ? null : timeStamp;
    });
    element.addEventListener("pointerup", ({ timeStamp }) => {
      isHeld = pressed !== null && timeStamp - pressed >= HOLD;
      if (isHeld) reroll();
      pressed = null;
    });
    for (const kind of ["pointerleave", "pointercancel"]) element.addEventListener(kind, () => (pressed = null));
    element.addEventListener("contextmenu", (event) => event.preventDefault()); // a finger that is held
    element.addEventListener("keydown", (event) => {
      const act = { r: reroll, f: mark }[event.key.toLowerCase()];
      if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
      event.stopPropagation();
      act();
    });
    return element;
  }

  #remove(number) {
    this.#pads.get(number).element.remove();
    this.#pads.delete(number);
  }

  #sort() {
    const numbers = [...this.#pads.keys()].sort((one, other) => one - other);
    const columns = numbers.length > 16 ? 8 : 4;
    $("grid").dataset.columns = columns;
    // the first pad is at the lower left, as on a controller
    const rows = [];
    for (let at = 0; at < numbers.length; at += columns) rows.unshift(numbers.slice(at, at + columns));
    const elements = rows.flat().map((number) => this.#pads.get(number).element);
    const shown = $("grid").children;
    if (elements.length !== shown.length || elements.some((one, at) => one !== shown[at]))
      $("grid").replaceChildren(...elements);
  }
}

/** The number of the pad that a job is of; 0 where it is of none. */
function findPad(id) {
  return Number(PAD.exec(id)?.[1] ?? 0);
}
