-- @noindex
-- Take the selected item apart, onto tracks of their own.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.stems()
