-- After the commit: forget events, and count them down in the states of their users.
-- KEYS: stream, states.  ARGV: group, prefix of a state, life of a settled state in ms, then per event its id and the
-- position of its user's state among KEYS, 0 for none.  Returns how many were settled by this call.
local group, prefix = ARGV[1], ARGV[2]
local settled, drained = 0, {}
for i = 4, #ARGV, 2 do
  if redis.call('XACK', KEYS[1], group, ARGV[i]) == 1 then
    redis.call('XDEL', KEYS[1], ARGV[i])
    local place = tonumber(ARGV[i + 1])
    drained[place] = (drained[place] or 0) + 1
    settled = settled + 1
  end
end
drained[0] = nil
for place, count in pairs(drained) do
  local key = KEYS[place]
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
return settled
