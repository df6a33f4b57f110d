-- Return the id of the oldest event of a shard, sealed or not; false if there is none.
-- KEYS: stream, sealed stream.
for _, stream in ipairs({KEYS[2], KEYS[1]}) do
  local entries = redis.pcall('XRANGE', stream, '-', '+', 'COUNT', 1)
  if entries[1] then return entries[1][1] end
end
return false
