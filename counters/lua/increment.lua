-- Add committed deltas to a cached block of counters, if it exists.
-- KEYS: block.  ARGV: the prefix of a value, then per delta its position in the block, its amount and its id.
-- Returns the number of deltas that were added.
-- A delta whose id is not above the block's watermark may be in the values already, and is left out: a value may be too
-- low until the roll-up invalidates the block, but no delta is added twice.
local entry = redis.call('GET', KEYS[1])
local prefix = ARGV[1]
if not entry or string.sub(entry, 1, #prefix) ~= prefix then
  return 0
end
local values = cmsgpack.unpack(string.sub(entry, #prefix + 1))
local watermark, added = values[1], 0
for i = 2, #ARGV, 3 do
  local position = tonumber(ARGV[i]) + 2
  if tonumber(ARGV[i + 2]) > watermark then
    values[position] = values[position] + tonumber(ARGV[i + 1])
    added = added + 1
  end
end
if added > 0 then
  redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(values), 'KEEPTTL')
end
return added
