-- Compare-and-set of an id set: replace its members where the caller's own lease still stands.
-- KEYS: state, members.  ARGV: lease entry, new entry ('' gives the lease back), its life in ms, ids.
-- Returns whether the lease stood.
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
  return 0
end
redis.call('DEL', KEYS[2])
if ARGV[2] == '' then
  redis.call('DEL', KEYS[1])
  return 1
end
redis.call('SADD', KEYS[2], 0)
for from = 4, #ARGV, 1000 do
  redis.call('SADD', KEYS[2], unpack(ARGV, from, math.min(from + 999, #ARGV)))
end
redis.call('PEXPIRE', KEYS[2], ARGV[3])
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
