-- Find the showings of a popup in the stream.
-- KEYS: stream.  ARGV: popup, id to begin after ('' for the beginning), maximum number of events to read.
-- Returns {id of the last event read ('' at the end), ids of showings…}, or 'sealed'.
local from = ARGV[2] == '' and '-' or '(' .. ARGV[2]
local entries = redis.pcall('XRANGE', KEYS[1], from, '+', 'COUNT', ARGV[3])
if entries.err then
  return 'sealed'
end
local found = {''}
for _, entry in ipairs(entries) do
  local event = {}
  for i = 1, #entry[2], 2 do
    event[entry[2][i]] = entry[2][i + 1]
  end
  if event.type == 'shown' and event.popup == ARGV[1] then
    found[#found + 1] = entry[1]
  end
  found[1] = entry[1]
end
return found
