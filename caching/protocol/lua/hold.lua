-- Join the hold on every key, or begin one in place of the entry that stands there.
-- The first to hold an id set keeps its entry behind the claims, as '|Vfloor' with the mark of a run before the V, if
-- it has one: if no second writer joins, the lift of the first restores the set.
-- KEYS: entries, id sets first.  ARGV: token, ms after which readers may ask the database, life in ms, number of id sets.
local claim = ARGV[1] .. string.format('%013.0f', now + ARGV[2])
for number, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local kept = ''
  if entry and number <= tonumber(ARGV[4]) then
    kept = string.match(entry, '^V%d+$') or string.match(entry, '^E%x+V%d+$')
    kept = kept and '|' .. kept or ''
  end
  redis.call('SET', key, 'H' .. (others(entry, ARGV[1])) .. claim .. kept, 'PX', ARGV[3])
end
return #KEYS
