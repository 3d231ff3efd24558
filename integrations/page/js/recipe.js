// What makes a take again, as its manifest has it.

import { $, formatSeconds, make } from "./elements.js";

/** Show a manifest; `specs` are the parameters by name: what is as it is by default is left out. */
export function showRecipe(manifest, specs, name) {
  const request = Object.entries(manifest.request ?? {});
  const changed = request.filter(([key, value]) => value !== specs.get(key)?.default && value !== "");
  const facts = [["model", manifest.model], ["made", manifest.created]];
  const sections = (manifest.sections ?? []).map(([start, label]) => `${label} at ${formatSeconds(start)}`);
  const chords = (manifest.chords ?? []).map(([, chord]) => chord);
  if (sections.length) facts.push(["sections", sections.join(", ")]);
  if (chords.length) facts.push(["chords", chords.join("  ")]);
  const rows = [...changed.map(([key, value]) => [key.replaceAll("_", " "), value]), ...facts];
  const text = JSON.stringify(manifest, null, 2);
  const copy = make("button", { type: "button" }, "Copy all of it");
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(text);
    copy.textContent = "Copied";
  });
  $("recipe-body").replaceChildren(
    make("dl", {}, ...rows.flatMap(([key, value]) => [make("dt", {}, key), make("dd", {}, String(value ?? ""))])),
    make("details", {}, make("summary", {}, `All of it, as ${name} has it`),
      make("pre", { class: "raw", tabindex: "0" }, text)),
    navigator.clipboard ? copy : "",
  );
  $("recipe").showModal();
}
