-- POST of many clients at once with names that no other request of this run uses.
-- Arguments: prefix, seed, path, a word that no other wrk run uses, how many clients a request has.

local common = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "common.lua")
local path, word, count
local sent = 0

function init(args)
  path = common.start(args) .. args[3]
  word, count = args[4], tonumber(args[5])
  wrk.headers["Content-Type"] = "application/json"
end

function request()
  local records = {}
  for at = 1, count do
    records[at] = string.format('{"name":"Bulk %s %02d%06d%04d"}', word, thread_number, sent, at)
  end
  sent = sent + 1
  return wrk.format("POST", path, nil, "[" .. table.concat(records, ",") .. "]")
end
