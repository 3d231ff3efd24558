ardour {
    ["type"] = "EditorHook",
    name = "acestepd: import by itself",
    author = "acestepd",
    license = "Apache-2.0",
    description = [[Import what acestepd makes at the playhead as it comes, but never into a recording.]],
}

function signals()
    return LuaSignal.Set():add({[LuaSignal.LuaTimerS] = true})
end

function factory()
    local tick
    return function()
        if tick == nil then
            local folder = ARDOUR.user_config_directory(-1) .. "/scripts/"
            local chunk = io and os and loadfile and loadfile(folder .. "acestepd_lib.lua")
            tick = chunk and chunk(folder).new_hook() or false
            if not tick then
                print("acestepd: this needs acestepd_lib.lua in " .. folder
                    .. ", and scripts that may read files: see \"sandbox\" in the preferences")
            end
        end
        if tick then tick() end
    end
end
