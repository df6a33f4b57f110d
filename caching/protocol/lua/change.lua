-- Lift a hold on an id set after commit. The only holder there ever was may keep the set by applying what it wrote.
-- Where a second writer joined, the kept floor is gone already, because lifts may come in another order than commits.
-- Where the other hold began after this one was evicted, the set that it keeps may be older than this commit: it goes.
-- KEYS: state, members.  ARGV: token, greatest number of members, life in ms, then ids, negative ones were removed.
local entry = redis.call('GET', KEYS[1])
if not entry then
  return 0
end
local claims, mine = others(entry, ARGV[1])
if claims ~= '' then
  redis.call('SET', KEYS[1], 'H' .. claims, 'KEEPTTL')
  return 0
end
local mark, floor = string.match(entry, '^H[^|]*|(E?%x*)V(%d+)$')
if not mine or not floor or redis.call('SISMEMBER', KEYS[2], 0) == 0 then
  redis.call('DEL', KEYS[1], KEYS[2])
  return 0
end
for at = 4, #ARGV do
  local id = ARGV[at]
  if string.sub(id, 1, 1) == '-' then
    redis.call('SREM', KEYS[2], string.sub(id, 2))
  elseif #id > #floor or (#id == #floor and id >= floor) then
    redis.call('SADD', KEYS[2], id)
  end
end
if redis.call('SCARD', KEYS[2]) > tonumber(ARGV[2]) then
  redis.call('DEL', KEYS[1], KEYS[2])
  return 0
end
redis.call('SET', KEYS[1], mark .. 'V' .. floor, 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
