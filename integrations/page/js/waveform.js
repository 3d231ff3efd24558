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

const waiting = new Map(); // by canvas: what is drawn on it next

/** Draw it as wide as the canvas is, with the next picture of the page. `selection` is a part of it,
 * 0..1; lines stand between bars. */
export function drawWaveform(canvas, waveform, { bars = 0, selection = null } = {}) {
  if (!waiting.size) requestAnimationFrame(drawWaiting);
  waiting.set(canvas, { waveform, bars, selection });
}

/** All sizes are read before anything is drawn: a canvas that gets another size is laid out anew. */
function drawWaiting() {
  const scale = devicePixelRatio || 1;
  const style = getComputedStyle(document.documentElement);
  const names = ["wave", "accent", "line", "chosen"];
  const colours = Object.fromEntries(names.map((name) => [name, style.getPropertyValue(`--${name}`)]));
  const drawn = [...waiting].map(([canvas, what]) => {
    const [width, height] = [canvas.clientWidth, canvas.clientHeight].map((size) => Math.round(size * scale));
    return { canvas, width, height, ...what };
  });
  waiting.clear();
  for (const each of drawn) if (each.width && each.height) draw(each, colours, scale);
}

function draw({ canvas, width, height, waveform, bars, selection }, colours, scale) {
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const context = canvas.getContext("2d");
  context.clearRect(0, 0, width, height);
  context.fillStyle = colours.line;
  for (let bar = 1; bar < bars; bar += 1) context.fillRect((bar / bars) * width, 0, scale, height);
  const isChosen = (x) => selection && x >= selection[0] * width && x < selection[1] * width;
  if (selection) {
    context.fillStyle = colours.chosen;
    context.fillRect(selection[0] * width, 0, (selection[1] - selection[0]) * width, height);
  }
  const columns = waveform.peaks.length / 2;
  for (let x = 0; x < width; x += 1) {
    const column = Math.min(columns - 1, Math.floor((x / width) * columns));
    const lowest = waveform.peaks[2 * column] / 127;
    const highest = waveform.peaks[2 * column + 1] / 127;
    context.fillStyle = isChosen(x) ? colours.accent : colours.wave;
    const top = ((1 - highest) / 2) * height;
    context.fillRect(x, top, 1, Math.max(scale, ((highest - lowest) / 2) * height));
  }
}
