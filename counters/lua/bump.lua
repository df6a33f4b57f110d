-- Add committed deltas to a cached block of counters, if it is there.
-- KEYS: entry.  ARGV: the prefix of a value, then per delta its position in the block, its amount and its id.
-- A delta whose id is not above the block's mark may be in its values already and is left out: too little, until the
-- roll-up drops the block, rather than twice.
local entry = redis.call('GET', KEYS[1])
local prefix = ARGV[1]
if not entry or string.sub(entry, 1, #prefix) ~= prefix then
  return 0
end
local values = cmsgpack.unpack(string.sub(entry, #prefix + 1))
local added = 0
for i = 2, #ARGV, 3 do
  local at = tonumber(ARGV[i]) + 2
  if tonumber(ARGV[i + 2]) > values[1] then
    values[at] = values[at] + tonumber(ARGV[i + 1])
    added = added + 1
  end
end
if added > 0 then
  redis.call('SET', KEYS[1], prefix .. cmsgpack.pack(values), 'KEEPTTL')
end
return added
