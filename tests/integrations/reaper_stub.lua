-- A `reaper` for tests: it writes down every call, and refuses what REAPER does not have, arguments of
-- other types, and values that REAPER would quietly ignore. Signatures after Cockos' API (7.x).

local project = {
    tracks = {}, items = {}, calls = {}, said = {}, boxes = {}, answers = {}, deferred = {},
    at_exit = {}, ext_state = {}, cursor = 0.0, selection = {0.0, 0.0}, undo = {}, undo_depth = 0,
    frozen = 0, clock = 1000.0, tempo = {{time = 0.0, bpm = 120.0, numerator = 4, denominator = 4}},
    listing = {}, script = "", list = nil, probe = nil, accessors = 0, sources = 0, guids = 0,
    windows = 0, commands = {}, options = 0,
}

local kinds = setmetatable({}, {__mode = "k"})

local function make(kind, fields)
    kinds[fields] = kind
    return fields
end

local function guid()
    project.guids = project.guids + 1
    return ("{00000000-0000-0000-0000-%012X}"):format(project.guids)
end

-- Arguments ----------------------------------------------------------------------------------------

local function check(name, position, value, wanted)
    local kind = type(value)
    local fits
    if wanted == "integer" then
        fits = kind == "number" and math.tointeger(value) ~= nil
    elseif wanted == "project" then
        fits = value == 0 or value == nil
    elseif kind == wanted then
        fits = true
    else
        fits = kind == "table" and kinds[value] == wanted
    end
    if not fits then
        error(("reaper.%s: argument %d is to be a %s, not %s (%s)"):format(
            name, position, wanted, kind, tostring(value)), 3)
    end
end

local reaper = {}

local function define(name, signature, body)
    local wanted = {}
    for word in signature:gmatch("%S+") do wanted[#wanted + 1] = word end
    reaper[name] = function(...)
        local count = select("#", ...)
        if count ~= #wanted then
            error(("reaper.%s takes %d arguments, not %d"):format(name, #wanted, count), 2)
        end
        for position = 1, count do check(name, position, (select(position, ...)), wanted[position]) end
        project.calls[#project.calls + 1] = name
        return body(...)
    end
end

local function refuse(name, value)
    error(("reaper.%s does not know %s"):format(name, tostring(value)), 3)
end

local function values(name, parameters)
    define("Get" .. name, parameters.kind .. " string", function(object, parameter)
        if parameters[parameter] == nil then refuse("Get" .. name, parameter) end
        return object[parameter] + 0.0
    end)
    define("Set" .. name, parameters.kind .. " string number", function(object, parameter, value)
        if parameters[parameter] == nil or parameter:match("^IP_") then
            refuse("Set" .. name, parameter)
        end
        if value ~= value or math.abs(value) == math.huge then refuse("Set" .. name, value) end
        if parameter == "D_LENGTH" and value < 0 then refuse("Set" .. name, value) end
        if parameter == "D_PLAYRATE" and value <= 0 then refuse("Set" .. name, value) end
        object[parameter] = value
        return true
    end)
end

local function texts(name, kind, plain)
    define(name, kind .. " string string boolean", function(object, parameter, value, is_new)
        if not plain[parameter] and not parameter:match("^P_EXT:%w+$") then refuse(name, parameter) end
        if is_new then
            if parameter == "GUID" then refuse(name, "a new GUID") end
            object[parameter] = value
        end
        return true, object[parameter] or ""
    end)
end

-- Tracks -------------------------------------------------------------------------------------------

values("MediaTrackInfo_Value", {
    kind = "MediaTrack", I_FOLDERDEPTH = 0, B_MUTE = 0, IP_TRACKNUMBER = 0,
})
texts("GetSetMediaTrackInfo_String", "MediaTrack", {P_NAME = true})

local function number_tracks()
    for index, track in ipairs(project.tracks) do track.IP_TRACKNUMBER = index end
end

define("CountTracks", "project", function() return #project.tracks end)
define("GetTrack", "project integer", function(_, index) return project.tracks[index + 1] end)
define("GetTrackGUID", "MediaTrack", function(track) return track.GUID end)
define("InsertTrackAtIndex", "integer boolean", function(index)
    local track = make("MediaTrack", {GUID = guid(), P_NAME = "", I_FOLDERDEPTH = 0, B_MUTE = 0})
    table.insert(project.tracks, math.min(index, #project.tracks) + 1, track)
    number_tracks()
end)
define("GetSelectedTrack", "project integer", function(_, index)
    for _, track in ipairs(project.tracks) do
        if track.selected then
            if index == 0 then return track end
            index = index - 1
        end
    end
    return nil
end)
define("TrackList_AdjustWindows", "boolean", function() end)

-- Items and takes ----------------------------------------------------------------------------------

values("MediaItemInfo_Value", {
    kind = "MediaItem", D_POSITION = 0, D_LENGTH = 0, B_LOOPSRC = 0, B_MUTE = 0,
})
values("MediaItemTakeInfo_Value", {
    kind = "MediaItem_Take", D_PLAYRATE = 1, D_STARTOFFS = 0, D_PITCH = 0, B_PPITCH = 0,
})
texts("GetSetMediaItemInfo_String", "MediaItem", {GUID = true, P_NOTES = true})
texts("GetSetMediaItemTakeInfo_String", "MediaItem_Take", {P_NAME = true, GUID = true})

define("CountMediaItems", "project", function() return #project.items end)
define("GetMediaItem", "project integer", function(_, index) return project.items[index + 1] end)
define("GetMediaItem_Track", "MediaItem", function(item) return item.track end)
define("CountTakes", "MediaItem", function(item) return #item.takes end)
define("GetMediaItemTake", "MediaItem integer", function(item, index) return item.takes[index + 1] end)
define("AddMediaItemToTrack", "MediaTrack", function(track)
    local item = make("MediaItem", {
        GUID = guid(), track = track, takes = {}, D_POSITION = 0.0, D_LENGTH = 0.0, B_LOOPSRC = 0,
        B_MUTE = 0,
    })
    table.insert(project.items, item)
    return item
end)
define("AddTakeToMediaItem", "MediaItem", function(item)
    local take = make("MediaItem_Take", {
        GUID = guid(), item = item, P_NAME = "", D_PLAYRATE = 1.0, D_STARTOFFS = 0.0, D_PITCH = 0.0,
        B_PPITCH = 0,
    })
    table.insert(item.takes, take)
    return take
end)
define("GetActiveTake", "MediaItem", function(item) return item.active or item.takes[1] end)
define("SetActiveTake", "MediaItem_Take", function(take) take.item.active = take end)
define("GetSelectedMediaItem", "project integer", function(_, index)
    for _, item in ipairs(project.items) do
        if item.selected then
            if index == 0 then return item end
            index = index - 1
        end
    end
    return nil
end)
define("TakeIsMIDI", "MediaItem_Take", function(take)
    return take.source ~= nil and take.source.type == "MIDI"
end)

-- Sources ------------------------------------------------------------------------------------------

define("PCM_Source_CreateFromFile", "string", function(path)
    local seconds, channels = project.probe(path)
    if not seconds then return nil end
    project.sources = project.sources + 1
    return make("PCM_source", {path = path, seconds = seconds, channels = channels, type = "WAVE"})
end)
define("PCM_Source_Destroy", "PCM_source", function(source)
    if source.used then error("this source belongs to a take", 2) end
    project.sources = project.sources - 1
end)
define("SetMediaItemTake_Source", "MediaItem_Take PCM_source", function(take, source)
    if source.used then error("a source belongs to one take", 2) end
    source.used = true
    take.source = source
    return true
end)
define("GetMediaItemTake_Source", "MediaItem_Take", function(take) return take.source end)
define("GetMediaSourceFileName", "PCM_source", function(source) return source.path end)
define("GetMediaSourceType", "PCM_source", function(source) return source.type end)
define("GetMediaSourceLength", "PCM_source", function(source) return source.seconds, false end)
define("GetMediaSourceNumChannels", "PCM_source", function(source) return source.channels end)

define("CreateTakeAudioAccessor", "MediaItem_Take", function(take)
    project.accessors = project.accessors + 1
    return make("AudioAccessor", {take = take})
end)
define("DestroyAudioAccessor", "AudioAccessor", function() project.accessors = project.accessors - 1 end)
define("GetAudioAccessorStartTime", "AudioAccessor", function() return 0.0 end)
define("new_array", "integer", function(size)
    if size < 1 or size > 4194304 then refuse("new_array", size) end
    local cells = {}
    for index = 1, size do cells[index] = 0.0 end
    local array = make("array", {cells = cells})
    array.clear = function()
        for index = 1, size do cells[index] = 0.0 end
    end
    array.table = function(offset, count)
        if offset < 1 or offset + count - 1 > size then error("beyond the array", 2) end
        return {table.unpack(cells, offset, offset + count - 1)}
    end
    return array
end)
-- a ramp, so that tests see where a source was cut: its value is the second of the take's file
define("GetAudioAccessorSamples", "AudioAccessor integer integer number integer array",
    function(accessor, rate, channels, start, count, buffer)
        if count * channels > #buffer.cells then error("the buffer is too small", 2) end
        local take = accessor.take
        for frame = 0, count - 1 do
            local second = take.D_STARTOFFS + (start + frame / rate) * take.D_PLAYRATE
            if take.item.B_LOOPSRC == 1 then second = second % take.source.seconds end
            for channel = 1, channels do
                buffer.cells[frame * channels + channel] = second / 1000
            end
        end
        return 1
    end)

-- Time ---------------------------------------------------------------------------------------------

local function quarter_notes(time)
    local total = 0.0
    for index, mark in ipairs(project.tempo) do
        local following = project.tempo[index + 1]
        if not following or time < following.time then
            return total + (time - mark.time) * mark.bpm / 60
        end
        total = total + (following.time - mark.time) * mark.bpm / 60
    end
end

define("TimeMap2_timeToQN", "project number", function(_, time) return quarter_notes(time) end)
define("TimeMap2_QNToTime", "project number", function(_, notes)
    for index = #project.tempo, 1, -1 do
        local mark = project.tempo[index]
        local first = quarter_notes(mark.time)
        if notes >= first or index == 1 then return mark.time + (notes - first) * 60 / mark.bpm end
    end
end)
define("TimeMap_GetTimeSigAtTime", "project number", function(_, time)
    local found = project.tempo[1]
    for _, mark in ipairs(project.tempo) do
        if mark.time <= time then found = mark end
    end
    return found.numerator, found.denominator, found.bpm
end)
define("GetCursorPosition", "", function() return project.cursor end)
define("GetSet_LoopTimeRange", "boolean boolean number number boolean", function(is_set)
    if is_set then refuse("GetSet_LoopTimeRange", "a new selection") end
    return project.selection[1], project.selection[2]
end)
define("time_precise", "", function() return project.clock end)

-- The program --------------------------------------------------------------------------------------

define("EnumerateFiles", "string integer", function(folder, index)
    if index == -1 then
        project.listing[folder] = nil
        return nil
    end
    project.listing[folder] = project.listing[folder] or project.list(folder)
    return project.listing[folder][index + 1]
end)
define("ShowConsoleMsg", "string", function(text) table.insert(project.said, text) end)
define("ShowMessageBox", "string string integer", function(text) table.insert(project.boxes, text) return 1 end)
define("GetUserInputs", "string integer string string", function(title, count, captions, preset)
    local fields = select(2, captions:gsub(",", "")) + 1
    if count < 1 or count > 16 or fields < count then refuse("GetUserInputs", captions) end
    project.dialog = {title = title, captions = captions, preset = preset}
    local answer = table.remove(project.answers, 1)
    if answer == nil then return false, preset end
    return true, answer
end)
define("GetExtState", "string string", function(section, key)
    return project.ext_state[section .. "/" .. key] or ""
end)
define("SetExtState", "string string string boolean", function(section, key, value, persist)
    if persist and value:find("[\r\n]") then refuse("SetExtState", "several lines") end
    project.ext_state[section .. "/" .. key] = value
end)
define("Undo_BeginBlock2", "project", function()
    if project.undo_depth > 0 then error("an undo block in an undo block", 2) end
    project.undo_depth = 1
end)
define("Undo_EndBlock2", "project string integer", function(_, description)
    if project.undo_depth ~= 1 then error("no undo block was begun", 2) end
    project.undo_depth = 0
    table.insert(project.undo, description)
end)
define("PreventUIRefresh", "integer", function(change) project.frozen = project.frozen + change end)
define("UpdateArrange", "", function() end)
define("Main_OnCommand", "integer integer", function(command) table.insert(project.commands, command) end)
define("APIExists", "string", function(name) return rawget(reaper, name) ~= nil end)
define("set_action_options", "integer", function(flags) project.options = flags end)
define("defer", "function", function(callback) table.insert(project.deferred, callback) return true end)
define("atexit", "function", function(callback) table.insert(project.at_exit, callback) return true end)
define("get_action_context", "", function()
    return true, project.script, 0, 40000, -1, -1, -1, ""
end)

-- One turn of REAPER's own loop.
function project.turn()
    local callbacks = project.deferred
    project.deferred = {}
    for _, callback in ipairs(callbacks) do callback() end
end

setmetatable(reaper, {
    __index = function(_, name) error("REAPER has no reaper." .. tostring(name), 2) end,
    __newindex = function(_, name) error("a script must not change reaper." .. tostring(name), 2) end,
})

return {reaper = reaper, project = project, make = make}
