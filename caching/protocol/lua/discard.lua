-- Delete entries and leases, so that a reader who is loading fills nothing; the claims of living writers stay, without
-- the floor of an id set that the lift would restore.
-- KEYS: entries, and members of id sets.  ARGV: '1' to delete, '0' to tell only.
-- Returns for each key whether an entry was, or would be, deleted.
local answers = {}
for i, key in ipairs(KEYS) do
  answers[i] = 0
  if redis.call('TYPE', key).ok ~= 'string' then
    if ARGV[1] == '1' then
      redis.call('DEL', key)
    end
  else
    local entry = redis.call('GET', key)
    local claims = others(entry, '')
    if claims == '' then
      answers[i] = 1
    end
    if ARGV[1] == '1' then
      if claims == '' then
        redis.call('DEL', key)
      else
        redis.call('SET', key, 'H' .. claims, 'KEEPTTL')
      end
    end
  end
end
return answers
