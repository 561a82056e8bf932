-- POST of one client with a name that no other request of this run uses.
-- Arguments: prefix, seed, path, a word that no other wrk run uses, and, for a writer that is not to
-- write as fast as it can, the milliseconds that each connection waits before a request.

local common = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "common.lua")
local head, tail
local created = 0
local wait_ms = 0

function init(args)
  local prefix = common.start(args)
  wrk.headers["Content-Type"] = "application/json"
  head, tail = common.around("POST", prefix .. args[3], '[{"name":"Load ' .. args[4] .. ' @"}]')
  wait_ms = tonumber(args[5] or "0")
  if wait_ms == 0 then
    delay = nil
  end
end

function delay()
  return wait_ms
end

function request()
  created = created + 1
  return head .. string.format("%02d%08d", thread_number, created) .. tail
end
