-- GET with one part of the path drawn at random from a file.
-- Arguments: prefix, seed, path with an @ where the drawn text goes, file with one text a line.

local common = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "common.lua")
local head, tail, texts

function init(args)
  local prefix = common.start(args)
  head, tail = common.around("GET", prefix .. args[3])
  texts = common.lines(args[4])
end

function request()
  return head .. texts[math.random(#texts)] .. tail
end
