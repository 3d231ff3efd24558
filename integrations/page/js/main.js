// The parts of the page, and how they are wired.

import { Connection } from "./connection.js";
import { Daemon } from "./daemon.js";
import { Detail } from "./detail.js";
import { $, formatSeconds, say, saying } from "./elements.js";
import { command, hidden, key, openKeys } from "./keys.js";
import { Pads } from "./pads.js";
import { Panel } from "./panel.js";
import { Player } from "./player.js";
import { Takes } from "./takes.js";

const connection = new Connection();
const player = new Player();
const panel = new Panel(connection);
const takes = new Takes(connection, player);
const detail = new Detail(connection, takes, player, panel);
const pads = new Pads(connection, panel);
const daemon = new Daemon(connection);

connection.on("/ace/fail", ([, name, , message, hint]) => {
  say(`${name}: ${[message, hint].filter(Boolean).join("; ")}`);
});

takes.addEventListener("play", ({ detail: take }) => {
  takes.select(take.number);
  detail.play(take);
});
pads.addEventListener("clip", saying(async ({ detail: path }) => {
  await takes.refresh();
  const take = takes.all.find((one) => one.path === path);
  if (take) await player.play(take, ["mix"]);
}));

// --- the player -----------------------------------------------------------------------------------

function togglePlaying() {
  if (player.isPlaying) player.stop();
  else detail.play(takes.selected ?? takes.all[0]);
}

player.addEventListener("change", () => {
  $("play").textContent = player.isPlaying ? "Stop" : "Play";
  const take = player.take;
  const text = player.isPlaying ? `${take.name || take.prompt || take.id}, seed ${take.seed}` : "";
  $("playing").textContent = text;
});
$("play").addEventListener("click", togglePlaying);
$("loop").addEventListener("change", () => player.setLooping($("loop").checked));
$("volume").addEventListener("input", () => (player.volume = Number($("volume").value)));

setInterval(() => {
  const part = player.isPlaying ? player.position / player.seconds : 0;
  $("position").value = part;
  $("position").title = player.isPlaying ? formatSeconds(player.position) : "";
}, 100);

// --- buttons and keys -------------------------------------------------------------------------------

const panic = () => connection.send("/ace/panic") || say("the daemon is away: nothing was sent");
const reroll = () => {
  const take = takes.selected ?? takes.all[0];
  if (take) detail.reroll(take);
  else say("there is no take to be rerolled yet");
};
$("panic").addEventListener("click", panic);
$("cancel").addEventListener("click", () => connection.send("/ace/cancel", "*"));
$("reroll").addEventListener("click", reroll);

function moveAndPlay(rows) {
  takes.move(rows);
  if (player.isPlaying && takes.selected?.stems.length) detail.play(takes.selected);
}

openKeys([
  command("Ctrl+Enter", "Enter", "Go: make a take", () => panel.go()),
  key("Space", " ", "Play the take, or stop", togglePlaying),
  key("Enter", "Enter", "Play the chosen take", () => detail.play()),
  key("↓ J", "ArrowDown", "The next take; while one plays, in its beat", () => moveAndPlay(1)),
  key("↑ K", "ArrowUp", "The take before", () => moveAndPlay(-1)),
  hidden("j", () => moveAndPlay(1)),
  hidden("k", () => moveAndPlay(-1)),
  key("R", "r", "Reroll: the take with another seed", reroll),
  key("F", "f", "Favourite, or not", () => detail.favourite()),
  key("D", "d", "Dice: draw a seed", () => panel.rollSeed()),
  key("Delete", "Delete", "Move the take to the trash", () => detail.delete()),
  key("/", "/", "Search", () => $("words").focus()),
  key("P", "p", "Write the prompt", () => $("prompt").focus()),
  key("1 to 9", "1", "Hit a pad", () => pads.hit(1)),
  ...[2, 3, 4, 5, 6, 7, 8, 9].map((number) => hidden(String(number), () => pads.hit(number))),
  key("Shift+Esc", "Escape", "Panic: stop everything", panic, { shift: true }),
  key("?", "?", "These keys", () => $("help").showModal()),
]);

window.acestepd = { connection, player, panel, takes, detail, pads, daemon }; // for tests and consoles
connection.open();
