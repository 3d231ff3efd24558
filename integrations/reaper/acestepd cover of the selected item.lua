-- @noindex
-- Play the selected item in another way, as another take of it.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.cover()
