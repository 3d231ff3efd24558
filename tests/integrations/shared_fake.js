/* The shared client alone, with a clock that the test sets. Lines of JSON in, what it did out. */
'use strict';
const readline = require('readline');
const { encode, decode, Client } = require('../../integrations/shared/acestep_osc.js');

const say = (kind, value) => process.stdout.write(JSON.stringify({ [kind]: value }) + '\n');
let now = 1000000;
let isBroken = false;

function create(more) {
  return new Client({
    name: 'stub',
    topics: 'clip insert',
    send(address, args) {
      if (isBroken) throw new Error('no network');
      say('sent', [address, ...args]);
    },
    now: () => now,
    on: {
      clip: (...args) => say('clip', args),
      fail() { throw new Error('a mistake of the host'); }
    },
    onThere: () => say('there', 1),
    onGone: () => say('gone', 1),
    onPut: (take) => say('put', take),
    onError: (error) => say('error', error.message),
    ...more
  });
}
let client = create({});

const deeds = {
  encode: ([address, values, types]) =>
    say('bytes', Buffer.from(encode(address, values, types)).toString('hex')),
  decode: (hex) => say('messages', decode(Buffer.from(hex, 'hex'))),
  client(more) { client = create(more); },
  start: () => client.start(),
  stop: () => client.stop(),
  broken(value) { isBroken = value; },
  after(milliseconds) {
    for (const end = now + milliseconds; now < end;) {
      now += 1000;
      client.tick();
    }
    say('ticked', 1);
  },
  hear: (message) => client.receive(message[0], message.slice(1)),
  inserted: ([take, where]) => client.inserted(take, where),
  notes: (id) => say('notes', client.notesOf(id)),
  size: () => say('size', [client._takes.length, client._paths.length])
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  for (const [deed, argument] of Object.entries(JSON.parse(line))) deeds[deed](argument);
}).on('close', () => process.exit(0));
