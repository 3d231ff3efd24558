-- acestepd: what the root of the layout does. `python -m tests.tools.layouts` writes it into acestepd.tosc.
-- Buttons, pads and faders say what happens with notify; the daemon's messages come to onReceiveOSC.
local PORT = 9111 -- where TouchOSC listens
local NAME = 'touchosc'
local TOPICS = 'queued note progress clip finished fail cancelled favourite inserted pad preparing param'
local HEARTBEAT = 4000 -- milliseconds between two signs of life
local SILENCE = 10000 -- as long without a word, and the daemon is gone

local COLOURS = {} -- by the state of a pad @COLOURS@
local RANGES = {} -- by the parameter that a fader turns @RANGES@
local PROMPTS = {} -- by the button that chooses it @PROMPTS@

local unpack = table.unpack or unpack
local sent = -HEARTBEAT
local heard = 0
local isThere = false
local isGone = false
local bars = 4
local seed = '' -- of the newest clip
local prompt = nil -- as the daemon knows it
local newest = '' -- id of the job that was queued last
local notes = {} -- of that job: what was read out of its request
local count = 0

local function say(name, text)
  self.children[name].values.text = text
end

local function send(path, ...)
  local arguments = {}
  for i, value in ipairs({...}) do
    if type(value) == 'string' then
      arguments[i] = {tag = 's', value = value}
    elseif value == math.floor(value) then
      arguments[i] = {tag = 'i', value = value}
    else
      arguments[i] = {tag = 'f', value = value}
    end
  end
  sendOSC({path, arguments})
end

local function isOn(name)
  return self.children[name].values.x > 0.5
end

local function newId()
  count = count + 1
  return string.format('touch-%d-%d', math.floor(getMillis()), count)
end

local function notify()
  sent = getMillis()
  -- another machine's daemon wants its token first; it is the tag of the root
  if self.tag and self.tag ~= '' then
    send('/ace/hello', self.tag)
  end
  send('/ace/notify', 1, PORT, TOPICS, NAME)
end

local function showBars()
  for _, number in ipairs({1, 2, 4, 8, 16}) do
    self.children['bars' .. number .. '_light'].values.x = number == bars and 1 or 0
  end
end

function init()
  heard = getMillis()
  showBars()
  notify()
end

function update()
  local now = getMillis()
  if not isGone and now - heard >= SILENCE then
    isThere = false
    isGone = true
    say('hint', 'acestepd does not answer: is it running, and does this device send to its port 9100?')
  end
  if now - sent >= HEARTBEAT then
    notify()
  end
end

-- what is touched --------------------------------------------------------------------------------

local pressed = {}

function pressed.go()
  local text = self.children.prompt.values.text
  if text == '' then
    send('/ace/go', 1) -- the settings' own request
  elseif isOn('keep') and seed ~= '' then
    send('/ace/go', newId(), text, bars, seed)
  else
    send('/ace/go', newId(), text, bars)
  end
end

function pressed.reroll()
  send('/ace/reroll', newId())
end

function pressed.heart()
  send('/ace/favourite')
end

function pressed.stop()
  send('/ace/cancel', '*')
end

function pressed.fill()
  send('/ace/bank/fill', self.children.prompt.values.text, bars, 16)
end

function pressed.shuffle()
  send('/ace/bank/reroll')
end

function pressed.undo()
  send('/ace/bank/undo')
end

function pressed.redo()
  send('/ace/bank/redo')
end

local function hit(pad)
  if isOn('mark') then
    send('/ace/pad/favourite', pad)
  elseif isOn('another') then
    send('/ace/pad/reroll', pad)
  else
    send('/ace/pad/hit', pad)
  end
end

function onReceiveNotify(key, value)
  if key == 'turn' then
    local range = RANGES[value]
    if range then
      local x = self.children[value].values.x
      send('/ace/set/' .. value, range[1] + x * (range[2] - range[1]))
    end
  elseif key == 'press' then
    local pad = string.match(value, '^pad(%d+)$')
    local number = string.match(value, '^bars(%d+)$')
    if pad then
      hit(tonumber(pad))
    elseif number then
      bars = tonumber(number)
      showBars()
    elseif PROMPTS[value] then
      say('prompt', PROMPTS[value])
    elseif pressed[value] then
      pressed[value]()
    end
  end
end

-- what the daemon says ---------------------------------------------------------------------------

local received = {}

function received.queued(id, position)
  if id == newest then
    return -- said again
  end
  newest = id
  notes = {}
  say('stage', position > 0 and string.format('waiting: %d before it', position) or 'waiting')
  say('hint', '')
end

function received.note(id, text)
  if id == newest and not notes[text] then
    notes[text] = true
    notes[#notes + 1] = text
    say('hint', table.concat(notes, '. '))
  end
end

function received.progress(id, fraction, stage, eta)
  self.children.progress.values.x = math.max(0, math.min(1, fraction))
  say('stage', eta > 0 and string.format('%s, %d s', stage, math.ceil(eta)) or stage)
end

function received.clip(id, stem, path, bpm, length, number)
  if stem == 'mix' then
    seed = number
    say('clip', string.match(path, '[^/\\]*$'))
    say('where', '')
  end
end

function received.finished()
  self.children.progress.values.x = 0
  say('stage', 'finished')
end

function received.cancelled()
  self.children.progress.values.x = 0
  say('stage', 'cancelled')
end

function received.fail(id, command, code, message, hint)
  self.children.progress.values.x = 0
  say('stage', string.format('failed (%d)', code))
  say('hint', hint ~= '' and message .. '. ' .. hint or message)
end

function received.favourite(id, on)
  say('where', on > 0 and 'a favourite' or '')
end

function received.inserted(id, program, place)
  say('where', place ~= '' and 'in ' .. program .. ': ' .. place or program .. ' could not put it in')
end

function received.pad(number, state, progress)
  local light = self.children['pad' .. number .. '_light']
  local colour = COLOURS[state]
  if light and colour then
    light.color = Color(colour[1], colour[2], colour[3], 1)
    light.values.x = state == 'rendering' and 0.3 + 0.7 * progress or 1
    local percent = state == 'rendering' and string.format('%d %%', math.floor(progress * 100)) or state
    say('pad' .. number .. '_label', number .. '\n' .. percent)
  end
end

function received.preparing(pad)
  say('preparing', pad > 0 and string.format('preparing pad %d', pad) or '')
end

local function receiveParameter(name, value)
  local fader = self.children[name]
  local range = RANGES[name]
  if name == 'prompt' and value ~= prompt then
    if value ~= '' or prompt then -- where nobody has set one, the page's own stays
      say('prompt', value)
    end
    prompt = value
  elseif range and not fader.values.touch then
    local x = (tonumber(value) - range[1]) / (range[2] - range[1])
    fader.values.x = math.max(0, math.min(1, x))
  end
end

function onReceiveOSC(message, connections)
  local kind = string.match(message[1], '^/ace/(.+)$')
  if not kind then
    return false
  end
  heard = getMillis()
  if not isThere then
    if isGone then
      say('hint', '')
    end
    isThere = true
    isGone = false
  end
  local values = {}
  for i, argument in ipairs(message[2]) do
    values[i] = argument.value
  end
  -- what is not as it should be, changes nothing
  local parameter = string.match(kind, '^param/(.+)$')
  if parameter then
    pcall(receiveParameter, parameter, values[1])
  elseif received[kind] then
    pcall(received[kind], unpack(values))
  end
  return true
end
