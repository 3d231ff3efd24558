/* A stand-in for Bitwig Studio that runs the controller script in a context of its own. It knows the
 * interfaces below and nothing else, and refuses what Bitwig refuses: observers, connections and
 * objects outside init(), values nobody is interested in. OSC is real UDP.
 *
 *   node bitwig_fake.js SCRIPT DAEMON_PORT PORT [deaf]
 *
 * Lines of JSON on stdin do what a musician does; lines on stdout say what Bitwig would show. Its clock
 * runs twenty times faster. `deaf`: what is sent to a connection's own port is lost.
 */
'use strict';
const dgram = require('dgram');
const fs = require('fs');
const path = require('path');
const readline = require('readline');
const vm = require('vm');

const [script, daemonPort, ownPort, deaf] = process.argv.slice(2);
const wire = require('../../integrations/shared/acestep_osc.js');
const SPEED = 20;
let isInit = false;
let isDefined = false;

const say = (kind, value) => process.stdout.write(JSON.stringify({ [kind]: value }) + '\n');
const started = Date.now();
const now = () => started + (Date.now() - started) * SPEED;

// which methods of which interface the script may use; a test compares them with Bitwig's own
const API = {
  ControllerHost: ['loadAPI', 'load', 'println', 'errorln', 'setShouldFailOnDeprecatedUse',
    'defineController', 'defineMidiPorts', 'getOscModule', 'getPreferences', 'getDocumentState',
    'createCursorTrack', 'createMainTrackBank', 'createTransport', 'scheduleTask',
    'showPopupNotification'],
  OscModule: ['createAddressSpace', 'createUdpServer', 'connectToUdpServer'],
  OscAddressSpace: ['setName', 'registerDefaultMethod'],
  OscServer: ['start'],
  OscConnection: ['sendMessage'],
  OscMessage: ['getAddressPattern', 'getTypeTag', 'getString', 'getInt', 'getFloat'],
  Settings: ['getNumberSetting', 'getStringSetting', 'getSignalSetting', 'getBooleanSetting'],
  Signal: ['addSignalObserver'],
  Transport: ['tempo'],
  Parameter: ['value'],
  RangedValue: ['addRawValueObserver'],
  Value: ['addValueObserver', 'markInterested'],
  BooleanValue: ['get'],
  StringValue: ['get'],
  Bank: ['getItemAt', 'getCapacityOfBank'],
  Track: ['exists', 'name', 'canHoldAudioData', 'clipLauncherSlotBank'],
  ClipLauncherSlot: ['exists', 'hasContent', 'isSelected', 'replaceInsertionPoint', 'launch'],
  InsertionPoint: ['insertFile']
};
if (script === 'api') {
  process.stdout.write(JSON.stringify(API));
  process.exit(0);
}

function refuse(text) {
  say('refused', text);
  throw new Error(text);
}

/** An object with exactly the methods of these interfaces. */
function object(interfaces, methods) {
  const allowed = interfaces.flatMap((name) => API[name]);
  for (const name of Object.keys(methods)) {
    if (!allowed.includes(name)) throw new Error(`the stand-in's ${name} is in no list`);
  }
  return new Proxy(methods, {
    get(target, name) {
      if (name in target) return target[name];
      return refuse(`${interfaces[0]} has no ${String(name)}`);
    },
    set: (target, name) => refuse(`${interfaces[0]}.${String(name)} cannot be set`)
  });
}

function inInit(what) {
  if (!isInit) refuse(`${what} outside init()`);
}

function count(what, values, ...lengths) {
  if (!lengths.includes(values.length)) refuse(`${what} with ${values.length} arguments`);
}

function value(interfaces, first, more = {}) {
  let current = first;
  let isInteresting = false;
  const observers = [];
  const observe = (callback) => {
    inInit('an observer');
    observers.push(callback);
    setTimeout(() => callback(current), 0);
  };
  const proxy = object(interfaces, {
    markInterested() {
      inInit('markInterested()');
      isInteresting = true;
    },
    addValueObserver: observe,
    ...(interfaces.includes('RangedValue') ? { addRawValueObserver: observe } : {}),
    ...(interfaces.includes('RangedValue') ? {} : {
      get() {
        if (!isInteresting && !observers.length) refuse('get() of what nobody is interested in');
        return current;
      }
    }),
    ...more
  });
  return {
    proxy,
    get: () => current,
    set(next) {
      current = next;
      observers.forEach((callback) => callback(next));
    }
  };
}

// --- OSC ------------------------------------------------------------------------------------------

function space() {
  let callback = null;
  const proxy = object(['OscAddressSpace'], {
    setName() {},
    registerDefaultMethod(method) {
      inInit('registerDefaultMethod()');
      callback = method;
    }
  });
  spaces.set(proxy, (packet) => {
    for (const message of wire.decode(packet)) {
      const typed = (type, index) => {
        if (message.types[index] !== type) throw new Error(`no ${type} at ${index}`);
        return message.args[index];
      };
      callback(null, object(['OscMessage'], {
        getAddressPattern: () => message.address,
        getTypeTag: () => ',' + message.types,
        getString: (index) => typed('s', index),
        getInt: (index) => typed('i', index),
        getFloat: (index) => typed('f', index)
      }));
    }
  });
  return proxy;
}
const spaces = new Map();

const osc = object(['OscModule'], {
  createAddressSpace() {
    inInit('createAddressSpace()');
    return space();
  },
  createUdpServer(addressSpace, ...rest) {
    count('createUdpServer()', rest, 0);
    inInit('createUdpServer()');
    let socket = null;
    return object(['OscServer'], {
      start(port) {
        if (socket) socket.close();
        socket = dgram.createSocket('udp4', (packet) => spaces.get(addressSpace)(packet));
        socket.bind(port, '127.0.0.1', () => say('listens', port));
      }
    });
  },
  connectToUdpServer(host, port, addressSpace) {
    inInit('connectToUdpServer()');
    if (host !== '127.0.0.1' || port !== 9100) refuse(`no daemon at ${host}:${port}`);
    const socket = dgram.createSocket('udp4', (packet) => {
      if (!deaf) spaces.get(addressSpace)(packet);
    });
    socket.bind(0, '127.0.0.1');
    return object(['OscConnection'], {
      sendMessage(address, ...values) {
        // numbers of a script are doubles, of which whole ones may leave as ints or as floats
        const types = values.map((one) => (typeof one === 'string' ? 's' : 'f')).join('');
        socket.send(Buffer.from(wire.encode(address, values, types)), daemonPort, '127.0.0.1');
      }
    });
  }
});

// --- the project ----------------------------------------------------------------------------------

const project = [];
for (const [name, kind] of [['Drums', 'audio'], ['Synth', 'notes'], ['Voice', 'audio']]) {
  project.push({ name, kind, clips: [null, null, null, null] });
}
const selection = { track: 0, slot: 0 };

/** What a track is now: the cursor's moves. */
function track(find, scenes) {
  inInit('a track');
  const live = (interfaces, read) => {
    let isInteresting = false;
    return object(interfaces, {
      markInterested() {
        inInit('markInterested()');
        if (isInteresting) refuse('markInterested() twice');
        isInteresting = true;
      },
      get: () => (isInteresting ? read() : refuse('get() of what nobody is interested in'))
    });
  };
  const boolean = (read) => live(['BooleanValue', 'Value'], read);
  const text = (read) => live(['StringValue', 'Value'], read);
  const slots = [];
  for (let index = 0; index < scenes; index++) {
    const isThere = () => Boolean(find()) && index < find().clips.length;
    const exists = boolean(isThere);
    const hasContent = boolean(() => isThere() && Boolean(find().clips[index]));
    const isSelected = boolean(() => project[selection.track] === find() && selection.slot === index);
    slots.push(object(['ClipLauncherSlot'], {
      exists: () => exists,
      hasContent: () => hasContent,
      isSelected: () => isSelected,
      launch: () => say('launched', [find().name, index]),
      replaceInsertionPoint: () => object(['InsertionPoint'], {
        insertFile(file) {
          const target = find();
          say('insertFile', file);
          // it says nothing where it cannot
          if (!target || target.kind !== 'audio' || !/\.wav$/.test(file) || !fs.existsSync(file)) return;
          if (target.clips[index]) say('overwritten', [target.name, index]);
          setTimeout(() => {
            target.clips[index] = file;
            say('inserted', [target.name, index, file]);
          }, 30);
        }
      })
    }));
  }
  const bank = object(['Bank'], {
    getCapacityOfBank: () => scenes,
    getItemAt: (index) => slots[index] || refuse(`no slot ${index}`)
  });
  const exists = boolean(() => Boolean(find()));
  const name = text(() => (find() ? find().name : ''));
  const canHoldAudioData = boolean(() => Boolean(find()) && find().kind === 'audio');
  return object(['Track'], {
    exists: () => exists,
    name: () => name,
    canHoldAudioData: () => canHoldAudioData,
    clipLauncherSlotBank: () => bank
  });
}

// --- settings -------------------------------------------------------------------------------------

const controls = new Map();

const settings = object(['Settings'], {
  getNumberSetting(label, category, low, high, step, unit, first, ...rest) {
    count(label, rest, 0);
    inInit('a setting');
    if (!(low <= first && first <= high)) refuse(`${label}: ${first} is out of its range`);
    const control = value(['RangedValue', 'Value'], label === 'Port' ? Number(ownPort) : first);
    controls.set(label, control);
    return control.proxy;
  },
  getStringSetting(label, category, characters, first, ...rest) {
    count(label, rest, 0);
    inInit('a setting');
    const control = value(['StringValue', 'Value'], first);
    controls.set(label, control);
    return control.proxy;
  },
  getBooleanSetting(label, category, first, ...rest) {
    count(label, rest, 0);
    inInit('a setting');
    const control = value(['BooleanValue', 'Value'], first);
    controls.set(label, control);
    return control.proxy;
  },
  getSignalSetting(label, category, action, ...rest) {
    count(label, rest, 0);
    inInit('a setting');
    const observers = [];
    controls.set(label, { press: () => observers.forEach((callback) => callback()) });
    return object(['Signal'], {
      addSignalObserver(callback) {
        inInit('an observer');
        observers.push(callback);
      }
    });
  }
});

const tempo = value(['RangedValue', 'Value'], 120);

const host = object(['ControllerHost'], {
  loadAPI(version) {
    if (version > 10) refuse(`loadAPI(${version}) hides the script`);
  },
  load(file) {
    const text = fs.readFileSync(path.join(path.dirname(script), file), 'utf8');
    vm.runInContext(text, context, { filename: file });
  },
  println: (text) => say('line', text),
  errorln: (text) => say('error', text),
  setShouldFailOnDeprecatedUse() {},
  defineController(...values) {
    count('defineController()', values, 5);
    if (!/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(values[3])) refuse('no uuid');
    isDefined = true;
  },
  defineMidiPorts(...values) {
    count('defineMidiPorts()', values, 2);
  },
  getOscModule: () => osc,
  getPreferences: () => settings,
  getDocumentState: () => settings,
  createCursorTrack(id, name, sends, scenes, follows, ...rest) {
    count('createCursorTrack()', rest, 0);
    return track(() => project[selection.track], scenes);
  },
  createMainTrackBank(number, sends, scenes, ...rest) {
    count('createMainTrackBank()', rest, 0);
    const all = [];
    for (let index = 0; index < number; index++) all.push(track(() => project[index], scenes));
    return object(['Bank'], {
      getCapacityOfBank: () => number,
      getItemAt: (index) => all[index] || refuse(`no track ${index}`)
    });
  },
  createTransport() {
    inInit('createTransport()');
    return object(['Transport'], { tempo: () => object(['Parameter'], { value: () => tempo.proxy }) });
  },
  scheduleTask(callback, delay, ...rest) {
    count('scheduleTask()', rest, 0);
    setTimeout(callback, delay / SPEED);
  },
  showPopupNotification: (text) => say('popup', text)
});

const context = vm.createContext({
  host,
  loadAPI: host.loadAPI,
  load: host.load,
  println: host.println,
  errorln: host.errorln,
  now
});
vm.runInContext('Date = function () { this.getTime = now; };', context);
vm.runInContext(fs.readFileSync(script, 'utf8'), context, { filename: script });
if (!isDefined) refuse('no controller was defined');
isInit = true;
vm.runInContext('init()', context);
isInit = false;

const deeds = {
  press: (label) => controls.get(label).press(),
  set: ([label, next]) => controls.get(label).set(next),
  tempo: (bpm) => tempo.set(bpm),
  select([name, slot]) {
    selection.track = project.findIndex((one) => one.name === name);
    selection.slot = slot;
  },
  fill: ([name, slot]) => { project.find((one) => one.name === name).clips[slot] = 'a clip'; },
  scenes: (number) => { for (const one of project) one.clips = Array(number).fill(null); },
  memory() {
    if (global.gc) global.gc();
    say('memory', process.memoryUsage().heapUsed);
  },
  show: () => say('project', project),
  exit() {
    vm.runInContext('exit()', context);
    setTimeout(() => process.exit(0), 50);
  }
};

readline.createInterface({ input: process.stdin }).on('line', (line) => {
  for (const [deed, argument] of Object.entries(JSON.parse(line))) deeds[deed](argument);
}).on('close', () => process.exit(0));
