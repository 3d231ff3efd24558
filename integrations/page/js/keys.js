// Everything by keyboard.

import { $, make } from "./elements.js";

const TYPED = new Set(["INPUT", "TEXTAREA", "SELECT"]);
const NOT_TYPED = new Set(["checkbox", "range", "file"]);
const OF_INPUT_METHOD = 229; // what its keys are called, whichever they are

let isPointed = false; // whether a mouse gave the focus: then Space is the player's

/** `actions`, in the order in which the help lists those that have a text. */
export function openKeys(actions) {
  for (const { keys, text } of actions.filter(({ text }) => text))
    $("keys-list").append(make("dt", {}, make("kbd", {}, keys)), make("dd", {}, text));
  document.addEventListener("pointerdown", () => (isPointed = true), true);
  document.addEventListener("keydown", ({ key }) => { if (key === "Tab") isPointed = false; }, true);
  $("open-help").addEventListener("click", () => $("help").showModal());
  document.addEventListener("keydown", (event) => {
    if (isComposing(event) || document.querySelector("dialog[open]")) return;
    const action = actions.find(({ matches, whileTyping }) =>
      matches(event) && (whileTyping || !isForField(event)));
    if (!action) return;
    event.preventDefault();
    if (event.key === " " && isPointed) event.target.blur(); // its button is not pressed as well
    action.act(event);
  });
}

/** Whether a key is an input method's. Safari tells of the one that ends a composition after its
 * end.
 */
function isComposing(event) {
  return event.isComposing || event.keyCode === OF_INPUT_METHOD;
}

/** Whether what has the focus does something with that key itself. */
function isForField({ key, target }) {
  if (TYPED.has(target.tagName) && !NOT_TYPED.has(target.type)) return true;
  if (target.type === "range") return key.startsWith("Arrow");
  // a row of the list is chosen when it has the focus: space and enter play it
  if (target.closest("#rows .choose")) return false;
  const isPressed = target.closest("button, summary, a, label, input");
  return Boolean(isPressed) && ((key === " " && !isPointed) || key === "Enter");
}

const hasNoModifier = (event) => !event.ctrlKey && !event.metaKey && !event.altKey;

export function key(keys, name, text, act, { shift = false } = {}) {
  const matches = (event) =>
    event.key.toLowerCase() === name.toLowerCase() && hasNoModifier(event) && (!shift || event.shiftKey);
  return { keys, text, act, matches, whileTyping: shift };
}

/** Another key of what is listed already. */
export function hidden(name, act) {
  return key("", name, "", act);
}

export function command(keys, name, text, act) {
  const matches = (event) => event.key === name && (event.ctrlKey || event.metaKey);
  return { keys, text, act, matches, whileTyping: true };
}

/** From a field to what is below it. */
export function leaveDown(id, act) {
  const matches = (event) => event.target.id === id && ["ArrowDown", "Enter"].includes(event.key) && hasNoModifier(event);
  return { keys: "", text: "", act, matches, whileTyping: true };
}

/** Leave a field: the keys are the page's again. */
export function leaveField() {
  const matches = (event) => event.key === "Escape" && !event.shiftKey && TYPED.has(event.target.tagName);
  const act = () => document.activeElement.blur();
  return { keys: "Esc", text: "Leave a field, so that these keys work", act, matches, whileTyping: true };
}
