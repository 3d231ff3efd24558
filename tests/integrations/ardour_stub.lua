-- Runs in Ardour's own Lua interpreter, which has a session but no window: the window's objects are
-- stood in for here, and refuse what Ardour 7.3's scripts do not use. Then everything goes that Ardour
-- takes from the scripts of its window. Reads "bytes\ncode" from its input and answers "=> JSON".

local read, write = io.read, io.write
local flush = io.flush
local error_of_unknown = function(what)
    return function(_, name) error("Ardour has no " .. what .. "." .. tostring(name), 2) end
end
local function closed(what, values) return setmetatable(values, {__index = error_of_unknown(what)}) end

AudioEngine:set_backend("None (Dummy)", "", "")
assert(create_session(arg[1], "test", 48000))

stub = {imports = {}, messages = {}, dialogs = {}, printed = {}, popens = 0, refuses = 0}

Editing = closed("Editing", {ImportDistinctFiles = 0, ImportAsTrack = 0, ImportToTrack = 1})

local function is_object(value) return type(value) == "userdata" end

Editor = closed("Editor", {
    do_import = function(self, files, disposition, mode, quality, names, tempo, position, ...)
        assert(self == Editor and is_object(files) and is_object(position))
        for _, value in ipairs({disposition, mode, quality, names, tempo}) do
            assert(type(value) == "number")
        end
        local rest = select("#", ...)
        if stub.refuses > 0 then
            stub.refuses = stub.refuses - 1
            error("bad argument #9 to 'do_import'")
        end
        assert(is_object((...)))
        local paths = {}
        for path in files:iter() do paths[#paths + 1] = path end
        table.insert(stub.imports, {paths = paths, mode = mode, rest = rest})
        if stub.during then stub.during() end
    end,
})

local KINDS = {entry = true, number = true, checkbox = true}
LuaDialog = closed("LuaDialog", {
    Dialog = function(title, fields)
        for _, field in ipairs(fields) do
            assert(KINDS[field.type] and field.key and field.title and field.default ~= nil)
            if field.type == "number" then assert(field.min and field.max) end
        end
        table.insert(stub.dialogs, title)
        return {run = function() return stub.answer end}
    end,
    Message = function(_, text, kind, button)
        assert(kind == 0 and button == 0)
        table.insert(stub.messages, text)
        return {run = function() return 0 end}
    end,
    MessageType = closed("LuaDialog.MessageType", {Info = 0}),
    ButtonType = closed("LuaDialog.ButtonType", {Close = 0}),
})

LuaSignal = closed("LuaSignal", {
    LuaTimerS = 7,
    Set = function() return {add = function(_, signals) return signals end} end,
})

local popen = io.popen
io.popen = function(...)
    stub.popens = stub.popens + 1
    return popen(...)
end
print = function(text) table.insert(stub.printed, text) end

-- as LuaState::sandbox does it for the scripts of the window
dofile = nil require = nil package = nil debug = nil os.exit = nil os.setlocale = nil
rawget = nil rawset = nil coroutine = nil module = nil

-- As Ardour loads a script: only its functions' code is kept.
function install(path)
    local info
    ardour = function(values) info = values end
    assert(loadfile(path))()
    ardour = nil
    local function keep(function_)
        return function_ and load(string.dump(function_, true), nil, nil, _ENV) or nil
    end
    local kept, kept_signals = keep(factory), keep(signals)
    factory = nil
    signals = nil
    return {info = info, run = kept(nil), signals = kept_signals and kept_signals() or nil}
end

function globals()
    local names = {}
    for name in pairs(_ENV) do names[#names + 1] = name end
    table.sort(names)
    return names
end

local function encode(value)
    if type(value) == "string" then return ("%q"):format(value):gsub("\\\n", "\\n") end
    if type(value) ~= "table" then return tostring(value) end
    local parts = {}
    if #value > 0 or next(value) == nil then
        for index, item in ipairs(value) do parts[index] = encode(item) end
        return "[" .. table.concat(parts, ",") .. "]"
    end
    for key, item in pairs(value) do
        parts[#parts + 1] = ("%q:"):format(tostring(key)) .. encode(item)
    end
    return "{" .. table.concat(parts, ",") .. "}"
end

write("=> ready\n")
flush()
while true do
    local bytes = tonumber(read("l") or "")
    if not bytes then break end
    local chunk, problem = load(read(bytes))
    local works, result = pcall(chunk or function() error(problem, 0) end)
    if not works then result = tostring(result) end
    write(works and "=> " or "=! ", (encode(result)), "\n")
    flush()
end
close_session()
quit()
