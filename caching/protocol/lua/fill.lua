-- Compare-and-set: put a loaded entry where the caller's own lease still stands.
-- KEYS: entries.  ARGV: lease entry, then per key the new entry and its life in ms ('' gives the lease back).
-- Returns the positions of the keys that no longer carried the lease and were left alone.
local refused = {}
for i, key in ipairs(KEYS) do
  if redis.call('GET', key) ~= ARGV[1] then
    refused[#refused + 1] = i
  elseif ARGV[2 * i] == '' then
    redis.call('DEL', key)
  else
    redis.call('SET', key, ARGV[2 * i], 'PX', ARGV[2 * i + 1])
  end
end
return refused
