-- Tell which of some ids are in each of several id sets of one slot.
-- KEYS: state and members, for each set.  ARGV: ids.
-- Returns the entry of each state; a usable one is followed by ':' and a '1' or '0' for each id. Evicted members
-- are noticed by the missing sentinel 0, which no id can be; the state is then deleted as well.
local answers = {}
for i = 1, #KEYS, 2 do
  local entry = redis.call('GET', KEYS[i])
  if entry and string.sub(entry, 1, 1) == 'V' then
    local flags = redis.call('SMISMEMBER', KEYS[i + 1], 0, unpack(ARGV))
    if flags[1] == 0 then
      redis.call('DEL', KEYS[i])
      entry = false
    else
      entry = entry .. ':' .. table.concat(flags, '', 2)
    end
  end
  answers[#answers + 1] = entry
end
return answers
