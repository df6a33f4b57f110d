-- Tell a shard what it is granted of a total cap, unless it knows of a later change.
-- KEYS: total.  ARGV: limit, revision, total cap.
-- Returns whether the limit is in force.
local total = redis.call('GET', KEYS[1])
local shown, revision = string.match(total or '', '^V(%d+)/%d+/(%d+)/%d+$')
if not shown or tonumber(revision) >= tonumber(ARGV[2]) then
  return 0
end
redis.call('SET', KEYS[1], 'V' .. shown .. '/' .. ARGV[1] .. '/' .. ARGV[2] .. '/' .. ARGV[3], 'KEEPTTL')
return 1
