/* A stand-in for Open Stage Control's server and one page: it loads a session and a custom module, and
 * gives the module the globals that the documentation names and nothing else. OSC is real UDP, from
 * one socket, as there.
 *
 *   node open_stage_control_fake.js FOLDER DAEMON_PORT OWN_PORT
 *
 * Lines of JSON on stdin touch widgets; lines on stdout say what they show. Its clock runs twenty
 * times faster.
 */
'use strict';
const dgram = require('dgram');
const events = require('events');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');
const wire = require('../../integrations/shared/acestep_osc.js');

const [folder, daemonPort, ownPort] = process.argv.slice(2);
const SPEED = 20;
const started = Date.now();
const say = (kind, value) => process.stdout.write(JSON.stringify({ [kind]: value }) + '\n');
const realNow = Date.now.bind(Date);

function refuse(text) {
  say('refused', text);
  throw new Error(text);
}

// --- the page -------------------------------------------------------------------------------------

const session = JSON.parse(fs.readFileSync(path.join(folder, 'acestepd.json'), 'utf8'));
const widgets = [];
(function collect(widget) {
  if (widgets.some((one) => one.id === widget.id)) refuse(`two widgets are called ${widget.id}`);
  widgets.push(widget);
  [...(widget.tabs || []), ...(widget.widgets || [])].forEach(collect);
}(session.content));

const values = new Map(widgets.map((one) => [one.id, one.default === undefined ? '' : one.default]));
const listened = new Map(); // by the address of OSC{...} in a property
for (const widget of widgets) {
  for (const [key, value] of Object.entries(widget)) {
    const found = /^OSC\{(\S+), ([^,]*), false\}$/.exec(value);
    if (String(value).includes('OSC{') && !found) refuse(`${widget.id}.${key}: ${value}`);
    if (found) listened.set(found[1], { id: widget.id, key });
  }
}

const preArgs = (widget) => (widget.preArgs === undefined ? [] : [].concat(widget.preArgs));

/** What a message changes on the page. */
function update(address, args) {
  const property = listened.get(address);
  if (property) {
    say(property.key, [property.id, args[0].value]);
    return;
  }
  for (const widget of widgets) {
    const before = preArgs(widget);
    if (widget.address !== address || args.length !== before.length + 1) continue;
    if (before.some((value, index) => args[index].value !== value)) continue;
    values.set(widget.id, args[before.length].value);
    say('shows', [widget.id, values.get(widget.id)]);
  }
}

function touch([id, given]) {
  const widget = widgets.find((one) => one.id === id) || refuse(`no widget ${id}`);
  if (widget.interaction === false || widget.bypass) refuse(`${id} cannot be touched`);
  const value = widget.mode === 'tap' ? (widget.on === undefined ? 1 : widget.on) : given;
  values.set(id, value);
  const tags = widget.typeTags || '';
  const args = [...preArgs(widget), value].map((one, index) => ({
    type: tags[Math.min(index, tags.length - 1)] || (typeof one === 'string' ? 's' : 'f'),
    value: one
  }));
  const data = { address: widget.address, args, host: '127.0.0.1', port: 9100, clientId: 'page' };
  const passed = module_.exports.oscOutFilter(data);
  if (passed) transmit(passed.host, passed.port, passed.address, passed.args);
}

// --- the server -----------------------------------------------------------------------------------

const socket = dgram.createSocket('udp4', (packet) => {
  for (const message of wire.decode(packet)) {
    const args = message.args.map((value, index) => ({ type: message.types[index], value }));
    const data = { address: message.address, args, host: '127.0.0.1', port: daemonPort };
    const passed = module_.exports.oscInFilter(data);
    if (passed) update(passed.address, passed.args);
  }
});

function transmit(host, port, address, args) {
  if (host !== '127.0.0.1' || port !== 9100) refuse(`no daemon at ${host}:${port}`);
  const types = args.map((one) => one.type).join('');
  const packet = wire.encode(address, args.map((one) => one.value), types);
  socket.send(Buffer.from(packet), daemonPort, '127.0.0.1');
}

/** Numbers become floats unless they name their type. */
function asArguments(given) {
  return given.map((value) => {
    if (value && typeof value === 'object') return value;
    return { type: typeof value === 'number' ? 'f' : 's', value };
  });
}

const settings = { send: ['127.0.0.1:9100'], 'osc-port': Number(ownPort), port: 8080 };
const app = new events.EventEmitter();
const module_ = { exports: {} };
const context = vm.createContext({
  module: module_,
  console: { error: (text) => say('error', text), log: (text) => say('line', text) },
  app: { on: (name, callback) => app.on(name, callback) },
  settings: {
    read: (name) => (name in settings ? settings[name] : refuse(`no option ${name}`))
  },
  send: (host, port, address, ...args) => transmit(host, port, address, asArguments(args)),
  receive: (address, ...args) => update(address, asArguments(args)),
  setInterval: (callback, delay) => setInterval(callback, delay / SPEED),
  clearInterval,
  require(file) {
    const own = { exports: {} };
    const code = fs.readFileSync(path.join(folder, file), 'utf8');
    vm.runInContext(`(function (module) {${code}\n})`, context)(own);
    return own.exports;
  },
  now: () => started + (realNow() - started) * SPEED
});
vm.runInContext('Date.now = now;', context);
const file = path.join(folder, 'acestepd.module.js');
vm.runInContext(fs.readFileSync(file, 'utf8'), context, { filename: file });

socket.bind(Number(ownPort), '127.0.0.1', () => {
  module_.exports.init();
  app.emit('sessionOpened', {}, { id: 'page' });
  say('ready', 1);
});

const deeds = {
  touch,
  open: () => app.emit('sessionOpened', {}, { id: 'another' }),
  end() {
    module_.exports.stop();
    setTimeout(() => process.exit(0), 50);
  }
};
readline.createInterface({ input: process.stdin }).on('line', (line) => {
  for (const [deed, argument] of Object.entries(JSON.parse(line))) deeds[deed](argument);
}).on('close', () => process.exit(0));
