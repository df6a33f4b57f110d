-- Delete an id set, unless it says already of each given id what the database's log tells: a loaded set that its own
-- writers have changed stays. A lease goes, so that a reader who began to load before fills nothing.
-- KEYS: state, members.  ARGV: '1' to take the kept set out of a hold, '0' to leave it to its writers, who may be about to
-- change it; then ids, negative ones are out of the set.
-- Returns 1 for a set that is held and differs, and is to be asked for again; else 0.
local entry = redis.call('GET', KEYS[1])
if not entry then
  return 0
end
local claims = string.match(entry, '^(H[^|]*)')
local floor = string.match(entry, '^E?%x*V(%d+)$') or string.match(entry, '^H[^|]*|E?%x*V(%d+)$')
if claims and not floor then
  return 0
end
local differs = not floor
for at = 2, #ARGV do
  local id = string.gsub(ARGV[at], '^-', '')
  if floor and (#id > #floor or (#id == #floor and id >= floor)) then
    differs = differs or (redis.call('SISMEMBER', KEYS[2], id) == 1) ~= (id == ARGV[at])
  end
end
if not differs then
  return 0
elseif not claims then
  redis.call('DEL', KEYS[1], KEYS[2])
elseif ARGV[1] == '1' then
  redis.call('SET', KEYS[1], claims, 'KEEPTTL')
else
  return 1
end
return 0
