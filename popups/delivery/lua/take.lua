-- Take events for a consumer: its own that it did not finish, else those of consumers who are silent, else new ones.
-- KEYS: stream.  ARGV: group, consumer, most events, silence in ms, silence after which a consumer is forgotten.
-- Returns [[id, [field, value, …]], …]. The group is made if it is missing, from the stream's beginning.
local group, consumer, most = ARGV[1], ARGV[2], ARGV[3]
redis.pcall('XGROUP', 'CREATE', KEYS[1], group, '0', 'MKSTREAM')
local function read(from)
  local reply = redis.call('XREADGROUP', 'GROUP', group, consumer, 'COUNT', most, 'STREAMS', KEYS[1], from)
  return reply and reply[1] and reply[1][2] or {}
end
local own = read('0')
if #own > 0 then
  return own
end
local left = redis.call('XAUTOCLAIM', KEYS[1], group, consumer, ARGV[4], '0-0', 'COUNT', most)[2]
if #left > 0 then
  return left
end
local new = read('>')
if #new == 0 then
  -- Nothing to do: a time to forget consumers that are gone for good. What one has not finished is never forgotten.
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
