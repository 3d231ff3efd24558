-- @description acestepd: put clips into the project as they are made
-- @version 0.1.0
-- @author acestepd
-- @provides
--   [main] acestepd ask.lua
--   [main] acestepd cover of the selected item.lua
--   [main] acestepd repaint the time selection of the selected item.lua
--   [main] acestepd stems of the selected item.lua
--   [main] acestepd reroll the selected item.lua
--   [nomain] acestepd_reaper.lua
--   [nomain] ../shared/acestep_inbox.lua > acestep_inbox.lua
--   [nomain] acestepd.ReaperOSC
-- @about
--   Runs until you end it. What acestepd makes becomes an item on the selected track at the edit
--   cursor, several takes become takes of one item, stems get tracks of their own.

local _, path = reaper.get_action_context()
local acestepd = dofile(path:match("^(.*[/\\])") .. "acestepd_reaper.lua")
acestepd.run()
