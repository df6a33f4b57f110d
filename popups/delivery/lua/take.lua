-- Take events for a consumer: its own unacknowledged ones, else those of idle consumers, else new ones.
-- KEYS: stream.  ARGV: group, consumer, maximum number of events, idle time in ms after which a consumer's events are
-- taken over, idle time in ms after which a consumer without events is deleted.
-- Returns [[id, [field, value, …]], …], or 'sealed'. Creates the group if it is missing, from the beginning of the
-- stream.
local group, consumer, limit = ARGV[1], ARGV[2], ARGV[3]
local created = redis.pcall('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM')
if created.err and string.sub(created.err, 1, 9) == 'WRONGTYPE' then
  return 'sealed'
end
local function read(from)
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', limit, 'STREAMS', KEYS[1], from)
  return reply and reply[1] and reply[1][2] or {}
end
local own = read('0')
if #own > 0 then
  return own
end
local idle = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, ARGV[4], '0-0', 'COUNT', limit)[2]
if #idle > 0 then
  return idle
end
local new = read('>')
if #new == 0 then
  -- Without work, delete the consumers of ended processes. A consumer with unacknowledged events is never deleted.
  for _, fields in ipairs(redis.call('XINFO', 'CONSUMERS', KEYS[1], group)) do
    local other = {}
    for i = 1, #fields, 2 do
      other[fields[i]] = fields[i + 1]
    end
    if other.pending == 0 and other.idle > tonumber(ARGV[5]) then
      redis.call('XGROUP', 'DELCONSUMER', KEYS[1], group, other.name)
    end
  end
end
return new
