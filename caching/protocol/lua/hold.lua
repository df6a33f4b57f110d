-- Join the hold on every key, or begin one in place of the entry that stands there.
-- The first to hold an id set keeps its floor behind the claims, as '|floor': if no second writer joins, the lift of
-- the first restores the set.
-- KEYS: entries.  ARGV: token, ms after which readers may ask the database, life in ms, '1' for id sets.
local claim = ARGV[1] .. string.format('%013.0f', now + ARGV[2])
for _, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local kept = ''
  if ARGV[4] == '1' and entry and string.sub(entry, 1, 1) == 'V' then
    kept = '|' .. string.sub(entry, 2)
  end
  redis.call('SET', key, 'H' .. (others(entry, ARGV[1])) .. claim .. kept, 'PX', ARGV[3])
end
return #KEYS
