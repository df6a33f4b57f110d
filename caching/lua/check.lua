-- Ask an id set which of some ids it has.
-- KEYS: state, members.  ARGV: ids.
-- Returns the state's entry; a usable one is followed by ':' and a '1' or '0' for each id. Members that were evicted
-- are noticed by the missing sentinel 0, which no id can be: the state is then deleted as well.
local entry = redis.call('GET', KEYS[1])
if not entry or string.sub(entry, 1, 1) ~= 'V' then
  return entry
end
local flags = redis.call('SMISMEMBER', KEYS[2], 0, unpack(ARGV))
if flags[1] == 0 then
  redis.call('DEL', KEYS[1])
  return false
end
return entry .. ':' .. table.concat(flags, '', 2)
