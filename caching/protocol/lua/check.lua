-- Tell which of some ids are in each of several id sets of one slot.
-- KEYS: state and members, for each set.  ARGV: how many members a set may have to be told whole, then ids.
-- Returns the entry of each state; a value, maybe behind the mark of a run, is followed by ':' and a '1' or '0' for each
-- id, or by '=' and all members. Evicted members are noticed by the missing sentinel 0, which no id can be; the state is
-- then deleted as well.
local most_told = tonumber(ARGV[1])
local MOST = 1000 -- arguments of one command: Lua's stack has room for 8,000

local function flags(members)
  local parts = {}
  for from = 2, #ARGV, MOST do
    local some = redis.call('SMISMEMBER', members, unpack(ARGV, from, math.min(from + MOST - 1, #ARGV)))
    parts[#parts + 1] = table.concat(some)
  end
  return table.concat(parts)
end

local function told(members)
  if redis.call('SCARD', members) > most_told then
    return ':' .. flags(members)
  end
  return '=' .. table.concat(redis.call('SMEMBERS', members), ',')
end

local answers = {}
for i = 1, #KEYS, 2 do
  local entry = redis.call('GET', KEYS[i])
  if entry and string.find(entry, '^V') or entry and string.find(entry, '^E%x+V') then
    if redis.call('SISMEMBER', KEYS[i + 1], 0) == 0 then
      redis.call('DEL', KEYS[i])
      entry = false
    else
      entry = entry .. told(KEYS[i + 1])
    end
  end
  answers[#answers + 1] = entry
end
return answers
