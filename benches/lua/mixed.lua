-- 90 of 100 requests read one client, 5 list a page, 5 create a client.
-- Arguments: prefix, seed, file with ids, number of pages, a word that no other wrk run uses, and the
-- sizes of the three replies, with which the limit server (prefix not empty) is asked.

local common = dofile((debug.getinfo(1, "S").source:match("^@(.*/)") or "./") .. "common.lua")
local get_head, get_tail, list_head, list_tail, post_head, post_tail, ids, pages
local created = 0

function init(args)
  local limit = common.start(args) ~= ""
  local function prefix(size)
    return limit and ("/fixed/" .. size .. "?") or ""
  end
  get_head, get_tail = common.around("GET", prefix(args[6]) .. "/api/Client/@")
  list_head, list_tail = common.around("GET",
    prefix(args[7]) .. "/api/Client?pageinate=true&page_size=50&page_no=@")
  wrk.headers["Content-Type"] = "application/json"
  post_head, post_tail = common.around("POST", prefix(args[8]) .. "/api/Client",
    '[{"name":"Mixed ' .. args[5] .. ' @"}]')
  ids, pages = common.lines(args[3]), tonumber(args[4])
end

function request()
  local draw = math.random(100)
  if draw <= 90 then
    return get_head .. ids[math.random(#ids)] .. get_tail
  elseif draw <= 95 then
    return list_head .. math.random(pages) .. list_tail
  end
  created = created + 1
  return post_head .. string.format("%02d%08d", thread_number, created) .. post_tail
end
