-- What acestepd's scripts for REAPER share: clips become items, and questions become sheets.

local M = {}

local NAME = "reaper" -- of this reader, and of its sheets
local TAG = "reaper " -- of the remark in a sheet that says where its take belongs
local EXTENSION = "acestepd" -- of ExtState and P_EXT
local LOOK_SECONDS = 0.3
local SEARCH_SECONDS = 2.0 -- between two looks for the daemon
local AWAY_SECONDS = 5.0 -- of absence before we say so: a restart takes less
local PATIENCE_SECONDS = 600.0 -- that a question is followed
local MAX_SECONDS = 600.0 -- of a source
local SOURCE_RATE = 48000
local BLOCK = 16384 -- frames that are read at once
local BUILD_PEAKS = 40047 -- "Peaks: Build any missing peaks"

local function script_folder()
    local _, path = reaper.get_action_context()
    return path:match("^(.*[/\\])") or ""
end

local function load_shared(name)
    local folder = script_folder()
    local chunk = loadfile(folder .. name) or assert(loadfile(folder .. "../shared/" .. name))
    return chunk(folder)
end

local inbox_api = load_shared("acestep_inbox.lua")
math.randomseed(os.time(), math.floor(reaper.time_precise() * 1000))

local function say(sentence)
    reaper.ShowConsoleMsg("acestepd: " .. sentence .. "\n")
end

local function show(sentence)
    reaper.ShowMessageBox(sentence, "acestepd", 0)
end

-- What is in the project ---------------------------------------------------------------------------

local function each_take(visit)
    for i = 0, reaper.CountMediaItems(0) - 1 do
        local item = reaper.GetMediaItem(0, i)
        for k = 0, reaper.CountTakes(item) - 1 do
            local take = reaper.GetMediaItemTake(item, k)
            if take then visit(item, take) end
        end
    end
end

local function read_mark(take)
    local _, text = reaper.GetSetMediaItemTakeInfo_String(take, "P_EXT:" .. EXTENSION, "", false)
    local mark = text ~= "" and inbox_api.decode(text)
    return type(mark) == "table" and mark or nil
end

-- The paths of our clips with their items, and the items of the groups of takes.
local function survey_project()
    local by_path = {}
    local by_group = {}
    each_take(function(item, take)
        local mark = read_mark(take)
        if mark and type(mark.path) == "string" then by_path[mark.path] = item end
        if mark and type(mark.group) == "string" then by_group[mark.group] = item end
    end)
    return by_path, by_group
end

local function find_item(guid)
    if guid == "" then return nil end
    for i = 0, reaper.CountMediaItems(0) - 1 do
        local item = reaper.GetMediaItem(0, i)
        local _, text = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
        if text == guid then return item end
    end
    return nil
end

local function find_track(guid)
    if guid == "" then return nil end
    for i = 0, reaper.CountTracks(0) - 1 do
        local track = reaper.GetTrack(0, i)
        if reaper.GetTrackGUID(track) == guid then return track end
    end
    return nil
end

local function track_number(track)
    return math.floor(reaper.GetMediaTrackInfo_Value(track, "IP_TRACKNUMBER"))
end

local function describe_place(item)
    local track = reaper.GetMediaItem_Track(item)
    local _, name = reaper.GetSetMediaTrackInfo_String(track, "P_NAME", "", false)
    local number = ("track %d"):format(track_number(track))
    return name ~= "" and number .. " " .. name or number
end

-- Putting in ---------------------------------------------------------------------------------------

local function as_text(value) return type(value) == "string" and value or "" end
local function as_seconds(value)
    return type(value) == "number" and value >= 0 and value < 1e6 and value or nil
end

-- Where a take belongs: what its sheet says, where it was ours. Else at the edit cursor.
local function read_wish(clip)
    local remark = clip.origin:match("%.txt$") and inbox_api.read_remark(clip.origin, TAG)
    local raw = remark and inbox_api.decode(remark)
    if type(raw) ~= "table" then raw = {} end
    local group = as_text(raw.group)
    if group == "" and clip.takes > 1 and clip.batch ~= "" then
        group = clip.client .. " " .. clip.batch
    end
    return {
        group = group,
        item = as_text(raw.item),
        track = as_text(raw.track),
        at = as_seconds(raw.at),
        length = raw.length ~= 0 and as_seconds(raw.length) or nil, -- of the item that the stems are of
        stems_only = raw.stems_only == true,
    }
end

local function new_track(index, name)
    reaper.InsertTrackAtIndex(index, true)
    local track = reaper.GetTrack(0, index)
    if name then reaper.GetSetMediaTrackInfo_String(track, "P_NAME", name, true) end
    return track
end

local function choose_track(wish, clip)
    local track = find_track(wish.track)
    if not track and clip.track >= 0 then track = reaper.GetTrack(0, clip.track) end
    track = track or reaper.GetSelectedTrack(0, 0)
    return track or new_track(reaper.CountTracks(0), "acestepd")
end

-- How long the clip is here: its bars at this place's tempo, where it has bars.
local function measure(clip, position)
    if clip.beats <= 0 or clip.bars <= 0 then return clip.seconds end
    local start = reaper.TimeMap2_timeToQN(0, position)
    return reaper.TimeMap2_QNToTime(0, start + clip.beats) - position
end

local function play_rate(clip, length)
    local rate = clip.seconds / length
    if clip.beats <= 0 or clip.bars <= 0 or math.abs(rate - 1) < 1e-4 then return 1.0 end
    return rate
end

local function mark_text(clip, group)
    return inbox_api.encode({
        id = clip.id, seed = clip.seed, stem = clip.stem, path = clip.path,
        manifest = clip.manifest, group = group ~= "" and group or nil,
    })
end

local function add_take(item, clip, group)
    local take = reaper.AddTakeToMediaItem(item)
    reaper.SetMediaItemTake_Source(take, clip.source)
    local title = clip.name ~= "" and clip.name or clip.id
    if clip.stem ~= "mix" then title = title .. " " .. clip.stem end
    title = ("%s (seed %d)"):format(title, clip.seed)
    reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", title, true)
    reaper.GetSetMediaItemTakeInfo_String(take, "P_EXT:" .. EXTENSION, mark_text(clip, group), true)
    local length = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
    reaper.SetMediaItemTakeInfo_Value(take, "D_PLAYRATE", play_rate(clip, length))
    reaper.SetMediaItemTakeInfo_Value(take, "B_PPITCH", 1)
    reaper.SetActiveTake(take)
end

local function add_item(track, clip, position, group, known_length)
    local length = known_length or measure(clip, position)
    local item = reaper.AddMediaItemToTrack(track)
    reaper.SetMediaItemInfo_Value(item, "D_POSITION", position)
    reaper.SetMediaItemInfo_Value(item, "D_LENGTH", length)
    reaper.SetMediaItemInfo_Value(item, "B_LOOPSRC", 1)
    add_take(item, clip, group)
    return item
end

-- The stems on tracks of their own, in a folder below `track`. The first's item, and the folder.
local function add_stems(track, stems, position, length)
    local index = track_number(track)
    local title = stems[1].name ~= "" and stems[1].name or stems[1].id
    local folder = new_track(index, title .. " stems")
    reaper.SetMediaTrackInfo_Value(folder, "I_FOLDERDEPTH", 1)
    local first
    for number, clip in ipairs(stems) do
        local child = new_track(index + number, clip.stem)
        if number == #stems then reaper.SetMediaTrackInfo_Value(child, "I_FOLDERDEPTH", -1) end
        local item = add_item(child, clip, position, "", length)
        first = first or item
    end
    return first, folder
end

-- What was read out of the request becomes the item's notes, below what is there.
local function add_notes(item, notes)
    local _, text = reaper.GetSetMediaItemInfo_String(item, "P_NOTES", "", false)
    for _, note in ipairs(notes) do
        local is_there = ("\n" .. text .. "\n"):find("\n" .. note .. "\n", 1, true)
        if not is_there then text = text == "" and note or text .. "\n" .. note end
    end
    if text ~= "" then reaper.GetSetMediaItemInfo_String(item, "P_NOTES", text, true) end
end

-- Put in what is not in yet. Where it is now.
local function place_take(take, by_group)
    local mix
    local stems = {}
    for _, clip in ipairs(take.clips) do
        if clip.stem == "mix" then mix = clip else stems[#stems + 1] = clip end
    end
    local wish = read_wish(mix or stems[1])
    if mix and wish.stems_only and #stems > 0 then
        reaper.PCM_Source_Destroy(mix.source)
        mix = nil
    end
    local item = by_group[wish.group] or find_item(wish.item)
    local position = wish.at or reaper.GetCursorPosition()
    if item then position = reaper.GetMediaItemInfo_Value(item, "D_POSITION") end
    local track = item and reaper.GetMediaItem_Track(item) or choose_track(wish, mix or stems[1])
    local is_further_take = mix ~= nil and item ~= nil
    if is_further_take then
        add_take(item, mix, wish.group)
    elseif mix then
        item = add_item(track, mix, position, wish.group)
        -- else it would sound twice: alone, and as the sum of its stems
        if #stems > 0 then reaper.SetMediaItemInfo_Value(item, "B_MUTE", 1) end
    end
    if #stems > 0 then
        local first, folder = add_stems(track, stems, position, wish.length)
        if not mix then item = first end
        -- of several takes one sounds
        if is_further_take then reaper.SetMediaTrackInfo_Value(folder, "B_MUTE", 1) end
    end
    add_notes(item, take.notes)
    return describe_place(item)
end

-- The place of a take that is in already; nil where it is not.
local function find_place(take, by_path)
    for _, clip in pairs(take.clips) do
        if by_path[clip.path] then return describe_place(by_path[clip.path]) end
    end
    return nil
end

local function remove_sheet(clip)
    local name = clip.origin:match("([^/]+)$") or ""
    local is_ours = name:match("^" .. NAME .. "%-[%x-]+%.txt$")
    if is_ours and inbox_api.read_remark(clip.origin, TAG) then os.remove(clip.origin) end
end

-- Open every file before anything changes. A sentence where one cannot be read.
local function open_sources(take)
    local problem
    for _, clip in ipairs(take.clips) do
        clip.source = inbox_api.is_file(clip.path) and reaper.PCM_Source_CreateFromFile(clip.path) or nil
        if not clip.source then
            problem = "REAPER cannot read " .. clip.path
            break
        end
    end
    if not problem then return nil end
    for _, clip in ipairs(take.clips) do
        if clip.source then reaper.PCM_Source_Destroy(clip.source) end
        clip.source = nil
    end
    return problem
end

-- In one undo step. Where it is now; empty, and a sentence, where it cannot be put in.
local function put_in(take)
    local by_path, by_group = survey_project()
    local where = find_place(take, by_path)
    if where then return where end
    local problem = open_sources(take)
    if problem then return "", problem end
    reaper.Undo_BeginBlock2(0)
    reaper.PreventUIRefresh(1)
    local works, result = pcall(place_take, take, by_group)
    reaper.PreventUIRefresh(-1)
    local name = take.clips[1].name
    reaper.Undo_EndBlock2(0, "acestepd: " .. (name ~= "" and name or take.id), -1)
    reaper.TrackList_AdjustWindows(false)
    reaper.UpdateArrange()
    reaper.Main_OnCommand(BUILD_PEAKS, 0)
    if not works then return "", tostring(result) end
    for _, note in ipairs(take.notes) do say(("%s: %s"):format(name ~= "" and name or take.id, note)) end
    return result
end

-- The loop -----------------------------------------------------------------------------------------

local function list_folder(folder)
    reaper.EnumerateFiles(folder, -1) -- what it remembers may be old
    local names = {}
    while true do
        local name = reaper.EnumerateFiles(folder, #names)
        if not name then break end
        names[#names + 1] = name:match("[^/\\]+$")
    end
    return names
end

-- A table whose `tick` is to be called again and again.
function M.new_loop()
    local loop = {next_look = 0, next_search = 0, away_since = nil, has_said = false}

    function loop.search(now)
        if now < loop.next_search then return end
        loop.next_search = now + SEARCH_SECONDS
        local daemon, reason = inbox_api.find_daemon()
        if daemon then
            loop.away_since = nil
            loop.has_said = false
            if not loop.inbox or loop.out ~= daemon.out then
                loop.out = daemon.out
                loop.inbox = inbox_api.open_inbox({out = daemon.out, name = NAME, list = list_folder})
            end
            return
        end
        loop.away_since = loop.away_since or now
        local is_away = not loop.inbox or now - loop.away_since >= AWAY_SECONDS
        if is_away and not loop.has_said then
            loop.has_said = true
            say(reason)
        end
    end

    function loop.tick()
        local now = reaper.time_precise()
        if now < loop.next_look then return end
        loop.next_look = now + LOOK_SECONDS
        loop.search(now)
        if not loop.inbox then return end
        for _, take in ipairs(loop.inbox:look() or {}) do
            local where, problem = put_in(take)
            if problem then say(("%s is not put in: %s"):format(take.id, problem)) end
            loop.inbox:finish(take, where)
            if not problem then remove_sheet(take.clips[1]) end
        end
    end

    return loop
end

-- Put in whatever comes, until REAPER ends the script.
function M.run()
    local loop = M.new_loop()
    local said
    if reaper.APIExists("set_action_options") then
        reaper.set_action_options(7) -- started again it starts anew, and its button is lit
        reaper.atexit(function() reaper.set_action_options(8) end)
    end
    local function step()
        local works, message = xpcall(loop.tick, debug and debug.traceback or tostring)
        if not works and message ~= said then
            said = message
            say(tostring(message))
        end
        reaper.defer(step)
    end
    step()
end

-- Asking -------------------------------------------------------------------------------------------

-- The folder that sheets go into, and the one of their reports; nil, and a sentence, without one.
local function find_folder()
    local folder = reaper.GetExtState(EXTENSION, "folder")
    if folder ~= "" then
        local out = reaper.GetExtState(EXTENSION, "takes")
        return folder, out ~= "" and out or folder .. "/takes"
    end
    local found
    for _, watch in ipairs(inbox_api.find_watched()) do
        local is_for_asking = watch.folder:match("/ask/*$")
        if watch.folder:sub(1, 1) == "/" and (is_for_asking or not found) then found = watch end
    end
    if found then return found.folder, found.out end
    return nil, "acestepd watches no folder that REAPER could ask it through. Add these two lines to "
        .. "~/.config/acestepd/settings.toml:\n\n[[watch]]\nfolder = \"~/Music/acestepd/ask\"\n\n"
        .. "and create that folder."
end

local function new_group()
    return ("%x-%04x"):format(os.time(), math.random(0, 0xFFFF))
end

-- A sheet each for `count` takes. Their paths; nil and a sentence where that fails.
local function write_sheets(folder, values, wish, count)
    local paths = {}
    local group = new_group()
    if count > 1 then wish.group = group end
    for number = 1, count do
        local sheet = {name = "", insert = NAME} -- also where Live is the one to put clips in
        for key, value in pairs(values) do sheet[key] = value end
        if sheet.seed and sheet.seed >= 0 then sheet.seed = (sheet.seed + number - 1) % 4294967296 end
        local path = ("%s/%s-%s-%x.txt"):format(folder, NAME, group, number)
        local remarks = {"written by acestepd's scripts for REAPER", TAG .. inbox_api.encode(wish)}
        if not inbox_api.write_file(path, inbox_api.format_sheet(sheet, remarks)) then
            return nil, ("%s cannot be written: does the folder exist?"):format(path)
        end
        paths[number] = path
    end
    return paths
end

-- Say what the daemon could not do with these sheets, as soon as it says so.
local function follow(paths, takes_folder)
    local started = reaper.time_precise()
    local next_look = started
    local function step()
        local now = reaper.time_precise()
        if now >= next_look then
            next_look = now + SEARCH_SECONDS
            local left = {}
            for _, path in ipairs(paths) do
                local report = takes_folder .. "/" .. path:match("[^/]+$") .. ".report.txt"
                local text = inbox_api.read_file(report, 65536)
                if text then
                    say(text)
                elseif inbox_api.is_file(path) then
                    left[#left + 1] = path
                end
            end
            paths = left
        end
        if #paths > 0 and now - started < PATIENCE_SECONDS then reaper.defer(step) end
    end
    step()
end

-- Ask for `count` takes with these values; `wish` says where they belong.
local function ask_for(values, wish, count)
    local daemon, reason = inbox_api.find_daemon()
    if not daemon then return show(reason .. ". Start it, then ask again.") end
    local folder, takes_folder = find_folder()
    if not folder then return show(takes_folder) end
    local paths, problem = write_sheets(folder, values, wish, count)
    if not paths then return show(problem) end
    return follow(paths, takes_folder)
end

-- bpm and bar of the project at a time, from where its beats really are. The quarter notes of a bar and
-- of all the time, and whether such bars can be asked for.
local function read_tempo(values, start, stop)
    local numerator, denominator = reaper.TimeMap_GetTimeSigAtTime(0, start)
    local beats = numerator * 4 / denominator
    local first = reaper.TimeMap2_timeToQN(0, start)
    local last = stop > start and reaper.TimeMap2_timeToQN(0, stop) or first + beats
    local seconds = reaper.TimeMap2_QNToTime(0, last) - start
    values.bpm = math.floor((last - first) * 60 / seconds * 10000 + 0.5) / 10000
    local signature = ("%d/%d"):format(numerator, denominator)
    local is_known = signature:match("^[2346]/[248]$") or signature:match("^[2346]/16$")
        or numerator >= 2 and numerator <= 16 and (denominator == 4 or denominator == 8)
    if is_known then
        values.time_signature = signature
    elseif beats == math.floor(beats) then
        values.beats_per_bar = math.tointeger(beats)
    else
        return beats, last - first, false
    end
    return beats, last - first, true
end

local function read_fields(text, count)
    local fields = {}
    for line in (text .. "\n"):gmatch("(.-)\n") do fields[#fields + 1] = line end
    while #fields < count do fields[#fields + 1] = "" end
    return fields
end

-- What should it sound like? Its bars are those of the time selection, where there is one.
function M.ask()
    local start, stop = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
    local has_selection = stop > start
    if not has_selection then start = reaper.GetCursorPosition() end
    local values = {}
    local beats, selected, has_bars = read_tempo(values, start, has_selection and stop or start)
    local bars = has_selection and math.max(1, math.floor(selected / beats + 0.5)) or 4
    local old = reaper.GetExtState(EXTENSION, "prompt")
    local confirmed, answer = reaper.GetUserInputs(
        "acestepd", 4,
        "What should it sound like?,Bars,Seed (empty: any),How many takes,separator=\n,extrawidth=320",
        ("%s\n%d\n\n1"):format(old, bars)
    )
    if not confirmed then return end
    local fields = read_fields(answer, 4)
    values.prompt = fields[1]
    reaper.SetExtState(EXTENSION, "prompt", values.prompt, true)
    bars = math.tointeger(tonumber(fields[2])) or bars
    values.seed = math.tointeger(tonumber(fields[3]))
    local count = math.tointeger(tonumber(fields[4])) or 1
    if bars < 1 or bars > 1024 or count < 1 or count > 64 then
        return show("1 to 1024 bars and 1 to 64 takes, please.")
    end
    if has_bars then values.bars = bars else values.seconds = bars * beats * 60 / values.bpm end
    values.loop = true
    local wish = {}
    if has_selection then wish.at = start end
    local track = reaper.GetSelectedTrack(0, 0)
    if track then wish.track = reaper.GetTrackGUID(track) end
    return ask_for(values, wish, count)
end

-- The selected item --------------------------------------------------------------------------------

local function find_selected()
    local item = reaper.GetSelectedMediaItem(0, 0)
    local take = item and reaper.GetActiveTake(item)
    if not take then return nil, "Select an item first." end
    return item, take
end

local READABLE = {wav = true, flac = true, mp3 = true, aif = true, aiff = true, ogg = true}

-- Whether the take plays a whole file that the daemon can read, once, as it is.
local function plays_whole_file(item, take, source)
    local length, is_beats = reaper.GetMediaSourceLength(source)
    local suffix = reaper.GetMediaSourceFileName(source):match("%.(%w+)$") or ""
    local is_plain = not is_beats and READABLE[suffix:lower()]
        and reaper.GetMediaSourceType(source) ~= "SECTION"
    return is_plain
        and math.abs(reaper.GetMediaItemTakeInfo_Value(take, "D_STARTOFFS")) < 1e-6
        and math.abs(reaper.GetMediaItemTakeInfo_Value(take, "D_PLAYRATE") - 1) < 1e-6
        and reaper.GetMediaItemTakeInfo_Value(take, "D_PITCH") == 0
        and math.abs(reaper.GetMediaItemInfo_Value(item, "D_LENGTH") - length) < 1e-3
end

local function wave_header(frames, channels)
    local size = frames * channels * 4
    return "RIFF" .. ("<I4"):pack(size + 36) .. "WAVEfmt "
        .. ("<I4I2I2I4I4I2I2"):pack(
            16, 3, channels, SOURCE_RATE, SOURCE_RATE * channels * 4, channels * 4, 32)
        .. "data" .. ("<I4"):pack(size)
end

local function write_samples(file, accessor, frames, channels)
    local start = reaper.GetAudioAccessorStartTime(accessor)
    local buffer = reaper.new_array(BLOCK * channels)
    for first = 0, frames - 1, BLOCK do
        local count = math.min(BLOCK, frames - first)
        buffer.clear()
        local found = reaper.GetAudioAccessorSamples(
            accessor, SOURCE_RATE, channels, start + first / SOURCE_RATE, count, buffer)
        if found < 0 then return false end
        local values = buffer.table(1, count * channels)
        for position = 1, #values, 128 do
            local last = math.min(position + 127, #values)
            local part = ("<" .. ("f"):rep(last - position + 1)):pack(
                table.unpack(values, position, last))
            if not file:write(part) then return false end
        end
    end
    return true
end

-- What the take sounds like before its effects, as a file in `out`/.sources.
local function render_take(item, take, source, out)
    local frames = math.floor(reaper.GetMediaItemInfo_Value(item, "D_LENGTH") * SOURCE_RATE + 0.5)
    local channels = math.max(1, math.min(2, reaper.GetMediaSourceNumChannels(source)))
    local path = ("%s/.sources/.%s-%s.part"):format(out, NAME, new_group())
    local file = io.open(path, "wb")
    if not file then return nil, ("%s/.sources cannot be written"):format(out) end
    local accessor = reaper.CreateTakeAudioAccessor(take)
    local written = accessor and file:write(wave_header(frames, channels)) ~= nil
        and write_samples(file, accessor, frames, channels)
    if accessor then reaper.DestroyAudioAccessor(accessor) end
    written = file:close() and written
    local target = path:gsub("/%.([^/]*)%.part$", "/%1.wav")
    if written and os.rename(path, target) then return target end
    os.remove(path)
    return nil, "this item's audio cannot be read"
end

-- The file that the daemon may read for this take: what is heard of it, no more. nil and a sentence
-- where there is none.
local function find_source(item, take)
    local daemon, reason = inbox_api.find_daemon()
    if not daemon then return nil, reason .. ". Start it, then ask again." end
    local source = reaper.GetMediaItemTake_Source(take)
    if not source or reaper.TakeIsMIDI(take) then return nil, "This item is no audio." end
    if reaper.GetMediaItemInfo_Value(item, "D_LENGTH") > MAX_SECONDS then
        return nil, "At most ten minutes can be a source: split the item first."
    end
    if plays_whole_file(item, take, source) then
        return inbox_api.provide_source(reaper.GetMediaSourceFileName(source), daemon.out)
    end
    return render_take(item, take, source, daemon.out)
end

local function item_guid(item)
    local _, guid = reaper.GetSetMediaItemInfo_String(item, "GUID", "", false)
    return guid
end

local function take_name(take)
    local _, name = reaper.GetSetMediaItemTakeInfo_String(take, "P_NAME", "", false)
    return (name:gsub(" %(seed %d+%)$", ""):gsub("%.%w+$", ""))
end

-- The request that the take was made from; nil where it is not one of ours.
local function read_request(take)
    local mark = read_mark(take)
    local path = mark and as_text(mark.manifest) or ""
    local manifest = path ~= "" and inbox_api.decode(inbox_api.read_file(path, inbox_api.MAX_JSON))
    local request = type(manifest) == "table" and manifest.request
    if type(request) ~= "table" then return nil end
    return request, type(manifest.planned) == "table" and manifest.planned or {}
end

local function ask_prompt(title, default)
    local confirmed, answer = reaper.GetUserInputs(
        title, 1, "What should it sound like?,separator=\n,extrawidth=320", default)
    return confirmed and read_fields(answer, 1)[1] or nil
end

-- What a clip of ours hands on to what is made of it.
local CARRIED = {"lyrics", "language", "bpm", "key", "time_signature", "beats_per_bar"}

-- Ask for something made of the selected item; it becomes another take of it.
local function ask_of_item(title, needs_prompt, complete)
    local item, take = find_selected()
    if not item then return show(take) end
    local values = {name = take_name(take)}
    local wish = {item = item_guid(item), at = reaper.GetMediaItemInfo_Value(item, "D_POSITION")}
    local problem = complete(values, wish, item)
    if problem then return show(problem) end
    if needs_prompt then
        local request = read_request(take)
        for _, name in ipairs(CARRIED) do
            local value = request and request[name]
            if value and value ~= "" and value ~= 0 and value ~= inbox_api.null then
                values[name] = value
            end
        end
        local old = request and as_text(request.prompt) or reaper.GetExtState(EXTENSION, "prompt")
        values.prompt = ask_prompt(title, old)
        if not values.prompt then return end
    end
    values.source, problem = find_source(item, take)
    if not values.source then return show(problem) end
    return ask_for(values, wish, 1)
end

function M.cover()
    return ask_of_item("acestepd: cover", true, function(values) values.task = "cover" end)
end

-- Make what is in the time selection anew.
function M.repaint()
    return ask_of_item("acestepd: repaint", true, function(values, _, item)
        local from, to = reaper.GetSet_LoopTimeRange(false, false, 0, 0, false)
        local position = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
        local length = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
        from = math.max(from - position, 0)
        to = math.min(to - position, length)
        if to - from < 0.1 then return "Put the time selection over the part to make anew." end
        values.task = "repaint"
        values.repaint_start = from
        values.repaint_end = to
        return nil
    end)
end

-- Its tracks as files of their own, on tracks of their own.
function M.stems()
    return ask_of_item("acestepd: stems", false, function(values, wish, item)
        values.task = "extract"
        wish.stems_only = true
        wish.length = reaper.GetMediaItemInfo_Value(item, "D_LENGTH")
        wish.track = reaper.GetTrackGUID(reaper.GetMediaItem_Track(item))
        return nil
    end)
end

-- The same wish with another seed, as another take of the item.
function M.reroll()
    local item, take = find_selected()
    if not item then return show(take) end
    local request, planned = read_request(take)
    if not request then
        return show("acestepd did not make this item, or its manifest is gone. Try a cover of it.")
    end
    local values = {}
    for name, value in pairs(request) do
        local is_known = type(value) ~= "table" and value ~= "" and name:match("^[%a_]+$")
        if is_known and planned[name] == nil then values[name] = value end
    end
    values.seed = math.random(0, 4294967295)
    values.name = as_text(request.name)
    local position = reaper.GetMediaItemInfo_Value(item, "D_POSITION")
    return ask_for(values, {item = item_guid(item), at = position}, 1)
end

return M
