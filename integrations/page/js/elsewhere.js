// Fields that somebody is in, and that are changed elsewhere meanwhile: both values can be had.

import { iconButton, make } from "./elements.js";

const AROUND = 20; // characters before the place where two texts part
const MOST = 70; // characters that are shown

export class Elsewhere {
  #sent = new Map(); // by name: values that were sent and not answered yet, the oldest first
  #offers = new Map(); // by field: {isTheirs: element}, at most one of each

  /** A value was sent from here. */
  send(name, value) {
    this.#sent.set(name, [...(this.#sent.get(name) ?? []), value]);
  }

  /** What was sent first is refused. */
  refuse(name) {
    this.#sent.get(name)?.shift();
  }

  /** Nothing that was sent is answered any more. */
  forgetSent() {
    this.#sent.clear();
  }

  /** Whether a value answers what was sent from here. Each is answered once, in order; the daemon may
   * write it otherwise ("Am"), but a text stays what it is.
   */
  isAnswer(name, value, isText) {
    const sent = this.#sent.get(name) ?? [];
    const at = sent.findIndex((one) => isSame(one, value));
    if (at < 0 && isText) return false;
    return sent.splice(0, at + 1 || 1).length > 0;
  }

  /** Offer a value below a field: theirs, or what was there before. `take` puts it in. */
  offer(field, text, isTheirs, take) {
    this.withdraw(field, isTheirs);
    const words = isTheirs ? "Changed elsewhere, to " : "Changed elsewhere. It was ";
    const act = () => {
      this.withdraw(field, isTheirs);
      take();
      field.focus();
    };
    const element = make("div", { class: "elsewhere", role: "status" },
      make("p", {}, words, text ? make("q", { dir: "auto" }, excerpt(text, field.value)) : "empty"),
      make("button", { type: "button", onclick: act }, isTheirs ? "Take that" : "Bring it back"),
      iconButton("close", "Keep what is in the field", () => this.withdraw(field, isTheirs)));
    this.#offers.set(field, { ...this.#offers.get(field), [isTheirs]: { element, act } });
    (field.closest("label") ?? field).after(element);
  }

  /** What was in a field before, as a call that brings it back; undefined where that is not offered. */
  findBefore(field) {
    return this.#offers.get(field)?.[false]?.act;
  }

  withdraw(field, isTheirs) {
    const offers = this.#offers.get(field);
    offers?.[isTheirs]?.element.remove();
    delete offers?.[isTheirs];
  }

  withdrawAll() {
    for (const field of this.#offers.keys()) for (const isTheirs of [true, false]) this.withdraw(field, isTheirs);
  }
}

/** Whether two values are the same but for how the daemon writes texts. */
export function isSame(one, other) {
  return one === other || (typeof one === "string" && typeof other === "string" && squash(one) === squash(other));
}

function squash(text) {
  return text.normalize("NFC").replaceAll("\\n", " ").replace(/\s+/g, " ").trim();
}

/** Of a text, where it parts from another. */
function excerpt(text, other) {
  let at = 0;
  while (at < text.length && text[at] === other[at]) at += 1;
  const start = at > MOST - AROUND ? at - AROUND : 0;
  const end = start + MOST;
  return `${start ? "…" : ""}${text.slice(start, end)}${end < text.length ? "…" : ""}`;
}
