-- Tell which of some ids are in each of several id sets of one slot.
-- KEYS: state and members, for each set.  ARGV: ids.
-- Returns the entry of each state; a value, maybe behind the mark of a run, is followed by ':' and a '1' or '0' for each id. Evicted members
-- are noticed by the missing sentinel 0, which no id can be; the state is then deleted as well.
local MOST = 1000 -- arguments of one command: Lua's stack has room for 8,000

local function flags(members)
  local parts = {}
  for from = 1, #ARGV, MOST do
    local some = redis.call('SMISMEMBER', members, unpack(ARGV, from, math.min(from + MOST - 1, #ARGV)))
    parts[#parts + 1] = table.concat(some)
  end
  return table.concat(parts)
end

local answers = {}
for i = 1, #KEYS, 2 do
  local entry = redis.call('GET', KEYS[i])
  if entry and string.find(entry, '^V') or entry and string.find(entry, '^E%x+V') then
    if redis.call('SISMEMBER', KEYS[i + 1], 0) == 0 then
      redis.call('DEL', KEYS[i])
      entry = false
    else
      entry = entry .. ':' .. flags(KEYS[i + 1])
    end
  end
  answers[#answers + 1] = entry
end
return answers
