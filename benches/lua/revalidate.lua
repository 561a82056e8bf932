-- GET by id with the entity tag that the record has: the reply is 304, without a body.
-- Arguments: prefix, seed, path with an @ where the id goes, file with "ID TAG" lines.

local common = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "common.lua")
local head, middle, tail
local requests = {}

function init(args)
  local prefix = common.start(args)
  wrk.headers["If-None-Match"] = "==TAG=="
  head, tail = common.around("GET", prefix .. args[3])
  -- Where the id stands is known; the tag stands before or after it, as wrk orders its headers.
  local from, to = tail:find("==TAG==", 1, true)
  middle, tail = tail:sub(1, from - 1), tail:sub(to + 1)
  for number, line in ipairs(common.lines(args[4])) do
    local id, tag = line:match("^(%S+) (%S+)$")
    requests[number] = { id, tag }
  end
end

function request()
  local one = requests[math.random(#requests)]
  return head .. one[1] .. middle .. one[2] .. tail
end
