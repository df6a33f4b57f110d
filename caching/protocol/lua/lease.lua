-- Take a lease on every key that is absent, or still holds the exact entry the caller could not use.
-- A hold may be taken only when all its claims are past, and by a caller who has then asked the database whether their
-- writers are still at work.
-- KEYS: entries.  ARGV: lease entry, life in ms, '1' if the caller has asked, then per key the unusable entry that was
-- seen ('' if none).
-- Returns per key: '' where the lease was taken, 'P' where a hold is past and the database is to be asked, else the
-- entry that stands there now.
local answers = {}
for i, key in ipairs(KEYS) do
  local entry = redis.call('GET', key)
  local seen = ARGV[3 + i]
  local answer = entry
  if not entry then
    answer = ''
  elseif seen ~= '' and entry == seen then
    answer = ''
    if string.sub(entry, 1, 1) == 'H' then
      local _, _, past = others(entry, '')
      if not past then
        answer = entry
      elseif ARGV[3] ~= '1' then
        answer = 'P'
      end
    end
  end
  if answer == '' then
    redis.call('SET', key, ARGV[1], 'PX', ARGV[2])
  end
  answers[i] = answer
end
return answers
