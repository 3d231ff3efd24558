-- What acestepd's scripts for Ardour share. They load it when they run: Ardour keeps their functions
-- alone, without anything around them.

local here = ... -- the folder of this file, with the slash behind it

local M = {}

local NAME = "ardour" -- of this reader of the inbox
local RECORD = "/acestepd.txt" -- in the session's folder: what is in it already, a path a line
local MAX_RECORD = 4194304

local function load_inbox()
    return assert(loadfile(here .. "acestep_inbox.lua"))(here)
end

local function show(sentence)
    LuaDialog.Message(
        "acestepd", sentence, LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run()
end

-- Names in a folder ---------------------------------------------------------------------------------

local function quote(path)
    return "'" .. path:gsub("'", "'\\''") .. "'"
end

local function read_lines(command)
    local lines = {}
    local pipe = io.popen(command, "r")
    if not pipe then return lines end
    for line in pipe:lines() do lines[#lines + 1] = line end
    pipe:close()
    return lines
end

-- Ardour's Lua lists no folder. A shell does, but only when the inbox says that something is new.
local function new_lister(inbox_api)
    local newest, names
    return function(folder)
        local last = inbox_api.read_file(folder .. "/last.json", inbox_api.MAX_ENTRY)
        if not last then return nil end
        if last ~= newest then
            newest = last
            names = read_lines("ls -1 " .. quote(folder) .. " 2>/dev/null")
        end
        local there = {}
        for _, name in ipairs(names) do
            if name:match("^%d+%.json$") and inbox_api.is_file(folder .. "/" .. name) then
                there[#there + 1] = name
            end
        end
        names = there
        return there
    end
end

-- Importing ----------------------------------------------------------------------------------------

local function read_record(inbox_api)
    local paths = {}
    local text = inbox_api.read_file(Session:path() .. RECORD, MAX_RECORD) or ""
    for line in text:gmatch("[^\n]+") do paths[line] = true end
    return paths
end

local function add_to_record(paths)
    local file = io.open(Session:path() .. RECORD, "ab")
    if not file then return end
    for _, path in ipairs(paths) do file:write(path, "\n") end
    file:close()
end

-- The stems of a take where there are some: together they are its mix.
local function choose_paths(take)
    local mix = {}
    local stems = {}
    for _, clip in ipairs(take.clips) do
        local list = clip.stem == "mix" and mix or stems
        list[#list + 1] = clip.path
    end
    return #stems > 0 and stems or mix
end

-- As new tracks at the playhead. Ardour 7, 8 and 9 differ in what stands behind the position.
local function import_files(paths, position)
    local files = C.StringVector()
    for _, path in ipairs(paths) do files:push_back(path) end
    local function try(...)
        return pcall(
            Editor.do_import, Editor, files, Editing.ImportDistinctFiles, Editing.ImportAsTrack,
            ARDOUR.SrcQuality.SrcBest, ARDOUR.MidiTrackNameSource.SMFTrackName,
            ARDOUR.MidiTempoMapDisposition.SMFTempoIgnore, Temporal.timepos_t(position), ...)
    end
    local works, problem = try(ARDOUR.PluginInfo(), ARDOUR.Track(), false)
    if not works then works = try(ARDOUR.PluginInfo(), false) end
    if not works then works = try(ARDOUR.PluginInfo()) end
    return works, tostring(problem)
end

-- Where the take is now; empty, and a sentence, where it cannot be put in. What is in the session's
-- `record` is in already.
local function put_in(inbox_api, take, record)
    local position = Session:transport_sample()
    local missing = {}
    for _, path in ipairs(choose_paths(take)) do
        if not inbox_api.is_file(path) then return "", "the file is gone: " .. path end
        if not record[path] then missing[#missing + 1] = path end
    end
    if #missing == 0 then return "it is in this session already" end
    add_to_record(missing) -- first: an import that breaks off is not to come again and again
    local works, problem = import_files(missing, position)
    if not works then return "", problem end
    for _, note in ipairs(take.notes) do print(("acestepd: %s: %s"):format(take.id, note)) end
    return ("%.1f s"):format(position / Session:nominal_sample_rate())
end

-- The hook -----------------------------------------------------------------------------------------

-- A function for Ardour's timer, which imports what comes.
function M.new_hook()
    local inbox_api = load_inbox()
    local inbox, out
    local is_busy = false
    local has_said = false
    local list = new_lister(inbox_api)

    local function look()
        local daemon, reason = inbox_api.find_daemon()
        if not daemon then
            if not has_said then print("acestepd: " .. reason) end
            has_said = true
            return
        end
        has_said = false
        if out ~= daemon.out then
            out = daemon.out
            inbox = inbox_api.open_inbox({out = out, name = NAME, list = list})
        end
        inbox:beat()
        if Session:actively_recording() then return end
        for _, take in ipairs(inbox:look() or {}) do
            local where, problem = put_in(inbox_api, take, read_record(inbox_api))
            if problem then print(("acestepd: %s is not put in: %s"):format(take.id, problem)) end
            inbox:finish(take, where)
        end
    end

    return function()
        if is_busy then return end -- Ardour's clock goes on while it imports
        is_busy = true
        local works, problem = pcall(look)
        is_busy = false
        if not works then print("acestepd: " .. tostring(problem)) end
    end
end

-- The newest ---------------------------------------------------------------------------------------

-- The newest take that a manifest in `out` tells of; nil without one.
local function find_newest_manifest(inbox_api, out)
    for _, name in ipairs(read_lines("ls -1t " .. quote(out) .. " 2>/dev/null")) do
        local is_manifest = name:match("%.json$") and not name:match("^%.")
        local text = is_manifest and inbox_api.read_file(out .. "/" .. name, inbox_api.MAX_JSON)
        local manifest = text and inbox_api.decode(text)
        if type(manifest) == "table" and type(manifest.clips) == "table" then
            local notes = inbox_api.list_texts(manifest.notes)
            local take = {id = tostring(manifest.id), notes = notes, clips = {}}
            for index, clip in ipairs(manifest.clips) do
                if type(clip) ~= "table" or type(clip.file) ~= "string" then return nil end
                take.clips[index] = {stem = clip.stem, path = out .. "/" .. clip.file}
            end
            if #take.clips > 0 then return take end
        end
    end
    return nil
end

-- Import the newest take at the playhead, whomever it is for.
function M.import_newest()
    local inbox_api = load_inbox()
    local daemon, reason = inbox_api.find_daemon()
    if not daemon then return show(reason .. ".") end
    local inbox = inbox_api.open_inbox({
        out = daemon.out, name = NAME, list = new_lister(inbox_api), is_guest = true,
    })
    local takes = inbox:look() or {}
    local newest = takes[#takes]
    local take = newest or find_newest_manifest(inbox_api, daemon.out)
    if not take then return show("acestepd has made nothing yet.") end
    local where, problem = put_in(inbox_api, take, {})
    if problem then return show(("%s cannot be imported: %s"):format(take.id, problem)) end
    if newest and newest.clips[1].insert == NAME then inbox:finish(newest, where) end
    return nil
end

-- Asking -------------------------------------------------------------------------------------------

local function read_tempo(arguments)
    pcall(function()
        local position = Temporal.timepos_t(Session:transport_sample())
        local map = Temporal.TempoMap.read()
        local meter = map:meter_at(position)
        local bpm = map:quarters_per_minute_at(position)
        local count, unit = meter:divisions_per_bar(), meter:note_value()
        local beats = count * 4 / unit
        arguments[#arguments + 1] = "bpm"
        arguments[#arguments + 1] = ("%.4f"):format(bpm)
        local is_counted = count == math.floor(count) and count >= 2 and count <= 16
        if is_counted and (unit == 4 or unit == 8) then
            arguments[#arguments + 1] = "time_signature"
            arguments[#arguments + 1] = ("%d/%d"):format(count, unit)
        elseif beats == math.floor(beats) then
            arguments[#arguments + 1] = "beats_per_bar"
            arguments[#arguments + 1] = ("%d"):format(beats)
        end
    end)
end

-- Ask for takes at the session's tempo. What they become is imported by the hook, or by hand.
function M.ask()
    local inbox_api = load_inbox()
    local daemon, reason = inbox_api.find_daemon()
    if not daemon then return show(reason .. ". Start it, then ask again.") end
    local fields = LuaDialog.Dialog("acestepd", {
        {type = "entry", key = "prompt", title = "What should it sound like?", default = ""},
        {type = "number", key = "bars", title = "Bars", min = 1, max = 1024, step = 1, digits = 0,
            default = 4},
        {type = "entry", key = "seed", title = "Seed (empty: any)", default = ""},
        {type = "number", key = "count", title = "How many takes", min = 1, max = 16, step = 1,
            digits = 0, default = 1},
    }):run()
    if not fields then return nil end
    local seed = math.tointeger(tonumber(fields.seed))
    local address = ARDOUR.LuaOSC.Address(("osc.udp://%s:%d"):format(daemon.host, daemon.port))
    for number = 1, math.floor(fields.count) do
        local id = ("ardour-%x-%x"):format(os.time(), number)
        local arguments = {
            id, "prompt", fields.prompt, "bars", ("%d"):format(math.floor(fields.bars)), "loop", "1",
        }
        read_tempo(arguments)
        if seed then
            arguments[#arguments + 1] = "seed"
            arguments[#arguments + 1] = ("%d"):format((seed + number - 1) % 4294967296)
        end
        -- its answer says nothing: false also where the message went out
        address:send("/ace/generate", ("s"):rep(#arguments), table.unpack(arguments))
    end
    return nil
end

return M
