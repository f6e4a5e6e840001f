-- :[range]HomelabAsk [question] sends the lines (the whole buffer without a range) to the model that suits them;
-- $HOMELAB_INVENTORY, where it is set, is the cluster.
vim.api.nvim_create_user_command("HomelabAsk", function(command)
    require("homelab_ask").range(command.line1, command.line2, command.args)
end, { desc = "Ask the AI cluster about lines", nargs = "*", range = "%" })

if vim.env.HOMELAB_INVENTORY then
    require("homelab_ask").setup({ inventory = vim.env.HOMELAB_INVENTORY })
end
