// Waveforms, drawn from the peaks that the daemon has computed.

import { askJson } from "./http.js";

const MOST_KEPT = 400;
const kept = new Map(); // by address; the one that was used last is last

/** {seconds, peaks}: peaks are pairs of lowest and highest sample, -127..127. */
export async function readWaveform(number, stem) {
  const path = `/takes/${number}/waveform/${encodeURIComponent(stem)}`;
  const known = kept.get(path);
  kept.delete(path);
  const waveform = known ?? (await askJson(path).then(decode));
  kept.set(path, waveform);
  if (kept.size > MOST_KEPT) kept.delete(kept.keys().next().value);
  return waveform;
}

function decode({ seconds, peaks }) {
  const bytes = Uint8Array.from(atob(peaks), (character) => character.charCodeAt(0));
  return { seconds, peaks: new Int8Array(bytes.buffer) };
}

/** Draw it as wide as the canvas is. `selection` is a part of it, 0..1; lines stand between bars. */
export function drawWaveform(canvas, waveform, { bars = 0, selection = null } = {}) {
  const scale = devicePixelRatio || 1;
  const width = Math.max(1, Math.round(canvas.clientWidth * scale));
  const height = Math.max(1, Math.round(canvas.clientHeight * scale));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  const style = getComputedStyle(canvas);
  const colour = (name) => style.getPropertyValue(name);
  context.clearRect(0, 0, width, height);
  context.fillStyle = colour("--line");
  for (let bar = 1; bar < bars; bar += 1) context.fillRect((bar / bars) * width, 0, scale, height);
  const isChosen = (x) => selection && x >= selection[0] * width && x < selection[1] * width;
  if (selection) {
    context.fillStyle = colour("--chosen");
    context.fillRect(selection[0] * width, 0, (selection[1] - selection[0]) * width, height);
  }
  const [plain, bright] = [colour("--wave"), colour("--accent")];
  const columns = waveform.peaks.length / 2;
  for (let x = 0; x < width; x += 1) {
    const column = Math.min(columns - 1, Math.floor((x / width) * columns));
    const lowest = waveform.peaks[2 * column] / 127;
    const highest = waveform.peaks[2 * column + 1] / 127;
    context.fillStyle = isChosen(x) ? bright : plain;
    const top = ((1 - highest) / 2) * height;
    context.fillRect(x, top, 1, Math.max(scale, ((highest - lowest) / 2) * height));
  }
}
