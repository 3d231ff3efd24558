-- @noindex
-- Ask acestepd for takes; the time selection sets their bars.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.ask()
