-- Limit a shard to what it has shown of a popup.
-- KEYS: total.  ARGV: revision that the caller knows of, total cap.
-- Returns {shown, revision of this change}, or an empty list if there is no total.
local total = redis.call('GET', KEYS[1])
local shown, revision = string.match(total or '', '^V(%d+)/%d+/(%d+)/%d+$')
if not shown then
  return {}
end
revision = string.format('%.0f', math.max(tonumber(revision), tonumber(ARGV[1])) + 1)
redis.call('SET', KEYS[1], 'V' .. shown .. '/' .. shown .. '/' .. revision .. '/' .. ARGV[2], 'KEEPTTL')
return {shown, revision}
