-- @noindex
-- The same wish with another seed, as another take of the selected item.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.reroll()
