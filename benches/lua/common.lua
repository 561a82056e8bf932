-- What the request scripts share: one number a thread, requests built by joining three strings, and
-- the result as one line of JSON.

local common = {}

local threads = 0

function setup(thread)
  thread:set("thread_number", threads)
  threads = threads + 1
end

-- Arguments of every script: the path's prefix (empty for Aureole, "/fixed/BYTES?" for the limit
-- server, so that both sides get the same request), the seed, then the script's own.
function common.start(args)
  math.randomseed(tonumber(args[2]) * 1000 + thread_number)
  return args[1]
end

-- The request text before and after what varies, marked by an @ in the path or in the body. wrk needs
-- about as long to format a request as a server to answer it, so it is done once. In a body, whatever
-- replaces the @ must have 10 characters, like the mark, because Content-Length is part of the text.
function common.around(method, path, body)
  local mark = "==VARIES=="
  local text = wrk.format(method, (path:gsub("@", mark)), nil, body and (body:gsub("@", mark)))
  local from, to = text:find(mark, 1, true)
  return text:sub(1, from - 1), text:sub(to + 1)
end

function common.lines(path)
  local lines = {}
  for line in io.lines(path) do
    lines[#lines + 1] = line
  end
  return lines
end

function done(summary, latency, requests)
  io.write(string.format(
    'RESULT {"requests":%d,"duration_us":%d,"bytes":%d,"p50_us":%d,"p99_us":%d,'
      .. '"connect":%d,"read":%d,"write":%d,"status":%d,"timeout":%d}\n',
    summary.requests, summary.duration, summary.bytes,
    latency:percentile(50), latency:percentile(99),
    summary.errors.connect, summary.errors.read, summary.errors.write,
    summary.errors.status, summary.errors.timeout))
end

return common
