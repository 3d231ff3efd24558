// The bank of pads, lit as on a controller.

import { $, make, say } from "./elements.js";

const HOLD = 600; // milliseconds
const OWN = 120_000; // milliseconds that a hit waits for its clip

export class Pads extends EventTarget {
  #connection;
  #panel;
  #pads = new Map(); // by number: {element, state}
  #hit = 0; // when a pad was hit here last

  constructor(connection, panel) {
    super();
    this.#connection = connection;
    this.#panel = panel;
    connection.on("/ace/pad", ([number, state, progress]) => this.#show(number, state, progress));
    connection.on("/ace/bank", ([name, , count]) => {
      $("bank").textContent = name ? `bank ${name}` : "";
      for (const number of [...this.#pads.keys()]) if (number > count) this.#remove(number);
      this.#sort();
    });
    connection.on("/ace/preparing", ([pad]) => {
      $("preparing").textContent = pad ? `preparing pad ${pad}` : "";
    });
    connection.on("/ace/clip", ([, stem, path]) => {
      if (stem !== "mix" || Date.now() - this.#hit > OWN) return;
      this.#hit = 0;
      this.dispatchEvent(new CustomEvent("clip", { detail: path }));
    });
    $("bank-fill").addEventListener("click", () => this.#fill());
    $("bank-undo").addEventListener("click", () => this.#send("/ace/bank/undo"));
    $("bank-redo").addEventListener("click", () => this.#send("/ace/bank/redo"));
  }

  hit(number) {
    this.#hit = Date.now();
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
      pad = { element: this.#build(number), state: "" };
      this.#pads.set(number, pad);
      this.#sort();
    }
    pad.state = state;
    pad.element.dataset.state = state;
    pad.element.lastChild.textContent = state === "rendering" ? `${Math.round(progress * 100)} %` : state;
    pad.element.setAttribute("aria-label", `Pad ${number}, ${state}`);
  }

  #build(number) {
    let timer = 0;
    let isHeld = false;
    const act = (event) => {
      if (event.shiftKey) this.#send("/ace/pad/favourite", number);
      else if (!isHeld) this.hit(number);
      isHeld = false;
    };
    const element = make("button", { type: "button", class: "pad", onclick: act },
      make("span", {}, String(number)), make("span", { class: "quiet" }, ""));
    const release = () => clearTimeout(timer);
    element.addEventListener("pointerdown", () => {
      isHeld = false;
      timer = setTimeout(() => {
        isHeld = true;
        this.#send("/ace/pad/reroll", number);
      }, HOLD);
    });
    for (const kind of ["pointerup", "pointerleave", "pointercancel"])
      element.addEventListener(kind, release);
    element.addEventListener("keydown", (event) => {
      if (event.key.toLowerCase() !== "r") return;
      event.stopPropagation();
      this.#send("/ace/pad/reroll", number);
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
    $("grid").replaceChildren(...rows.flat().map((number) => this.#pads.get(number).element));
  }
}
