-- What acestepd's Lua scripts share: where the daemon is, its inbox, and sheets that ask for a take.
-- For Lua 5.3 and 5.4, with nothing but the standard library. Nothing that comes from a file raises.

local here = ... -- the folder of this file, with the slash behind it

local M = {}

M.MAX_ENTRY = 65536 -- bytes of an inbox entry
M.MAX_LINE = 4096 -- bytes of a line of the settings
M.MAX_JSON = 16 * 1048576 -- bytes of a manifest
M.MAX_DEPTH = 32 -- JSON in JSON
M.MAX_SECONDS = 36000 -- of a clip
M.MAX_BEATS = 100000
M.HEARTBEAT_SECONDS = 10
M.OLD_SECONDS = 600 -- entries older than this are no news when a reader starts
M.null = setmetatable({}, {__tostring = function() return "null" end})

-- JSON ---------------------------------------------------------------------------------------------

local ESCAPES = {
    ['"'] = '"', ["\\"] = "\\", ["/"] = "/",
    b = "\b", f = "\f", n = "\n", r = "\r", t = "\t",
}

local function fail(position, message)
    error({json = ("%s at byte %d"):format(message, position)}, 0)
end

local function skip_blanks(text, position)
    return text:find("[^ \t\r\n]", position) or #text + 1
end

local function decode_unicode(text, position)
    local digits = text:match("^%x%x%x%x", position)
    if not digits then fail(position, "four hex digits expected") end
    return tonumber(digits, 16), position + 4
end

local function decode_escape(text, position)
    local letter = text:sub(position, position)
    if letter ~= "u" then
        return ESCAPES[letter] or fail(position, "unknown escape"), position + 1
    end
    local code, after = decode_unicode(text, position + 1)
    if code >= 0xD800 and code < 0xDC00 and text:sub(after, after + 1) == "\\u" then
        local low, behind = decode_unicode(text, after + 2)
        if low >= 0xDC00 and low < 0xE000 then
            return utf8.char(0x10000 + (code - 0xD800) * 0x400 + low - 0xDC00), behind
        end
    end
    if code >= 0xD800 and code < 0xE000 then fail(position, "half a character") end
    return utf8.char(code), after
end

local function decode_string(text, position)
    local parts = {}
    while true do
        local stop = text:find('["\\%c]', position)
        if not stop then fail(position, "unfinished string") end
        parts[#parts + 1] = text:sub(position, stop - 1)
        local letter = text:sub(stop, stop)
        if letter == '"' then return table.concat(parts), stop + 1 end
        if letter == "\\" then
            parts[#parts + 1], position = decode_escape(text, stop + 1)
        elseif letter == "\127" then
            parts[#parts + 1], position = letter, stop + 1
        else
            fail(stop, "control character in a string")
        end
    end
end

local function decode_number(text, position)
    local whole = text:match("^-?0", position) or text:match("^-?[1-9]%d*", position)
    if not whole then fail(position, "a value expected") end
    local after = position + #whole
    local fraction = text:match("^%.%d+", after) or ""
    after = after + #fraction
    local exponent = text:match("^[eE][+-]?%d+", after) or ""
    after = after + #exponent
    local value = tonumber(whole .. fraction .. exponent)
    if not value or value ~= value or value == math.huge or value == -math.huge then
        fail(position, "a number out of range")
    end
    return value, after
end

local decode_value

local function decode_array(text, position, depth)
    local array = {}
    position = skip_blanks(text, position)
    if text:sub(position, position) == "]" then return array, position + 1 end
    while true do
        array[#array + 1], position = decode_value(text, position, depth)
        position = skip_blanks(text, position)
        local letter = text:sub(position, position)
        if letter == "]" then return array, position + 1 end
        if letter ~= "," then fail(position, "a comma expected") end
        position = position + 1
    end
end

local function decode_object(text, position, depth)
    local object = {}
    position = skip_blanks(text, position)
    if text:sub(position, position) == "}" then return object, position + 1 end
    while true do
        position = skip_blanks(text, position)
        if text:sub(position, position) ~= '"' then fail(position, "a name expected") end
        local key
        key, position = decode_string(text, position + 1)
        position = skip_blanks(text, position)
        if text:sub(position, position) ~= ":" then fail(position, "a colon expected") end
        object[key], position = decode_value(text, position + 1, depth)
        position = skip_blanks(text, position)
        local letter = text:sub(position, position)
        if letter == "}" then return object, position + 1 end
        if letter ~= "," then fail(position, "a comma expected") end
        position = position + 1
    end
end

local WORDS = {t = {"true", true}, f = {"false", false}, n = {"null", M.null}}

decode_value = function(text, position, depth)
    position = skip_blanks(text, position)
    local letter = text:sub(position, position)
    if letter == '"' then return decode_string(text, position + 1) end
    if (letter == "{" or letter == "[") and depth >= M.MAX_DEPTH then fail(position, "too deep") end
    if letter == "{" then return decode_object(text, position + 1, depth + 1) end
    if letter == "[" then return decode_array(text, position + 1, depth + 1) end
    local word = WORDS[letter]
    if word then
        if text:sub(position, position + #word[1] - 1) ~= word[1] then
            fail(position, "a value expected")
        end
        return word[2], position + #word[1]
    end
    return decode_number(text, position)
end

-- JSON as RFC 8259 has it, and no more. nil and a message where the text is anything else.
-- `null` is M.null. Of a name that comes twice, the last counts.
function M.decode(text)
    if type(text) ~= "string" then return nil, "no text" end
    if #text > M.MAX_JSON then return nil, "too long" end
    if not utf8.len(text) then return nil, "not UTF-8" end
    local works, value, position = pcall(decode_value, text, 1, 0)
    if not works then return nil, type(value) == "table" and value.json or tostring(value) end
    if skip_blanks(text, position) <= #text then return nil, "more behind the value" end
    return value
end

local function encode_string(text)
    local quoted = text:gsub('[%c"\\]', function(letter)
        if letter == '"' or letter == "\\" then return "\\" .. letter end
        return ("\\u%04x"):format(letter:byte())
    end)
    return '"' .. quoted .. '"'
end

-- A flat or nested table with names as an object, one with numbers as an array.
function M.encode(value)
    local kind = type(value)
    if kind == "string" then return encode_string(value) end
    if kind == "boolean" then return tostring(value) end
    if kind == "number" then
        return math.type(value) == "integer" and ("%d"):format(value) or ("%.17g"):format(value)
    end
    if kind ~= "table" or value == M.null then return "null" end
    local parts = {}
    if #value > 0 then
        for index, item in ipairs(value) do parts[index] = M.encode(item) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    local keys = {}
    for key in pairs(value) do keys[#keys + 1] = tostring(key) end
    table.sort(keys)
    for index, key in ipairs(keys) do
        parts[index] = encode_string(key) .. ":" .. M.encode(value[key])
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

-- Files --------------------------------------------------------------------------------------------

-- The bytes of a file; nil where it cannot be read or has more than `limit`.
function M.read_file(path, limit)
    local file = io.open(path, "rb")
    if not file then return nil end
    local text = file:read(limit + 1)
    file:close()
    if text and #text <= limit then return text end
    return nil
end

function M.is_file(path)
    local file = io.open(path, "rb")
    if not file then return false end
    local _, _, code = file:read(0)
    file:close()
    return code == nil -- a folder opens too, but does not read
end

-- Never seen half: written beside its place under a hidden name, then renamed.
function M.write_file(path, text)
    local folder, name = path:match("^(.*/)([^/]+)$")
    local part = folder .. "." .. name .. ".part"
    local file = io.open(part, "wb")
    if not file then return false end
    local written = file:write(text)
    local closed = file:close()
    if written and closed and os.rename(part, path) then return true end
    os.remove(part)
    return false
end

-- The daemon ---------------------------------------------------------------------------------------

local function expand_home(path)
    if path == "~" or path:sub(1, 2) == "~/" then return (os.getenv("HOME") or "") .. path:sub(2) end
    return path
end

-- The daemon's state folder: the one in `state.txt` beside this file, or the usual one.
function M.find_state()
    local text = type(here) == "string" and M.read_file(here .. "state.txt", 4096)
    local line = (text or ""):match("^%s*([^\r\n]-)%s*[\r\n]") or (text or ""):match("^%s*(.-)%s*$")
    return expand_home(line ~= "" and line or "~/.local/state/acestepd")
end

local function has_ended(pid)
    local proc = io.open("/proc/self/stat", "rb")
    if not proc then return false end -- no Linux: there is no telling
    proc:close()
    local file = io.open(("/proc/%d/stat"):format(pid), "rb")
    if file then file:close() end
    return file == nil
end

-- What the running daemon says of itself: {pid, host, port, out}. nil and a sentence without one.
function M.find_daemon(state)
    local daemon = M.decode(M.read_file((state or M.find_state()) .. "/acestepd.lock", M.MAX_ENTRY))
    local is_there = type(daemon) == "table" and math.type(daemon.pid) == "integer"
    if not is_there or has_ended(daemon.pid) then return nil, "acestepd is not running" end
    if type(daemon.out) ~= "string" or daemon.out == "" then
        return nil, "this acestepd has no inbox: it needs a newer one"
    end
    local host = type(daemon.host) == "string" and daemon.host or "127.0.0.1"
    return {
        pid = daemon.pid,
        host = host == "0.0.0.0" and "127.0.0.1" or host, -- it listens on every address
        port = math.type(daemon.port) == "integer" and daemon.port or 0,
        out = daemon.out,
    }
end

local function read_toml_text(value)
    local text = value:match('^"(.-)"%s*$') or value:match("^'(.-)'%s*$")
    if value:match('^"') and text then text = text:gsub("\\(.)", "%1") end
    return text
end

-- The watched folders of a settings file: {folder, out} each. Only plain lines are understood.
function M.find_watched(settings)
    local path = settings or expand_home("~/.config/acestepd/settings.toml")
    local watched = {}
    local table_of_watch
    for line in (M.read_file(path, 1048576) or ""):gmatch("[^\r\n]+") do
        line = line:sub(1, M.MAX_LINE):gsub("%s+#[^\"']*$", "")
        if line:match("^%s*%[") then
            table_of_watch = nil
            if line:match("^%s*%[%[%s*watch%s*%]%]%s*$") then
                table_of_watch = {}
                watched[#watched + 1] = table_of_watch
            end
        elseif table_of_watch then
            local key, value = line:match("^%s*([%w_]+)%s*=%s*(.-)%s*$")
            local text = value and read_toml_text(value)
            if text and (key == "folder" or key == "out") then
                table_of_watch[key] = expand_home(text)
            end
        end
    end
    local found = {}
    for _, watch in ipairs(watched) do
        if watch.folder and watch.folder ~= "" then
            local has_out = watch.out and watch.out ~= ""
            found[#found + 1] = {
                folder = watch.folder,
                out = has_out and watch.out or watch.folder .. "/takes",
            }
        end
    end
    return found
end

-- The inbox ----------------------------------------------------------------------------------------

local TEXTS = {
    "id", "client", "stem", "path", "manifest", "name", "prompt", "key", "time_signature",
    "parent", "origin", "batch", "insert",
}
local INTEGERS = {"seq", "file", "files", "samples", "sample_rate", "seed", "take", "takes", "track", "slot"}
local NUMBERS = {"time", "bpm", "bars", "beats", "seconds"}

-- The texts of an array that was decoded; of anything else none.
function M.list_texts(value)
    local texts = {}
    for _, item in ipairs(type(value) == "table" and value or {}) do
        if type(item) == "string" then texts[#texts + 1] = item end
    end
    return texts
end

-- An entry with every field of its type ("" and 0 where it says nothing); nil for anything else.
function M.parse_entry(text)
    local raw = M.decode(text)
    if type(raw) ~= "table" or raw.acestepd ~= 1 then return nil end
    local entry = {loop = raw.loop == true, notes = M.list_texts(raw.notes)}
    for _, key in ipairs(TEXTS) do
        entry[key] = type(raw[key]) == "string" and raw[key] or ""
    end
    for _, key in ipairs(INTEGERS) do
        entry[key] = type(raw[key]) == "number" and math.tointeger(raw[key]) or 0
    end
    for _, key in ipairs(NUMBERS) do
        entry[key] = type(raw[key]) == "number" and raw[key] or 0
    end
    if math.type(raw.track) ~= "integer" then entry.track = -1 end
    if math.type(raw.slot) ~= "integer" then entry.slot = -1 end
    local is_sound = entry.path:sub(1, 1) == "/" and not entry.path:find("%c")
    local is_numbered = entry.file >= 1 and entry.file <= entry.files and entry.files <= 64
    local is_long = entry.seconds > 0 and entry.seconds <= M.MAX_SECONDS
    local has_beats = entry.beats >= 0 and entry.beats <= M.MAX_BEATS
    if is_sound and is_numbered and is_long and has_beats then return entry end
    return nil
end

local Inbox = {}
Inbox.__index = Inbox

-- A reader called `name` of the inbox in the folder `out`. `list` gives the names in a folder as an
-- array, or nil where it cannot be read; `now` the seconds since the epoch. A guest reads what is for
-- others too, however old, and does not say that it is there.
function M.open_inbox(options)
    return setmetatable({
        folder = options.out .. "/.inbox",
        name = options.name,
        list = options.list,
        now = options.now or os.time,
        is_guest = options.is_guest == true,
        entries = {}, -- by file name; false for what is not ours
        handled = {}, -- file names whose clip is in, until they are gone
        started = nil,
        beaten = nil,
    }, Inbox)
end

-- Say that this reader is there.
function Inbox:beat()
    local now = self.now()
    local is_due = not self.beaten or now - self.beaten >= M.HEARTBEAT_SECONDS or now < self.beaten
    if not is_due then return end
    self.beaten = now
    local file = io.open(self.folder .. "/readers/" .. self.name, "wb")
    if file then
        file:write(("%d\n"):format(math.floor(now)))
        file:close()
    end
end

function Inbox:read(name)
    local entry = M.parse_entry(M.read_file(self.folder .. "/" .. name, M.MAX_ENTRY))
    if entry and self.is_guest then return entry end
    local is_news = entry and entry.time >= self.started - M.OLD_SECONDS
    return is_news and entry.insert == self.name and entry or false
end

-- The takes whose clips are all there and not put in yet, the oldest first: {id, manifest, notes, clips
-- (by their number), names}. nil where there is no inbox.
function Inbox:look()
    self.started = self.started or self.now()
    if not self.is_guest then self:beat() end
    local listed = self.list(self.folder)
    if not listed then return nil end
    local there = {}
    local names = {}
    for _, name in ipairs(listed) do
        if name:match("^%d+%.json$") and #name <= 21 then
            there[name] = true
            names[#names + 1] = name
        end
    end
    for name in pairs(self.entries) do
        if not there[name] then self.entries[name] = nil end
    end
    for name in pairs(self.handled) do
        if not there[name] then self.handled[name] = nil end
    end
    return self:gather(names)
end

function Inbox:gather(names)
    table.sort(names, function(a, b)
        if #a ~= #b then return #a < #b end
        return a < b
    end)
    local takes = {}
    local by_manifest = {}
    for _, name in ipairs(names) do
        if self.entries[name] == nil then self.entries[name] = self:read(name) end
        local entry = self.entries[name]
        if self.handled[name] then
            self:acknowledge(name, entry, self.handled[name])
        elseif entry then
            local take = by_manifest[entry.manifest]
            if not take then
                take = {
                    id = entry.id, manifest = entry.manifest, notes = entry.notes,
                    clips = {}, names = {}, count = 0,
                }
                by_manifest[entry.manifest] = take
                takes[#takes + 1] = take
            end
            if not take.clips[entry.file] then take.count = take.count + 1 end
            take.clips[entry.file] = entry -- of two for one file the later counts
            take.names[#take.names + 1] = name
            take.files = entry.files
        end
    end
    local ready = {}
    for _, take in ipairs(takes) do
        if take.count == take.files then ready[#ready + 1] = take end
    end
    return ready
end

-- The take is in at `where`, or cannot be put in (an empty text). It is not given out again.
function Inbox:finish(take, where)
    for _, name in ipairs(take.names) do
        self.handled[name] = where
        self:acknowledge(name, self.entries[name], where)
    end
end

-- Where this cannot be written, it is tried again at the next look.
function Inbox:acknowledge(name, entry, where)
    local path = self.folder .. "/" .. name
    local inserted = {program = self.name, where = where}
    local answer = {id = entry.id, client = entry.client, inserted = inserted}
    M.write_file(self.folder .. "/done/" .. name, M.encode(answer))
    os.remove(path)
end

-- Sheets -------------------------------------------------------------------------------------------

local function quote(value)
    if type(value) == "number" then
        return math.type(value) == "integer" and ("%d"):format(value) or ("%.10g"):format(value)
    end
    if type(value) == "boolean" then return tostring(value) end
    local text = value:gsub("\\", "\\\\"):gsub('"', '\\"'):gsub("\r\n?", "\n")
    text = text:gsub("\n", "\\n"):gsub("\t", "\\t"):gsub("%c", "")
    return '"' .. text .. '"'
end

-- A lyric sheet of `values` (lyrics stand below); `remarks` are lines that the daemon passes over.
function M.format_sheet(values, remarks)
    local lines = {"---"}
    for _, remark in ipairs(remarks or {}) do
        lines[#lines + 1] = "# " .. remark:gsub("%c", " ")
    end
    local keys = {}
    for key in pairs(values) do
        if key ~= "lyrics" then keys[#keys + 1] = key end
    end
    table.sort(keys)
    for _, key in ipairs(keys) do lines[#lines + 1] = key .. ": " .. quote(values[key]) end
    lines[#lines + 1] = "---"
    lines[#lines + 1] = ""
    lines[#lines + 1] = values.lyrics or ""
    -- greedy, so that it is looked for from the end: "%s+$" would be tried at every space
    return table.concat(lines, "\n"):match("^.*%S") .. "\n"
end

-- A remark of a sheet that begins with `tag`, without it; nil where it has none.
function M.read_remark(path, tag)
    local head = (M.read_file(path, 262144) or ""):sub(1, 8192)
    for line in head:gmatch("[^\r\n]+") do
        local text = line:match("^# (.*)$")
        if text and text:sub(1, #tag) == tag then return text:sub(#tag + 1) end
    end
    return nil
end

-- Sources ------------------------------------------------------------------------------------------

local CHUNK = 1048576

local function mix(hash, value)
    hash = (hash ~ value) * 0x100000001B3
    return hash ~ (hash >> 29)
end

local function hash_chunk(hash, chunk)
    local words = #chunk // 8
    local done = 0
    while done < words do
        local count = math.min(words - done, 128)
        local values = {("<" .. ("i8"):rep(count)):unpack(chunk, done * 8 + 1)}
        for index = 1, count do hash = mix(hash, values[index]) end
        done = done + count
    end
    for index = words * 8 + 1, #chunk do hash = mix(hash, chunk:byte(index)) end
    return hash
end

-- Eight hex digits that tell a file's content from others, and its size; nil where it cannot be read.
function M.hash_file(path)
    local file = io.open(path, "rb")
    if not file then return nil end
    local hash = math.mininteger // 3
    local size = 0
    while true do
        local chunk = file:read(CHUNK)
        if not chunk then break end
        hash = hash_chunk(hash, chunk)
        size = size + #chunk
    end
    file:close()
    return ("%08x"):format((hash ~ (hash >> 32)) & 0xFFFFFFFF), size
end

local function copy(from, to)
    local input = io.open(from, "rb")
    local output = input and io.open(to, "wb")
    local works = output ~= nil
    while works do
        local chunk = input:read(CHUNK)
        if not chunk then break end
        works = output:write(chunk) ~= nil
    end
    if input then input:close() end
    if output then works = output:close() and works end
    return works
end

-- The path of a sound file that the daemon may read: itself, if it lies in `out`, or a copy in
-- `out`/.sources. nil and a sentence where that fails.
function M.provide_source(path, out)
    if path:sub(1, #out + 1) == out .. "/" and not path:find("/../", 1, true) then return path end
    local digits, size = M.hash_file(path)
    if not digits or size == 0 then return nil, "it cannot be read: " .. path end
    local name, suffix = path:match("([^/]*)%.(%w+)$")
    if not suffix then return nil, "it is no sound file: " .. path end
    name = name:gsub("[^%w_-]", "-"):sub(1, 60)
    local target = ("%s/.sources/%s-%s.%s"):format(out, name, digits, suffix:lower())
    if M.is_file(target) then return target end
    local part = ("%s/.sources/.%s-%s.part"):format(out, name, digits)
    if copy(path, part) and os.rename(part, target) then return target end
    os.remove(part)
    return nil, ("it cannot be copied to %s/.sources"):format(out)
end

return M
