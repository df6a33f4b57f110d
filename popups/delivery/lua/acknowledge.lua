-- Acknowledge and delete events after the commit, and count them down in the states of their users.
-- KEYS: stream, states.  ARGV: group, prefix of a state, TTL in ms of a state without pending events, then per event
-- its id and the position of its user's state among KEYS, 0 for none.
-- Returns the number of events that this call acknowledged, or 'sealed'.
local group, prefix = ARGV[1], ARGV[2]
local acknowledged, drained = 0, {}
for i = 4, #ARGV, 2 do
  local acked = redis.pcall('XACK', KEYS[1], group, ARGV[i])
  if type(acked) == 'table' then
    return 'sealed'
  end
  if acked == 1 then
    redis.call('XDEL', KEYS[1], ARGV[i])
    local position = tonumber(ARGV[i + 1])
    drained[position] = (drained[position] or 0) + 1
    acknowledged = acknowledged + 1
  end
end
drained[0] = nil
for position, count in pairs(drained) do
  local key = KEYS[position]
  local entry = redis.call('GET', key)
  if entry and string.sub(entry, 1, #prefix) == prefix then
    local state = cmsgpack.unpack(string.sub(entry, #prefix + 1))
    state[1] = math.max(0, state[1] - count)
    entry = prefix .. cmsgpack.pack(state)
    if state[1] == 0 then
      redis.call('SET', key, entry, 'PX', ARGV[3])
    else
      redis.call('SET', key, entry, 'KEEPTTL')
    end
  end
end
return acknowledged
