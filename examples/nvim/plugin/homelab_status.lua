-- Put the folder of this plugin into 'runtimepath', or into a package. :HomelabStatus shows the cluster;
-- $HOMELAB_INVENTORY, where it is set, is monitored from the start.
vim.api.nvim_create_user_command("HomelabStatus", function()
    require("homelab_status").open()
end, { desc = "Show the state of the AI cluster" })

if vim.env.HOMELAB_INVENTORY then
    vim.o.statusline = "%f %m%=%{%v:lua.require'homelab_status'.line()%} %l:%c "
    require("homelab_status").setup({ inventory = vim.env.HOMELAB_INVENTORY })
end
