// Small things about the document.

export const $ = (id) => document.getElementById(id);

/** An element with attributes and children; texts are never read as HTML. */
export function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value !== "string") element[name] = value;
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null && child !== false && child !== ""));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";

/** One of the symbols that the document begins with. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#icon-${name}`);
  svg.setAttribute("aria-hidden", "true");
  svg.append(use);
  return svg;
}

/** A button that has a picture in place of a word. */
export function iconButton(name, label, onclick, attributes = {}) {
  const common = { type: "button", class: "icon-button", "aria-label": label, title: label, onclick };
  return make("button", { ...common, ...attributes }, icon(name));
}

export function changeIcon(button, name, label) {
  button.querySelector("use").setAttribute("href", `#icon-${name}`);
  button.setAttribute("aria-label", label);
}

export function debounce(milliseconds, call) {
  let timer;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => call(...values), milliseconds);
  };
}

const READING_TIME = 10_000; // milliseconds
let hiding;
let about = ""; // the command that what is told was refused by

/** Tell something, over the page and not in it: nothing moves. A dialog has its own place. It is over
 * when `command`, which was refused, succeeds.
 */
export function say(text, command = "") {
  const told = document.querySelector("dialog[open] .told");
  if (told) {
    told.textContent = text;
    return;
  }
  about = command;
  $("notice-text").textContent = text;
  $("notice").hidden = false;
  clearTimeout(hiding);
  hiding = setTimeout(() => hush(), READING_TIME);
}

/** What was told is over; with a `command`, if it is that one that was refused. */
export function hush(command = about) {
  if (command === about) $("notice").hidden = true;
}

/** Ask before what cannot be taken back. Resolves to whether it is to be done. */
export async function confirm(text, yes) {
  const dialog = $("confirm");
  $("confirm-text").textContent = text;
  $("confirm-yes").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  return dialog.returnValue === "yes";
}

/** Say what went wrong of what a listener does. */
export function saying(call) {
  return async (...values) => {
    try {
      await call(...values);
    } catch (error) {
      say(error.message);
    }
  };
}

export function formatSeconds(seconds) {
  const whole = Math.floor(seconds);
  return `${Math.floor(whole / 60)}:${String(whole % 60).padStart(2, "0")}`;
}

export function count(number, word) {
  return `${number} ${word}${number === 1 ? "" : "s"}`;
}

export function round(number) {
  return Math.round(number * 100) / 100;
}
