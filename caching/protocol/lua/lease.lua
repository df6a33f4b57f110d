-- Take a lease on every key that is absent, or still holds the exact entry the caller could not use.
-- KEYS: entries.  ARGV: lease entry, life in ms, then per key the unusable entry that was seen ('' if none).
-- Returns per key: '' where the lease was taken, else the entry that stands there now.
local answers = {}
for i, key in ipairs(KEYS) do
  local now = redis.call('GET', key)
  local seen = ARGV[2 + i]
  if not now or (seen ~= '' and now == seen) then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
    answers[i] = ''
  else
    answers[i] = now
  end
end
return answers
