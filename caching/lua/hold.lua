-- Join the hold on every key, or begin one in place of whatever stands there.
-- A hold is 'H' followed by 29-byte claims: a 16-byte token and the 13-digit time (ms) after which its writer is
-- surely dead. Claims carry their own time so that a crashed writer cannot be kept alive by later ones joining.
-- The first to hold an id set keeps its floor behind the claims, as '|floor': if nobody joins, its lift restores it.
-- KEYS: entries.  ARGV: token, life in ms, '1' for id sets.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local claim = ARGV[1] .. string.format('%013.0f', now + ARGV[2])
for _, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local claims, kept = '', ''
  if ARGV[3] == '1' and entry and string.sub(entry, 1, 1) == 'V' then
    kept = '|' .. string.sub(entry, 2)
  end
  if entry and string.sub(entry, 1, 1) == 'H' then
    for at = 2, #entry - 28, 29 do
      local other = string.sub(entry, at, at + 28)
      if string.sub(other, 1, 16) ~= ARGV[1] and tonumber(string.sub(other, 17)) > now then
        claims = claims .. other
      end
    end
  end
  redis.call('SET', key, 'H' .. claims .. claim .. kept, 'PX', ARGV[2])
end
return #KEYS
