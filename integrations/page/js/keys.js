// Everything by keyboard.

import { $, make } from "./elements.js";

const TYPED = new Set(["INPUT", "TEXTAREA", "SELECT"]);

export function openKeys(actions) {
  for (const { keys, text } of actions.filter(({ text }) => text))
    $("keys-list").append(make("dt", {}, keys), make("dd", {}, text));
  $("open-help").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", (event) => {
    const isTyped = TYPED.has(event.target.tagName) && event.target.type !== "checkbox" && event.target.type !== "range";
    const action = actions.find(({ matches, whileTyping }) => matches(event) && (whileTyping || !isTyped));
    if (!action || document.querySelector("dialog[open]")) return;
    // a button that has the focus is pressed by the space bar
    if (event.key === " " && event.target.closest("button, summary, a")) return;
    if (event.key === "Enter" && event.target.closest("button, summary, a, input, textarea, select")) {
      if (!action.whileTyping) return;
    }
    event.preventDefault();
    action.act();
  });
}

const hasNoModifier = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

export function key(keys, name, text, act, { shift = false } = {}) {
  const matches = (event) =>
    event.key.toLowerCase() === name.toLowerCase() && hasNoModifier(event) && (!shift || event.shiftKey);
  return { keys, text, act, matches, whileTyping: false };
}

/** Another key of what is listed already. */
export function hidden(name, act) {
  return key("", name, "", act);
}

export function command(keys, name, text, act) {
  const matches = (event) => event.key === name && (event.ctrlKey || event.metaKey);
  return { keys, text, act, matches, whileTyping: true };
}
