-- Take one writer's claim out of every hold. The last writer deletes the key, and so does a writer who finds no hold at
-- all (evicted, or outlived): an entry that a reader filled there meanwhile may be older than this commit.
-- KEYS: entries.  ARGV: token.
for _, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local claims = others(entry, ARGV[1])
  if claims ~= '' then
    redis.call('SET', key, 'H' .. claims, 'KEEPTTL')
  elseif entry then
    redis.call('DEL', key)
  end
end
return #KEYS
