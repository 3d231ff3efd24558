ardour {
    ["type"] = "EditorAction",
    name = "acestepd: ask",
    author = "acestepd",
    license = "Apache-2.0",
    description = [[Ask acestepd for takes at the tempo of the session.]],
}

function factory()
    return function()
        local folder = ARDOUR.user_config_directory(-1) .. "/scripts/"
        local chunk = io and os and loadfile and loadfile(folder .. "acestepd_lib.lua")
        if not chunk then
            LuaDialog.Message(
                "acestepd",
                "This needs acestepd_lib.lua in " .. folder .. ", and scripts that may read files: "
                    .. "see \"sandbox\" in the preferences.",
                LuaDialog.MessageType.Info, LuaDialog.ButtonType.Close):run()
            return
        end
        chunk(folder).ask()
    end
end
