-- @noindex
-- Make a part of the selected item anew, as another take of it.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.repaint()
