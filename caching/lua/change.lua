-- Lift a hold on an id set after commit. Its only holder ever, and no other, may keep the set by applying what it
-- wrote: where a second writer joined, the kept set is gone already, because lifts may come in another order than commits.
-- If the other one's hold began after this one was evicted, what that keeps may be older than this commit: it goes.
-- KEYS: state, members.  ARGV: token, greatest number of members, life in ms, then ids, negative ones were removed.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local entry = redis.call('GET', KEYS[1])
if not entry then
  return 0
end
local claims, kept, mine = '', '', false
if string.sub(entry, 1, 1) == 'H' then
  for at = 2, #entry - 28, 29 do
    local claim = string.sub(entry, at, at + 28)
    if string.sub(claim, 1, 16) == ARGV[1] then
      mine = true
    elseif tonumber(string.sub(claim, 17)) > now then
      claims = claims .. claim
    end
  end
  kept = string.match(entry, '|%d+$') or ''
end
if claims ~= '' then
  redis.call('SET', KEYS[1], 'H' .. claims, 'KEEPTTL')
  return 0
end
local floor = string.sub(kept, 2)
if not mine or kept == '' or redis.call('SISMEMBER', KEYS[2], 0) == 0 then
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
redis.call('SET', KEYS[1], 'V' .. floor, 'PX', ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
