-- Take one writer's claim out of every hold; the last one out deletes the key, and so does a writer who finds
-- no hold at all (it was evicted, or outlived): whatever a reader put there may be older than this commit.
-- KEYS: entries.  ARGV: token.
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
for _, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local claims = ''
  if entry and string.sub(entry, 1, 1) == 'H' then
    for at = 2, #entry - 28, 29 do
      local other = string.sub(entry, at, at + 28)
      if string.sub(other, 1, 16) ~= ARGV[1] and tonumber(string.sub(other, 17)) > now then
        claims = claims .. other
      end
    end
  end
  if claims ~= '' then
    redis.call('SET', key, 'H' .. claims, 'KEEPTTL')
  elseif entry then
    redis.call('DEL', key)
  end
end
return #KEYS
